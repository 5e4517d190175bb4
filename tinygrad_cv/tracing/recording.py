"""The result of tracing: the graph of one call of a function, and what must hold for it to be used again.

A tensor with an array that is still alive after tracing is *state*: it is read at every call, and written at its end.
One that died was made in the function, and is a constant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..core.backward import pull
from ..core.context import current, quiet, using
from ..core.errors import TraceError
from ..core.primitive import PRIMITIVES
from ..core.tape import Node
from ..core.variable import Variable
from ..ir.graph import CONSTANT, INPUT, Builder, Graph, Value, topological
from . import tree
from .trace import UNREAD, Origin, Slot, Trace, arguments, hooks_of

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from ..core.tape import Hook
    from .tree import Leaf


class Watched(NamedTuple):
    """A tensor, and what it must be like for a recording to be valid."""

    tensor: Variable
    shape: tuple[int, ...]
    dtype: np.dtype
    node: Node | None
    hooks: tuple[Hook, ...]
    input: int = -1  # the number of the graph's input that it is, if it is one


class TracedOutputs(NamedTuple):
    """The tensors that a traced function returned, with their nodes: its derivatives are recorded from these.

    The nodes hold values of the trace instead of arrays, so pulling a cotangent back through them is recorded, too.
    """

    trace: Trace
    tensors: tuple[Variable | None, ...]  # None: a result without a gradient
    inputs: dict[Value, int]  # the trace's inputs, and their numbers in the recording's graph


class Recording(NamedTuple):
    """What a call of the function does with tensors and the settings of optimizers.

    The outputs of ``graph`` are, in this order: the tensors that the function returned, new arrays of tensors
    (``written``), new values of arrays that are changed in place (``changed``), gradients (``deposits``), and, if it is
    ``conditional``, whether the conditions hold under which the graph is valid.
    """

    graph: Graph
    arguments: tuple[tuple[int, int], ...]  # (number of the argument, number of the input)
    watched: tuple[Watched, ...]
    form: Any  # the tree of the results, with indices for tensors
    sources: tuple[tuple[int, ...], ...]  # for each result, the inputs that its gradient flows to
    conditional: bool
    traced: TracedOutputs | None  # if a result has sources
    grads: tuple[tuple[Origin, tuple[tuple[int, ...], np.dtype] | None, int], ...] = ()  # (whose, aval, input or -1)
    events: tuple[tuple[Any, int], ...] = ()  # in order: (setting, its input), or (schedule or fact, -1)
    written: tuple[Origin, ...] = ()  # tensors that get another array
    changed: tuple[Origin, ...] = ()  # tensors whose arrays are written into
    deposits: tuple[tuple[Origin, bool], ...] = ()  # (whose gradient is set, False if to None)
    locks: tuple[AbstractContextManager[object], ...] = ()  # of the random generators that it draws from


def record(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    leaves: list[Leaf],
    reached: Iterable[Variable],
) -> Recording:
    """Run the function once and record it; ``reached`` are tensors that it may inspect without reading their values."""
    trace = Trace()
    given = arguments(leaves, current().recording)
    for number, tensor in enumerate(given):
        trace.take(number, tensor)
    watched = {id(tensor): _watch(tensor) for tensor in reached}
    args, kwargs = tree.replaced((args, kwargs), iter(given))
    with using(trace=trace, interpret=trace.interpret, scope=None):
        returned = function(*args, **kwargs)
        tensors: list[Variable] = []
        form = tree.flatten(returned, tensors)
        results = _results(trace, tensors)
        grads = trace.changed_grads()
    del returned, tensors, args, kwargs  # so that tensors made in the function die

    alive = [slot for slot in trace.slots if slot.origin is not None]
    places = {slot.initial: slot.argument for slot in alive if slot.argument is not None}
    rebuilder = _Rebuilder({slot.initial: slot.array for slot in trace.slots if slot.origin is None})
    written = [slot for slot in alive if slot.replaced and slot.current is not slot.initial]
    changed = [slot for slot in trace.changed if slot.origin is not None]
    read = [slot for slot in trace.grads if slot.initial is not UNREAD and slot.owner.origin is not None]
    grads = [(slot, value) for slot, value in grads if slot.owner.origin is not None]
    outputs = [result.value for result in results]
    outputs += [slot.current for slot in written]
    outputs += [slot.changed for slot in changed if slot.changed is not None]
    outputs += [value for _, value in grads if value is not None]
    graph, conditional = rebuilder.graph(outputs, trace.conditions)
    if any(result.sources for result in results):  # a derivative may need inputs that the results do not
        inputs = [slot.initial for slot in alive] + [slot.input for slot in read if slot.input is not None]
        graph = rebuilder.with_inputs(graph, inputs + [value for _, value in trace.events if value is not None])
    first = len(outputs) - sum(value is not None for _, value in grads)
    state = [(len(results) + i, rebuilder.number(slot.initial)) for i, slot in enumerate(written)]
    deposited = [slot.input for slot, value in grads if value is not None]
    state += [(first + i, rebuilder.number(present)) for i, present in enumerate(deposited)]
    kept = [slot.initial for slot in alive if slot.argument is None]
    effects = written or changed or grads or any(result.sources for result in results)
    steady = [] if effects else sorted(number for value in kept if (number := rebuilder.number(value)) >= 0)
    graph = Graph(graph.builder, graph.inputs, graph.outputs, state, steady)
    for slot in alive:
        owner = slot.reference()
        if slot.argument is None and owner is not None:
            index = rebuilder.number(slot.initial)
            watched[id(owner)] = Watched(owner, slot.array.shape, slot.array.dtype, slot.node, slot.hooks, index)
    return Recording(
        graph,
        rebuilder.places(places),
        tuple(watched.values()),
        form,
        tuple(rebuilder.numbers(result.sources) for result in results),
        conditional,
        _traced(trace, results, rebuilder),
        tuple((_origin(slot.owner), slot.aval, rebuilder.number(slot.input)) for slot in read),
        tuple((target, rebuilder.number(v)) for target, v in trace.events if v is None or v in rebuilder.inputs),
        tuple(map(_origin, written)),
        tuple(map(_origin, changed)),
        tuple((_origin(slot.owner), value is not None) for slot, value in grads),
        tuple(trace.locks),
    )


def pulled_back(traced: TracedOutputs, number: int, wanted: tuple[int, ...]) -> Recording:
    """The pullback of one result as a recording: (inputs, cotangent) -> the cotangents of some of the inputs.

    The trace continues where the function ended, so what the function detached, and custom derivatives, are respected
    at every order.
    """
    trace, output = traced.trace, traced.tensors[number]
    assert output is not None
    assert output.node is not None
    nodes = {traced.inputs[value]: node for node, value in trace.leaves.items() if value in traced.inputs}
    old, known = len(trace.slots), len(trace.conditions)
    before = [slot.current for slot in trace.slots]
    with using(trace=trace, interpret=trace.interpret, scope=None, recording=True):
        g = trace.cotangent(output)
        found = pull([(output.node, g)], [nodes[i] for i in wanted], retain_graph=True, create_graph=True, raw=True)
        tensors: list[Variable] = []
        form = tree.flatten(tuple(found.get(nodes[i]) for i in wanted), tensors)
        results = _results(trace, tensors)
    if [slot.current for slot in trace.slots] != before + [slot.initial for slot in trace.slots[old:]]:
        raise TraceError("a hook, or the backward of a custom function, assigns to a tensor: that cannot be compiled.")
    places = {**traced.inputs, g._value: len(traced.inputs)}
    del found, tensors
    fresh = trace.slots[old:]
    dead = {slot.initial: slot.array for slot in trace.slots if slot.origin is None and slot.initial not in places}
    rebuilder = _Rebuilder(dead)
    graph, conditional = rebuilder.graph([result.value for result in results], trace.conditions[known:])
    graph = rebuilder.with_inputs(graph, list(places))
    return Recording(
        graph,
        rebuilder.places(places),
        tuple(
            _watch(tensor)._replace(input=rebuilder.number(slot.initial))
            for slot in fresh
            if (tensor := slot.reference()) is not None
        ),
        form,
        tuple(rebuilder.numbers(result.sources) for result in results),
        conditional,
        _traced(trace, results, rebuilder),
    )


class Result(NamedTuple):
    """A tensor that the function returned."""

    value: Value
    sources: list[Value]  # the inputs that its gradient flows to
    tensor: Variable | None  # with its node, if there are sources


def _results(trace: Trace, tensors: list[Variable]) -> list[Result]:
    sources = [trace.sources(tensor) for tensor in tensors]
    return [Result(trace.read(t), s, t if s else None) for t, s in zip(tensors, sources, strict=True)]


def _traced(trace: Trace, results: list[Result], rebuilder: _Rebuilder) -> TracedOutputs | None:
    if not any(result.sources for result in results):
        return None
    numbers = {value: rebuilder.number(value) for value in rebuilder.inputs}
    return TracedOutputs(trace, tuple(result.tensor for result in results), numbers)


def _origin(slot: Slot) -> Origin:
    """The origin of a slot whose tensor is alive."""
    origin = slot.origin
    assert origin is not None
    return origin


def _watch(tensor: Variable) -> Watched:
    return Watched(tensor, tensor._value.shape, tensor._value.dtype, tensor.node, hooks_of(tensor))


class _Rebuilder:
    """Makes a graph of what is needed: inputs that died are constants, the others are numbered as they are met."""

    def __init__(self, constants: dict[Value, np.ndarray]):
        self.constants = constants
        self.builder = Builder()
        self.inputs: dict[Value, Value] = {}  # old to new
        self._new: dict[Value, Value] = {}

    def graph(self, outputs: list[Value], conditions: list[Value]) -> tuple[Graph, bool]:
        """The graph, and whether its last output is a condition. Those that are known to hold are left out."""
        new = self.take(outputs)
        open_ = [condition for condition in self.take(conditions) if not _known(condition)]
        if open_:
            self.builder.scope = None
            new.append(reduce(lambda a, b: self.builder.make("mul", (a, b), {}), open_))
        return Graph(self.builder, tuple(self.inputs.values()), new), bool(open_)

    def with_inputs(self, graph: Graph, inputs: list[Value]) -> Graph:
        """The graph with these among its inputs, whether it reads them or not."""
        self.take(inputs)
        return Graph(self.builder, tuple(self.inputs.values()), graph.outputs)

    def number(self, value: Value | None) -> int:
        """The number of an input; -1 where nothing reads it."""
        return self.inputs[value].params["index"] if value in self.inputs else -1

    def numbers(self, values: list[Value]) -> tuple[int, ...]:
        """The numbers of several; without those that nothing reads."""
        return tuple(self.number(value) for value in values if value in self.inputs)

    def places(self, places: dict[Value, int]) -> tuple[tuple[int, int], ...]:
        """(number of the argument, number of the input) of arguments that are read."""
        return tuple((place, self.number(value)) for value, place in places.items() if value in self.inputs)

    def take(self, values: list[Value]) -> list[Value]:
        """The values, and those that they need, in the new graph."""
        for value in topological(values):
            if value not in self._new:
                self.builder.scope = value.scope
                self._new[value] = self._taken(value)
        return [self._new[value] for value in values]

    def _taken(self, value: Value) -> Value:
        if value.op == CONSTANT:
            return self.builder.constant(value.params["array"])
        if value in self.constants:
            return self.builder.constant(np.array(self.constants[value], order="C"))
        if value.op == INPUT:
            self.inputs[value] = self.builder.input(len(self.inputs), value.shape, value.dtype)
            return self.inputs[value]
        return self.builder.make(value.op, [self._new[a] for a in value.args], value.params)


def _known(condition: Value) -> bool:
    """Whether a condition depends on constants alone, and holds."""
    values = topological([condition])
    if any(value.op == INPUT for value in values):
        return False
    known: dict[Value, np.ndarray] = {}
    with np.errstate(all="ignore"):
        for value in values:
            known[value] = (
                value.params["array"]
                if value.op == CONSTANT
                else quiet(PRIMITIVES[value.op], [known[a] for a in value.args], value.params)
            )
    return bool(known[condition])
