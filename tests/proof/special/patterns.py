"""Every exponent, sign, infinity and subnormal through every unary primitive and its VJP, against mpmath.

The 65,536 patterns of the upper 16 bits of a number run through each primitive, eagerly and compiled. Operations that
IEEE 754 rounds must agree to the bit, the sign of zero included; transcendental functions to so many units in the last
place (ulp) as is stated. A gradient must lie where rounding alone can have brought it (see ``rounding.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import mpmath
import numpy as np

import tinygrad_cv as tg
from tests.primitives.row import Function, Row
from tests.primitives.table import ROWS
from tests.proof.outcome import Outcome
from tests.proof.special.exact import INF, NUMBER, Array, Exact, evaluate, in_format
from tests.proof.special.rounding import Interval, wide_enough
from tinygrad_cv.compiler import available
from tinygrad_cv.core.primitive import OUTPUT, Primitive
from tinygrad_cv.core.tape import apply
from tinygrad_cv.ops import PRIMITIVES

F4, F8 = np.dtype(np.float32), np.dtype(np.float64)
SEED = 65536
OTHER = {F4: F8, F8: F4}
SAMPLED = 37  # every so many patterns make a short run

MODES = ("eager", "jit")


def patterns(dtype: np.dtype, part: bool = False) -> Array:
    """Numbers whose upper 16 bits are all there are, or every 37th and those about zeros, ones and infinities."""
    upper = np.arange(1 << 16)
    if part:
        unsigned, low = f"u{dtype.itemsize}", 8 * dtype.itemsize - 16
        marks = np.array([0.0, 1.0, INF, -0.0, -1.0, -INF], dtype).view(unsigned) >> low
        special = {(int(mark) + step) % (1 << 16) for mark in marks for step in (-1, 0, 1)}
        upper = upper[(upper % SAMPLED == 0) | np.isin(upper, list(special))]
    bits = np.dtype(f"u{dtype.itemsize}")
    return (upper.astype(bits) << bits.type(8 * bits.itemsize - 16)).view(dtype)


def unary() -> list[Row]:
    """The rows of primitives of one input that have an exact function."""
    return [row for row in ROWS.values() if row.exact is not None]


def outcomes(part: bool = False, only: str | None = None) -> Iterator[Outcome]:
    """Every unary primitive in both formats, eagerly and compiled: values, gradients, and casts to whole numbers."""
    for row in (row for row in unary() if only in (None, row.name)):
        for dtype in (F4, F8):
            for mode in MODES:
                run = Run(row.primitive, dtype, mode, part)
                yield run.values()
                yield from run.gradients()
    for dtype in (F4, F8) if only in (None, "cast") else ():
        yield from whole_casts(patterns(dtype, part), MODES)


@cache
def units_of(dtype: np.dtype, compiled: bool) -> dict[str, float]:
    """Of each primitive that IEEE 754 does not round: the units in the last place by which its values may err."""
    place = (F4, F8).index(dtype)
    ulps = {row.name: (row.compiled if compiled else None) or row.ulps for row in unary()}
    return {name: both[place] for name, both in ulps.items() if both is not None}


@cache
def exact_value(name: str, dtype: np.dtype, result: np.dtype, part: bool) -> Exact:
    """A function's values at the patterns, in units of the result's format."""
    if result != dtype:
        return in_format(exact_value(name, dtype, dtype, part), result)
    return evaluate(_exact(name), patterns(dtype, part))


def _exact(name: str) -> Function:
    function = ROWS[name].exact
    assert function is not None
    return function


@cache
def exact_gradient(name: str, dtype: np.dtype, result: np.dtype, cotangent: str, part: bool) -> Exact:
    """The derivative at the patterns, times a cotangent that has the result's dtype."""
    if cotangent != "1":
        return exact_gradient(name, dtype, result, "1", part).times(cotangents(dtype, result, part)[cotangent])
    derivative = ROWS[name].slope
    assert derivative is not None
    return evaluate(derivative, patterns(dtype, part))


def cotangents(dtype: np.dtype, result: np.dtype, part: bool) -> dict[str, Array]:
    """1, random ones, and 0, for each pattern."""
    count = patterns(dtype, part).size
    random = np.random.default_rng(SEED).normal(size=count)
    named = {"1": np.ones(count), f"random, seed {SEED}": random, "0": np.zeros(count)}
    return {name: g.astype(result) for name, g in named.items()}


