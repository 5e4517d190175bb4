"""The tracer: a function runs once on tensors without numbers, and what it computes is recorded as a graph.

A trace holds values in the place of tensors (``core.context.read``). A tensor that is an array becomes an input of the
graph when it is first read; what is assigned to it is known to the trace alone. So the tensors themselves do not
change, and where the function raises nothing has happened. Afterwards a tensor that is still alive is *state*: it is
read anew at every call and written at its end. One that died was made in the function and is a constant.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from functools import reduce
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from ..core.context import current, quiet, using
from ..core.errors import TraceError
from ..core.primitive import PRIMITIVES, Primitive
from ..core.tape import Node, user_line
from ..core.variable import Variable
from ..frontend.dial import Dial
from ..frontend.tensor import Tensor
from . import tree
from .ir import CONSTANT, INPUT, Builder, Graph, Value, topological

FLOAT64 = np.dtype(np.float64)
Place = Any  # of a tensor: the tensor itself, or its number among the arguments


class Slot:
    """A tensor that is an array outside of the trace, and its value within."""

    __slots__ = ("argument", "array", "current", "hooks", "initial", "node", "reference")
    initial: Value  # the input of the graph
    current: Value

    def __init__(self, tensor: Variable, reference: Callable[[], Variable | None], argument: int | None = None):
        self.reference, self.argument = reference, argument
        self.array, self.node, self.hooks = tensor.value, tensor.node, hooks_of(tensor)

    @property
    def place(self) -> Place:
        """Where its array comes from at a call; None for a tensor that died."""
        return self.reference() if self.argument is None else self.argument


class GradSlot:
    """The gradient of such a tensor; ``initial`` is UNREAD where it was set before it was read."""

    __slots__ = ("current", "initial", "input", "owner")

    def __init__(self, owner: Slot, initial: Any = None, input: Value | None = None):
        self.owner, self.initial, self.current, self.input = owner, initial, initial, input


UNREAD = object()


class Watched(NamedTuple):
    """A tensor as it must be for a recording to hold."""

    tensor: Variable
    shape: tuple[int, ...]
    dtype: np.dtype
    node: Node | None
    hooks: tuple[Any, ...]
    input: int  # its number, or -1


class Recording(NamedTuple):
    """What a call of the function does, as far as tensors and learning rates are concerned.

    The outputs of ``graph`` are the tensors that the function returned, new values of tensors (``written``), gradients
    (``deposits``), and last, where it is ``conditional``, whether everything holds that was taken for granted.
    """

    graph: Graph
    arguments: tuple[tuple[int, int], ...]  # (number of the argument, number of the input)
    watched: tuple[Watched, ...]
    grads: tuple[tuple[Place, tuple[Any, ...] | None, int], ...]  # (whose, its shape and dtype or None, input or -1)
    events: tuple[tuple[Any, int], ...]  # in order: (group whose rate is that input), or (schedule that steps, -1)
    form: Any  # of the results
    sources: tuple[tuple[int, ...], ...]  # for each result, the inputs that its gradient flows to
    written: tuple[Place, ...]
    deposits: tuple[tuple[Place, bool], ...]  # (whose, whether there is one)
    conditional: bool


class Trace:
    """The interpreter that records."""

    def __init__(self) -> None:
        self.builder = Builder()
        self.slots: list[Slot] = []
        self.grads: list[GradSlot] = []
        self.events: list[tuple[Any, Value | None]] = []  # (group, its rate), or (schedule, None)
        self.conditions: list[Value] = []
        self._slots: dict[int, Slot] = {}  # by the tensor's id, while it lives
        self._grads: dict[int, GradSlot] = {}
        self._dials: dict[int, Dial] = {}
        self._own: set[Value] = set()
        self._numbers = count()

    def interpret(self, primitive: Primitive, values: list[Any], params: dict[str, Any]) -> Value:
        """Record instead of computing."""
        self.builder.scope = current().scope
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
        if isinstance(tensor.value, Value):
            if tensor.value not in self._own:
                raise TraceError(
                    f"a tensor of shape {tensor.value.shape} was made inside another trace and kept, at {user_line()}: "
                    "it never had a value. Return it from the function that made it."
                )
            return tensor.value
        if current().recording and not tensor.is_leaf:
            raise TraceError(
                f"the function closes over a tensor of shape {tensor.value.shape} that is the result of a recorded "
                f"operation, at {user_line()}: its gradient would end here. Pass it as an argument, or .detach() it."
            )
        return self._slot(tensor).current

    def write(self, tensor: Variable, value: Any) -> None:
        """Give a tensor another value, here."""
        if isinstance(tensor.value, Value):
            tensor.value = value
        else:
            self._slot(tensor).current = value if isinstance(value, Value) else self._constant(value)

    def grad_of(self, tensor: Variable) -> Any:
        """The gradient that a tensor has here."""
        if isinstance(tensor.value, Value):
            return tensor._grad
        slot = self._grads.get(id(tensor))
        if slot is None:
            grad = tensor._grad
            value = None if grad is None else self._input(grad.shape, grad.dtype)
            slot = self._grad_slot(tensor, value and Tensor._new(value), value)
        return slot.current

    def set_grad(self, tensor: Variable, grad: Any) -> None:
        """Give it another."""
        if isinstance(tensor.value, Value):
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
            slot.initial = slot.current = self._input(tensor.value.shape, tensor.value.dtype)
            self.slots.append(slot)
        return slot

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
        return [slot.initial for slot in self.slots if slot.node in reached]


class Boundary(Node):
    """Where the part of a graph ends that a trace sees: beyond it lies what an argument was computed from."""

    __slots__ = ()

    def __init__(self, tensor: Variable):
        super().__init__(None, {}, (tensor.node,), {}, tensor.value, current())

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
        else Tensor._new(leaf.value, Boundary(leaf))
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
    around = [_as_it_is(tensor, -1) for tensor in reached]
    args, kwargs = tree.replaced((args, kwargs), iter(given))
    with using(trace=trace, interpret=trace.interpret, scope=None):
        returned = function(*args, **kwargs)
        tensors: list[Any] = []
        form = tree.results(returned, tensors)
        values = [trace.read(tensor) for tensor in tensors]
        grads = trace.changed_grads()
    sources = [trace.sources(tensor) for tensor in tensors]  # a comprehension: its variable dies with it
    del returned, tensors, args, kwargs  # so that what was made in the function dies
    return _Finished(trace, around).recording(form, values, sources, grads)


def _as_it_is(tensor: Variable, index: int) -> Watched:
    return Watched(tensor, tensor.value.shape, tensor.value.dtype, tensor.node, hooks_of(tensor), index)


def hooks_of(tensor: Variable) -> tuple[Any, ...]:
    """The functions that are called with a tensor's gradient."""
    return tuple(tensor.node.hooks or ()) if tensor.node is not None else ()


