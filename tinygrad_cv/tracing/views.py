"""Views while values have no memory: in a trace, and in a transaction that is not committed.

The result of a movement is a view in eager code, so a change in place of one tensor shows in the others. Here each
tensor has a value of its own: a change goes back through the movements to the value that all are views of, and the
movements are applied again for the others.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable
from itertools import accumulate
from operator import mul
from typing import Any, NamedTuple

import numpy as np

from ..core.context import current, read
from ..core.errors import TraceError
from ..core.position import user_line
from ..core.primitive import Primitive
from ..core.variable import Variable
from ..frontend.tensor import Tensor
from ..ops import movement
from ..ops.indexing import gather

SHARING = frozenset({"reshape", "permute", "expand", "slice", "flip", "windows"})
READ_ONLY = frozenset({"expand", "windows"})  # a tensor that is such a view gets memory of its own when it is written

Moves = tuple[tuple[Primitive, dict[str, Any]], ...]


class Memory:
    """What tensors are views of: its current value, and the views."""

    __slots__ = ("members", "value")

    def __init__(self, value: Any):
        self.value = value
        self.members: list[View] = []


class View(NamedTuple):
    """A tensor as the result of movements of a memory."""

    tensor: Callable[[], Variable | None]
    memory: Memory
    moves: Moves
    read_only: bool
    certain: bool  # False: it is a view or a copy, depending on the order of elements in memory


class Views:
    """The tensors of one trace that are views, or have views.

    Args:
        put: gives a tensor another value.
        is_read_only: whether a tensor's own memory is read-only.
    """

    def __init__(self, put: Callable[[Variable, Any], None], is_read_only: Callable[[Variable], bool]):
        self.put, self.is_read_only = put, is_read_only
        self._views: dict[int, View] = {}

    def moved(
        self,
        tensor: Variable,
        source: Variable,
        primitive: Primitive | None = None,
        params: dict[str, Any] | None = None,
    ) -> None:
        """Note that a tensor was made of another: by a primitive, or by taking its value."""
        if primitive is not None and primitive.name not in SHARING:
            return
        view = self._views.get(id(source))
        if view is None:
            view = self._enter(source, Memory(read(source)), (), self.is_read_only(source), True)
        moves, read_only, certain = view.moves, view.read_only, view.certain
        if primitive is not None:
            assert params is not None
            moves += ((primitive, params),)
            read_only = read_only or primitive.name in READ_ONLY
            certain = certain and not (primitive.name == "reshape" and joins(source._value.shape, params["shape"]))
        self._enter(tensor, view.memory, moves, read_only, certain)

    def leave(self, tensor: Variable) -> None:
        """The tensor gets memory of its own; what shares the old memory keeps it."""
        self._views.pop(id(tensor), None)

    def change(self, tensor: Variable, value: Any) -> bool:
        """Write into the memory of a tensor and its views; False if it is read-only."""
        view = self._views.get(id(tensor))
        if view.read_only if view else self.is_read_only(tensor):
            return False
        others = self._others(view)
        for other, _ in others:
            other._check_owned("a change in place of a view")
        if view is None or not others:
            self.leave(tensor)
        elif not all(other.certain for _, other in [(tensor, view), *others]):
            raise _uncertain(tensor, others)
        else:
            view.memory.value = _replaced(view.memory.value, view.moves, value)
        self.put(tensor, value)
        for other, other_view in others:
            self.put(other, _moved(other_view.memory.value, other_view.moves))
        return True

    def _others(self, view: View | None) -> list[tuple[Variable, View]]:
        """The other tensors that still share the memory of a view."""
        members = view.memory.members if view else []
        found = [(member.tensor(), member) for member in members if member is not view]
        return [(t, member) for t, member in found if t is not None and self._views.get(id(t)) is member]

    def _enter(self, tensor: Variable, memory: Memory, moves: Moves, read_only: bool, certain: bool) -> View:
        key, views = id(tensor), self._views
        view = View(weakref.ref(tensor, lambda _: views.pop(key, None)), memory, moves, read_only, certain)
        memory.members.append(view)
        views[key] = view
        return view


def joins(old: tuple[int, ...], new: tuple[int, ...]) -> bool:
    """Whether a reshape joins axes into one: only then NumPy may have to copy."""
    return 0 not in old and not set(accumulate(old, mul)) <= {1, *accumulate(new, mul)}


def _replaced(memory: Any, moves: Moves, value: Any) -> Any:
    """A memory with new values in the elements that a view consists of."""
    size = math.prod(memory.shape)
    numbers = np.arange(size).reshape(memory.shape)
    for primitive, params in moves:
        numbers = primitive.eval(numbers, **params)
    source = np.arange(size)
    source[numbers.reshape(-1)] = size + np.arange(numbers.size)
    both = [_moved(x, ((movement.reshape, {"shape": (math.prod(x.shape),)}),)) for x in (memory, value)]
    interpret = current().interpret
    taken = interpret(gather, [interpret(movement.concatenate, both, {"axis": 0}), read(Tensor(source))], {})
    return _moved(taken, ((movement.reshape, {"shape": memory.shape}),))


def _moved(value: Any, moves: Moves) -> Any:
    for primitive, params in moves:
        value = current().interpret(primitive, [value], params)
    return value


def _uncertain(tensor: Variable, others: list[tuple[Variable, View]]) -> TraceError:
    shapes = " and ".join(dict.fromkeys(str(other._value.shape) for other, _ in others))
    return TraceError(
        f"a tensor of shape {tensor._value.shape} is changed in place in a jitted function, at {user_line()}. Whether "
        f"it shares memory with one of shape {shapes} depends on the order of elements in memory, since a reshape made "
        "one axis of several. Change it before it is reshaped, or take a .clone(), which shares no memory."
    )
