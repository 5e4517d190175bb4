"""Elements in other places: shapes, order of axes, parts, borders."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ...frontend.movement import concatenate
from ...frontend.tensor import Tensor
from ...functional.padding import Mode, cropped, extended
from ..errors import OnnxError
from ..registry import Integers, Numbers, operator


def integers(x: Numbers | None) -> tuple[int, ...] | None:
    """Known numbers as a tuple; None stays None."""
    return None if x is None else tuple(map(int, x.reshape(-1)))


@operator("Reshape", since=5)
def reshape(x: Tensor, shape: Numbers, *, allowzero: bool = False) -> Tensor:
    """-1 is whatever is left; 0 is the size that x has there, unless ``allowzero``."""
    sizes = integers(shape) or ()
    if not allowzero:
        if any(n == 0 and axis >= x.ndim for axis, n in enumerate(sizes)):
            raise OnnxError(f"input of shape {x.shape}, shape {sizes}: a 0 stands for an axis that the input lacks.")
        sizes = tuple(x.shape[axis] if n == 0 else n for axis, n in enumerate(sizes))
    return x.reshape(sizes)


@operator("Reshape", since=1)
def reshape_to(x: Tensor, *, shape: Integers | None = None) -> Tensor:
    return reshape(x, np.array(shape or (), np.int64))


@operator("Flatten", since=1)
def flatten(x: Tensor, *, axis: int) -> Tensor:
    """A matrix: the axes before ``axis``, and those from it on."""
    if not -x.ndim <= axis <= x.ndim:
        raise OnnxError(f"input of shape {x.shape}, axis={axis}: it must be from {-x.ndim} to {x.ndim}.")
    axis = axis + x.ndim if axis < 0 else axis
    return x.reshape(math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))


@operator("Transpose", since=1)
def transpose(x: Tensor, *, perm: Integers | None = None) -> Tensor:
    return x.permute(perm if perm is not None else tuple(range(x.ndim))[::-1])


def _axes(axes: Sequence[int], ndim: int) -> tuple[int, ...]:
    """Axes counted from the first."""
    if any(not -ndim <= axis < ndim for axis in axes):
        raise OnnxError(f"axes {tuple(axes)}: each must be from {-ndim} to {ndim - 1}.")
    found = tuple(axis % ndim for axis in axes)
    if len(set(found)) < len(found):
        raise OnnxError(f"axes {tuple(axes)}: one is there twice.")
    return found


@operator("Squeeze", since=1)
def squeeze_axes(x: Tensor, *, axes: Integers | None = None) -> Tensor:
    return x.squeeze() if axes is None else x.squeeze(_axes(axes, x.ndim))


@operator("Squeeze", since=13)
def squeeze(x: Tensor, axes: Numbers | None = None) -> Tensor:
    return squeeze_axes(x, axes=integers(axes))


@operator("Unsqueeze", since=1)
def unsqueeze_axes(x: Tensor, *, axes: Integers) -> Tensor:
    return x.expand_dims(sorted(_axes(axes, x.ndim + len(axes))))


@operator("Unsqueeze", since=13)
def unsqueeze(x: Tensor, axes: Numbers) -> Tensor:
    return unsqueeze_axes(x, axes=integers(axes) or ())


@operator("Expand", since=8, grows=True)
def expand(x: Tensor, shape: Numbers) -> Tensor:
    """x broadcast to a shape, which may have axes of size 1 where x has more."""
    return x.expand(np.broadcast_shapes(x.shape, integers(shape) or ()))


@operator("Tile", since=6, grows=True)
def tile(x: Tensor, repeats: Numbers) -> Tensor:
    return x.tile(integers(repeats) or ())


@operator("Concat", since=1)
def concat(*inputs: Tensor, axis: int = 1) -> Tensor:
    return concatenate(inputs, axis)


@operator("Split", since=2)
def split_at(x: Tensor, *, axis: int, split: Integers | None = None, outputs: int) -> tuple[Tensor, ...]:
    return parts_of(x, axis, split, outputs, even=True)


@operator("Split", since=13)
def split_by(x: Tensor, split: Numbers | None = None, *, axis: int, outputs: int) -> tuple[Tensor, ...]:
    return parts_of(x, axis, integers(split), outputs, even=True)


@operator("Split", since=18)
def split(
    x: Tensor, split: Numbers | None = None, *, axis: int, num_outputs: int | None = None, outputs: int
) -> tuple[Tensor, ...]:
    """Parts along an axis, of given sizes, or of equal ones, of which the last may be smaller."""
    if (split is None) == (num_outputs is None):
        raise OnnxError("one of the input split and the attribute num_outputs must be there.")
    return parts_of(x, axis, integers(split), num_outputs or outputs, even=False)


def parts_of(x: Tensor, axis: int, sizes: Sequence[int] | None, count: int, even: bool) -> tuple[Tensor, ...]:
    (axis,) = _axes((axis,), x.ndim)
    n = x.shape[axis]
    if sizes is None:
        if even and n % count:
            raise OnnxError(f"axis {axis} of size {n}, {count} outputs: the number must divide the size.")
        each = -(-n // count)
        sizes = [each] * (count - 1) + [n - each * (count - 1)]
    if min(sizes, default=0) < 0 or sum(sizes) != n:
        raise OnnxError(f"parts of sizes {tuple(sizes)} along an axis of size {n}: they must add up to it.")
    ends = np.cumsum(sizes).tolist()
    before = (slice(None),) * axis
    return tuple(x[(*before, slice(end - size, end))] for size, end in zip(sizes, ends, strict=True))


@operator("Slice", since=1)
def slice_of(x: Tensor, *, starts: Integers, ends: Integers, axes: Integers | None = None) -> Tensor:
    return _sliced(x, starts, ends, axes, None)


@operator("Slice", since=10)
def slice_by(
    x: Tensor, starts: Numbers, ends: Numbers, axes: Numbers | None = None, steps: Numbers | None = None
) -> Tensor:
    return _sliced(x, integers(starts) or (), integers(ends) or (), integers(axes), integers(steps))


def _sliced(
    x: Tensor,
    starts: Sequence[int],
    ends: Sequence[int],
    axes: Sequence[int] | None,
    steps: Sequence[int] | None,
) -> Tensor:
    """Parts along axes, with Python's meaning of numbers below 0 and beyond the end."""
    axes = tuple(range(len(starts))) if axes is None else axes
    steps = (1,) * len(starts) if steps is None else steps
    if not len(starts) == len(ends) == len(axes) == len(steps):
        raise OnnxError(f"starts={starts}, ends={ends}, axes={axes}, steps={steps}: there must be as many of each.")
    key = [slice(None)] * x.ndim
    for axis, start, end, step in zip(_axes(axes, x.ndim), starts, ends, steps, strict=True):
        key[axis] = slice(start, end, step)
    return x[tuple(key)]


