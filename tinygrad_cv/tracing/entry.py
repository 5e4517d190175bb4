"""One compiled trace, and the conditions under which a call may use it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ..compiler import compiled
from ..compiler.options import DEFAULT, Options
from ..core import memory
from ..core.context import current
from ..core.errors import MemoryLimitError, TraceError
from ..core.trace import Fact
from ..core.variable import Variable, Writes
from ..frontend.signature import signature
from ..frontend.tensor import Tensor
from . import tree
from .derivative import Derivative
from .guards import Guards
from .recording import Recording
from .state import restored
from .trace import Origin, hooks_of, overlap

if TYPE_CHECKING:
    from ..core.tape import Node
    from ..ir.graph import Value
    from .tree import Leaf


class Discarded(Exception):
    """A condition of the trace did not hold in this call: its results are invalid."""


class Entry:
    """A recording for one signature of the arguments.

    Attributes:
        calls: how often it was run.
        discarded: how many of these runs were invalid, since a condition of the trace did not hold.
        names: names for the inputs of the graph.
        options: what is asked of its program.
        locks: locks to hold from reading the arrays to the end of the run.
    """

    def __init__(
        self,
        name: str,
        recording: Recording,
        guards: Guards | None = None,
        leaves: Iterable[Leaf] = (),
        others: Iterable[Any] = (),
        names: tuple[str, ...] = (),
        options: Options = DEFAULT,
    ):
        self.name, self.recording, self.guards, self.names = name, recording, guards, names
        self.options = options
        try:
            self.program = compiled(recording.graph, options)
        except MemoryLimitError as error:
            raise MemoryLimitError(f"jit of {name}: {error}") from None
        self.calls = self.discarded = self.used = 0
        self._others = tuple(others)  # kept alive: the signature holds their ids
        self._closed_over = {id(watched.tensor) for watched in recording.watched}
        reached = guards.tensors if guards else {}
        self._aliases = {number: leaf for number, leaf in enumerate(leaves) if id(leaf) in reached}
        self._schedules = [target for target, index in recording.events if index < 0 and not isinstance(target, Fact)]
        self._differentiable = any(recording.sources)
        self._writes = bool(recording.written or recording.changed or recording.deposits or self._schedules)
        self.locks = sorted(recording.locks, key=id)  # in one order, so that two calls never deadlock
        self._derivatives: dict[int, Derivative] = {}
        self._steady = frozenset(recording.graph.steady)
        self._copies: dict[int, tuple[weakref.ref[Any], int, np.ndarray]] = {}  # what of, when, and the copy

    def arrays(self, leaves: list[Leaf], trusted: bool = False) -> list[np.ndarray] | None:
        """The arrays that the graph reads; None if the recording is not valid for this call.

        Right after tracing it is ``trusted``: the function itself may have changed what it depends on.
        """
        recording = self.recording
        if not (trusted or self.guards is None or self.guards.hold()):
            return None
        arrays: list[Any] = [None] * len(recording.graph.inputs)  # None: a learning rate, read when it is run
        if self._closed_over or self._aliases:
            for number, leaf in enumerate(leaves):
                if (id(leaf) in self._closed_over or number in self._aliases) and self._aliases.get(number) is not leaf:
                    return None
        for number, index in recording.arguments:
            leaf = leaves[number]
            value = leaf._value if isinstance(leaf, Variable) else leaf
            arrays[index] = value if value.flags.c_contiguous else _contiguous(value)
        for tensor, shape, dtype, node, hooks, index in recording.watched:
            value = tensor._value
            if value.shape != shape or (value.dtype is not dtype and value.dtype != dtype):
                return None
            if tensor.node is not node and not (trusted or _alike(tensor.node, node)):
                return None
            if node is not None and (hooks or node.hooks) and not trusted and hooks_of(tensor) != hooks:
                return None
            if index >= 0:
                arrays[index] = value if value.flags.c_contiguous else self._row_major(index, value)
        if recording.changed and self._shared(leaves):
            return None
        for origin, known, index in recording.grads:
            grad = _tensor(origin, leaves)._grad
            if (None if grad is None else (grad._value.shape, grad._value.dtype)) != known:
                return None
            if index >= 0 and grad is not None:
                value = grad._value
                plain = isinstance(value, np.ndarray) and value.flags.c_contiguous
                arrays[index] = value if plain else _contiguous(value)
        for target, index in recording.events:
            if index >= 0:
                if (number := target.now()) is None:
                    return None
                arrays[index] = np.array(number)
        return arrays

    def _row_major(self, index: int, value: np.ndarray | Value) -> np.ndarray:
        """A copy of state whose elements are in another order; where state is usually the same, one for all calls."""
        if index not in self._steady:
            return _contiguous(value)
        known = self._copies.get(index)
        if known is None or known[0]() is not value or not memory.same_since([value], known[1]):
            when, copy = memory.epoch, _contiguous(value)
            known = self._copies[index] = weakref.ref(value), when, copy
        return known[2]

    def _shared(self, leaves: list[Leaf]) -> bool:
        """Whether an array that the call writes into shares memory with another that it reads or writes."""
        tensors = {id(leaf): leaf for leaf in leaves if isinstance(leaf, Variable)}
        tensors.update({id(watched.tensor): watched.tensor for watched in self.recording.watched if watched.input >= 0})
        origins = [_at(origin, leaves) for origin in self.recording.changed]
        written = [tensor for tensor in origins if isinstance(tensor, Variable)]
        tensors.update({id(tensor): tensor for tensor in written})
        return any(
            tensor is not other and overlap(tensor._value, other._value)
            for tensor in written
            for other in tensors.values()
        )

    def mismatch(self, leaves: list[Leaf]) -> str:
        """Why the recording is not valid for a call, in words."""
        if self.guards and (reason := self.guards.broken()):
            return reason
        for number, leaf in enumerate(leaves):
            if (id(leaf) in self._closed_over or number in self._aliases) and self._aliases.get(number) is not leaf:
                return f"argument {number} is a tensor that the function closes over, or was one"
        for tensor, shape, dtype, node, hooks, index in self.recording.watched:
            what = self.names[index] if index >= 0 else "a tensor"
            if (tensor._value.shape, tensor._value.dtype) != (shape, dtype):
                return f"{what} was {dtype}{list(shape)}, now {tensor._value.dtype}{list(tensor._value.shape)}"
            if not _alike(tensor.node, node) or hooks_of(tensor) != hooks:
                return f"{what} has another requires_grad, or other hooks"
        return "a gradient that was None is set now, or the other way round"

    def run(self, leaves: list[Leaf], arrays: list[np.ndarray]) -> Any:
        """Run the program, and write what it changes; the results of the function.

        Raises:
            Discarded: a condition of the trace does not hold; nothing has changed.
        """
        recording = self.recording
        self.calls += 1
        if not self._writes:
            self._read_settings(arrays)
            return tree.unflatten(recording.form, self._outputs(leaves, arrays, self.program(arrays)))
        with restored(self._schedules, writes := Writes()):
            self._read_settings(arrays)
            if self.program.places:
                with self.program.started(arrays) as results:
                    outputs = self._outputs(leaves, arrays, results)
                    self._write_last(writes, leaves, arrays, results)
            else:
                results = self.program(arrays)
                outputs = self._outputs(leaves, arrays, results)
                self._write(writes, leaves, iter(results[len(outputs) :]))
                writes.commit()
        return tree.unflatten(recording.form, outputs)

    def _write(self, writes: Writes, leaves: list[Leaf], results: Iterator[np.ndarray | None]) -> None:
        for origin in self.recording.written:
            tensor, value = _at(origin, leaves), next(results)
            if value is not None and isinstance(tensor, Variable):  # no array: the function had a copy
                writes.value(tensor, value)
        for origin in self.recording.changed:
            tensor, value = _at(origin, leaves), next(results)
            if isinstance(tensor, Variable):
                writes.memory(tensor, value)
        for origin, there in self.recording.deposits:
            tensor, value = _at(origin, leaves), next(results) if there else None
            if isinstance(tensor, Variable) and (value is not None or not there):
                writes.grad(tensor, None if value is None else Tensor._new(value))

    def _write_last(self, writes: Writes, leaves: list[Leaf], arrays: list[np.ndarray], results: list[Any]) -> None:
        """Write, and have the program store its updates: over the present values, unless somebody else sees these."""
        taken = set[int]()
        with self.program.ready() as (function, arguments):
            while not writes.done:
                writes.clear()
                writes.call(function, arguments)
                self._write(writes, leaves, iter(results[len(self.recording.sources) :]))
                for number, place in self.program.places.items():
                    self._update(writes, number, place, leaves, arrays, taken)
                taken |= writes.commit()

    def _update(
        self, writes: Writes, number: int, place: int, leaves: list[Leaf], arrays: list[np.ndarray], taken: set[int]
    ) -> None:
        """Give an update its memory."""
        origin, is_grad = self._targets[number]
        tensor, array = _at(origin, leaves), None
        if not isinstance(tensor, Variable):
            self.program.into(number)
            return
        kept = place >= 0  # among the arrays, too
        present = tensor._grad if is_grad else tensor
        if (
            place >= -1
            and present is not None
            and self._fits(number, present)
            and (not kept or arrays[place] is present._value)
        ):
            array = (writes.over_grad if is_grad else writes.over)(tensor, int(kept), taken)
        value = self.program.into(number, array)
        if is_grad:
            writes.grad(tensor, Tensor._new(value))
        elif array is None:
            writes.value(tensor, value)

    def _fits(self, number: int, present: Variable) -> bool:
        output = self.recording.graph.outputs[number]
        return bool(present._value.shape == output.shape and present._value.dtype == output.dtype)

    @cached_property
    def _targets(self) -> dict[int, tuple[Origin, bool]]:
        """For numbers of outputs, what they are the next value of, and whether it is a gradient."""
        recording = self.recording
        first = len(recording.sources)
        targets = {first + i: (origin, False) for i, origin in enumerate(recording.written)}
        first += len(recording.written) + len(recording.changed)
        deposited = [origin for origin, there in recording.deposits if there]
        return targets | {first + i: (origin, True) for i, origin in enumerate(deposited)}

    def call(self, leaves: list[Leaf]) -> Any:
        """The results for leaves that the recording is known to be valid for."""
        arrays = self.arrays(leaves, trusted=True)
        assert arrays is not None
        return self.run(leaves, arrays)

    def _read_settings(self, arrays: list[np.ndarray]) -> None:
        """Take the steps of schedules, and read learning rates."""
        for target, index in self.recording.events if self._schedules else ():
            valid = True
            if isinstance(target, Fact):
                valid = target.holds()
            elif index < 0:
                target.step()
            elif (number := target.now()) is None:
                valid = False
            else:
                arrays[index] = np.array(number)
            if not valid:  # a schedule has set a momentum to 0, or from 0: another trace is for that
                self.discarded += 1
                raise Discarded

    def _outputs(self, leaves: list[Leaf], arrays: list[np.ndarray], results: list[np.ndarray]) -> list[Tensor]:
        """What the function returns, if the conditions hold under which the results are valid."""
        if self.recording.conditional and not results[-1]:
            self.discarded += 1
            raise Discarded
        results = results[: len(self.recording.sources)]
        if not self._differentiable or not current().recording:
            return [Tensor._new(result) for result in results]
        nodes = self._nodes(leaves)
        arrays = self._kept(leaves, arrays)
        return [
            Tensor._new(result, self._derivative(number).node(arrays, nodes, result) if sources else None)
            for number, (result, sources) in enumerate(zip(results, self.recording.sources, strict=True))
        ]

    def _kept(self, leaves: list[Leaf], arrays: list[np.ndarray]) -> list[np.ndarray]:
        """The arrays that the backward pass reads: copies of those that the call, or its caller, may change by then."""
        arrays = list(arrays)
        for origin in self.recording.changed:
            arrays = [array.copy() if array is _tensor(origin, leaves)._value else array for array in arrays]
        for number, index in self.recording.arguments:
            if arrays[index] is leaves[number]:
                arrays[index] = arrays[index].copy()
        return arrays

    def _nodes(self, leaves: list[Leaf]) -> dict[int, Node | None]:
        """The nodes of the graph's inputs, by their numbers."""
        given = [(leaves[number], index) for number, index in self.recording.arguments]
        nodes = {index: leaf.node if isinstance(leaf, Variable) else None for leaf, index in given}
        nodes.update({watched.input: watched.tensor.node for watched in self.recording.watched})
        return nodes

    def _derivative(self, number: int) -> Derivative:
        if number not in self._derivatives:
            assert self.recording.traced is not None
            sources = self.recording.sources[number]
            self._derivatives[number] = Derivative(
                self.name, self.recording.traced, number, sources, partial(Entry, options=self.options)
            )
        return self._derivatives[number]


