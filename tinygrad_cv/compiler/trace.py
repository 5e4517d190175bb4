"""The tracer: a function runs once on tensors without numbers, and what it computes is recorded as a graph.

A trace holds values in the place of tensors (``core.context.read``). A tensor that is an array becomes an input of the
graph when it is first read; what is assigned to it is known to the trace alone. So the tensors themselves do not
change, and where the function raises nothing has happened. Afterwards a tensor that is still alive is *state*: it is
read anew at every call and written at its end. One that died was made in the function and is a constant.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable
from functools import reduce
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from ..core.context import current, quiet, using
from ..core.errors import TraceError
from ..core.primitive import PRIMITIVES, Primitive
from ..core.tape import Node, pull, user_line
from ..core.variable import Variable
from ..frontend.dial import Dial
from ..frontend.tensor import Tensor
from . import tree
from .ir import CONSTANT, INPUT, Builder, Graph, Value, topological

TRACING = threading.RLock()  # held while a trace grows
FLOAT64 = np.dtype(np.float64)
Place = Any  # of a tensor: the tensor itself, or its number among the arguments


class Slot:
    """A tensor that is an array outside of the trace, and its value within."""

    __slots__ = ("argument", "array", "current", "hooks", "initial", "node", "reference")
    initial: Value  # the input of the graph
    current: Value

    def __init__(self, tensor: Variable, reference: Callable[[], Variable | None], argument: int | None = None):
        self.reference, self.argument = reference, argument
        self.array, self.node, self.hooks = tensor._value, tensor.node, hooks_of(tensor)

    @property
    def place(self) -> Place:
        """Where its array comes from at a call; None for a tensor that died."""
        return self.reference() if self.argument is None else self.argument


class GradSlot:
    """The gradient of such a tensor; ``initial`` is UNREAD where it was set before it was read."""

    __slots__ = ("current", "initial", "input", "owner")

    def __init__(self, owner: Slot, initial: Any = None, input: Value | None = None):
        self.owner, self.initial, self.current, self.input = owner, initial, initial, input

    @property
    def aval(self) -> tuple[Any, ...] | None:
        """Shape and dtype; None where there was no gradient."""
        return None if self.input is None else (self.input.shape, self.input.dtype)


UNREAD = object()


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

    The outputs of ``graph`` are the tensors that the function returned, new values of tensors (``written``), gradients
    (``deposits``), and last, where it is ``conditional``, whether everything holds that was taken for granted.
    """

    graph: Graph
    arguments: tuple[tuple[int, int], ...]  # (number of the argument, number of the input)
    watched: tuple[Watched, ...]
    form: Any  # of the results
    sources: tuple[tuple[int, ...], ...]  # for each result, the inputs that its gradient flows to
    conditional: bool
    tape: Tape | None  # where a result has sources
    grads: tuple[tuple[Place, tuple[Any, ...] | None, int], ...] = ()  # (whose, shape and dtype or None, input or -1)
    events: tuple[tuple[Any, int], ...] = ()  # in order: (group, input with its rate), or (schedule that steps, -1)
    written: tuple[Place, ...] = ()
    deposits: tuple[tuple[Place, bool], ...] = ()  # (whose gradient, whether there is one)


