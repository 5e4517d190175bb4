"""``tg.jit``: run a function from its compiled graph; trace it again when something that it depends on has changed."""

from __future__ import annotations

import inspect
import sys
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import update_wrapper
from types import MethodType
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, overload

import numpy as np

from ..compiler.options import Options
from ..core.collector import uncollected
from ..core.context import current, using
from ..core.errors import DTypeError, GraphError, TraceError
from ..core.variable import Writes
from ..ir.graph import Value
from ..ir.rewrite.multiply_less import Precision
from . import tree
from .cliff import Cliff
from .entry import Discarded, Entry, input_names
from .guards import Guards
from .hidden import unchanged
from .inspection import Inspected
from .recording import record
from .state import Overlay, restored
from .trace import TRACING, arguments
from .traces import Traces, key_of

if TYPE_CHECKING:
    from .tree import Key, Leaf

__all__ = ["Jitted", "jit"]

KEPT = 50  # lines of history that explain() shows
P = ParamSpec("P")
R = TypeVar("R")


@overload
def jit(
    function: Callable[P, R], *, maxsize: int = ..., precision: Precision = ..., memory: int | str | None = ...
) -> Jitted[P, R]: ...
@overload
def jit(
    *, maxsize: int = ..., precision: Precision = ..., memory: int | str | None = ...
) -> Callable[[Callable[P, R]], Jitted[P, R]]: ...
def jit(
    function: Any = None,
    *,
    maxsize: int = 16,
    precision: Precision = "default",
    memory: int | str | None = None,
) -> Any:
    """Compile a function: it computes the same, from a compiled graph. Also a decorator.

    The first call runs the function on tensors without values, records what it computes (forward and backward passes,
    updates) and compiles the record; later calls run the compiled graph. Tensors that the function closes over are read
    at every call, and written if it assigns to them: parameters, running statistics, gradients, the state of
    optimizers, the random state. Learning rates, momenta and betas are read, and a schedule's ``step()`` is taken, at
    every call.

    The function is traced again if anything else has changed: shapes and dtypes, whether gradients are recorded, other
    arguments, and globals, closed-over variables and attributes that the function depends on, such as ``training``.
    Other side effects, such as printing, happen only while tracing. Arrays among the arguments, NumPy's or another
    library's, are tensors in the function, and it cannot change them in place. The results are new tensors, even if the
    function returns one of its arguments.

    Args:
        function: takes and returns tensors, arrays, numbers, strings, None, and tuples, lists and dicts of them; other
            arguments, such as a model, are compared by identity.
        maxsize: how many traces to keep; the least recently used is dropped.
        precision: how far float32 sums over sliding windows may round, for speed: "exact", as if all products were
            added up; "default", with root mean squares of errors at most twice as large; "fast", four times.
        memory: what a call may need at most, as :meth:`Jitted.memory` counts it: bytes, or a text such as "512 MB".
            Values are computed again instead of being kept, which takes time and changes no bit.

    Raises:
        TraceError: the function needs a value that is not known while tracing, as a Python branch on a tensor does; or
            it changes an array that it was called with, draws random numbers from Python's or NumPy's generators, reads
            from an iterator or a file, or asks a clock.
        MemoryError: a call needs more memory than that, however much is computed again; it says how much.

    >>> import tinygrad_cv as tg
    >>> @tg.jit
    ... def f(x):
    ...     return (x * x).sum()
    >>> f(tg.tensor([1.0, 2.0])).item()
    5.0
    """
    if function is None:
        return lambda function: Jitted(function, maxsize, precision, memory)
    return Jitted(function, maxsize, precision, memory)


