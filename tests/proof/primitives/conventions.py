"""Gradients where differences have nothing to say: at ties, at 0 to a power, beside infinities and NaN.

What is pinned is the factor that a cotangent is multiplied by, for each input. Where it is finite, the gradient must
be differentiable by the cotangent as well, and have the same factor.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.proof.calls.gradient import Recorded, pull
from tests.proof.outcome import Outcome, Wrong, attempt
from tinygrad_cv.core.primitive import PRIMITIVES
from tinygrad_cv.frontend.tensor import Tensor

Numbers = Sequence[float] | np.ndarray
INF, NAN = math.inf, math.nan
LN2 = math.log(2.0)


@dataclass(frozen=True)
class Pinned:
    """One call of a primitive, and the factors of its gradients: None where an input has none."""

    why: str
    inputs: tuple[Any, ...]
    factors: tuple[Numbers | None, ...]
    params: Mapping[str, Any] = field(default_factory=dict)


def _max(why: str, ties: str, x: Numbers, factors: Numbers) -> Pinned:
    return Pinned(f"{why}, ties={ties!r}", (x,), (factors,), {"axis": (0,), "ties": ties})


def _many() -> Pinned:
    """Rows of more places than a byte has numbers for, and fewer rows: the two maxima have the same last byte."""
    x = np.zeros((2, 300))
    x[0, 280] = x[1, 280 - 256] = 1.0
    return Pinned("more places than a byte counts", (x,), (x,), {"axis": (1,), "ties": "first"})


PINNED: dict[str, tuple[Pinned, ...]] = {
    "times": (
        Pinned("0 times anything is constant", ([0.0, -0.0, 0.0], [INF, NAN, -INF]), ([0.0] * 3, [0.0] * 3)),
        Pinned("0 times a number is not", ([0.0, 0.0], [3.0, 0.0]), ([3.0, 0.0], [0.0, 0.0])),
        Pinned("what is not 0 passes all", ([2.0, -1.0, 1.0], [INF, NAN, -INF]), ([INF, NAN, -INF], [2.0, -1.0, 1.0])),
    ),
    "pow": (
        Pinned("powers of 0", ([0.0, 0.0, 0.0], [2.0, 1.0, 3.0]), ([0.0, 1.0, 0.0], [0.0, 0.0, 0.0])),
        Pinned("exponent 0", ([2.0, 1.0], [0.0, 0.0]), ([0.0, 0.0], [LN2, 0.0])),
        Pinned("0 to the power 0", ([0.0], [0.0]), ([0.0], [0.0])),
        Pinned("0 to a negative power", ([0.0, -0.0], [-1.0, -1.0]), ([-INF, -INF], [-INF, INF])),
        Pinned("a negative number to a whole power", ([-2.0], [3.0]), ([12.0], None)),
    ),
    "maximum": (
        Pinned("ties: half to each", ([1.0, INF, -0.0], [1.0, INF, 0.0]), ([0.5] * 3, [0.5] * 3)),
        Pinned("NaN: all to both, one of them is the NaN", ([NAN, 1.0], [1.0, NAN]), ([1.0, 1.0], [1.0, 1.0])),
    ),
    "where": (
        Pinned(
            "the branch not taken may be anything",
            (np.array([True, False]), [1.0, NAN], [INF, 2.0]),
            (None, [1.0, 0.0], [0.0, 1.0]),
        ),
    ),
    "max": (
        _max("NaN is the maximum", "even", [1.0, NAN, 2.0, NAN], [0.0, 0.5, 0.0, 0.5]),
        _max("NaN is the maximum", "first", [1.0, NAN, 2.0, NAN], [0.0, 1.0, 0.0, 0.0]),
        _max("ties", "even", [3.0, 1.0, 3.0, -INF], [0.5, 0.0, 0.5, 0.0]),
        _max("ties", "first", [1.0, 3.0, 3.0, 3.0], [0.0, 1.0, 0.0, 0.0]),
        _max("nothing but -inf", "even", [-INF, -INF], [0.5, 0.5]),
        _max("nothing but -inf", "first", [-INF, -INF], [1.0, 0.0]),
        _many(),
    ),
}


def outcomes(name: str) -> Iterator[Outcome]:
    """The pinned gradients of one primitive."""
    for pinned in PINNED.get(name, ()):
        for i, factor in enumerate(pinned.factors):
            if factor is not None:
                yield attempt(name, "special values", f"{pinned.why}, input {i}", _holds, name, pinned, i, factor)


def _holds(name: str, pinned: Pinned, i: int, factor: Numbers) -> float:
    inputs = [x if isinstance(x, np.ndarray) else np.array(x) for x in pinned.inputs]
    recorded, expected = Recorded(PRIMITIVES[name], inputs, dict(pinned.params), [i]), np.array(factor)
    g = Tensor(np.linspace(-1.5, 2.5, math.prod(recorded.y.shape)).reshape(recorded.y.shape), requires_grad=True)
    (gradient,) = recorded.pull(g, create_graph=True)
    _equal("the gradient", gradient.numpy(), expected * g.numpy())
    if np.isfinite(expected).all():
        (back,) = pull(gradient, [g], np.ones(expected.shape))
        reduced = tuple(i for i, n in enumerate(g.shape) if n != expected.shape[i])
        _equal("its derivative by the cotangent", back.numpy(), expected.sum(reduced, keepdims=True))
    return 0.0


def _equal(what: str, found: np.ndarray, expected: np.ndarray) -> None:
    if not np.allclose(found, expected, rtol=4 * np.finfo(float).eps, atol=0.0, equal_nan=True):
        raise Wrong(f"{what} is {found.tolist()}, not {expected.tolist()}")
