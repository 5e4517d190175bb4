"""What a trace leaves: the graph of one call of a function, and what has to hold for it to be used again.

Afterwards a tensor that is still alive is *state*: it is read anew at every call and written at its end. One that died
was made in the function and is a constant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from ..core.backward import pull
from ..core.context import current, quiet, using
from ..core.errors import TraceError
from ..core.primitive import PRIMITIVES
from ..core.tape import Node
from ..core.variable import Variable
from ..ir.graph import CONSTANT, INPUT, Builder, Graph, Value, topological
from . import tree
from .trace import UNREAD, Origin, Trace, arguments, hooks_of


class Watched(NamedTuple):
    """A tensor as it must be for a recording to hold."""

    tensor: Variable
    shape: tuple[int, ...]
    dtype: np.dtype
    node: Node | None
    hooks: tuple[Any, ...]
    input: int = -1  # its number


class Tape(NamedTuple):
    """What derivatives of a recording are made of: the trace, and the tensors that the function returned.

    Their nodes hold values of the trace, no arrays: pulling a cotangent back through them records more.
    """

    trace: Trace
    tensors: tuple[Any, ...]
    inputs: dict[Value, int]  # of the trace, and their numbers in the recording's graph


class Recording(NamedTuple):
    """What a call of the function does, as far as tensors and learning rates are concerned.

    The outputs of ``graph`` are the tensors that the function returned, new arrays of tensors (``written``), new values
    of arrays that are changed in place (``changed``), gradients (``deposits``), and last, where it is ``conditional``,
    whether everything holds that was taken for granted.
    """

    graph: Graph
    arguments: tuple[tuple[int, int], ...]  # (number of the argument, number of the input)
    watched: tuple[Watched, ...]
    form: Any  # of the results
    sources: tuple[tuple[int, ...], ...]  # for each result, the inputs that its gradient flows to
    conditional: bool
    tape: Tape | None  # where a result has sources
    grads: tuple[tuple[Origin, tuple[Any, ...] | None, int], ...] = ()  # (whose, shape and dtype or None, input or -1)
    events: tuple[tuple[Any, int], ...] = ()  # in order: (group, input with its rate), or (schedule that steps, -1)
    written: tuple[Origin, ...] = ()
    changed: tuple[Origin, ...] = ()  # whose arrays are written into
    deposits: tuple[tuple[Origin, bool], ...] = ()  # (whose gradient, whether there is one)
    locks: tuple[Any, ...] = ()  # of the generators that it draws from


def record(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    leaves: list[Any],
    reached: Iterable[Variable],
) -> Recording:
    """Run the function once and record it; ``reached`` are tensors that it may look at without reading them."""
    trace = Trace()
    given = arguments(leaves, current().recording)
    for number, tensor in enumerate(given):
        trace.take(number, tensor)
    watched = {id(tensor): _as_it_is(tensor) for tensor in reached}
    args, kwargs = tree.replaced((args, kwargs), iter(given))
    with using(trace=trace, interpret=trace.interpret, scope=None):
        returned = function(*args, **kwargs)
        tensors: list[Any] = []
        form = tree.results(returned, tensors)
        results = _results(trace, tensors)
        grads = trace.changed_grads()
    del returned, tensors, args, kwargs  # so that what was made in the function dies

    alive = [slot for slot in trace.slots if slot.place is not None]
    places = {slot.initial: slot.argument for slot in alive if slot.argument is not None}
    remade = _Remade({slot.initial: slot.array for slot in trace.slots if slot.place is None})
    written = [slot for slot in alive if slot.replaced and slot.current is not slot.initial]
    changed = [slot for slot in trace.changed if slot.place is not None]
    read = [slot for slot in trace.grads if slot.initial is not UNREAD and slot.owner.place is not None]
    grads = [(slot, value) for slot, value in grads if slot.owner.place is not None]
    outputs = [result.value for result in results]
    outputs += [slot.current for slot in written]
    outputs += [slot.changed for slot in changed if slot.changed is not None]
    outputs += [value for _, value in grads if value is not None]
    graph, conditional = remade.graph(outputs, trace.conditions)
    if any(result.sources for result in results):  # derivatives may need inputs that the results do not
        inputs = [slot.initial for slot in alive] + [slot.input for slot in read if slot.input is not None]
        graph = remade.with_inputs(graph, inputs + [value for _, value in trace.events if value is not None])
    for slot in alive:
        if slot.argument is None:
            known = Watched(slot.place, slot.array.shape, slot.array.dtype, slot.node, slot.hooks)
            watched[id(slot.place)] = known._replace(input=remade.number(slot.initial))
    return Recording(
        graph,
        remade.places(places),
        tuple(watched.values()),
        form,
        tuple(remade.numbers(result.sources) for result in results),
        conditional,
        _tape(trace, results, remade),
        tuple((slot.owner.place, slot.aval, remade.number(slot.input)) for slot in read),
        tuple((what, remade.number(value)) for what, value in trace.events if value is None or value in remade.inputs),
        tuple(slot.place for slot in written),
        tuple(slot.place for slot in changed),
        tuple((slot.owner.place, value is not None) for slot, value in grads),
        tuple(trace.locks),
    )


def pulled_back(tape: Tape, number: int, wanted: tuple[int, ...]) -> Recording:
    """The pullback of one result as a recording of its own: (inputs, cotangent) -> the shares of some of the inputs.

    The trace goes on where the function ended. So whatever the function detached, or gave a derivative of its own, is
    respected at every order.
    """
    trace, output = tape.trace, tape.tensors[number]
    nodes = {tape.inputs[value]: node for node, value in trace.leaves.items() if value in tape.inputs}
    old, known = len(trace.slots), len(trace.conditions)
    before = [slot.current for slot in trace.slots]
    with using(trace=trace, interpret=trace.interpret, scope=None, recording=True):
        g = trace.cotangent(output)
        found = pull([(output.node, g)], [nodes[i] for i in wanted], retain_graph=True, create_graph=True, raw=True)
        tensors: list[Any] = []
        form = tree.results(tuple(found.get(nodes[i]) for i in wanted), tensors)
        results = _results(trace, tensors)
    if [slot.current for slot in trace.slots] != before + [slot.initial for slot in trace.slots[old:]]:
        raise TraceError("a hook, or the backward of a custom function, assigns to a tensor: that cannot be compiled.")
    places = {**tape.inputs, g._value: len(tape.inputs)}
    del found, tensors
    fresh = trace.slots[old:]
    dead = {slot.initial: slot.array for slot in trace.slots if slot.place is None and slot.initial not in places}
    remade = _Remade(dead)
    graph, conditional = remade.graph([result.value for result in results], trace.conditions[known:])
    graph = remade.with_inputs(graph, list(places))
    return Recording(
        graph,
        remade.places(places),
        tuple(
            _as_it_is(slot.place)._replace(input=remade.number(slot.initial))
            for slot in fresh
            if slot.place is not None
        ),
        form,
        tuple(remade.numbers(result.sources) for result in results),
        conditional,
        _tape(trace, results, remade),
    )


class Result(NamedTuple):
    """A tensor that the function returned."""

    value: Value
    sources: list[Value]  # the inputs that its gradient flows to
    tensor: Any  # with its graph, if there are sources


def _results(trace: Trace, tensors: list[Any]) -> list[Result]:
    sources = [trace.sources(tensor) for tensor in tensors]
    return [Result(trace.read(t), s, t if s else None) for t, s in zip(tensors, sources, strict=True)]


def _tape(trace: Trace, results: list[Result], remade: _Remade) -> Tape | None:
    if not any(result.sources for result in results):
        return None
    numbers = {value: remade.number(value) for value in remade.inputs}
    return Tape(trace, tuple(result.tensor for result in results), numbers)


def _as_it_is(tensor: Variable) -> Watched:
    return Watched(tensor, tensor._value.shape, tensor._value.dtype, tensor.node, hooks_of(tensor))


class _Remade:
    """A graph made anew: inputs that died are constants, the others are numbered as they are met."""

    def __init__(self, constants: dict[Value, np.ndarray]):
        self.constants = constants
        self.builder = Builder()
        self.inputs: dict[Value, Value] = {}  # old to new
        self._new: dict[Value, Value] = {}

    def graph(self, outputs: list[Value], conditions: list[Value]) -> tuple[Graph, bool]:
        """The graph; and whether its last output says that the conditions hold, of which some may be known."""
        new = self.take(outputs)
        open_ = [condition for condition in self.take(conditions) if not _known(condition)]
        if open_:
            self.builder.scope = None
            new.append(reduce(lambda a, b: self.builder.make("mul", (a, b), {}), open_))
        return Graph(self.builder, tuple(self.inputs.values()), new), bool(open_)

    def with_inputs(self, graph: Graph, inputs: list[Value]) -> Graph:
        """The graph with more inputs, whether it reads them or not."""
        self.take(inputs)
        return Graph(self.builder, tuple(self.inputs.values()), graph.outputs)

    def number(self, value: Value | None) -> int:
        """The number of an input; -1 where nothing reads it."""
        return self.inputs[value].params["index"] if value in self.inputs else -1

    def numbers(self, values: list[Value]) -> tuple[int, ...]:
        """Those of several."""
        return tuple(self.number(value) for value in values if value in self.inputs)

    def places(self, places: dict[Value, int]) -> tuple[tuple[int, int], ...]:
        """(number of the argument, number of the input) of arguments that are read."""
        return tuple((place, self.number(value)) for value, place in places.items() if value in self.inputs)

    def take(self, values: list[Value]) -> list[Value]:
        """The values, and what they need, in the new graph."""
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
    known: dict[Value, Any] = {}
    with np.errstate(all="ignore"):
        for value in values:
            known[value] = (
                value.params["array"]
                if value.op == CONSTANT
                else quiet(PRIMITIVES[value.op], [known[a] for a in value.args], value.params)
            )
    return bool(known[condition])