class Jitted(Inspected, Generic[P, R]):
    """A function and its compiled traces. Made by :func:`jit`.

    Attributes:
        function: the original function.
        maxsize: how many traces are kept.
        precision: how far sums over sliding windows may round.
        options: that, and the memory that a call may need.
    """

    function: Callable[P, R]
    guarded = ("function",)  # what guards look into where a function closes over this; not the traces

    def __init__(
        self,
        function: Callable[P, R],
        maxsize: int = 16,
        precision: Precision = "default",
        memory: int | str | None = None,
    ):
        if isinstance(function, Jitted):
            function = function.function
        if not callable(function):
            raise TypeError(f"jit of {type(function).__name__}: jit takes a function.")
        if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
            raise TypeError(f"jit of {_name(function)}: a generator or coroutine cannot be traced. Jit what it calls.")
        if not isinstance(maxsize, (int, np.integer)) or maxsize < 1:
            raise ValueError(f"jit: maxsize={maxsize!r}; it must be an integer of at least 1.")
        self.function, self.maxsize, self.precision = function, maxsize, precision
        self.options = Options.of(precision, memory)
        self._traces = Traces(maxsize)
        self._history: deque[str] = deque(maxlen=KEPT)
        self._notes: dict[str, int] = {}
        self._cliff = Cliff(maxsize)
        if hasattr(function, "__name__"):
            update_wrapper(self, function, updated=())

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        context = current()
        if context.trace is not None or context.anomaly or context.operands:
            return self._original(args, kwargs)
        leaves: list[Leaf] = []
        others: list[Any] = []
        key = key_of(context, args, kwargs, leaves, others)
        entry, arrays = self._traces.find(key, leaves)
        if entry is None:
            with TRACING:
                entry, arrays = self._traces.find(key, leaves)
                if entry is None:
                    entry = self._trace(key, args, kwargs, leaves, others)
                    arrays = entry.arrays(leaves)
        if entry.locks:
            with ExitStack() as stack:
                for lock in entry.locks:
                    stack.enter_context(lock)
                return self._run(entry, leaves, None, args, kwargs)  # arrays may have changed before it had the locks
        return self._run(entry, leaves, arrays, args, kwargs)

    def _run(
        self,
        entry: Entry,
        leaves: list[Leaf],
        arrays: list[np.ndarray] | None,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        if arrays is None:  # also where the function changes what its own trace depends on
            arrays = entry.arrays(leaves, trusted=True)
            assert arrays is not None
        try:
            return entry.run(leaves, arrays)
        except Discarded:
            pass
        return self._without_graph(args, kwargs, entry)

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __reduce__(self) -> str | tuple[Any, ...]:
        return (
            _name(self)
            if self._is_named()
            else (Jitted, (self.function, self.maxsize, self.precision, self.options.memory))
        )

    def _is_named(self) -> bool:
        """Whether the function's name refers to this object, as after decorating: then a pickle holds the name."""
        found: Any = sys.modules.get(getattr(self, "__module__", None) or "")
        for name in getattr(self, "__qualname__", "").split("."):
            found = getattr(found, name, None)
        return found is self

    def __repr__(self) -> str:
        count = len(self._traces)
        return f"<jit of {_name(self.function)}, {count} trace{'' if count == 1 else 's'}>"

    # --- tracing ---

    @uncollected()
    def _trace(
        self, key: Key, args: tuple[Any, ...], kwargs: dict[str, Any], leaves: list[Leaf], others: list[Any]
    ) -> Entry:
        reason = self._traces.reason(key, leaves)
        start = time.perf_counter()
        roots = {"": self.function, **{f"{type(x).__name__} (argument {i})": x for i, x in enumerate(others)}}
        guards = Guards(roots)
        try:
            with restored(guards.objects()), unchanged(guards.walk), _refusing(_name(self.function), others):
                reached = [tensor for _, tensor in guards.tensors.values()]
                recording = record(self.function, args, kwargs, leaves, reached)
                _check_leaks(guards)
            if guards.unseen and not self._traces.made:
                self._warn(
                    f"{', '.join(guards.unseen)} cannot be looked into, so a change there will go unnoticed. "
                    "Pass what is read from it as an argument"
                )
        except BaseException:
            guards.put_back()
            raise
        changed = guards.broken()
        guards.add_volatile()
        traced = time.perf_counter()
        names = input_names(recording, guards, self.function, args, kwargs)
        entry = Entry(_name(self.function), recording, guards, leaves, others, names, self.options)
        guards.close()
        self._history.append(
            f"traced because {reason}: {1e3 * (traced - start):.0f} ms, "
            f"compiled in {1e3 * (time.perf_counter() - traced):.0f} ms"
            + (f"; it changes what it depends on, so each call is traced: {changed}" if changed else "")
        )
        message = self._cliff.message(self._traces.hits, reason, changed, guards.walk.codes)
        self._traces.keep(key, entry)
        if message:
            self._warn(message)
        return entry

    def _warn(self, what: str) -> None:
        warnings.warn(f"jit of {_name(self.function)}: {what}.", RuntimeWarning, stacklevel=4)

    def _entry(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Entry:
        """The trace for these arguments; without arguments, the one of the most recent call."""
        if args or kwargs or not len(self._traces):
            leaves: list[Leaf] = []
            others: list[Any] = []
            key = key_of(current(), args, kwargs, leaves, others)
            with TRACING:
                return self._traces.find(key, leaves)[0] or self._trace(key, args, kwargs, leaves, others)
        return self._traces.in_order_of_use()[-1]

    # --- running the original function ---

    def _original(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call the function itself: as part of another trace, or where each operation is observed."""
        context = current()
        if context.trace is None:
            note = "within detect_anomaly()" if context.anomaly else "for a drawing"
            self._notes[note] = self._notes.get(note, 0) + 1
        leaves: list[Leaf] = []
        tree.signature((args, kwargs), leaves, [])
        args, kwargs = tree.replaced((args, kwargs), iter(arguments(leaves)))
        return self.function(*args, **kwargs)

    def _without_graph(self, args: tuple[Any, ...], kwargs: dict[str, Any], entry: Entry) -> Any:
        """Call the function itself as a transaction: if it raises, nothing has changed."""
        overlay, writes = Overlay(), Writes()
        with restored(entry.guards.objects() if entry.guards else (), writes), using(trace=overlay):
            result = self._original(args, kwargs)
            overlay.commit(writes)
        return result


def _check_leaks(guards: Guards) -> None:
    """Refuse tensors of the trace that the function has stored somewhere."""
    after = Guards(guards.roots)
    after.add_volatile()
    leaks = [path for path, tensor in after.tensors.values() if isinstance(tensor._value, Value)]
    if leaks:
        raise TraceError(
            f"the function stores a tensor that it computed in {', '.join(leaks)}: a compiled call would "
            "not do that. Return it, or make a tensor there beforehand and .assign() to it."
        )


@contextmanager
def _refusing(name: str, others: list[Any]) -> Iterator[None]:
    """If an argument is an array that cannot become a tensor, the block raises: its own refusal, or this one."""
    refused = next(filter(None, map(tree.refusal, others)), None)
    try:
        yield
    except Exception as error:
        if refused is None or isinstance(error, (DTypeError, GraphError)):
            raise
    if refused is not None:
        raise type(refused)(f"jit of {name}: {refused}")


def _name(function: Callable[..., object]) -> str:
    return getattr(function, "__qualname__", type(function).__name__)