class Trace:
    """The interpreter that records."""

    def __init__(self) -> None:
        self.builder = Builder()
        self.slots: list[Slot] = []
        self.grads: list[GradSlot] = []
        self.events: list[tuple[Any, Value | None]] = []  # (group, its rate), or (schedule, None)
        self.conditions: list[Value] = []
        self.leaves: dict[Node, Value] = {}  # of the tape, and the inputs that they stand for
        self._slots: dict[int, Slot] = {}  # by the tensor's id, while it lives
        self._grads: dict[int, GradSlot] = {}
        self._dials: dict[int, Dial] = {}
        self._own: set[Value] = set()
        self._numbers = count()

    def interpret(self, primitive: Primitive, values: list[Any], params: dict[str, Any]) -> Value:
        """Record instead of computing."""
        context = current()
        if context.anomaly:
            raise TraceError(
                "detect_anomaly() inside a jitted function: it looks at values, which are not known while tracing, at "
                f"{user_line()}. Put it around the call."
            )
        self.builder.scope = context.scope
        value = self.builder.make(primitive.name, values, params)
        self._own.add(value)
        return value

    def _input(self, shape: tuple[int, ...], dtype: np.dtype) -> Value:
        value = self.builder.input(next(self._numbers), shape, dtype)
        self._own.add(value)
        return value

    # --- what tensors, the tape and optimizers ask for ---

    def read(self, tensor: Variable) -> Value:
        """The value that stands for a tensor's numbers."""
        slot = self._slots.get(id(tensor))
        if slot is not None:
            return slot.current
        if isinstance(tensor._value, Value):
            if tensor._value not in self._own:
                raise TraceError(
                    f"a tensor of shape {tensor._value.shape} was made inside another trace and kept, at "
                    f"{user_line()}: it never had a value. Return it from the function that made it."
                )
            return tensor._value
        if current().recording and not tensor.is_leaf:
            raise TraceError(
                f"the function closes over a tensor of shape {tensor._value.shape} that is the result of a recorded "
                f"operation, at {user_line()}: its gradient would end here. Pass it as an argument, or .detach() it."
            )
        return self._slot(tensor).current

    def write(self, tensor: Variable, value: Any) -> None:
        """Give a tensor another value, here."""
        if isinstance(tensor._value, Value):
            tensor._value = value
        else:
            self._slot(tensor).current = value if isinstance(value, Value) else self._constant(value)

    def grad_of(self, tensor: Variable) -> Any:
        """The gradient that a tensor has here."""
        if isinstance(tensor._value, Value):
            return tensor._grad
        slot = self._grads.get(id(tensor))
        if slot is None:
            grad = tensor._grad
            value = None if grad is None else self._input(grad.shape, grad.dtype)
            slot = self._grad_slot(tensor, value and Tensor._new(value), value)
        return slot.current

    def set_grad(self, tensor: Variable, grad: Any) -> None:
        """Give it another."""
        if isinstance(tensor._value, Value):
            tensor._grad = grad
        else:
            slot = self._grads.get(id(tensor)) or self._grad_slot(tensor, UNREAD)
            slot.current = grad

    def dial(self, group: Any, value: Any) -> Any:
        """A group's learning rate: an input, if it is a float."""
        if not isinstance(value, float):
            return value
        if id(group) not in self._dials:
            rate = self._input((), FLOAT64)
            self.events.append((group, rate))
            self._dials[id(group)] = Dial(Tensor._new(rate))
        return self._dials[id(group)]

    def set_dial(self, group: Any) -> None:
        """Refused."""
        raise TraceError(
            f"a learning rate is set inside a jitted function, at {user_line()}: that would happen while tracing only. "
            "Call a Schedule's step(), or set it outside."
        )

    def postpone(self, schedule: Any) -> bool:
        """A schedule takes its step at each call; rates that are read from now on are those behind it."""
        self.events.append((schedule, None))
        self._dials.clear()
        return True

    def expect(self, condition: Value) -> None:
        """What is recorded holds only where this is true."""
        if condition not in self.conditions:
            self.conditions.append(condition)

    # --- its tables ---

    def take(self, number: int, tensor: Variable) -> None:
        """A tensor is an argument."""
        if id(tensor) not in self._slots:
            self._slot(tensor, number)

    def _slot(self, tensor: Variable, argument: int | None = None) -> Slot:
        slot = self._slots.get(id(tensor))
        if slot is None:
            slot = self._slots[id(tensor)] = Slot(tensor, self._reference(tensor), argument)
            slot.initial = slot.current = self._input(tensor._value.shape, tensor._value.dtype)
            self.slots.append(slot)
            if slot.node is not None:
                self.leaves[slot.node] = slot.initial
        return slot

    def cotangent(self, output: Variable) -> Any:
        """A new input, for the cotangent of an output."""
        g = Tensor._new(self._input(output._value.shape, output._value.dtype)).requires_grad_()
        self.leaves[g.node] = g._value
        return g

    def _grad_slot(self, tensor: Variable, initial: Any, input: Value | None = None) -> GradSlot:
        owner = self._slots.get(id(tensor)) or Slot(tensor, self._reference(tensor))
        slot = self._grads[id(tensor)] = GradSlot(owner, initial, input)
        self.grads.append(slot)
        return slot

    def _reference(self, tensor: Variable) -> Callable[[], Variable | None]:
        """A weak reference; when the tensor dies it leaves the tables, for another may get its id."""
        key, tables = id(tensor), (self._slots, self._grads)
        return weakref.ref(tensor, lambda _: [table.pop(key, None) for table in tables])

    def _constant(self, array: np.ndarray) -> Value:
        value = self.builder.constant(np.array(array, order="C"))
        self._own.add(value)
        return value

    def changed_grads(self) -> list[tuple[GradSlot, Value | None]]:
        """The gradients that are others at the end, and their values."""
        changed = [slot for slot in self.grads if slot.current is not slot.initial]
        values = [None if slot.current is None else self.read(slot.current) for slot in changed]
        for slot in self.grads:
            slot.current = None
        return list(zip(changed, values, strict=True))

    def sources(self, output: Variable) -> list[Value]:
        """The inputs that an output's gradient flows to."""
        if output.node is None or output.node.saved is None:  # backward() has run, and freed its graph
            return []
        reached = {output.node}
        stack = [output.node]
        while stack:
            node = stack.pop()
            for parent in () if isinstance(node, Boundary) else node.parents:
                if parent is not None and parent not in reached:
                    reached.add(parent)
                    stack.append(parent)
        return [value for node, value in self.leaves.items() if node in reached]


class Boundary(Node):
    """Where the part of a graph ends that a trace sees: beyond it lies what an argument was computed from."""

    __slots__ = ()

    def __init__(self, tensor: Variable):
        super().__init__(None, {}, (tensor.node,), {}, tensor._value, current())

    def cotangents(self, g: Any, wanted: Callable[[Node], bool]) -> Any:
        """Nothing goes beyond."""
        if wanted(self.parents[0]):  # type: ignore[arg-type]
            raise TraceError(
                f"backward() inside a jitted function reaches an argument of shape {self.shape} that was computed "
                "outside, by a recorded operation: the gradient cannot go on from here. Return the loss and call "
                "backward() on it, or pass a .detach() of the argument."
            )
        return ()


def arguments(leaves: Iterable[Any], recording: bool = False) -> list[Variable]:
    """Tensors for the leaves of the arguments: arrays become tensors; of a recorded result the past is cut off."""
    return [
        Tensor(leaf)
        if not isinstance(leaf, Variable)
        else Tensor._new(leaf._value, Boundary(leaf))
        if recording and not leaf.is_leaf
        else leaf
        for leaf in leaves
    ]


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
    written = [slot for slot in alive if slot.current is not slot.initial]
    read = [slot for slot in trace.grads if slot.initial is not UNREAD and slot.owner.place is not None]
    grads = [(slot, value) for slot, value in grads if slot.owner.place is not None]
    outputs = [result.value for result in results]
    outputs += [slot.current for slot in written]
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
        tuple((slot.owner.place, value is not None) for slot, value in grads),
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


def hooks_of(tensor: Variable) -> tuple[Any, ...]:
    """The functions that are called with a tensor's gradient."""
    return tuple(tensor.node.hooks or ()) if tensor.node is not None else ()


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
