"""What surrounds an operation: is it recorded, who interprets it, in which part of the model does it stand.

All of it is one value in one context variable, so that it is right in threads, in asyncio tasks and through exceptions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np

F = TypeVar("F", bound=Callable[..., Any])


class Scope(NamedTuple):
    """A place in the model or in a composed function: a linked list, so that entering one costs one small object."""

    name: str
    kind: str  # "module" or "function"
    parent: Scope | None

    def chain(self) -> list[Scope]:
        """The scopes from the outermost to this one."""
        scopes: list[Scope] = []
        scope: Scope | None = self
        while scope is not None:
            scopes.append(scope)
            scope = scope.parent
        return scopes[::-1]

    @property
    def path(self) -> str:
        """Names joined by dots, the composed functions behind a slash: ``features.0/conv2d``."""
        names = {"module": [], "function": []}  # type: dict[str, list[str]]
        for scope in self.chain():
            names[scope.kind].append(scope.name)
        return "/".join(".".join(part) for part in names.values() if part)


def quiet(primitive: Any, values: list[Any], params: dict[str, Any]) -> np.ndarray:
    """:func:`eager` where floating-point warnings are switched off already."""
    value = primitive.eval(*values, **params) if params else primitive.eval(*values)  # an empty ** would be copied
    return value if type(value) is np.ndarray else np.asarray(value)


def eager(primitive: Any, values: list[Any], params: dict[str, Any]) -> np.ndarray:
    """The interpreter that computes at once: NumPy values in, a NumPy array out, IEEE rules without warnings."""
    if primitive.silent:
        return quiet(primitive, values, params)
    with np.errstate(all="ignore"):
        value = primitive.eval(*values, **params) if params else primitive.eval(*values)
    return value if type(value) is np.ndarray else np.asarray(value)


class Context(NamedTuple):
    """The surroundings of an operation."""

    scope: Scope | None = None  # the first, since it changes most often
    recording: bool = True
    interpret: Callable[[Any, list[Any], dict[str, Any]], Any] = eager
    sources: bool = False  # keep the user's source line on every node
    operands: bool = False  # keep the operands' values on every node, for a drawing
    anomaly: bool = False  # look for the first NaN or infinity
    replaying: bool = False  # a checkpointed part runs again: side effects must not happen twice
    origin: Any = None  # in a backward pass that is recorded for a drawing: the node whose derivative is being computed
    trace: Any = None  # whoever holds the values of tensors meanwhile: see read() and write()

    def inside(self, name: str, kind: str) -> Context:
        """The same within another scope; ``_replace`` takes twice as long, which small operations would feel."""
        return Context(Scope(name, kind, self.scope), *self[1:])


_context: ContextVar[Context] = ContextVar("tinygrad_cv", default=Context())  # noqa: B039 (a Context is immutable)
current = _context.get


def read(tensor: Any) -> Any:
    """A tensor's value as it is here: its array, or what a trace holds in its place."""
    trace = _context.get().trace
    return tensor._value if trace is None else trace.read(tensor)


def write(tensor: Any, value: Any) -> None:
    """Give a tensor another value; within a trace the tensor itself stays as it is, so that others do not see it."""
    trace = _context.get().trace
    if trace is None:
        tensor._value = value
    else:
        trace.write(tensor, value)


def change(tensor: Any, value: Any) -> None:
    """Within a trace: write a value into a tensor's memory, so that what shares it changes too."""
    trace = _context.get().trace
    if not trace.change(tensor, value):
        trace.write(tensor, value)


@contextmanager
def using(**changes: Any) -> Iterator[Context]:
    """Run a block with some fields of the context changed."""
    before = _context.get()
    try:  # before the change: an interrupt may come right behind it
        _context.set(before._replace(**changes))
        yield _context.get()
    finally:
        _context.set(before)


@contextmanager
def scope(name: str, kind: str) -> Iterator[None]:
    """Everything recorded inside belongs to this module or composed function."""
    context = _context.get()
    try:
        _context.set(context.inside(name, kind))
        yield
    finally:
        _context.set(context)


def scoped(function: F) -> F:
    """Give a function a scope: what it records bears its name in drawings and in error messages."""
    name = function.__name__

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        context = _context.get()
        try:
            _context.set(context.inside(name, "function"))
            return function(*args, **kwargs)
        finally:
            _context.set(context)

    return cast(F, call)


def location() -> str:
    """The current scope in words, for the end of an error message: `` (in features.0/conv2d)``, or nothing."""
    here = current().scope
    return f" (in {here.path})" if here else ""


def no_grad() -> Any:
    """Operations inside are not recorded. Also a decorator: ``@no_grad()``.

    >>> import tinygrad_cv as tg
    >>> x = tg.ones(2, requires_grad=True)
    >>> with tg.no_grad():
    ...     (x * 2).requires_grad
    False
    """
    return using(recording=False)


def enable_grad() -> Any:
    """Operations inside are recorded, even within :func:`no_grad`."""
    return using(recording=True)


def is_grad_enabled() -> bool:
    """Whether operations are being recorded here."""
    return current().recording


def is_replaying() -> bool:
    """Whether a checkpointed part is being run again, for its gradient only."""
    return current().replaying
