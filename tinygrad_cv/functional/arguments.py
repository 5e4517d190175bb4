"""What the arguments of window operations have in common: pairs of numbers, paddings, sizes that must fit."""

from __future__ import annotations

import operator
from typing import Any

from ..core.context import location
from ..core.errors import DTypeError, ShapeError

Pair = int | tuple[int, int]


def pair(name: str, value: Any, least: int = 1) -> tuple[int, int]:
    """A number or two as a pair (vertical, horizontal)."""
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


def images(x: Any) -> tuple[int, int, int, int]:
    """The sizes N, C, H, W of a batch of images."""
    if x.ndim != 4:
        raise ShapeError(f"input of shape {x.shape}{location()}: it must have four axes, N x C x H x W.")
    if x.dtype.kind != "f":
        raise DTypeError(f"input of dtype {x.dtype}{location()}: images must be floats. Use .astype('float32') / 255.")
    return x.shape


def output_size(
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[tuple[int, int], ...],
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


def bordered(x: Any, pads: Any, value: float = 0.0) -> Any:
    """An image with a border of (low, high) on each side; itself, where there is none."""
    return x.pad(((0, 0), (0, 0), *pads), value) if any(map(any, pads)) else x
