"""``tg.jit``: run a function from its compiled graph. Traced anew whenever what it depends on has changed."""

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
from typing import Any, Generic, ParamSpec, TypeVar, overload

from ..core.collector import uncollected
from ..core.context import Context, current, using
from ..core.errors import DTypeError, GraphError, TraceError
from ..core.variable import Writes
from ..frontend.signature import signature
from ..ir.graph import Value
from . import tree
from .cliff import Cliff
from .entry import Discarded, Entry
from .guards import Guards
from .hidden import still
from .recording import record
from .state import Overlay, restored
from .trace import TRACING, arguments

__all__ = ["Jitted", "jit"]

KEPT = 50  # lines of history
P = ParamSpec("P")
R = TypeVar("R")


@overload
def jit(function: Callable[P, R], *, maxsize: int = ...) -> Jitted[P, R]: ...
@overload
def jit(*, maxsize: int = ...) -> Callable[[Callable[P, R]], Jitted[P, R]]: ...
def jit(function: Any = None, *, maxsize: int = 16) -> Any:
    """A function that computes the same as ``function``, from a compiled graph. Also a decorator.

    The first call runs the function on tensors without numbers, records what it computes, forward, backward and
    updates, and compiles it; the next ones run what was compiled. Tensors that the function closes over are read at
    every call, and written where it assigns to them: parameters, running statistics, gradients, the state of
    optimizers, the random state. A learning rate is read at every call, a schedule's ``step()`` taken at every call.

    It is traced again where something else has changed: shapes and dtypes, whether gradients are recorded, other
    arguments, and globals, closed-over variables and attributes that the function depends on, such as ``training``.
    Other effects, printing for instance, happen while tracing only. Arrays of numbers that it is called with, NumPy's
    or another library's, are tensors in the function, which it cannot change in place. What it returns are new tensors,
    also where the function returns an argument as it is.

    Args:
        function: takes and returns tensors, arrays, numbers, strings, None, and tuples, lists and dicts of them; other
            arguments, a model for instance, count by their identity.
        maxsize: how many traces to keep; the least recently used is dropped.

    Raises:
        TraceError: the function asks for a value that is not known while tracing, as a Python branch on a tensor does;
            or it changes an array that it was called with, draws random numbers of Python's or NumPy's, takes from an
            iterator or a file, or asks a clock.

    >>> import tinygrad_cv as tg
    >>> @tg.jit
    ... def f(x):
    ...     return (x * x).sum()
    >>> f(tg.tensor([1.0, 2.0])).item()
    5.0
    """
    if function is None:
        return lambda function: Jitted(function, maxsize)
    return Jitted(function, maxsize)


