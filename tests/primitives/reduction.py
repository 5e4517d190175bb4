"""The rows of sums and maxima."""

from __future__ import annotations

import math

import numpy as np

import tinygrad_cv.functional as F
from tests.primitives.draws import Shape, distinct, distinct_whole, halves, of, real, spread
from tests.primitives.movement import linear
from tests.primitives.oracles import accumulated, over_axes
from tests.primitives.row import Case, Numbers, Pinned, Row, use

INF, NAN = math.inf, math.nan
BROADCASTS = "where repeats what is too small, as expand does"
PLACES: tuple[tuple[Shape, tuple[int, ...]], ...] = (  # shapes and reduced axes
    ((), ()),
    ((1,), (0,)),
    ((5,), (0,)),
    ((0, 3), (1,)),
    ((1, 3, 1), (0, 2)),
    ((2, 3, 2), (1,)),
    ((2, 3, 2), (0, 2)),
    ((2, 3, 2), (0, 1, 2)),
    ((2, 1, 3, 2), (1, 3)),
)


def maximum(shape: Shape, axis: tuple[int, ...], ties: str) -> Case:
    """Repeated along an axis that is not reduced: numbers of one maximum are distinct."""
    kept = (i for i, n in enumerate(shape) if n != 1 and i not in axis)
    return Case((shape,), {"axis": axis, "ties": ties}, next(kept, None))


def pinned(why: str, ties: str, x: Numbers, factors: Numbers) -> Pinned:
    return Pinned(f"{why}, ties={ties!r}", (x,), (factors,), {"axis": (0,), "ties": ties})


def many() -> Pinned:
    """Rows of more places than a byte has numbers for, and fewer rows: the two maxima have the same last byte."""
    x = np.zeros((2, 300))
    x[0, 280] = x[1, 280 - 256] = 1.0
    return Pinned("more places than a byte counts", (x,), (x,), {"axis": (1,), "ties": "first"})


ROWS = [
    linear(
        "sum",
        lambda x, axis: x.sum(axis, keepdims=True),
        over_axes(math.fsum),
        [
            *((shape, {"axis": axis}) for shape, axis in PLACES),
            ((5,), {"axis": ()}),
            ((0,), {"axis": (0,)}),
            ((0, 3), {"axis": (0,)}),
            ((2, 0), {"axis": (0, 1)}),
            ((1, 3, 1), {"axis": (0, 1)}),
            ((2, 1, 3, 2), {"axis": (1, 2)}),
        ],
        uses=(use(lambda x: x.sum(1), of(real, 2, 3)), use(lambda x: x.sum(0, keepdims=True), of(real, 2, 3))),
        large=(
            Case(((60, 100),), {"axis": (1,)}),  # pairwise
            Case(((100, 8, 10),), {"axis": (1,)}),  # tap by tap
            Case(((1000, 12),), {"axis": (0,)}),  # by rows
            Case(((8, 6, 20, 20),), {"axis": (0, 2, 3)}),
        ),
    ),
    Row(
        "max",
        lambda x, axis, ties: x.max(axis, keepdims=True, ties=ties),
        over_axes(max),
        ("x y",),
        tuple(maximum(shape, axis, ties) for ties in ("even", "first") for shape, axis in PLACES),
        (halves,),
        smooth=(distinct,),
        integers=(distinct_whole,),
        linear=(0,),
        pinned=(
            pinned("NaN is the maximum", "even", [1.0, NAN, 2.0, NAN], [0.0, 0.5, 0.0, 0.5]),
            pinned("NaN is the maximum", "first", [1.0, NAN, 2.0, NAN], [0.0, 1.0, 0.0, 0.0]),
            pinned("ties", "even", [3.0, 1.0, 3.0, -INF], [0.5, 0.0, 0.5, 0.0]),
            pinned("ties", "first", [1.0, 3.0, 3.0, 3.0], [0.0, 1.0, 0.0, 0.0]),
            pinned("nothing but -inf", "even", [-INF, -INF], [0.5, 0.5]),
            pinned("nothing but -inf", "first", [-INF, -INF], [1.0, 0.0]),
            many(),
        ),
        uses=(
            use(lambda x: x.max(1), of(spread, 3, 2)),  # two of the maxima in one column
            use(lambda x: x.max((0, 2), ties="first"), of(spread, 2, 2, 2)),
            use(lambda x: F.max_pool2d(x, 2, 1), of(spread, 1, 1, 3, 2)),
        ),
        large=(
            Case(((100, 8, 10),), {"axis": (1,), "ties": "first"}),
            Case(((100, 8, 10),), {"axis": (1,), "ties": "even"}),
            Case(((2, 3, 20, 20, 2, 2),), {"axis": (4, 5), "ties": "first"}),
            Case(((60, 100),), {"axis": (1,), "ties": "first"}),
        ),
        equivalent={
            (0, "return chosen.where(g, 0.0)"): BROADCASTS,
            (0, "return chosen.where(share, 0.0)"): BROADCASTS,
        },
    ),
    Row(
        "argmax",
        lambda x, axis, dtype: x.argmax_kept(axis, dtype),
        over_axes(lambda values: values.index(max(values))),
        ("",),
        tuple(
            Case((shape,), {"axis": axis, "dtype": np.dtype(dtype)})
            for shape, axis, dtype in [
                *((shape, axis, "i8") for shape, axis in PLACES),
                ((1, 3, 1), (0, 1), "i8"),
                ((2, 3, 2), (2, 0), "i8"),
                ((2, 3, 2), (2, 0), "u1"),
            ]
        ),
        (halves,),
        smooth=(distinct,),
    ),
    linear(
        "cumsum",
        lambda x, axis: x.cumsum(axis),
        accumulated,
        [
            ((1,), {"axis": 0}),
            ((5,), {"axis": 0}),
            ((1, 3, 1), {"axis": 1}),
            ((0, 2), {"axis": 0}),
            ((2, 3, 2), {"axis": 1}),
            ((2, 1, 3, 2), {"axis": 2}),
        ],
        uses=(use(lambda x: x.cumsum(1), of(real, 2, 3)),),
        large=(Case(((50, 100),), {"axis": 0}), Case(((50, 100),), {"axis": 1})),
    ),
]
