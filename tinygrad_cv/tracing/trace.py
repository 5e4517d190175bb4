"""The tracer: a function runs once on tensors without numbers, and what it computes is recorded as a graph.

A trace holds the values of tensors (``core.context.read``). A tensor with an array becomes an input of the graph when
it is first read; what is assigned to it is stored in the trace alone. So if the function raises, no tensor has changed.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import count
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from ..core.context import current
from ..core.errors import TraceError
from ..core.locks import rlock
from ..core.position import user_line
from ..core.primitive import Primitive
from ..core.tape import Node
from ..core.trace import Fact
from ..core.trace import Trace as TraceProtocol
from ..core.variable import Variable
from ..frontend.dynamic_scalar import NAMES, DynamicScalar
from ..frontend.given import GivenArray
from ..frontend.tensor import Tensor
from ..ir.graph import Builder, Value
from .views import Views

if TYPE_CHECKING:
    from ..core.tape import Hook
    from ..optim.group import Setting
    from ..optim.lr_scheduler import LRScheduler
    from .tree import Leaf

TRACING = rlock()  # held while a trace is recorded
FLOAT64 = np.dtype(np.float64)
Origin: TypeAlias = "Variable | int"  # where a call finds a tensor: itself, or its number among the arguments


class Slot:
    """A tensor with an array, and its value within the trace."""

    __slots__ = ("argument", "array", "changed", "current", "hooks", "initial", "node", "reference", "replaced")
    initial: Value  # the input of the graph
    current: Value
    changed: Value | None  # what its array holds at the end, if it was written into
    replaced: bool  # whether the tensor was given another array

    def __init__(self, tensor: Variable, reference: Callable[[], Variable | None], argument: int | None = None):
        self.reference, self.argument = reference, argument
        self.array, self.node, self.hooks = tensor._value, tensor.node, hooks_of(tensor)
        self.changed, self.replaced = None, False

    @property
    def origin(self) -> Origin | None:
        """Where a call finds the tensor; None if it died."""
        return self.reference() if self.argument is None else self.argument


class GradSlot:
    """The gradient of such a tensor; ``initial`` is UNREAD if it was set before it was read."""

    __slots__ = ("current", "initial", "input", "owner")

    def __init__(self, owner: Slot, initial: Any = None, input: Value | None = None):
        self.owner, self.initial, self.current, self.input = owner, initial, initial, input

    @property
    def aval(self) -> tuple[tuple[int, ...], np.dtype] | None:
        """Shape and dtype; None if there was no gradient."""
        return None if self.input is None else (self.input.shape, self.input.dtype)


UNREAD = object()


class Trace(TraceProtocol):
    """The interpreter that records."""

    def __init__(self) -> None:
        self.builder = Builder()
        self.slots: list[Slot] = []
        self.changed: list[Slot] = []  # whose arrays are written into
        self.grads: list[GradSlot] = []
        self.events: list[
            tuple[Setting, Value] | tuple[LRScheduler | Fact, None]
        ] = []  # numbers that are read, and steps
        self.conditions: list[Value] = []
        self._together: Value | None = None  # what processes compute together last
        self.locks: list[AbstractContextManager[object]] = []  # of the random generators that are drawn from
        self.leaves: dict[Node, Value] = {}  # leaves of the tape, and the inputs that they belong to
        self._slots: dict[int, Slot] = {}  # by the tensor's id, while it lives
        self._grads: dict[int, GradSlot] = {}
        self._settings: dict[tuple[int, str], DynamicScalar] = {}
        self._own: set[Value] = set()  # the values of this trace
        self._numbers = count()
        self.views = Views(self._put, self._is_read_only)

    def interpret(self, primitive: Primitive, values: list[Any], params: dict[str, Any]) -> Value:
        """Record instead of computing."""
        context = current()
        if context.anomaly:
            raise TraceError(
                "detect_anomaly() inside a jitted function: it looks at values, which are not known while tracing, at "
                f"{user_line()}. Put it around the call."
            )
        self.builder.scope = context.scope
        if primitive.family == "collective" and self._together is not None:
            values = [*values, self._together]  # so that whatever runs the graph keeps to the order of this function
        value = self.builder.make(primitive.name, values, params)
        self._own.add(value)
        if primitive.family == "collective":
            self._together = value
        return value

    def _input(self, shape: tuple[int, ...], dtype: np.dtype) -> Value:
        value = self.builder.input(next(self._numbers), shape, dtype)
        self._own.add(value)
        return value

    # --- what tensors, the tape and optimizers ask for ---

    def read(self, tensor: Variable) -> Value:
        """The value of a tensor."""
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
        """Give a tensor another value, in memory of its own."""
        self.views.leave(tensor)
        if not isinstance(tensor._value, Value):
            self._slot(tensor).replaced = True
        self._put(tensor, value)

    def change(self, tensor: Variable, value: Any) -> bool:
        """Write into the memory of a tensor and its views; False if it is read-only."""
        return self.views.change(tensor, value)

    def moved(
        self, result: Variable, x: Variable, primitive: Primitive | None = None, params: dict[str, Any] | None = None
    ) -> None:
        """Note that a result may be a view of x."""
        self.views.moved(result, x, primitive, params)

    def called(self, function: Callable[..., Any], args: Any, kwargs: Any, result: Any) -> None:
        """What a composed function computed is recorded already."""

    def _put(self, tensor: Variable, value: Any) -> None:
        if isinstance(tensor._value, Value):
            tensor._value = value
            return
        slot = self._slot(tensor)
        slot.current = value if isinstance(value, Value) else self._constant(value)
        if not slot.replaced:
            self._check_unshared(slot, [other for other in self.slots if other is not slot])
            if slot.changed is None:
                self.changed.append(slot)
            slot.changed = slot.current

    def _is_read_only(self, tensor: Variable) -> bool:
        slot = None if isinstance(tensor._value, Value) else self._slot(tensor)
        return slot is not None and not slot.replaced and not slot.array.flags.writeable

    def _check_unshared(self, changed: Slot, others: Iterable[Slot]) -> None:
        """Refuse a change in place of a tensor whose array shares memory with another one's."""
        for other in others:
            if other.origin is not None and not other.replaced and overlap(changed.array, other.array):
                raise TraceError(
                    f"a tensor of shape {changed.array.shape} is changed in place in a jitted function, at "
                    f"{user_line()}, and one of shape {other.array.shape} that the function uses shares its memory, "
                    "since before the call. Take the view within the function, or pass a .clone() of it."
                )

    def grad_of(self, tensor: Variable) -> Tensor | None:
        """The ``.grad`` of a tensor."""
        if isinstance(tensor._value, Value):
            return tensor._grad
        slot = self._grads.get(id(tensor))
        if slot is None:
            grad = tensor._grad
            value = None if grad is None else self._input(grad.shape, grad.dtype)
            slot = self._grad_slot(tensor, value and Tensor._new(value), value)
        return slot.current

    def set_grad(self, tensor: Variable, grad: Tensor | None) -> None:
        """Set the ``.grad`` of a tensor."""
        if isinstance(tensor._value, Value):
            tensor._grad = grad
        else:
            slot = self._grads.get(id(tensor)) or self._grad_slot(tensor, UNREAD)
            slot.current = grad

    def setting(self, setting: Setting, value: float) -> Any:
        """A number of a parameter group, such as its learning rate: an input."""
        if setting.place not in self._settings:
            number = self._input((), FLOAT64)
            self.events.append((setting, number))
            self._settings[setting.place] = DynamicScalar(Tensor._new(number), setting.name)
        return self._settings[setting.place]

    def assume(self, fact: Fact) -> None:
        """Look at it in each call, where a schedule has taken a step before; otherwise a guard does."""
        if any(number is None for _, number in self.events):
            self.events.append((fact, None))

    def change_setting(self, name: str) -> None:
        """Refused."""
        raise TraceError(
            f"{NAMES.get(name, name)} is set inside a jitted function, at {user_line()}: that would happen only while "
            "tracing. Call a schedule's step(), or set it outside."
        )

    def postpone(self, schedule: LRScheduler) -> bool:
        """A schedule takes its step in every call; settings that are read from now on are inputs of their own."""
        self.events.append((schedule, None))
        self._settings.clear()
        return True

    def alone(self, lock: AbstractContextManager[object]) -> AbstractContextManager[object]:
        """Every call holds this lock from reading tensors to writing them; tracing need not."""
        if lock not in self.locks:
            self.locks.append(lock)
        return nullcontext()

    def expect(self, condition: Value) -> None:
        """What is recorded is valid only where this is true."""
        if condition not in self.conditions:
            self.conditions.append(condition)

    # --- slots ---

    def take(self, number: int, tensor: Variable) -> None:
        """Note that a tensor is an argument."""
        if id(tensor) not in self._slots:
            self._slot(tensor, number)

    def _slot(self, tensor: Variable, argument: int | None = None) -> Slot:
        slot = self._slots.get(id(tensor))
        if slot is None:
            slot = self._slots[id(tensor)] = Slot(tensor, self._reference(tensor), argument)
            slot.initial = slot.current = self._input(tensor._value.shape, tensor._value.dtype)
            for changed in self.changed:
                self._check_unshared(changed, [slot])
            self.slots.append(slot)
            if slot.node is not None:
                self.leaves[slot.node] = slot.initial
        return slot

    def cotangent(self, output: Variable) -> Tensor:
        """A new input, for the cotangent of an output."""
        g = Tensor._new(self._input(output._value.shape, output._value.dtype)).requires_grad_()
        assert g.node is not None
        self.leaves[g.node] = g._value
        return g

    def _grad_slot(self, tensor: Variable, initial: Any, input: Value | None = None) -> GradSlot:
        owner = self._slots.get(id(tensor)) or Slot(tensor, self._reference(tensor))
        slot = self._grads[id(tensor)] = GradSlot(owner, initial, input)
        self.grads.append(slot)
        return slot

    def _reference(self, tensor: Variable) -> Callable[[], Variable | None]:
        """A weak reference; a tensor that dies is removed from the tables, since another may get its id."""
        key, tables = id(tensor), (self._slots, self._grads)
        return weakref.ref(tensor, lambda _: [table.pop(key, None) for table in tables])

    def _constant(self, array: np.ndarray) -> Value:
        value = self.builder.constant(np.array(array, order="C"))
        self._own.add(value)
        return value

    def changed_grads(self) -> list[tuple[GradSlot, Value | None]]:
        """The gradients that have changed, and their values at the end."""
        changed = [slot for slot in self.grads if slot.current is not slot.initial]
        values = [None if slot.current is None else self.read(slot.current) for slot in changed]
        for slot in self.grads:
            slot.current = None
        return list(zip(changed, values, strict=True))

    def sources(self, output: Variable) -> list[Value]:
        """The inputs that an output's gradient flows to."""
        if output.node is None or output.node.saved is None:  # backward() has freed its graph
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
    """A leaf in place of the node of an argument: the trace does not see what the argument was computed from."""

    __slots__ = ()

    def __init__(self, tensor: Variable):
        super().__init__(None, {}, (tensor.node,), {}, tensor._value, current())

    def cotangents(self, g: Tensor, wanted: Callable[[Node], bool]) -> Iterator[tuple[Node, Tensor]]:
        """Nothing is pulled back beyond."""
        (past,) = self.parents
        if past is not None and wanted(past):
            raise TraceError(
                f"backward() inside a jitted function reaches an argument of shape {self.shape} that was computed "
                "outside, by a recorded operation: the gradient cannot flow any farther. Return the loss and call "
                "backward() on it, or pass a .detach() of the argument."
            )
        return iter(())


def arguments(leaves: Iterable[Leaf], recording: bool = False) -> list[Variable]:
    """Tensors for the leaves of the arguments: arrays become tensors; recorded results get a :class:`Boundary`."""
    return [
        GivenArray(leaf)
        if not isinstance(leaf, Variable)
        else Tensor._new(leaf._value, Boundary(leaf))
        if recording and not leaf.is_leaf
        else leaf
        for leaf in leaves
    ]


def overlap(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two arrays have an element in common."""
    return np.may_share_memory(a, b) and np.shares_memory(a, b)


def hooks_of(tensor: Variable) -> tuple[Hook, ...]:
    """The functions that are called with a tensor's gradient."""
    return tuple(tensor.node.hooks or ()) if tensor.node is not None else ()
