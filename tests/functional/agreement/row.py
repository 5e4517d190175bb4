"""One call of a functional, and random arrays for it."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import tinygrad_cv as tg


@dataclass
class Fixed:
    """An array that no gradient is asked of."""

    array: np.ndarray


@dataclass
class Row:
    """One call of the functional ``name``, in both libraries.

    Every float array among the arguments and options is differentiated by, unless it is :class:`Fixed`.
    """

    name: str
    arguments: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)
    theirs: Callable[..., Any] | None = None  # (torch.nn.functional, *arguments); else the function of the same name
    note: str = ""
    steepness: float = 1.0  # by how much the function magnifies rounding errors; a normalization's 1 / σ
    order: int = 2  # the highest derivative that PyTorch has, or has right
    why: str = ""  # why the order is below 2

    @property
    def id(self) -> str:
        first = self.arguments[0]
        shapes = "x".join(str(n) for n in np.shape(first.array if isinstance(first, Fixed) else first))
        options = ",".join(f"{key}={_word(value)}" for key, value in self.options.items())
        return f"{self.name}[{shapes}{',' if options else ''}{options}{',' if self.note else ''}{self.note}]"


def _word(value: Any) -> str:
    return "given" if isinstance(value, (Fixed, np.ndarray)) else str(value)


def exact(x: Any) -> np.ndarray:
    """The nearest numbers of float32, as float64; of a number a 0-d array."""
    return np.asarray(x, np.float32).astype(np.float64)


class SameDraws(tg.Generator):
    """A generator whose every call draws the same numbers, in any dtype, so that another library can be given them."""

    def uniform(self, shape: tuple[int, ...], dtype: Any = "float32") -> Any:
        return tg.Generator(7).uniform(shape, "float16").astype(dtype)

    def drawn(self, *shape: int) -> np.ndarray:
        """What a call for float64 draws."""
        return self.uniform(shape, "float64").numpy()

    def __repr__(self) -> str:
        return "the same draws"


class Samples:
    """Random arrays that float32 holds exactly, so that both precisions see the same data."""

    def __init__(self, seed: str):
        self.rng = np.random.default_rng(zlib.crc32(seed.encode()))

    def normal(self, *shape: int, scale: float = 1.0) -> np.ndarray:
        return exact(self.rng.standard_normal(shape) * scale)

    def positive(self, *shape: int) -> np.ndarray:
        return exact(self.rng.uniform(0.5, 2.0, shape))

    def labels(self, classes: int, *shape: int) -> np.ndarray:
        return np.asarray(self.rng.integers(0, classes, shape))

    def probabilities(self, n: int, classes: int, *rest: int) -> np.ndarray:
        p = self.rng.uniform(0.1, 1.0, (n, classes, *rest))
        return exact(p / p.sum(1, keepdims=True))
