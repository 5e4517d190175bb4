"""A node for a whole composed function, whose operations come onto the tape when somebody looks.

Whoever runs composed functions by code of their own (``core.context.run_composed_by``) knows how to pull a cotangent
back through all of a call at once, so its operations need not be recorded. The tape says the same as if they were: a
composite node is *opened* before anything sees it that could tell, and then it is the node of the last operation, and
all others are there before it. It is opened by

- whoever walks along the tape: drawings, checks, derivations (``core.tape.reachable``);
- a backward pass that is itself recorded, drawn, or searched for NaN (``core.backward.pull``);
- a change in place of an array that the call read or made (``core.memory.stamp``), before it happens.

Opening runs the function again as it is written, on the arrays that it was called with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast
from weakref import ReferenceType, ref

import numpy as np

from . import memory
from .context import Context, Scope
from .locks import rlock
from .primitive import OUTPUT
from .tape import SPACE, Node, as_recorded, next_serial, reachable

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor

_OPENING = rlock()
_closed: dict[int, ReferenceType[Composite]] = {}  # by id
_PLACES = ("primitive", "params", "parents", "saved", "scope", "epoch")
_params_of, _scope_of = (vars(Node)[name].__get__ for name in ("params", "scope"))


class Composition(Protocol):
    """A composed function, with the shapes, dtypes and other arguments of its calls."""

    def pull(self, node: Composite, g: Tensor, wanted: Callable[[Node], bool]) -> Iterator[tuple[Node, Tensor]]:
        """The cotangents of the parents that want one."""

    def replay(self, node: Composite) -> Tensor:
        """The result of the call, computed and recorded operation by operation."""

    def outline(self, node: Composite) -> Node:
        """The node of the result, and all before it, without what was saved."""


class Call(NamedTuple):
    """A call of a composed function."""

    composition: Composition
    state: np.ndarray | None  # of the random generator, before it drew
    value: ReferenceType[np.ndarray]  # the result


class Composite(Node):
    """All operations of a call: ``inputs`` are the nodes of its arguments, ``saved`` their arrays.

    Who asks for what the last operation would say finds it open.
    """

    __slots__ = ()

    @property
    def call(self) -> Call:
        """The call."""
        call: Call = _params_of(self)["call"]
        return call

    @property
    def inputs(self) -> tuple[Node | None, ...]:
        """The nodes of the arguments."""
        return as_recorded(self)

    @property
    def around(self) -> Scope | None:
        """The scope that the function was called in."""
        return _scope_of(self)

    @property
    def parents(self) -> tuple[Node | None, ...]:  # type: ignore[override]
        """Those of the last operation."""
        self.open()
        return as_recorded(self)

    @property
    def params(self) -> dict[str, Any]:  # type: ignore[override]
        """Those of the last operation."""
        self.open()
        return _params_of(self)

    @property
    def scope(self) -> Scope | None:  # type: ignore[override]
        """That of the last operation."""
        self.open()
        return _scope_of(self)

    def cotangents(self, g: Tensor, wanted: Callable[[Node], bool]) -> Iterator[tuple[Node, Tensor]]:
        """The cotangents of the arguments."""
        return self.call.composition.pull(self, g, wanted)

    def open(self) -> None:
        """Become the node of the last operation, with the others before it."""
        with _OPENING:
            if type(self) is not Composite:  # another thread was faster
                return
            before, result = next_serial(), self.call.value()
            made = self.call.composition.replay(self).node if self.saved else self.call.composition.outline(self)
            assert type(made) is Node
            inner = [node for node in reachable([made], opened=False) if node.serial > before]
            assert len(inner) < SPACE
            for place, node in enumerate(inner, self.serial - len(inner) + 1):
                node.serial = place
            if made.saved and result is not None and OUTPUT in made.saved:
                made.saved[OUTPUT] = result
            _closed.pop(id(self), None)
            cast(Any, self).__class__ = Node  # the same object, since its readers and its tensor refer to it
            for name in _PLACES:
                setattr(self, name, getattr(made, name))

    def free(self) -> None:
        """Drop the arrays of the arguments."""
        self.saved = None
        _closed.pop(id(self), None)

    def reads(self, holder: Any) -> bool:
        """Whether the call read or made an array in the memory of this owner."""
        arrays = [*(self.saved or {}).values(), self.call.value()]
        return any(memory.owner(array) is holder for array in arrays if array is not None)


def composite(
    composition: Composition,
    primitive: Any,
    context: Context,
    inputs: list[Any],
    value: np.ndarray,
    state: np.ndarray | None,
) -> Node:
    """The node of a call.

    Args:
        primitive: of the last operation, without its rules.
        context: that of the call.
        inputs: the tensors that the function was called with.
    """
    params = {"call": Call(composition, state, ref(value))}
    saved = {(i, "value"): tensor._value for i, tensor in enumerate(inputs)}
    node: Any = Node(primitive, params, tuple([tensor.node for tensor in inputs]), saved, value, context)
    node.__class__ = Composite
    key = id(node)
    _closed[key] = ref(node, lambda _: _closed.pop(key, None))
    return node


def _open_readers(holder: Any) -> None:
    """Open the nodes of calls that read or made an array that is about to change."""
    for reference in list(_closed.values()):
        node = reference()
        if node is not None and node.reads(holder):
            node.open()


memory.before_change.append(_open_readers)
