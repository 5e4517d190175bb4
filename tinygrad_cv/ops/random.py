"""Random bits from a counter-based generator: a pure function of (seed, counter), so it can be replayed and traced."""

from __future__ import annotations

import math

import numpy as np

from ..core.primitive import Aval, define


def words(shape: tuple[int, ...], bits: int) -> int:
    """The number of 64-bit words that one draw consumes."""
    return -(-math.prod(shape) // (64 // _width(bits)))


def _width(bits: int) -> int:
    return 32 if bits <= 32 else 64


def _dtype(bits: int) -> np.dtype:
    return np.dtype(f"u{_width(bits) // 8}")


def _random_bits(state: np.ndarray, shape: tuple[int, ...], bits: int) -> np.ndarray:
    """Philox 4x64, 10 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011), as NumPy has it."""
    seed, position = (int(word) for word in state)
    stream = np.random.Philox(0)  # from a key alone NumPy makes one after it has asked the system for random bytes
    counter, key = np.array([position // 4, 0, 0, 0], np.uint64), np.array([seed, 0], np.uint64)
    stream.state = {**stream.state, "state": {"counter": counter, "key": key}}
    raw = stream.random_raw(words(shape, bits) + position % 4)[position % 4 :]
    drawn = raw.view(_dtype(bits))[: math.prod(shape)]
    return (drawn >> _dtype(bits).type(_width(bits) - bits)).reshape(shape)


random_bits = define(
    "random_bits",
    eval=_random_bits,
    aval=lambda state, *, shape, bits: Aval(shape, _dtype(bits)),
    inputs=("state",),
    vjps=[None],
    family="random",
    formula="uniform integers of a number of bits; state = (seed, counter)",
)
