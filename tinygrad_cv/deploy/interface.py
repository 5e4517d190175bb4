"""What an exported function takes, keeps and returns: a recording, with names for all of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..core.errors import ExportError
from ..core.variable import Variable
from ..ir.graph import Graph
from ..optim.group import Setting
from ..tracing.tree import TensorIndex
from .names import setting_names, state_names

if TYPE_CHECKING:
    from ..tracing.entry import Entry
    from ..tracing.recording import Recording
    from ..tracing.trace import Origin


class Port(NamedTuple):
    """A tensor that goes in or comes out: its name, and the number of the graph's input or output."""

    name: str
    number: int
    shape: tuple[int, ...]
    dtype: np.dtype


class State(NamedTuple):
    """A tensor that stays between calls.

    Attributes:
        kind: "parameter", "buffer", "optimizer", "setting", "random", "gradient" or "tensor".
        array: its value when the function is exported.
        input, output: the numbers of the graph's input that it is, and of the output that is its next value; or -1.
    """

    name: str
    kind: str
    array: np.ndarray
    input: int
    output: int

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def dtype(self) -> np.dtype:
        return self.array.dtype


class Interface(NamedTuple):
    """What an exported function takes, keeps and returns.

    Attributes:
        graph: what it computes; gradients that nothing reads are not among its outputs.
        form: the tree of results, with indices for tensors.
        condition: the number of the output that says whether the results are valid; -1 if they always are.
    """

    name: str
    graph: Graph
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    state: tuple[State, ...]
    form: Any
    condition: int


def interface(entry: Entry) -> Interface:
    """The interface of a trace.

    Raises:
        ExportError: it does something between calls that only Python can do.
    """
    recording = entry.recording
    _check(entry)
    graph, deposits = _without_unread(recording)
    results = len(recording.sources)
    names = {index: entry.names[index] for _, index in recording.arguments}
    inputs = tuple(
        Port(names[v.params["index"]], i, v.shape, v.dtype) for i, v in enumerate(graph.inputs) if i in names
    )
    paths = list(_paths(recording.form, ""))
    outputs = tuple(Port(path, i, graph.outputs[i].shape, graph.outputs[i].dtype) for i, path in enumerate(paths))
    condition = len(graph.outputs) - 1 if recording.conditional else -1
    state = tuple(_state(entry, results, deposits))
    _check_distinct(entry.name, [port.name for port in inputs], "arguments")
    _check_distinct(entry.name, paths, "results")
    name = entry.name.rpartition(".")[2]  # of a function in another, its own
    return Interface(name, graph, inputs, outputs, state, recording.form, condition)


def _check(entry: Entry) -> None:
    """Refuse what a call does besides computing."""
    recording, name = entry.recording, entry.name
    for target, index in recording.events:
        if index < 0:
            raise ExportError(
                f"export of {name}: it takes steps of a schedule ({type(target).__name__}), which are Python. Leave "
                "them out of the function, and set the learning rate, which is exported as state, from outside."
            )
    for origin in (*recording.written, *recording.changed):
        if not isinstance(origin, Variable):
            raise ExportError(
                f"export of {name}: it assigns to its argument number {origin}. Return the new value, or close over "
                "the tensor: then it is state of the exported function."
            )
    if reason := entry.guards and entry.guards.broken():
        raise ExportError(
            f"export of {name}: it changes what it depends on, so that each call would be another function: {reason}. "
            "Keep what changes in tensors, and .assign() to them."
        )
    known = {id(origin): aval is not None for origin, aval, _ in recording.grads if isinstance(origin, Variable)}
    for origin, there in recording.deposits:
        if known.get(id(origin), there) != there:
            raise ExportError(
                f"export of {name}: it {'leaves' if there else 'removes'} gradients that were "
                f"{'not there' if there else 'there'} before it, so that its next call is another function. Call "
                "optimizer.zero_grad() at the beginning of the function; or, if gradients are to add up, call the "
                "function once before it is exported."
            )


def _without_unread(recording: Recording) -> tuple[Graph, list[tuple[Origin, int, int]]]:
    """The graph without gradients that no call reads; those that are left: (whose, input, output)."""
    graph = recording.graph
    first = len(recording.sources) + len(recording.written) + len(recording.changed)
    read = {id(origin): index for origin, _, index in recording.grads if index >= 0}
    there = [origin for origin, present in recording.deposits if present]
    kept = [i for i, origin in enumerate(there) if id(origin) in read]
    numbers = [*range(first), *(first + i for i in kept), *range(first + len(there), len(graph.outputs))]
    new = {old: number for number, old in enumerate(numbers)}
    state = [(new[number], place) for number, place in graph.state if number in new]
    deposits = [(there[i], read[id(there[i])], new[first + i]) for i in kept]
    return Graph(graph.builder, graph.inputs, [graph.outputs[i] for i in numbers], state), deposits


def _state(entry: Entry, results: int, deposits: list[tuple[Origin, int, int]]) -> Iterator[State]:
    """All that the function reads besides its arguments, and all that it writes."""
    recording = entry.recording
    read = {id(w.tensor): w.input for w in recording.watched}
    new = {id(origin): results + i for i, origin in enumerate((*recording.written, *recording.changed))}
    tensors: dict[int, Any] = {id(w.tensor): w.tensor for w in recording.watched if w.input >= 0}
    tensors |= {id(origin): origin for origin in (*recording.written, *recording.changed)}
    names = state_names(entry, tensors)
    for key, tensor in tensors.items():
        name, kind = names[key]
        array = np.array(tensor._value, order="C")
        yield State(name, kind, array, read.get(key, -1), new.get(key, -1))
    stored = {place: number for _, place, number in deposits}
    for origin, _, index in recording.grads:
        if index >= 0:
            owner: Any = origin
            if not isinstance(owner, Variable):
                raise ExportError(
                    f"export of {entry.name}: it reads the .grad of its argument number {owner}. Pass the gradient "
                    "as an argument of its own."
                )
            assert owner._grad is not None
            name = names.get(id(owner), (entry.names[index].removesuffix(".grad"), ""))[0]
            array = np.array(owner._grad._value, order="C")
            yield State(f"{name}.grad", "gradient", array, index, stored.get(index, -1))
    settings = [(target, index) for target, index in recording.events if isinstance(target, Setting)]
    for (target, index), name in zip(settings, setting_names(entry, [s for s, _ in settings]), strict=True):
        yield State(name, "setting", np.array(target.now(), np.float64), index, -1)


def _paths(form: Any, path: str) -> Iterator[str]:
    """Names for the tensors in a tree of results: keys and numbers of items, joined; ``output`` if it is one tensor."""
    if isinstance(form, TensorIndex):
        yield path or "output"
    elif isinstance(form, tuple) and hasattr(form, "_fields"):
        for name, item in zip(form._fields, form, strict=True):
            yield from _paths(item, f"{path}.{name}" if path else name)
    elif isinstance(form, (tuple, list)):
        for i, item in enumerate(form):
            yield from _paths(item, f"{path}.{i}" if path else f"output_{i}")
    elif isinstance(form, dict):
        for key, item in form.items():
            yield from _paths(item, f"{path}.{key}" if path else str(key))


def _check_distinct(name: str, found: list[str], what: str) -> None:
    twice = sorted({one for one in found if found.count(one) > 1})
    if twice:
        raise ExportError(f"export of {name}: two {what} are named {', '.join(twice)}. Give them other names.")
