"""Ambient state of an operation: whether it is recorded, which interpreter runs it, which module it belongs to.

It is one immutable value in one context variable, so that threads, asyncio tasks and exceptions each see their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

import numpy as np

if TYPE_CHECKING:
    from contextlib import _GeneratorContextManager

    from .primitive import Primitive
    from .tape import Node
    from .trace import Trace
    from .variable import Variable

F = TypeVar("F", bound=Callable[..., Any])


class Scope(NamedTuple):
    """A module or composed function that is running: a linked list, so that entering one allocates one small object."""

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
        """Names joined by dots, composed functions after a slash: ``features.0/conv2d``."""
        names: dict[str, list[str]] = {"module": [], "function": []}
        for scope in self.chain():
            names[scope.kind].append(scope.name)
        return "/".join(".".join(part) for part in names.values() if part)


def quiet(primitive: Primitive, values: list[Any], params: dict[str, Any]) -> np.ndarray:
    """:func:`eager`, for callers that have already silenced floating-point warnings."""
    value = primitive.eval(*values, **params) if params else primitive.eval(*values)  # an empty ** would be copied
    return value if type(value) is np.ndarray else np.asarray(value)


def eager(primitive: Primitive, values: list[Any], params: dict[str, Any]) -> np.ndarray:
    """The interpreter that computes immediately: NumPy arrays in, a NumPy array out, no floating-point warnings."""
    if primitive.silent:
        return quiet(primitive, values, params)
    with np.errstate(all="ignore"):
        value = primitive.eval(*values, **params) if params else primitive.eval(*values)
    return value if type(value) is np.ndarray else np.asarray(value)


Interpreter = Callable[["Primitive", list[Any], dict[str, Any]], Any]


class Context(NamedTuple):
    """The ambient state."""

    scope: Scope | None = None  # the first, since it changes most often
    recording: bool = True
    interpret: Interpreter = eager
    sources: bool = False  # keep the user's source line on every node
    operands: bool = False  # keep the operands' values on every node, for a drawing
    anomaly: bool = False  # raise at the first NaN or infinity
    replaying: bool = False  # a checkpointed function is running again: no side effect may happen twice
    origin: Node | None = None  # while a backward pass is recorded for a drawing: the node being differentiated
    trace: Trace | None = None

    def inside(self, name: str, kind: str) -> Context:
        """This context in an inner scope; ``_replace`` takes twice as long, which shows in small operations."""
        return Context(Scope(name, kind, self.scope), *self[1:])


_context: ContextVar[Context] = ContextVar("tinygrad_cv", default=Context())  # noqa: B039 (a Context is immutable)
current = _context.get


def read(tensor: Variable) -> Any:
    """A tensor's current value: its array, or what the trace holds for it."""
    trace = _context.get().trace
    return tensor._value if trace is None else trace.read(tensor)


def write(tensor: Variable, value: Any) -> None:
    """Give a tensor a new value; within a trace the tensor itself does not change, so no one outside sees it."""
    trace = _context.get().trace
    if trace is None:
        tensor._value = value
    else:
        trace.write(tensor, value)


def change(tensor: Variable, value: Any) -> None:
    """Within a trace: write a value into a tensor's memory, so that its views change too."""
    trace = _context.get().trace
    assert trace is not None
    if not trace.change(tensor, value):
        trace.write(tensor, value)


@contextmanager
def using(**changes: Any) -> Iterator[Context]:
    """Run a block with some fields of the context changed."""
    before = _context.get()
    try:  # includes the change itself: an interrupt may come right after it
        _context.set(before._replace(**changes))
        yield _context.get()
    finally:
        _context.set(before)


@contextmanager
def scope(name: str, kind: str) -> Iterator[None]:
    """Everything recorded inside is attributed to this module or composed function."""
    context = _context.get()
    try:
        _context.set(context.inside(name, kind))
        yield
    finally:
        _context.set(context)


Runner = Callable[[Callable[..., Any], Context, tuple[Any, ...], dict[str, Any]], Any]
_runner: Runner | None = None  # who runs composed functions that plain eager code calls; None: nobody else


def run_composed_by(runner: Runner | None) -> None:
    """Leave calls of composed functions to a runner, which gives what :func:`in_scope` would give.

    It sees calls of eager code, outside of other composed functions: none that is traced, drawn or searched for NaN.
    """
    global _runner
    _runner = runner


def runner() -> Runner | None:
    """Who runs composed functions, if anybody."""
    return _runner


def scoped(function: F) -> F:
    """Run a function in a scope of its name, which drawings and error messages show."""
    name = function.__name__

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        context = _context.get()
        if (
            _runner is not None
            and context.interpret is eager
            and (context.scope is None or context.scope.kind == "module")
            and context.trace is None
            and not (context.anomaly or context.operands or context.sources)
        ):
            return _runner(function, context, args, kwargs)
        try:
            _context.set(context.inside(name, "function"))
            result = function(*args, **kwargs)
            if context.trace is not None:
                context.trace.called(function, args, kwargs, result)
            return result
        finally:
            _context.set(context)

    return cast(F, call)


def in_scope(function: Callable[..., Any], context: Context, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A call in a scope of the function's name, within this context; the present one is restored."""
    before = _context.get()
    try:
        _context.set(context.inside(function.__name__, "function"))
        return function(*args, **kwargs)
    finally:
        _context.set(before)


def location() -> str:
    """The current scope, for the end of an error message: `` (in features.0/conv2d)``, or an empty string."""
    here = current().scope
    return f" (in {here.path})" if here else ""


def no_grad() -> _GeneratorContextManager[Context]:
    """Operations inside are not recorded. Also a decorator: ``@no_grad()``.

    >>> import tinygrad_cv as tg
    >>> x = tg.ones(2, requires_grad=True)
    >>> with tg.no_grad():
    ...     (x * 2).requires_grad
    False
    """
    return using(recording=False)


def enable_grad() -> _GeneratorContextManager[Context]:
    """Operations inside are recorded, even within :func:`no_grad`."""
    return using(recording=True)


def is_grad_enabled() -> bool:
    """Whether operations are currently recorded."""
    return current().recording


def is_replaying() -> bool:
    """Whether a checkpointed function is running again, only for its gradient."""
    return current().replaying
