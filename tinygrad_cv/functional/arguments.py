"""Arguments that functionals share: pairs of sizes, paddings, output sizes, reductions."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Literal, get_args

from ..core.context import location
from ..core.errors import DTypeError, ShapeError

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor

Pair = int | tuple[int, int]
Pads = tuple[tuple[int, int], tuple[int, int]]  # (low, high) along H and along W
Reduction = Literal["mean", "sum", "none"]
REDUCTIONS: tuple[Reduction, ...] = get_args(Reduction)


def pair(name: str, value: Any, least: int = 1) -> tuple[int, int]:
    """(vertical, horizontal), from an integer for both or from a pair, each at least ``least``."""
    both = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    try:
        numbers = tuple(map(operator.index, both))
    except TypeError:
        numbers = ()
    if len(numbers) != 2:
        raise ShapeError(f"{name}={value!r}{location()}: it must be an integer or a pair of integers.")
    if min(numbers) < least:
        raise ShapeError(f"{name}={value!r}{location()}: it must be at least {least}.")
    return numbers


def images(x: Tensor) -> tuple[int, int, int, int]:
    """The sizes N, C, H, W of a batch of images."""
    if x.ndim != 4:
        raise ShapeError(f"input of shape {x.shape}{location()}: it must have four axes, N x C x H x W.")
    if x.dtype.kind != "f":
        raise DTypeError(f"input of dtype {x.dtype}{location()}: images must be floats. Use .astype('float32') / 255.")
    n, c, h, w = x.shape
    return n, c, h, w


def output_size(
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: Pads,
    dilation: tuple[int, int],
) -> tuple[int, int]:
    """H' = floor((H + P_low + P_high - D (K - 1) - 1) / S) + 1, and W' likewise; the kernel must fit.

    Raises:
        ShapeError: the kernel is larger than the padded input.
    """
    out = []
    for n, k, s, (low, high), d in zip(size, kernel, stride, padding, dilation, strict=True):
        span = d * (k - 1) + 1
        if span > n + low + high:
            raise ShapeError(
                f"kernel of {k} (dilation {d}: it spans {span}) on an axis of size {n} with padding {low} + {high}"
                f"{location()}: the kernel is larger than the padded input of {n + low + high}. "
                "H' = floor((H + 2P - D(K - 1) - 1) / S) + 1 must be at least 1: pad more, or take a smaller kernel."
            )
        out.append((n + low + high - span) // s + 1)
    return out[0], out[1]


def bordered(x: Tensor, pads: Pads, value: float = 0.0) -> Tensor:
    """Images padded by (low, high) along H and W; x itself if all are 0."""
    return x.pad(((0, 0), (0, 0), *pads), value) if any(map(any, pads)) else x
