"""The index map of a reshape: a flat index is taken apart into row-major digits, each of which must be affine."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...ir.graph import Value
from .affine import Affine, Var


class NeedSplit(Exception):
    """A loop variable v must be split as v = factor · q + r, where r is a number (one phase each) or a variable."""

    def __init__(self, var: Var, factor: int, phases: bool):
        super().__init__(f"{var} must be split by {factor}")
        self.var, self.factor, self.phases = var, factor, phases


class Unmappable(Exception):
    """An index map is not affine: the value must be materialized."""

    def __init__(self, value: Value | None):
        super().__init__(f"{value} must be materialized")
        self.value = value


def reshaped(index: Sequence[Affine], shape: tuple[int, ...], source: tuple[int, ...]) -> list[Affine]:
    """The index, in an array of shape ``source``, of the element at ``index`` of its reshape.

    Axes are taken in groups of equal size on both sides; only within a group digits must be found.
    """
    out: list[Affine] = []
    i = j = 0
    while i < len(source) or j < len(shape):
        if i < len(source) and source[i] == 1:
            out.append(Affine(0))
            i += 1
            continue
        if j < len(shape) and shape[j] == 1:
            j += 1
            continue
        i0, j0, p, q = i, j, source[i], shape[j]
        i, j = i + 1, j + 1
        while p != q:
            if p < q:
                p, i = p * source[i], i + 1
            else:
                q, j = q * shape[j], j + 1
        if (i - i0, j - j0) == (1, 1):
            out.append(index[j0])
            continue
        flat = Affine(0)
        for k in range(j0, j):
            flat = flat * shape[k] + index[k]
        out.extend(digits(flat, source[i0:i]))
    return out


def digits(flat: Affine, shape: tuple[int, ...]) -> list[Affine]:
    """The row-major digits of a flat index.

    Raises:
        NeedSplit: they are affine once a variable is split.
        Unmappable: they are not affine.
    """
    digits = []
    for k in range(len(shape) - 1):
        step = math.prod(shape[k + 1 :])
        digit = Affine(flat.const // step, [(v, c // step) for v, c in flat.terms if c % step == 0])
        rest = Affine(flat.const % step, [(v, c) for v, c in flat.terms if c % step])
        low, high = rest.range()
        if not (low >= 0 and high < step):
            for v, c in rest.terms:
                if c > 0 and step % c == 0 and c * v.extent > step and v.extent % (step // c) == 0:
                    raise NeedSplit(v, step // c, phases=False)
            raise Unmappable(None)
        digits.append(digit)
        flat = rest
    return [*digits, flat]


def multiple(affine: Affine, factor: int) -> Affine:
    """The map, if the factor divides all its coefficients; else the variable that is in the way must be split."""
    for v, c in affine.terms:
        if c % factor:
            raise NeedSplit(v, factor // math.gcd(c, factor), phases=True)
    return affine


def divided(affine: Affine, factor: int) -> tuple[Affine, Affine] | None:
    """Quotient and remainder of the map, for which a variable may have to be split; None if that is not possible."""
    quotient = Affine(affine.const // factor, [(v, c // factor) for v, c in affine.terms if not c % factor])
    rest = Affine(affine.const % factor, [(v, c) for v, c in affine.terms if c % factor])
    low, high = rest.range()
    if 0 <= low and high < factor:
        return quotient, rest
    if len(rest.terms) == 1 and rest.terms[0][1] == 1 and not rest.const and rest.terms[0][0].extent % factor == 0:
        raise NeedSplit(rest.terms[0][0], factor, phases=False)
    return None