def _at(origin: Origin, leaves: list[Leaf]) -> Leaf:
    return leaves[origin] if isinstance(origin, int) else origin


def _tensor(origin: Origin, leaves: list[Leaf]) -> Variable:
    tensor = leaves[origin] if isinstance(origin, int) else origin
    assert isinstance(tensor, Variable)
    return tensor


def _contiguous(array: np.ndarray | Value) -> np.ndarray:
    if not isinstance(array, np.ndarray):
        raise TraceError(
            f"a tensor of shape {array.shape} was made inside a jitted function and kept outside: it never had a "
            "value. Return it from the function."
        )
    return np.array(array, order="C")


def _alike(a: Node | None, b: Node | None) -> bool:
    """Whether two nodes are both leaves, or both None: then a trace cannot tell them apart."""
    return a is b if a is None or b is None else not a.parents and not b.parents


def input_names(
    recording: Recording,
    guards: Guards,
    function: Callable[..., object],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> tuple[str, ...]:
    """Names for the inputs of the graph: paths of arguments, variables and attributes."""
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
    for origin, _, index in recording.grads:
        if index >= 0:
            owner = paths[origin] if isinstance(origin, int) else guards.tensors.get(id(origin), (f"x{index}", None))[0]
            names[index] = f"{owner}.grad"
    for what, index in recording.events:
        if index >= 0:
            names[index] = what.name
    return tuple(names)