MODES: dict[str, Mode] = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}


@operator("Pad", since=2)
def pad_by(x: Tensor, *, mode: str, pads: Integers, value: float) -> Tensor:
    return padded(x, pads, mode, value, None)


@operator("Pad", since=11, grows=True)
def pad(
    x: Tensor, pads: Numbers, constant_value: Numbers | None = None, axes: Numbers | None = None, *, mode: str
) -> Tensor:
    """A border of a constant, or of x itself; where a number is below 0, elements are removed."""
    value = 0 if constant_value is None or not constant_value.size else constant_value.reshape(-1)[0].item()
    return padded(x, integers(pads) or (), mode, value, integers(axes))


def padded(x: Tensor, pads: Sequence[int], mode: str, value: float, axes: Sequence[int] | None) -> Tensor:
    axes = tuple(range(x.ndim)) if axes is None else _axes(axes, x.ndim)
    if len(pads) != 2 * len(axes):
        raise OnnxError(f"pads={tuple(pads)}: there must be {2 * len(axes)}, first the lower ones of all axes.")
    if mode not in MODES:
        raise OnnxError(f"mode={mode!r}: it must be one of {', '.join(MODES)}.")
    both = [(0, 0)] * x.ndim
    for place, axis in enumerate(axes):
        both[axis] = pads[place], pads[place + len(axes)]
    kept = cropped(x, tuple((max(-low, 0), max(-high, 0)) for low, high in both))
    y = extended(kept, tuple((max(low, 0), max(high, 0)) for low, high in both), MODES[mode], value)
    return x.clone() if y is x else y