class Jitted(Generic[P, R]):
    """A function and its compiled traces. Made by :func:`jit`.

    Attributes:
        function: the function as it is written.
        maxsize: how many traces are kept.
    """

    function: Callable[P, R]
    guarded = ("function",)  # of what a function closes over: this is looked into, the traces are not

    def __init__(self, function: Callable[P, R], maxsize: int = 16):
        if isinstance(function, Jitted):
            function = function.function
        if not callable(function):
            raise TypeError(f"jit of {type(function).__name__}: it takes a function.")
        if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
            raise TypeError(f"jit of {_name(function)}: a generator or coroutine cannot be traced. Jit what it calls.")
        if maxsize < 1:
            raise ValueError(f"jit: maxsize={maxsize}; it must be at least 1.")
        self.function, self.maxsize = function, maxsize
        self._entries: dict[Any, list[Entry]] = {}
        self._clock = 0
        self._traces = 0
        self._history: deque[str] = deque(maxlen=KEPT)
        self._notes: dict[str, int] = {}
        self._cliff = Cliff(maxsize)
        if hasattr(function, "__name__"):
            update_wrapper(self, function, updated=())

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        context = current()
        if context.trace is not None or context.anomaly or context.operands:
            return self._as_written(args, kwargs)
        leaves: list[Any] = []
        others: list[Any] = []
        key = _key(context, args, kwargs, leaves, others)
        entry, arrays = self._find(key, leaves)
        if entry is None:
            with TRACING:
                entry, arrays = self._find(key, leaves)
                if entry is None:
                    entry = self._trace(key, args, kwargs, leaves, others)
                    arrays = entry.arrays(leaves)
        if entry.locks:
            with ExitStack() as stack:
                for lock in entry.locks:
                    stack.enter_context(lock)
                return self._run(entry, leaves, None, args, kwargs)  # what was read may have changed meanwhile
        return self._run(entry, leaves, arrays, args, kwargs)

    def _run(self, entry: Entry, leaves: list[Any], arrays: list[Any] | None, args: Any, kwargs: Any) -> Any:
        if arrays is None:  # or the function itself changes what it depends on
            arrays = entry.arrays(leaves, trusted=True)
            assert arrays is not None
        try:
            return entry.run(leaves, arrays)
        except Discarded:
            pass
        return self._at_once(args, kwargs, entry)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __reduce__(self) -> Any:
        return _name(self) if self._is_named() else (Jitted, (self.function, self.maxsize))

    def _is_named(self) -> bool:
        """Whether the function's name refers to this, as after decorating with jit: then a pickle holds the name."""
        found: Any = sys.modules.get(getattr(self, "__module__", None) or "")
        for name in getattr(self, "__qualname__", "").split("."):
            found = getattr(found, name, None)
        return found is self

    def __repr__(self) -> str:
        count = sum(map(len, self._entries.values()))
        return f"<jit of {_name(self.function)}, {count} trace{'' if count == 1 else 's'}>"

    # --- what was compiled ---

    def graph(self, *args: Any, fused: bool = False, **kwargs: Any) -> Any:
        """The recorded graph as a view, as ``tg.graph`` gives it.

        With arguments the graph for these, which is traced if need be, but not run; without, the one used last.

        Args:
            fused: the graph as it was compiled, each kernel a frame with its time, in the colour of its share of the
                roofline: green at the machine's limit, red far from it.

        Raises:
            RuntimeError: ``fused`` where nothing was compiled.
        """
        from . import drawing

        entry = self._entry(args, kwargs)
        graph, names = entry.recording.graph, entry.names
        if not fused:
            return drawing.view(graph, names)
        if not entry.program.is_native:
            raise RuntimeError(
                "graph(fused=True): NumPy runs this function, so there are no kernels. Native code needs llvmlite: "
                "pip install llvmlite"
            )
        from ..compiler import planned as plan_of

        planned = plan_of(graph)
        return drawing.fused(planned.graph, names, planned.kernels, entry.program.kernels())

    def source(self, *args: Any, **kwargs: Any) -> str:
        """The graph as NumPy source that runs alone. Arguments as for :meth:`graph`."""
        from ..ir.numpy_source import source
        from ..ir.rewrite.widen import widen_sums

        entry = self._entry(args, kwargs)
        return source(widen_sums(entry.recording.graph), entry.names, entry.name)

    def kernels(self, *args: Any, **kwargs: Any) -> Any:
        """A table of what the graph was compiled to. Arguments as for :meth:`graph`."""
        return self._entry(args, kwargs).program.kernels()

    def explain(self) -> str:
        """Why the function was traced, how often its traces were used, and what could not be compiled."""
        lines = [f"{self!r}", *self._history]
        for entry in sorted(self._all(), key=lambda entry: entry.used):
            graph = entry.recording.graph
            lines.append(f"trace of {len(graph.values())} values: {_times(entry.calls, 'called')}")
            if entry.discarded:
                lines.append(f"  {_times(entry.discarded, 'run as written')}: a condition did not hold")
            if entry.guards and entry.guards.nbytes:
                lines.append(f"  {entry.guards.nbytes:,} bytes of NumPy arrays are compared at each call: use tensors")
            lines += [f"  {fallback}" for fallback in entry.program.fallbacks]
        lines += [f"{_times(count, 'called')} {note}" for note, count in self._notes.items()]
        return "\n".join(lines)

    # --- finding and making traces ---

    def _find(self, key: Any, leaves: list[Any]) -> tuple[Entry | None, list[Any] | None]:
        for entry in self._entries.get(key, ()):
            arrays = entry.arrays(leaves)
            if arrays is not None:
                self._clock = entry.used = self._clock + 1
                return entry, arrays
        return None, None

    @uncollected()
    def _trace(self, key: Any, args: Any, kwargs: Any, leaves: list[Any], others: list[Any]) -> Entry:
        reason = self._reason(key, leaves, args, kwargs)
        start = time.perf_counter()
        roots = {"": self.function, **{f"{type(x).__name__} (argument {i})": x for i, x in enumerate(others)}}
        guards = Guards(roots)
        try:
            with restored(guards.objects()), still(guards.walk), _refusing(_name(self.function), others):
                reached = [tensor for _, tensor in guards.tensors.values()]
                recording = record(self.function, args, kwargs, leaves, reached)
                _check_leaks(guards)
            if guards.unseen and not self._traces:
                self._warn(
                    f"{', '.join(guards.unseen)} cannot be looked into, so a change there will not be seen. "
                    "Pass what is read of it as an argument"
                )
        except BaseException:
            guards.put_back()
            raise
        changed = guards.broken()
        guards.add_volatile()
        traced = time.perf_counter()
        names = _names(recording, guards, self.function, args, kwargs)
        entry = Entry(_name(self.function), recording, guards, leaves, others, names)
        guards.close()
        self._history.append(
            f"traced since {reason}: {1e3 * (traced - start):.0f} ms, "
            f"compiled in {1e3 * (time.perf_counter() - traced):.0f} ms"
            + (f"; it changes itself what it depends on, so each call is traced: {changed}" if changed else "")
        )
        message = self._cliff.message(self._clock - self._traces, reason, changed, guards.walk.codes)
        self._keep(key, entry)
        if message:
            self._warn(message)
        return entry

    def _keep(self, key: Any, entry: Entry) -> None:
        self._clock = entry.used = self._clock + 1
        self._traces += 1
        entries = {key: list(found) for key, found in self._entries.items()}  # others may be looking
        entries.setdefault(key, []).insert(0, entry)
        if sum(map(len, entries.values())) > self.maxsize:
            oldest = min((used for found in entries.values() for used in found), key=lambda entry: entry.used)
            entries = {key: [e for e in found if e is not oldest] for key, found in entries.items()}
        self._entries = {key: found for key, found in entries.items() if found}

    def _warn(self, what: str) -> None:
        warnings.warn(f"jit of {_name(self.function)}: {what}.", RuntimeWarning, stacklevel=4)

    def _all(self) -> list[Entry]:
        return [entry for found in self._entries.values() for entry in found]

    def _reason(self, key: Any, leaves: list[Any], args: Any, kwargs: Any) -> str:
        """Why no trace fits."""
        for entry in self._entries.get(key, ()):
            return entry.mismatch(leaves)
        if not self._entries:
            return "it is the first call" if not self._traces else "no trace is kept"
        last = max(self._all(), key=lambda entry: entry.used)
        return next(_difference(old, key) for old, found in self._entries.items() if last in found)

    def _entry(self, args: Any, kwargs: Any) -> Entry:
        if args or kwargs or not self._entries:
            leaves: list[Any] = []
            others: list[Any] = []
            key = _key(current(), args, kwargs, leaves, others)
            with TRACING:
                return self._find(key, leaves)[0] or self._trace(key, args, kwargs, leaves, others)
        return max(self._all(), key=lambda entry: entry.used)

    # --- running the function as it is written ---

    def _as_written(self, args: Any, kwargs: Any) -> Any:
        """Within another trace, or where each operation is looked at: as a part of what goes on around it."""
        context = current()
        if context.trace is None:
            note = "within detect_anomaly()" if context.anomaly else "for a drawing"
            self._notes[note] = self._notes.get(note, 0) + 1
        leaves: list[Any] = []
        tree.signature((args, kwargs), leaves, [])
        args, kwargs = tree.replaced((args, kwargs), iter(arguments(leaves)))
        return self.function(*args, **kwargs)

    def _at_once(self, args: Any, kwargs: Any, entry: Entry) -> Any:
        """As it is written, without a graph; where it raises, nothing has changed."""
        overlay, writes = Overlay(), Writes()
        with restored(entry.guards.objects() if entry.guards else (), writes), using(trace=overlay):
            result = self._as_written(args, kwargs)
            overlay.commit(writes)
        return result


