"""The layout of a stored value: from an index to an offset in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .affine import Affine, combination

ALIGNMENT = 64  # bytes: a cache line, and the widest vector


@dataclass(frozen=True)
class Layout:
    """A row-major layout, or a part of one.

    An element lies ``offset + Σ index · stride`` elements from the start of the memory.

    Attributes:
        low, high: the width of the halo of zeros before and after each axis.
        offset: of the element whose indices are all 0.
        padded: the length of the innermost axis, with halo and padding.
        size: the number of elements of memory, with halos and padding.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    low: tuple[int, ...]
    high: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int
    size: int
    padded: int

    @property
    def halo(self) -> bool:
        return any(self.low) or any(self.high)

    def part(self, axis: int, start: int, extent: int) -> Layout:
        """The layout of a range of an axis; its memory begins ``start`` strides of the axis after this one's."""

        def with_axis(numbers: tuple[int, ...], number: int) -> tuple[int, ...]:
            return (*numbers[:axis], number, *numbers[axis + 1 :])

        last = axis == len(self.shape) - 1
        return replace(
            self,
            shape=with_axis(self.shape, extent),
            low=with_axis(self.low, 0),
            high=with_axis(self.high, 0),
            size=self.size - start * self.strides[axis],
            padded=extent if last else self.padded,
        )

    def flat(self, index: Sequence[Affine]) -> Affine:
        """The offset of an element."""
        return combination(self.offset, zip(index, self.strides, strict=True))

    def __str__(self) -> str:
        halo = f" halo {max(self.low + self.high)}" if self.halo else ""
        return f"{self.dtype}[{'x'.join(map(str, self.shape))}]{halo}"


def layout_of(
    shape: Sequence[int],
    dtype: np.dtype,
    low: Sequence[int] | None = None,
    high: Sequence[int] | None = None,
    multiple: int = 1,
) -> Layout:
    """A row-major layout with a halo; the innermost axis is padded to a multiple of ``multiple``."""
    n = len(shape)
    low, high = tuple(low or (0,) * n), tuple(high or (0,) * n)
    strides, step, padded = [0] * n, 1, 1
    for axis in reversed(range(n)):
        strides[axis] = step
        extent = low[axis] + shape[axis] + high[axis]
        if axis == n - 1:
            extent = padded = -(-extent // multiple) * multiple
        step *= extent
    offset = sum(before * stride for before, stride in zip(low, strides, strict=True))
    return Layout(tuple(shape), np.dtype(dtype), low, high, tuple(strides), offset, step, padded)
