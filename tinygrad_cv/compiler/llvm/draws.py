"""Random integers of vectors: Philox 4x64 with 10 rounds, element by element, in arithmetic that every machine has.

An element is bits of a word of the stream that a seed names: the word's number says which block of four words it is in,
and which of these. So elements know nothing of each other, and any thread draws any part of them. The products of 64
bits are sums of four of 32 bits: vectors have no longer ones, and WebAssembly has none at all.

Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .lanes import Lanes, where

ROUNDS = 10
MULTIPLIERS = 0xD2E7470EE14C6C93, 0xCA5A826395121157
WEYL = 0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B  # the golden ratio and the root of 3, which are added to the key
LOW = 0xFFFFFFFF
U4 = np.dtype(np.uint32)


def draw(bits: int) -> Callable[[Lanes, Lanes, Lanes], Lanes]:
    """The function for integers of a number of bits: two of them are in a word, if they fit."""

    def drawn(seed: Lanes, counter: Lanes, place: Lanes) -> Lanes:
        """The integer at a place, where the first one is in word number ``counter``."""
        halves = bits <= 32
        number = counter + (place >> 1) if halves else counter + place
        word = _word(seed, number)
        if not halves:
            return word >> (64 - bits) if bits < 64 else word
        half = where((place & 1).equals(0), word, word >> 32).to(U4)
        return half >> (32 - bits) if bits < 32 else half

    return drawn


def _word(seed: Lanes, number: Lanes) -> Lanes:
    """The word with this number."""
    block = number >> 2
    zero = block.like(0)
    c0, c1, c2, c3 = block + 1, zero, zero, zero  # NumPy counts before it draws
    k0, k1 = seed, zero
    for turn in range(ROUNDS):
        if turn:
            k0, k1 = k0 + WEYL[0], k1 + WEYL[1]
        high0, low0 = _product(c0, MULTIPLIERS[0])
        high1, low1 = _product(c2, MULTIPLIERS[1])
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
    first, second = (number & 1).equals(0), (number & 2).equals(0)
    return where(second, where(first, c0, c1), where(first, c2, c3))


def _product(a: Lanes, factor: int) -> tuple[Lanes, Lanes]:
    """The upper and the lower 64 bits of a product."""
    a0, a1 = a & LOW, a >> 32
    f0, f1 = factor & LOW, factor >> 32
    low = a0 * f0
    middle = a1 * f0 + (low >> 32)
    other = a0 * f1 + (middle & LOW)
    return a1 * f1 + (middle >> 32) + (other >> 32), (other << 32) | (low & LOW)


DRAWS = {f"draw_{bits}": draw(bits) for bits in range(1, 65)}