def _key(context: Context, args: Any, kwargs: Any, leaves: list[Any], others: list[Any]) -> Any:
    """What a trace is found by."""
    positional = tree.signature(args, leaves, others)
    named = tree.signature(kwargs, leaves, others) if kwargs else ()
    places = tree.repeated(leaves) if len(leaves) > 1 else None
    return context.recording, context.replaying, positional, named, places


def _check_leaks(guards: Guards) -> None:
    """Refuse traced tensors that are left behind."""
    after = Guards(guards.roots)
    after.add_volatile()
    leaks = [path for path, tensor in after.tensors.values() if isinstance(tensor._value, Value)]
    if leaks:
        raise TraceError(
            f"the function keeps a tensor that it computed in {', '.join(leaks)}: a compiled call would "
            "not do that. Return it, or make a tensor there beforehand and .assign() to it."
        )


@contextmanager
def _refusing(name: str, others: list[Any]) -> Iterator[None]:
    """Where an argument is an array that no tensor can be of, the block raises: its own refusal, or one by name."""
    refused = next(filter(None, map(tree.refusal, others)), None)
    try:
        yield
    except Exception as error:
        if refused is None or isinstance(error, (DTypeError, GraphError)):
            raise
    if refused is not None:
        raise type(refused)(f"jit of {name}: {refused}")


