"""One recorded trace, compiled, and what has to hold for it to be used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ..compiler import compiled
from ..core.context import current
from ..core.errors import TraceError
from ..core.variable import Variable, Writes
from ..frontend.tensor import Tensor
from . import tree
from .derivative import Derivative
from .guards import Guards
from .recording import Recording
from .state import restored
from .trace import Origin, hooks_of, overlap


class Discarded(Exception):
    """The results of a call are not to be used."""


class Entry:
    """A recording for one signature of the arguments.

    Attributes:
        calls: how often it was used.
        discarded: how often that was in vain, since something that the trace took for granted did not hold.
        names: of the inputs of the graph.
        locks: to be held from the reading of arrays to the end of the run.
    """

    def __init__(
        self,
        name: str,
        recording: Recording,
        guards: Guards | None = None,
        leaves: Iterable[Any] = (),
        others: Iterable[Any] = (),
        names: tuple[str, ...] = (),
    ):
        self.name, self.recording, self.guards, self.names = name, recording, guards, names
        self.program = compiled(recording.graph)
        self.calls = self.discarded = self.used = 0
        self._others = tuple(others)  # kept alive: they are part of the signature by their ids
        self._closed_over = {id(watched.tensor) for watched in recording.watched}
        reached = guards.tensors if guards else {}
        self._aliases = {number: leaf for number, leaf in enumerate(leaves) if id(leaf) in reached}
        self._schedules = [what for what, index in recording.events if index < 0]
        self._differentiable = any(recording.sources)
        self._writes = bool(recording.written or recording.changed or recording.deposits or self._schedules)
        self.locks = sorted(recording.locks, key=id)  # in one order, so that two calls never wait for each other
        self._derivatives: dict[int, Derivative] = {}

    def arrays(self, leaves: list[Any], trusted: bool = False) -> list[Any] | None:
        """What the graph reads, but for learning rates; None where the recording does not hold any more.

        Right after its trace it is ``trusted``: a function may change itself what it depends on.
        """
        recording = self.recording
        if not (trusted or self.guards is None or self.guards.hold()):
            return None
        arrays: list[Any] = [None] * len(recording.graph.inputs)
        if self._closed_over or self._aliases:
            for number, leaf in enumerate(leaves):
                if (id(leaf) in self._closed_over or number in self._aliases) and self._aliases.get(number) is not leaf:
                    return None
        for number, index in recording.arguments:
            leaf = leaves[number]
            value = leaf if type(leaf) is np.ndarray else leaf._value
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
                arrays[index] = value if value.flags.c_contiguous else _contiguous(value)
        if recording.changed and self._shared(leaves):
            return None
        for place, known, index in recording.grads:
            grad = _at(place, leaves)._grad
            if (None if grad is None else (grad._value.shape, grad._value.dtype)) != known:
                return None
            if index >= 0:
                arrays[index] = _contiguous(grad._value)
        for what, index in recording.events:
            if index >= 0 and not isinstance(dict.get(what, "lr"), float):
                return None
        return arrays

    def _shared(self, leaves: list[Any]) -> bool:
        """Whether an array that the call writes into shares memory with another that it reads or writes."""
        tensors = {id(leaf): leaf for leaf in leaves if isinstance(leaf, Variable)}
        tensors.update({id(watched.tensor): watched.tensor for watched in self.recording.watched if watched.input >= 0})
        written = [_at(place, leaves) for place in self.recording.changed]
        tensors.update({id(tensor): tensor for tensor in written if isinstance(tensor, Variable)})
        return any(
            tensor is not other and overlap(tensor._value, other._value)
            for tensor in written
            if isinstance(tensor, Variable)
            for other in tensors.values()
        )

    def mismatch(self, leaves: list[Any]) -> str:
        """Why the recording does not hold, in words."""
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
        return "a gradient was there that is not there now, or the other way round"

    def run(self, leaves: list[Any], arrays: list[Any]) -> Any:
        """Call the program and take over what it made.

        Raises:
            Discarded: something that the trace took for granted does not hold; nothing has changed.
        """
        recording = self.recording
        self.calls += 1
        if not self._writes:
            return tree.build(recording.form, self._outputs(leaves, arrays, self._results(arrays)))
        with restored(self._schedules, writes := Writes()):
            results = self._results(arrays)
            outputs = self._outputs(leaves, arrays, results)
            self._take_over(writes, leaves, iter(results[len(outputs) :]))
        return tree.build(recording.form, outputs)

    def _take_over(self, writes: Writes, leaves: list[Any], results: Iterator[np.ndarray]) -> None:
        for place in self.recording.written:
            tensor, value = _at(place, leaves), next(results)
            if isinstance(tensor, Variable):  # an array that was an argument was copied for the function
                writes.value(tensor, value)
        for place in self.recording.changed:
            tensor, value = _at(place, leaves), next(results)
            if isinstance(tensor, Variable):
                writes.memory(tensor, value)
        for place, there in self.recording.deposits:
            tensor, grad = _at(place, leaves), Tensor._new(next(results)) if there else None
            if isinstance(tensor, Variable):
                writes.grad(tensor, grad)
        writes.commit()

    def call(self, leaves: list[Any]) -> Any:
        """The results for leaves that fit."""
        arrays = self.arrays(leaves, trusted=True)
        assert arrays is not None
        return self.run(leaves, arrays)

    def _results(self, arrays: list[Any]) -> list[np.ndarray]:
        for what, index in self.recording.events:
            if index < 0:
                what.step()
            else:
                arrays[index] = np.array(dict.__getitem__(what, "lr"), np.float64)
        results = self.program(arrays)
        if self.recording.conditional and not results[-1]:
            self.discarded += 1
            raise Discarded
        return results

    def _outputs(self, leaves: list[Any], arrays: list[Any], results: list[np.ndarray]) -> list[Tensor]:
        results = results[: len(self.recording.sources)]
        if not self._differentiable or not current().recording:
            return [Tensor._new(result) for result in results]
        nodes = self._nodes(leaves)
        arrays = self._kept(leaves, arrays)
        return [
            Tensor._new(result, self._derivative(number).node(arrays, nodes, result) if sources else None)
            for number, (result, sources) in enumerate(zip(results, self.recording.sources, strict=True))
        ]

    def _kept(self, leaves: list[Any], arrays: list[Any]) -> list[Any]:
        """What backward reads: of arrays that the call, or a caller, may fill anew before it runs, copies."""
        arrays = list(arrays)
        for place in self.recording.changed:
            arrays = [array.copy() if array is _at(place, leaves)._value else array for array in arrays]
        for number, index in self.recording.arguments:
            if arrays[index] is leaves[number]:
                arrays[index] = arrays[index].copy()
        return arrays

    def _nodes(self, leaves: list[Any]) -> dict[int, Any]:
        """The tape's nodes of the inputs, by their numbers."""
        given = [(leaves[number], index) for number, index in self.recording.arguments]
        nodes = {index: leaf.node if isinstance(leaf, Variable) else None for leaf, index in given}
        nodes.update({watched.input: watched.tensor.node for watched in self.recording.watched})
        return nodes

    def _derivative(self, number: int) -> Derivative:
        if number not in self._derivatives:
            assert self.recording.tape is not None
            sources = self.recording.sources[number]
            self._derivatives[number] = Derivative(self.name, self.recording.tape, number, sources, Entry)
        return self._derivatives[number]


def _at(place: Origin, leaves: list[Any]) -> Any:
    return leaves[place] if type(place) is int else place


def _contiguous(array: Any) -> np.ndarray:
    if not isinstance(array, np.ndarray):
        raise TraceError(
            f"a tensor of shape {array.shape} was made inside a jitted function and kept outside: it never had a "
            "value. Return it from the function."
        )
    return np.array(array, order="C")


def _alike(a: Any, b: Any) -> bool:
    """Whether two nodes are both leaves, or both none: then a trace cannot tell them apart."""
    return (a is None) == (b is None) and (a is None or (not a.parents and not b.parents))
