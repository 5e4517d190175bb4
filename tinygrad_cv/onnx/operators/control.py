"""Branches, loops, and values that are lists of tensors, or may be missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...frontend.movement import concatenate, stack
from ...frontend.tensor import Tensor
from ..call import numbers, tensor_of
from ..errors import OnnxError
from ..registry import Body, DType, Integers, Numbers, operator
from .arrangement import integers, parts_of


@operator("If", since=1)
def branch(condition: Numbers, *, then_branch: Body, else_branch: Body) -> tuple[Any, ...]:
    """The outputs of one of two graphs. A condition that is computed from the inputs is not for compiled calls."""
    if condition.size != 1:
        raise OnnxError(f"condition of shape {condition.shape}: it must be one truth value.")
    chosen: tuple[Any, ...] = (then_branch if condition.all() else else_branch)()
    return chosen


@operator("Loop", since=1)
def loop(
    count: Numbers | None = None, condition: Numbers | None = None, *initial: Any, body: Body, outputs: int
) -> tuple[Any, ...]:
    """A graph again and again: what it carries on, and what it gives in each turn, stacked.

    It ends after ``count`` turns, or when its condition is false. Both must be known: a condition that is computed from
    the inputs is not for compiled calls.
    """
    most = None if count is None else int(count.reshape(()))
    goes_on = condition is None or bool(condition.reshape(()))
    carried: Sequence[Any] = initial
    turns = []
    number = 0
    while goes_on and (most is None or number < most):
        again, *results = body(np.array(number, np.int64), np.array(True), *carried)
        carried = results[: len(initial)]
        turns.append(results[len(initial) :])
        goes_on = bool(numbers(again, 1).reshape(()))
        number += 1
    if not turns and outputs > len(initial):
        raise OnnxError("a loop without a turn has nothing to stack.")
    return (*carried, *(_stacked(values) for values in zip(*turns, strict=True)))


def _stacked(values: Any) -> Any:
    """The values of all turns along a new first axis; known if all are."""
    if all(isinstance(value, np.ndarray) for value in values):
        return np.stack(values)
    return stack([tensor_of(value) for value in values])


@operator("SequenceConstruct", since=11)
def sequence(*inputs: Any) -> list[Any]:
    return list(inputs)


@operator("SequenceEmpty", since=11)
def empty_sequence(*, dtype: DType | None = None) -> list[Any]:
    return []


@operator("SequenceInsert", since=11)
def inserted(items: Any, item: Any, position: Numbers | None = None) -> list[Any]:
    place = len(items) if position is None else int(position.reshape(()))
    if not -len(items) <= place <= len(items):
        raise OnnxError(f"position {place} in a sequence of {len(items)}.")
    return [*items[:place], item, *items[place:]]


@operator("SequenceErase", since=11)
def erased(items: Any, position: Numbers | None = None) -> list[Any]:
    place = _place(items, np.array(-1) if position is None else position)
    return [*items[:place], *items[place + 1 :]]


@operator("SequenceAt", since=11)
def element(items: Any, position: Numbers) -> Any:
    return items[_place(items, position)]


def _place(items: Any, position: np.ndarray) -> int:
    place = int(position.reshape(()))
    if not -len(items) <= place < len(items):
        raise OnnxError(f"position {place} in a sequence of {len(items)}.")
    return place % len(items)


@operator("SequenceLength", since=11)
def length(items: Any) -> np.ndarray:
    return np.array(len(items), np.int64)


@operator("SplitToSequence", since=11)
def split_to_sequence(x: Tensor, split: Numbers | None = None, *, axis: int, keepdims: bool) -> list[Tensor]:
    """Parts along an axis: of one size, of given sizes, or of size 1, then without the axis unless ``keepdims``."""
    axis %= x.ndim
    n = x.shape[axis]
    if split is None:
        parts = list(x.unbind(axis))
        return [part.expand_dims(axis) for part in parts] if keepdims else parts
    size = int(split.reshape(-1)[0])
    sizes = list(integers(split) or ()) if split.ndim else [size] * (n // size) + ([n % size] if n % size else [])
    return list(parts_of(x, axis, sizes, len(sizes), even=False))


@operator("ConcatFromSequence", since=11)
def concat_from_sequence(items: Any, *, axis: int, new_axis: bool) -> Tensor:
    tensors = [tensor_of(item) for item in items]
    return stack(tensors, axis) if new_axis else concatenate(tensors, axis)


@operator("SequenceMap", since=17)
def sequence_map(items: Any, *others: Any, body: Body) -> tuple[Any, ...]:
    """The outputs of a graph for each element of a sequence, and of other sequences or the same tensor."""
    turns = [
        body(item, *(other[place] if isinstance(other, list) else other for other in others))
        for place, item in enumerate(items)
    ]
    return tuple(map(list, zip(*turns, strict=True)))


@operator("Optional", since=15)
def optional(x: Any = None, *, type: bytes | None = None) -> Any:
    """x, or nothing, of a type."""
    return x


@operator("OptionalHasElement", since=15)
def has_element(x: Any = None) -> np.ndarray:
    return np.array(x is not None)


@operator("OptionalGetElement", since=15)
def get_element(x: Any) -> Any:
    if x is None:
        raise OnnxError("the optional value is empty.")
    return x


@operator("Scan", since=9)
def scan(
    *inputs: Any,
    body: Body,
    num_scan_inputs: int,
    scan_input_axes: Integers | None = None,
    scan_input_directions: Integers | None = None,
    scan_output_axes: Integers | None = None,
    scan_output_directions: Integers | None = None,
) -> tuple[Any, ...]:
    """A graph for each part along an axis of some inputs: what it carries on, and its other outputs, stacked."""
    count = len(inputs) - num_scan_inputs
    carried: Sequence[Any] = inputs[:count]
    series = [tensor_of(x) for x in inputs[count:]]
    axes = scan_input_axes or (0,) * num_scan_inputs
    parts = [list(x.unbind(axis)) for x, axis in zip(series, axes, strict=True)]
    for part, backwards in zip(parts, scan_input_directions or (), strict=False):
        if backwards:
            part.reverse()
    turns: list[Sequence[Any]] = []
    for values in zip(*parts, strict=True):
        outputs = body(*carried, *values)
        carried = outputs[:count]
        turns.append(outputs[count:])
    columns = [list(column) for column in zip(*turns, strict=True)]
    for column, backwards in zip(columns, scan_output_directions or (), strict=False):
        if backwards:
            column.reverse()
    joined = [_stacked(column) for column in columns]
    for place, axis in enumerate(scan_output_axes or ()):
        joined[place] = np.moveaxis(joined[place], 0, axis)
    return (*carried, *joined)
