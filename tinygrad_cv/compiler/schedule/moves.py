"""The index maps of movements: which element of what is moved an element of the result is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...ir.graph import Value
from .affine import Affine
from .reshape import Unmappable, reshaped

Index = Sequence[Affine]


def moved(value: Value, index: Index) -> tuple[Value, Index]:
    """What a movement moves, and the index in it of the element at an index of the result.

    Raises:
        NeedSplit: a loop variable must be split first.
        Unmappable: the index is not affine.
    """
    return value.args[0], MOVES[value.op](value, index)


def _expand(value: Value, index: Index) -> Index:
    (x,) = value.args
    own = index[len(index) - x.ndim :]
    return [Affine(0) if n == 1 else a for a, n in zip(own, x.shape, strict=True)]


def _permute(value: Value, index: Index) -> Index:
    axes = value.params["axes"]
    return [index[axes.index(i)] for i in range(len(axes))]


def _reshape(value: Value, index: Index) -> Index:
    try:
        return reshaped(index, value.shape, value.args[0].shape)
    except Unmappable:
        raise Unmappable(value) from None


def _slice(value: Value, index: Index) -> Index:
    start, step = value.params["start"], value.params["step"]
    return [a * k + s for a, s, k in zip(index, start, step, strict=True)]


def _flip(value: Value, index: Index) -> Index:
    flipped = value.params["axis"]
    axes = enumerate(zip(index, value.shape, strict=True))
    return [a * -1 + (n - 1) if axis in flipped else a for axis, (a, n) in axes]


def _windows(value: Value, index: Index) -> Index:
    kernel, stride, dilation = (value.params[key] for key in ("kernel", "stride", "dilation"))
    k = len(kernel)
    lead = len(index) - 2 * k
    outer, taps = index[lead : lead + k], index[lead + k :]
    inner = [h * s + u * t for h, u, s, t in zip(outer, taps, stride, dilation, strict=True)]
    return [*index[:lead], *inner]


MOVES: dict[str, Callable[[Value, Index], Index]] = {
    "expand": _expand,
    "permute": _permute,
    "reshape": _reshape,
    "slice": _slice,
    "flip": _flip,
    "windows": _windows,
}
