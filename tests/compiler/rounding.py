"""How far right results of a computation may lie apart: it is done again with every rounding moved at random.

This is Monte Carlo arithmetic (Parker, 1997). What an operation rounds is moved by at most one unit in the last place,
up or down, and by a few where it is a transcendental function. The terms of sums are moved too, since another order of
addition rounds at other places. What is exact stays exact: movement, selections, comparisons, zeros, infinities, whole
numbers. How far the results of a few such runs lie from the true ones is how far those of any right implementation may:
a well-conditioned computation is judged strictly, an ill-conditioned one by what its own conditioning leaves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from tests.compiler.bounds import MOVEMENT
from tinygrad_cv.core.context import eager

Array = np.ndarray
SUMS = {"sum", "cumsum", "fold", "scatter_add", "contract"}
FUNCTIONS = {"exp", "log", "sin", "cos", "tanh", "erf", "pow"}
ROUNDED = SUMS | FUNCTIONS | {"add", "sub", "mul", "times", "div", "square", "sqrt"}
UNITS = 4  # in the last place: by how much a transcendental function may err
RUNS, AT_MOST = 2, 16  # as many are made to see that a difference is none; more, before it is called one
TIMES = 4  # as far as the runs lie from the true result may others lie
OTHERS = 4  # times as far again, where another library has formulas of its own
FLOOR = 4  # units in the last place of an array's largest element, where the runs happen to agree


class Stirred:
    """An interpreter that moves what it rounds. Whole numbers that are made of whole numbers are not rounded.

    Beside the values goes the magnitude of the terms that they are sums of: a sum of differences may be taken apart
    into sums of what is subtracted (docs/design/0009), and then rounds as those do. With ``differences`` so may one of
    differences from what does not vary, x - μ, as where another library computes (x - μ) / σ as a x + b.
    """

    def __init__(self, seed: int, differences: bool = False):
        self.rng = np.random.default_rng(seed)
        self.differences = differences
        self.known: dict[int, tuple[Array, Array]] = {}  # by its id, an array and the magnitude of its terms

    def __call__(self, primitive: Any, given: list[Any], params: dict[str, Any]) -> Array:
        name, values = primitive.name, given
        exact = [_whole(value) for value in given] if name in ROUNDED else []
        if name in SUMS:
            exact = [all(one.all() for one in exact)]
            units = max(1.0, 0.5 * _count(primitive, given, params) ** 0.5)  # as roundings of random partial sums do
            of = self.terms if name != "contract" else np.abs
            values = [self._moved(value, of(value), exact[0], units) for value in given]
        y = eager(primitive, values, params)
        if y.dtype.kind != "f":
            return y
        if name in ROUNDED:
            y = self._moved(y, np.abs(y), reduce(np.logical_and, exact, _whole(y)), UNITS if name in FUNCTIONS else 1)
        if name in TERMS:
            rule = TERMS["add" if name == "sub" and self.differences else name]
            with np.errstate(all="ignore"):
                terms = rule(lambda *xs: eager(primitive, list(xs), params), self.terms, *given)
            self.known[id(y)] = y, np.maximum(np.abs(y), terms)
        return y

    def terms(self, x: Any) -> Array:
        """The magnitude of the terms of an array; its own, where nothing else is known."""
        known = self.known.get(id(x))
        return np.abs(x) if known is None else known[1]

    def _moved(self, x: Any, by: Array, exact: Any, most: float) -> Any:
        if x.dtype.kind != "f":
            return x
        units = np.where(exact, 0.0, np.rint(self.rng.uniform(-1.5, 1.5, x.shape)) * most * np.finfo(x.dtype).eps)
        with np.errstate(invalid="ignore"):
            return np.where(np.isfinite(x) & np.isfinite(by), x + by * units.astype(x.dtype), x)


def _count(primitive: Any, values: list[Any], params: dict[str, Any]) -> float:
    """How many terms an element of a sum has."""
    if primitive.name == "contract":
        a, _, rest = params["spec"].partition(",")
        return math.prod(n for letter, n in zip(a, values[0].shape, strict=True) if letter not in rest.split("->")[1])
    if primitive.name == "cumsum":
        return values[0].shape[params["axis"]]
    return values[0].size / max(1, math.prod(primitive.aval(*values, **params).shape))


Terms = Callable[[Any], Array]
Rule = Callable[..., Array]


def _total(apply: Callable[..., Array], terms: Terms, *xs: Any) -> Array:
    """The sum of all terms, or the terms where they are moved to; places and sizes are as they are."""
    return apply(*(terms(x) if x.dtype.kind == "f" else x for x in xs))


def _product(apply: Callable[..., Array], terms: Terms, a: Any, b: Any) -> Array:
    """A factor that does not vary leaves a sum; a product of two sums is one term."""
    return np.abs(apply(terms(a) if _repeated(b) else a, terms(b) if _repeated(a) else b))


def _difference(apply: Callable[..., Array], terms: Terms, a: Any, b: Any) -> Array:
    """From what does not vary it is one term."""
    return np.abs(apply(a, b)) if _repeated(b) else terms(a) + terms(b)


def _repeated(x: Any) -> bool:
    return 0 in x.strides or x.size == 1


TERMS: dict[str, Rule] = {
    **dict.fromkeys((*MOVEMENT, *SUMS), _total),
    **dict.fromkeys(("mul", "times", "div"), _product),
    "neg": lambda apply, terms, a: terms(a),
    "add": lambda apply, terms, a, b: terms(a) + terms(b),
    "sub": _difference,
}


def _whole(x: Any) -> Array:
    return np.asarray(x == np.floor(x))


def apart(x: Array, y: Array) -> float:
    """The largest distance of two elements; infinite where one is finite alone, infinities or the shapes differ."""
    if x.shape != y.shape:
        return np.inf
    with np.errstate(invalid="ignore"):
        distance = np.abs(np.asarray(x, np.float64) - np.asarray(y, np.float64))
    same = (x == y) | (np.isnan(x) & np.isnan(y))
    return float(np.where(same, 0.0, np.where(np.isnan(distance), np.inf, distance)).max(initial=0.0))


@dataclass
class Leeway:
    """What right results may differ by from the true ones, array by array, as far as it was asked.

    Attributes:
        again: the results of a run whose roundings are moved as a seed says.
        true: the results of a run without rounding errors, or with the usual ones.
        dtype: that of all runs but the true one.
        times: as far as the runs lie from the true results may others lie.
    """

    again: Callable[[int], list[Array]]
    true: list[Array]
    dtype: np.dtype
    times: int = TIMES

    def __post_init__(self) -> None:
        self.runs = 0
        unit = float(np.finfo(self.dtype).eps)
        self.allowed = [FLOOR * unit * float(np.abs(y[np.isfinite(y)]).max(initial=0.0)) for y in self.true]
        while self.runs < RUNS:
            self._run()

    def _run(self) -> None:
        results = self.again(self.runs)
        self.runs += 1
        moves = [self.times * apart(x, y) for x, y in zip(results, self.true, strict=True)]
        self.allowed = list(map(max, self.allowed, moves))

    def exceeded(self, found: list[Array]) -> Iterator[tuple[int, float]]:
        """The numbers of the arrays that are further away than any run explains, and how far away they are."""
        distances = [apart(x, y) for x, y in zip(found, self.true, strict=True)]
        while self.runs < AT_MOST and self._wrong(distances):
            self._run()
        for i in self._wrong(distances):
            yield i, distances[i]

    def _wrong(self, distances: list[float]) -> list[int]:
        return [i for i, (d, most) in enumerate(zip(distances, self.allowed, strict=True)) if d > most]

    def judged(self, share: float) -> float:
        """The part of the arrays that may not be wrong by more than a share of their size, or of 1."""
        sizes = [max(1.0, float(np.abs(y[np.isfinite(y)]).max(initial=0.0))) for y in self.true]
        return float(np.mean([most <= share * size for most, size in zip(self.allowed, sizes, strict=True)]))
