"""The compiled code of a composed function for one signature: its values, and its cotangents.

Both are programs of graphs of primitives, as ``tg.jit`` makes them; the second is the derivative that emerges from the
first. It reads the arguments and the cotangent, so that nothing else is kept between them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from ..compiler import Program, compiled
from ..core.composite import Composite, composite
from ..core.context import Context, Scope, in_scope, using
from ..core.primitive import PRIMITIVES, Primitive
from ..core.tape import SPACE, Node, reachable
from ..core.variable import Variable
from ..frontend.random import default_generator
from ..frontend.tensor import Tensor
from ..ir.graph import INPUT, Value
from ..tracing.recording import Recording, TracedOutputs, pulled_back, record
from ..tracing.trace import TRACING
from .memory_order import Order, inverse, of_result

if TYPE_CHECKING:
    from ..tracing.tree import Leaf

STATE, COTANGENT = -1, -2  # in place of the number of an argument: the state of the random generator; the cotangent


class Unfit(Exception):
    """Why a function's calls are left to NumPy."""


class Arguments:
    """The arguments of a call but for tensors, which each call has of its own."""

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]):
        self.names = tuple(kwargs)
        self.items = [None if isinstance(x, Variable) else x for x in (*args, *kwargs.values())]
        self.places = [i for i, x in enumerate((*args, *kwargs.values())) if isinstance(x, Variable)]

    def tensors(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        """The tensors of a call."""
        items = (*args, *kwargs.values()) if kwargs else args
        return [items[place] for place in self.places]

    def filled(self, tensors: list[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments, with these tensors."""
        items = list(self.items)
        for place, tensor in zip(self.places, tensors, strict=True):
            items[place] = tensor
        count = len(items) - len(self.names)
        return tuple(items[:count]), dict(zip(self.names, items[count:], strict=True))


class AbstractCall(NamedTuple):
    """A call without its numbers.

    Attributes:
        modes: the context, as far as it matters.
        args, kwargs: with leaves in place of tensors, whose shapes are row-major as the arrays lie.
        orders: of the tensors' arrays.
    """

    modes: Context
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    orders: list[Order]


class Composition:
    """A composed function for one signature, compiled.

    Args:
        function: the function itself, without a scope.

    Raises:
        Unfit: its calls do more than to compute one tensor from their arguments and to draw random numbers.
        TraceError: it looks at values.
    """

    def __init__(self, function: Callable[..., Any], call: AbstractCall):
        self.function, self.arguments = function, Arguments(call.args, call.kwargs)
        self._orders, self._order = call.orders, cast(Order, None)  # of the arguments, and of the result
        recording = self._recorded(call)
        self._conditional = recording.conditional
        self._inputs = self._numbered(recording)  # for each input of the graph, the argument
        self._draws = STATE in self._inputs
        self._written = tuple(self._place(origin) for origin in recording.written)
        self._sources = recording.sources[0]  # inputs of the graph that the gradient flows to
        self._program = compiled(recording.graph)
        if self._sources:
            assert recording.traced is not None
            self._derive(recording.traced)

    # --- building ---

    def _recorded(self, call: AbstractCall) -> Recording:
        """The function's graph, of arrays as they lie."""
        leaves: list[Leaf] = self.arguments.tensors(call.args, call.kwargs)
        with TRACING, using(recording=call.modes.recording, replaying=call.modes.replaying):
            recording = record(self._of_arrays_as_they_lie, tuple(leaves), {}, leaves, ())
        if recording.changed or recording.deposits or recording.events:
            raise Unfit("it changes what it was called with")
        if any(value.op == "all_reduce" for value in recording.graph.values()):
            raise Unfit("processes compute together in it, and they would not begin to compile at the same call")
        if any(watched.tensor is not default_generator.state for watched in recording.watched):
            raise Unfit("it reads a tensor that it was not called with")
        return recording

    def _of_arrays_as_they_lie(self, *leaves: Tensor) -> Tensor:
        given = [
            leaf if order is None else leaf.permute(*inverse(order))
            for leaf, order in zip(leaves, self._orders, strict=True)
        ]
        before = [tensor._value for tensor in given]
        args, kwargs = self.arguments.filled(given)
        result = self.function(*args, **kwargs)
        if type(result) is not Tensor:
            raise Unfit("it does not return one tensor")
        value: Any = result._value
        if not isinstance(value, Value) or _is_view(value):
            raise Unfit("its result is its argument, or a view of it")
        if any(order and t._value is not v for t, v, order in zip(given, before, self._orders, strict=True)):
            raise Unfit("it changes what it was called with")
        ranks = [(leaf.ndim, order) for leaf, order in zip(leaves, self._orders, strict=True)]
        self._order = of_result(value, ranks)
        self._given, self._last = [tensor.node for tensor in given], result.node
        return result if self._order is None else result.permute(*self._order)

    def _numbered(self, recording: Recording) -> tuple[int, ...]:
        places = dict.fromkeys(range(len(recording.graph.inputs)), STATE)
        places.update({index: number for number, index in recording.arguments})
        return tuple(places.values())

    def _place(self, origin: Any) -> int:
        if isinstance(origin, int):
            return origin
        if origin is not default_generator.state:
            raise Unfit("it assigns to a tensor that it was not called with")
        return STATE

    def _derive(self, traced: TracedOutputs) -> None:
        """Compile the derivative."""
        last = self._last
        assert last is not None
        assert last.primitive is not None
        self._tape = [node for node in reachable([last]) if node.primitive is not None and node not in self._given]
        if len(self._tape) >= SPACE:
            raise Unfit(f"it is {len(self._tape)} operations")
        if any(type(node) is not Node for node in self._tape):
            raise Unfit("it calls a function with a derivative of its own")
        known = last.primitive
        self._primitive = Primitive(
            known.name, known.eval, known.aval, family=known.family, label=known.label, formula=known.formula
        )
        with TRACING:
            recording = pulled_back(traced, 0, self._sources)
        if recording.conditional or recording.watched:
            raise Unfit("its derivative looks at values")
        self._cotangents = [  # (argument, number of the result)
            (self._inputs[source], int(item))
            for source, item in zip(self._sources, recording.form, strict=True)
            if item is not None
        ]
        inputs = (*self._inputs, COTANGENT)
        places = {index: inputs[place] for place, index in recording.arguments}
        self._pulled = tuple(places[i] for i in range(len(recording.graph.inputs)))
        self._pullback: Program = compiled(recording.graph)

    @property
    def nbytes(self) -> int:
        """The memory that its programs keep between calls."""
        return self._program.nbytes + (self._pullback.nbytes if self._sources else 0)

    # --- calling ---

    def __call__(self, context: Context, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor | None:
        """The function's result; None where a condition does not hold under which the graph is valid."""
        given = self.arguments.tensors(args, kwargs)
        with default_generator.alone() if self._draws else nullcontext():
            state: Any = default_generator.state._value if self._draws else None
            arrays = [
                state if place == STATE else _as_it_lies(given[place]._value, self._orders[place])
                for place in self._inputs
            ]
            try:
                results = self._program(arrays)
            except IndexError:  # a graph that NumPy runs gathers rows before it looks at the condition
                return None
            if self._conditional and not results[-1]:
                return None
            for place, value in zip(self._written, results[1:], strict=False):
                (given[place] if place >= 0 else default_generator.state)._value = value
        value = _in_place(results[0], self._order)
        node = composite(self, self._primitive, context, given, value, state) if self._sources else None
        return Tensor._new(value, node)

    # --- what a composite node asks ---

    def pull(self, node: Composite, g: Tensor, wanted: Callable[[Node], bool]) -> Iterator[tuple[Node, Tensor]]:
        """The cotangents of the arguments that want one."""
        saved = node.saved
        assert saved is not None
        arrays: list[Any] = [
            _as_it_lies(g._value, self._order)
            if place == COTANGENT
            else node.call.state
            if place == STATE
            else _as_it_lies(saved[place, "value"], self._orders[place])
            for place in self._pulled
        ]
        results = self._pullback(arrays)
        for place, number in self._cotangents:
            parent = node.inputs[place]
            if parent is not None and wanted(parent):
                yield parent, Tensor._new(_in_place(results[number], self._orders[place]))

    def replay(self, node: Composite) -> Tensor:
        """The call once more, by the function itself, recorded."""
        assert node.saved is not None
        tensors = [Tensor._new(value, parent) for value, parent in zip(node.saved.values(), node.inputs, strict=True)]
        args, kwargs = self.arguments.filled(tensors)
        context = Context(scope=node.around, replaying=True)
        with default_generator.rewound(node.call.state) if self._draws else nullcontext():
            return cast(Tensor, in_scope(self.function, context, args, kwargs))

    def outline(self, node: Composite) -> Node:
        """The nodes of the trace, between those of the call's arguments."""
        made: dict[Node | None, Node | None] = {None: None}
        made.update(zip(self._given, node.inputs, strict=True))
        scopes: dict[int, Scope] = {id(None): Scope(self.function.__name__, "function", node.around)}
        for known in self._tape:
            parents = tuple([made[parent] for parent in known.parents])
            context = Context(scope=_within(known.scope, scopes))
            copy = Node(known.primitive, known.params, parents, {}, known, context)
            copy.saved = None
            made[known] = copy
        last = made[self._last]
        assert last is not None
        return last


def _as_it_lies(array: np.ndarray, order: Order) -> np.ndarray:
    """An array of this order, row-major; one of another is copied by the program."""
    return array if order is None else array.transpose(order)


def _in_place(array: np.ndarray, order: Order) -> np.ndarray:
    """The array that lies so, with its axes where they are."""
    return array if order is None else array.transpose(inverse(order))


def _is_view(value: Value) -> bool:
    """Whether eager code may give an argument, or a view of it, for this value."""
    while value.op in PRIMITIVES and PRIMITIVES[value.op].family in ("movement", "window"):
        value = value.args[0]  # of a concatenation, too, though it is a copy
    return value.op == INPUT


def _within(scope: Scope | None, known: dict[int, Scope]) -> Scope:
    """The counterpart of a scope of the trace; ``known`` has that of None, and caches them by the scope's id."""
    if id(scope) not in known:
        assert scope is not None
        known[id(scope)] = scope._replace(parent=_within(scope.parent, known))
    return known[id(scope)]
