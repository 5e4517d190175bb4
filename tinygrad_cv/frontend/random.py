"""Random tensors from a counter-based generator: draws are pure functions of its state, (seed, counter)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.annotations import explaining
from ..core.context import current, location, read, write
from ..core.errors import DTypeError
from ..core.locks import rlock
from ..core.tape import apply
from ..ops import random as ops
from .movement import sizes_of
from .promotion import FLOAT, check_dtype
from .tensor import Tensor

if TYPE_CHECKING:
    from .typing import DTypeLike, Shape

MANTISSA = {"float16": 11, "float32": 24, "float64": 53}


class Generator:
    """A stream of random numbers. ``state`` is a tensor (seed, counter); restoring it repeats the draws."""

    @explaining
    def __init__(self, seed: int = 0):
        self.state = Tensor._new(np.array([seed % 2**64, 0], np.uint64))
        self._lock = rlock()

    def __reduce__(self) -> tuple[Any, ...]:
        return _with_state, (type(self), self.state)

    def alone(self) -> AbstractContextManager[Any]:
        """A lock against other threads' draws. A compiled call holds it for as long as it runs."""
        trace = current().trace
        return self._lock if trace is None else trace.alone(self._lock)

    @explaining
    def manual_seed(self, seed: int) -> Generator:
        """Restart from a seed."""
        with self.alone():
            self.state.assign(Tensor._new(np.array([seed % 2**64, 0], np.uint64)))
        return self

    @contextmanager
    def rewound(self, state: Any = None) -> Iterator[None]:
        """Within the block, draws start from a value of ``state``; afterwards the state is restored."""
        with self.alone():
            before = read(self.state)
            try:
                if state is not None:
                    write(self.state, state)
                yield
            finally:
                write(self.state, before)

    @explaining
    def bits(self, shape: tuple[int, ...], bits: int) -> Tensor:
        """Uniform integers of a number of bits."""
        with self.alone():
            drawn = apply(ops.random_bits, self.state, shape=shape, bits=bits)
            self.state.assign(self.state + Tensor._new(np.array([0, ops.words(shape, bits)], np.uint64)))
        return drawn

    @explaining
    def uniform(self, shape: tuple[int, ...], dtype: DTypeLike | None = FLOAT) -> Tensor:
        """Uniform in [0, 1)."""
        known = FLOAT if dtype is None else check_dtype(dtype)
        if known.kind != "f":
            raise DTypeError(
                f"random numbers of dtype {known}{location()}: only floats are drawn; use randint for integers."
            )
        bits = MANTISSA[str(known)]
        return self.bits(shape, bits).astype(known) * 2.0**-bits

    @explaining
    def normal(self, shape: tuple[int, ...], dtype: DTypeLike | None = FLOAT) -> Tensor:
        """Normal with mean 0 and variance 1 (Box and Muller, 1958)."""
        radius = (-2.0 * (1.0 - self.uniform(shape, dtype)).log()).sqrt()
        return radius * (2.0 * math.pi * self.uniform(shape, dtype)).cos()

    @explaining
    def integers(self, low: int, high: int, shape: tuple[int, ...]) -> Tensor:
        """Uniform integers in [low, high), as int64."""
        if high <= low or high - low > 2**53:
            raise ValueError(f"randint from {low} to {high}: high must be above low, by at most 2**53.")
        return (self.uniform(shape, np.float64) * (high - low)).floor().astype(np.int64) + low


def _with_state(kind: type[Generator], state: Tensor) -> Generator:
    generator = kind()
    generator.state = state
    return generator


default_generator = Generator()


@explaining
def manual_seed(seed: int) -> Generator:
    """Seed the default generator, from which the library draws.

    >>> import tinygrad_cv as tg
    >>> _ = tg.manual_seed(3); a = tg.rand(2)
    >>> _ = tg.manual_seed(3); b = tg.rand(2)
    >>> bool((a == b).all())
    True
    """
    return default_generator.manual_seed(seed)


def _leaf(drawn: Tensor, requires_grad: bool) -> Tensor:
    return drawn.requires_grad_() if requires_grad else drawn


@explaining
def rand(
    *shape: Shape, dtype: DTypeLike | None = FLOAT, generator: Generator | None = None, requires_grad: bool = False
) -> Tensor:
    """Uniform in [0, 1)."""
    return _leaf((generator or default_generator).uniform(sizes_of("rand", shape), dtype), requires_grad)


@explaining
def randn(
    *shape: Shape, dtype: DTypeLike | None = FLOAT, generator: Generator | None = None, requires_grad: bool = False
) -> Tensor:
    """Normal with mean 0 and variance 1."""
    return _leaf((generator or default_generator).normal(sizes_of("randn", shape), dtype), requires_grad)


@explaining
def randint(low: int, high: int, shape: Shape, generator: Generator | None = None) -> Tensor:
    """Uniform integers in [low, high), as int64."""
    return (generator or default_generator).integers(low, high, sizes_of("randint", (shape,)))