def _names(recording: Any, guards: Guards, function: Any, args: Any, kwargs: Any) -> tuple[str, ...]:
    """What to call the inputs of the graph."""
    names = [f"x{i}" for i in range(len(recording.graph.inputs))]
    try:
        given: dict[str, Any] = dict(signature(function).bind(*args, **kwargs).arguments)
    except (TypeError, ValueError):
        given = {"args": args, **kwargs}
    paths = [path for name, x in given.items() for path in tree.paths(x, name)]
    for number, index in recording.arguments:
        names[index] = paths[number] if number < len(paths) else names[index]
    for watched in recording.watched:
        if watched.input >= 0 and id(watched.tensor) in guards.tensors:
            names[watched.input] = guards.tensors[id(watched.tensor)][0]
    for place, _, index in recording.grads:
        if index >= 0:
            owner = paths[place] if type(place) is int else guards.tensors.get(id(place), (f"x{index}", None))[0]
            names[index] = f"{owner}.grad"
    for _, index in recording.events:
        if index >= 0:
            names[index] = "lr"
    return tuple(names)


def _name(function: Any) -> str:
    return getattr(function, "__qualname__", type(function).__name__)


def _times(count: int, what: str) -> str:
    return f"{what} {count} time{'' if count == 1 else 's'}"


def _difference(old: Any, new: Any) -> str:
    """Where two signatures differ, in words."""
    if old[0] != new[0]:
        return f"operations are {'' if new[0] else 'not '}recorded here"
    if old[1] != new[1]:
        return "a checkpointed part runs again" if new[1] else "it is no part that runs again"
    if old[4] != new[4]:
        return "other arguments are one and the same tensor"
    return f"the arguments are {_arguments(new)}, and were {_arguments(old)}"


def _arguments(key: Any) -> str:
    return ", ".join(filter(None, map(tree.describe, key[2:4])))