class _Finished:
    """A trace behind its end. Its graph is made anew: inputs that died are constants, the others numbered by use."""

    def __init__(self, trace: Trace, around: list[Watched]):
        self.trace, self.around = trace, around
        self.slots = [slot for slot in trace.slots if slot.place is not None]
        self.constants = {slot.initial: slot.array for slot in trace.slots if slot.place is None}
        self.builder = Builder()
        self.inputs: dict[Value, Value] = {}  # of those in use, old to new
        self._new: dict[Value, Value] = {}

    def recording(
        self, form: Any, values: list[Value], sources: list[list[Value]], grads: list[tuple[GradSlot, Value | None]]
    ) -> Recording:
        written = [slot for slot in self.slots if slot.current is not slot.initial]
        deposits = [(slot, value) for slot, value in grads if slot.owner.place is not None]
        new = [value for _, value in deposits if value is not None]
        outputs = self.take([*values, *(slot.current for slot in written), *new])
        conditions = [c for c in self.take(self.trace.conditions) if not _known(c)]
        if conditions:
            outputs.append(self.together(conditions))
        read = [slot for slot in self.trace.grads if slot.initial is not UNREAD and slot.owner.place is not None]
        watched = {id(each.tensor): each for each in self.around}
        for slot in self.slots:
            if slot.argument is None:
                shape, dtype = slot.array.shape, slot.array.dtype
                watched[id(slot.place)] = Watched(
                    slot.place, shape, dtype, slot.node, slot.hooks, self.number(slot.initial)
                )
        return Recording(
            Graph(self.builder, tuple(self.inputs.values()), outputs),
            tuple(
                (slot.argument, self.number(slot.initial))
                for slot in self.slots
                if slot.argument is not None and slot.initial in self.inputs
            ),
            tuple(watched.values()),
            tuple(
                (
                    slot.owner.place,
                    (slot.input.shape, slot.input.dtype) if slot.input else None,
                    self.number(slot.input),
                )
                for slot in read
            ),
            tuple(
                (what, self.number(value)) for what, value in self.trace.events if value is None or value in self.inputs
            ),
            form,
            tuple(tuple(self.number(value) for value in each if value in self.inputs) for each in sources),
            tuple(slot.place for slot in written),
            tuple((slot.owner.place, value is not None) for slot, value in deposits),
            bool(conditions),
        )

    def number(self, value: Value | None) -> int:
        """The place among the inputs of one of the old graph's; -1 for one that is not in use."""
        return self.inputs[value].params["index"] if value in self.inputs else -1

    def together(self, conditions: list[Value]) -> Value:
        """Whether all hold."""
        self.builder.scope = None
        return reduce(lambda a, b: self.builder.make("mul", (a, b), {}), conditions)

    def take(self, outputs: list[Value]) -> list[Value]:
        """The values, and what they need, in the new graph."""
        for value in topological(outputs):
            if value not in self._new:
                self.builder.scope = value.scope
                self._new[value] = self._taken(value)
        return [self._new[value] for value in outputs]

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
