"""Borders of an image, or crops, composed of slices, reversals and concatenation."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from ..core.context import location
from ..core.errors import ShapeError
from ..frontend.functions import composed
from ..frontend.movement import concatenate
from .arguments import AXES, LARGEST, Pads, bordered

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import Accepted

Mode = Literal["constant", "reflect", "replicate", "circular"]
MODES: tuple[Mode, ...] = get_args(Mode)


@composed
def pad(input: Accepted, pad: Sequence[int], mode: Mode = "constant", value: float | None = None) -> Tensor:
    """Elements added at the ends of axes, or, where their number is negative, removed.

    The numbers come in pairs from the last axis backwards: (left, right, top, bottom, front, back). For a row a b c d:

    ======================  ======================  =========
    mode                    pad = (2, 1)            (-1, 1)
    ======================  ======================  =========
    constant, of value v    v v a b c d v           b c d v
    reflect                 c b a b c d c           b c d c
    replicate               a a a b c d d           b c d d
    circular                c d a b c d a           b c d b
    ======================  ======================  =========

    Args:
        input: any number of axes, any dtype. For the modes other than constant an image, N x C x ... or C x ...
        pad: two numbers for each axis; for the modes other than constant, for each spatial axis.
        value: of the constant border, 0 by default.

    Raises:
        ShapeError: numbers that are no pairs, more pairs than axes, more removed than there is, or a border longer
            than what it is made of: H - 1 elements to reflect, H to repeat in a circle.
        ValueError: another mode, or a value for a mode that takes none.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.pad(tg.tensor([[1, 2], [3, 4]]), (1, 0, 0, 1)).tolist()
    [[0, 1, 2], [0, 3, 4], [0, 0, 0]]
    >>> F.pad(tg.tensor([[1.0, 2.0, 3.0]]), (2, -1), "reflect").tolist()
    [[3.0, 2.0, 1.0, 2.0]]
    """
    x: Tensor = input
    pads = pairs("pad", pad)
    if mode not in MODES:
        raise ValueError(f"mode={mode!r}{location()}: it must be one of {', '.join(map(repr, MODES))}.")
    if value is not None and not isinstance(value, (int, float, np.number, np.bool_)):
        raise ValueError(f"value={value!r}{location()}: it must be a number.")
    if mode != "constant" and value:
        raise ValueError(f"value={value}, mode={mode!r}{location()}: a border of this mode is made of the image.")
    dims, free = len(pads), mode == "constant"
    if dims > x.ndim if free else dims not in AXES or x.ndim not in (dims + 1, dims + 2):
        each = "axis" if free else "spatial axis of N x C x ... or C x ..., of which there are 1 to 3"
        raise ShapeError(
            f"input of shape {x.shape}, pad={pad}, mode={mode!r}{location()}: give a pair of numbers for each {each}."
        )
    crops = tuple((max(-low, 0), max(-high, 0)) for low, high in pads)
    borders = tuple((max(low, 0), max(high, 0)) for low, high in pads)
    for n, (low, high) in zip(x.shape[x.ndim - dims :], crops, strict=True):
        if low + high > n:
            raise ShapeError(f"pad={pad}{location()}: it removes {low} + {high} elements from an axis of {n}.")
    if mode in ("reflect", "replicate"):  # what is removed at one end may be repeated at the other
        y = cropped(extended(x, borders, mode), crops)
    else:
        y = extended(cropped(x, crops), borders, mode, value or 0.0)
    return x.clone() if y is x else y


def pairs(name: str, value: Any) -> Pads:
    """(low, high) along the last axes in their order, from numbers that begin with the last axis.

    Raises:
        ShapeError: not integers, or an odd number of them.
    """
    several = isinstance(value, Sequence) and not isinstance(value, str)
    try:
        numbers = tuple(map(operator.index, value)) if several else (0,)
    except TypeError:
        numbers = (0,)
    if len(numbers) % 2:
        raise ShapeError(
            f"{name}={value!r}{location()}: it must be pairs of integers from the last axis backwards: (left, right, "
            "top, bottom, ...)."
        )
    if max(map(abs, numbers), default=0) > LARGEST:
        raise ShapeError(f"{name}={value!r}{location()}: no number may be above {LARGEST}.")
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))[::-1]


def cropped(x: Tensor, crops: Pads) -> Tensor:
    """x without (low, high) elements at the ends of its last axes; x itself if all are 0."""
    if not any(map(any, crops)):
        return x
    lead = x.ndim - len(crops)
    start = [low for low, _ in crops]
    stop = [n - high for n, (_, high) in zip(x.shape[lead:], crops, strict=True)]
    return x.slice((*(0,) * lead, *start), (*x.shape[:lead], *stop))


def extended(x: Tensor, pads: Pads, mode: Mode, value: float = 0.0) -> Tensor:
    """x with a border of (low, high) elements along its last axes, for a row a b c d and a border of 2 + 2:

    constant v v a b c d v v; reflect c b a b c d c b; replicate a a a b c d d d; circular c d a b c d a b.

    Raises:
        ValueError: another mode.
        ShapeError: a border longer than what it is made of: n - 1 elements to reflect, n to repeat in a circle.
    """
    if mode not in MODES:
        raise ValueError(f"mode={mode!r}{location()}: it must be one of {', '.join(map(repr, MODES))}.")
    if mode == "constant":
        return bordered(x, pads, value)
    for axis, border in enumerate(pads, x.ndim - len(pads)):
        if any(border):
            x = _extended_along(x, axis, border, mode)
    return x


def _extended_along(x: Tensor, axis: int, border: tuple[int, int], mode: Mode) -> Tensor:
    """A border along one axis, of elements of the tensor itself."""
    low, high = border
    n = x.shape[axis]
    longest = {"reflect": n - 1, "circular": n}.get(mode, max(border) if n else 0)
    if max(border) > longest:
        raise ShapeError(
            f"padding of {low} + {high} on an axis of size {n}, mode={mode!r}{location()}: "
            f"it must be at most {longest} on each side."
        )

    def part(start: int, stop: int) -> Tensor:
        before, after = (0,) * axis, x.shape[axis + 1 :]
        return x.slice((*before, start, *(0 for _ in after)), (*x.shape[:axis], stop, *after))

    if mode == "reflect":
        ends = part(1, low + 1).flip(axis), part(n - 1 - high, n - 1).flip(axis)
    elif mode == "circular":
        ends = part(n - low, n), part(0, high)
    else:
        shapes = [(*x.shape[:axis], count, *x.shape[axis + 1 :]) for count in border]
        ends = part(0, 1).expand(shapes[0]), part(n - 1, n).expand(shapes[1])
    return concatenate([end for end in (ends[0], x, ends[1]) if end.shape[axis]], axis)