@dataclass(frozen=True)
class Run:
    """A primitive in a format, run eagerly or compiled; on all patterns or on a part of them."""

    primitive: Primitive
    dtype: np.dtype
    mode: str
    part: bool = False

    @property
    def params(self) -> dict[str, Any]:
        return {"dtype": OTHER[self.dtype]} if self.primitive.name == "cast" else {}

    @property
    def result(self) -> np.dtype:
        """The dtype of the output."""
        return self.params.get("dtype", self.dtype)

    @property
    def units(self) -> dict[str, float]:
        return units_of(self.dtype, self.mode == "jit" and available())

    def outcome(self, what: str, count: int, note: str, problem: str = "", error: float = 0.0) -> Outcome:
        by = " (by NumPy: llvmlite is not here)" if self.mode == "jit" and not available() else ""
        case = f"{self.dtype}, {self.mode}{by}, {what}: {count} patterns, {note}"
        return Outcome(self.primitive.name, "special values", case, problem, error)

    def apply(self, function: Callable[..., Any], *arrays: Array) -> Array:
        """The function's value at tensors of these arrays, the first of which requires grad."""
        first, *rest = map(tg.tensor, arrays)
        call = tg.jit(function) if self.mode == "jit" else function
        return call(first.requires_grad_(), *rest).numpy()

    def forward(self, x: Any) -> Any:
        return apply(self.primitive, x, **self.params)

    def values(self) -> Outcome:
        """The primitive's values, to the bit or to so many units."""
        x, name = patterns(self.dtype, self.part), self.primitive.name
        value, expected = self.apply(self.forward, x), exact_value(name, self.dtype, self.result, self.part)
        if (units := self.units.get(name)) is not None:
            distance = expected.distance(value)
            most, problem = float(distance.max()), _first(x, distance > units, value, expected)
            return self.outcome("value", len(x), f"{most:.2f} of {units:g} ulp", problem, most / units)
        rounded = expected.rounded()
        same = (value == rounded) & (np.signbit(value) == np.signbit(rounded)) | np.isnan(value) & np.isnan(rounded)
        return self.outcome("value", len(x), "to the bit", _first(x, ~same, value, expected))

    def gradients(self) -> Iterator[Outcome]:
        """The VJP for each cotangent."""
        x = patterns(self.dtype, self.part)
        vjp, slope = self.primitive.vjps[0], ROWS[self.primitive.name].slope
        if vjp is None or slope is None:
            problem = "" if vjp is slope else "one of the primitive and its row has no derivative"
            yield self.outcome("gradient", len(x), "there is none", problem)
            return
        for what, g in cotangents(self.dtype, self.result, self.part).items():
            found = self.apply(lambda x, g: tg.grad(self.forward(x), x, g), x, g)
            if not g.any():
                yield self.outcome("cotangent 0", len(x), "exactly 0", _first(x, found != 0, found))
            elif not wide_enough(self.dtype):
                yield self.outcome(f"cotangent {what}", 0, "left out: long double is no wider than double here")
            else:
                yield self._gradient(x, g, found, what)

    def _gradient(self, x: Array, g: Array, found: Array, what: str) -> Outcome:
        """The computed gradient and the exact one must both lie where the formula, run on intervals, may."""
        expected = exact_gradient(self.primitive.name, self.dtype, self.result, what, self.part)
        with np.errstate(all="ignore"):
            allowed, wide = self._allowed(x, g), expected.wide()
            width = np.maximum(allowed.high - wide, wide - allowed.low)
            right = allowed.holds(found) & allowed.holds(wide)
            right &= (found != 0) | (np.signbit(found) == expected.negative)
            finite = (expected.kind == NUMBER) & np.isfinite(expected.rounded())
            known = finite & np.isfinite(width)
            share = np.abs(found[known] - wide[known]) / np.where(width[known] > 0, width[known], np.inf)
        wrong = np.where(finite, ~right, expected.distance(found) > 0)
        unknown = int((finite & ~known).sum())
        note = f"{unknown} of them open, since an intermediate overflows" if unknown else "within rounding"
        problem = _first(x, wrong, found, expected)
        return self.outcome(f"cotangent {what}", len(x), note, problem, float(share.max(initial=0.0)))

    def _allowed(self, x: Array, g: Array) -> Interval:
        vjp, name, reads = self.primitive.vjps[0], self.primitive.name, list[Any]()
        assert vjp is not None
        for _, source in vjp.reads:
            if source == OUTPUT:
                value, error = exact_value(name, self.dtype, self.result, self.part), self.units.get(name)
                exactly = Interval.of(value.rounded(), self.result, self.units)
                reads.append(exactly if error is None else Interval.around(value, error, self.units))
            elif source[1] == "value":
                reads.append(Interval.of(x, self.dtype, self.units))
            else:
                reads.append(getattr(x, source[1]))
        return vjp.function(Interval.of(g, self.result, self.units), *reads)


def whole_casts(x: Array, modes: tuple[str, ...]) -> Iterator[Outcome]:
    """Casts to booleans and integers: toward zero, inside of the integers' range."""
    cast = PRIMITIVES["cast"]
    for dtype in map(np.dtype, ("bool", "int64", "int32", "uint8")):
        with np.errstate(all="ignore"):
            inside = np.ones(x.shape, bool)
            if dtype.kind != "b":
                info = np.iinfo(dtype)
                inside = (np.trunc(x) >= float(info.min)) & (np.trunc(x) < float(info.max))
        given = x[inside]
        expected = np.array([v != 0 if dtype.kind == "b" else int(v) for v in given.tolist()], dtype)
        for mode in modes:
            run = Run(cast, np.dtype(x.dtype), mode)
            found = run.apply(lambda x, dtype=dtype: apply(cast, x, dtype=dtype), given)
            yield run.outcome(f"to {dtype}", len(given), "the same", _first(given, found != expected, found))


def _first(x: Array, wrong: Array, found: Array, expected: Exact | None = None) -> str:
    """The first wrong place, in words; empty where there is none."""
    if not wrong.any():
        return ""
    i = int(wrong.argmax())
    bits = int(x[i].view(f"u{x.itemsize}"))
    text = f"{int(wrong.sum())} wrong; at {bits:#0{2 * x.itemsize + 2}x} = {x[i]!s}: {found[i]!s}"
    if expected is None:
        return text
    exactly, units = mpmath.nstr(mpmath.mpf(expected.numbers[i]), 20), float(expected.distance(found)[i])
    return f"{text}, not {exactly}, {units:.3g} ulp apart"
