"""Borders of an image, composed of slices, reversals and concatenation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from ..core.context import location
from ..core.errors import ShapeError
from ..frontend.movement import concatenate
from .arguments import Pads, bordered

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor

Mode = Literal["constant", "reflect", "replicate", "circular"]
MODES: tuple[Mode, ...] = get_args(Mode)


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
