"""What rows are drawn from: numbers, choices, and arrays of random elements in a random memory order."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.functional.agreement.row import Fixed, exact


class Draws:
    """Draws by Hypothesis, which keeps them small when it looks for the simplest row that disagrees.

    The elements of arrays come from one seed: a row is as simple as its arguments are.
    """

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]):
        self._draw = draw
        self.rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))

    def integer(self, low: int, high: int) -> int:
        return int(self._draw(st.integers(low, high)))

    def choice(self, *options: Any) -> Any:
        return self._draw(st.sampled_from(options))

    def flag(self) -> bool:
        return bool(self._draw(st.booleans()))

    def number(self, low: float, high: float) -> float:
        """A multiple of 1/16, which float32 holds exactly."""
        return self.integer(math.ceil(16 * low), math.floor(16 * high)) / 16

    def some(self, **options: Callable[[], Any]) -> dict[str, Any]:
        """Each option drawn, or left out."""
        return {name: draw() for name, draw in options.items() if self.flag()}

    def each(self, dims: int, low: int, high: int) -> tuple[int, ...]:
        """A number for each axis."""
        return tuple(self.integer(low, high) for _ in range(dims))

    def written(self, numbers: Sequence[int]) -> Any:
        """Numbers for the axes as a user may write them: one if all are equal, else a tuple or a list."""
        if len(set(numbers)) == 1 and self.flag():
            return numbers[0] if self.flag() else (numbers[0],) * len(numbers)
        return self.choice(tuple, list)(numbers)

    def shape(self, low: int, high: int, least: int = 1, most: int = 4) -> tuple[int, ...]:
        """The sizes of low to high axes."""
        return self.each(self.integer(low, high), least, most)

    def lead(self, channels: int) -> tuple[int, ...]:
        """N x C, or C of one image."""
        return (self.integer(1, 3), channels) if self.flag() else (channels,)

    def axis(self, ndim: int) -> int:
        """An axis, counted from either end."""
        return self.integer(-max(ndim, 1), max(ndim, 1) - 1)

    # --- arrays ---

    def normal(self, *shape: int, scale: float = 1.0) -> np.ndarray:
        return self.ordered(exact(self.rng.standard_normal(shape) * scale))

    def positive(self, *shape: int) -> np.ndarray:
        return self.ordered(exact(self.rng.uniform(0.5, 2.0, shape)))

    def distinct(self, *shape: int) -> np.ndarray:
        """No two elements are nearer than 1/8: the largest stays the largest."""
        n = math.prod(shape)
        return self.ordered(exact((self.rng.permutation(n).reshape(shape) - n // 2) / 8 + 1 / 32))

    def labels(self, classes: int, *shape: int) -> np.ndarray:
        return self.rng.integers(0, classes, shape).astype(self.choice("int64", "int32", "uint8"))

    def signs(self, *shape: int) -> Fixed:
        return Fixed(2.0 * self.rng.integers(0, 2, shape) - 1.0)

    def ordered(self, x: np.ndarray) -> np.ndarray:
        """The array in another memory order: rows or columns first, channels last, or with gaps."""
        order = self.choice("rows", "columns", "last", "gaps")
        if order == "columns":
            return x.copy(order="F")
        if order == "last" and x.ndim > 2:
            return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
        if order == "gaps" and x.ndim:
            return np.repeat(x, 2, -1)[..., ::2]
        return x
