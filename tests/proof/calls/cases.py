"""What is tried of each primitive: one row of shapes, parameters and draws.

Five kinds of shape: 0-d, a vector, axes of size 1, no element at all, three axes or more. A kind is left out where the
primitive has none such: there is no cumulative sum of a number.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.proof.calls.row import (
    Case,
    Draw,
    Row,
    Shape,
    below,
    distinct,
    distinct_whole,
    even,
    nonzero,
    odd,
    positive,
    real,
    state,
    truth,
    whole,
)

SHAPES: dict[str, Shape] = {
    "0-d": (),
    "vector": (5,),
    "size 1": (1, 3, 1),
    "no element": (2, 0, 3),
    "3-d or more": (2, 3, 2),
}
F4, F8, I8 = map(np.dtype, ("f4", "f8", "i8"))


def elementwise(name: str, *draws: Draw, linear: tuple[int, ...] = (), integers: tuple[Draw, ...] = ()) -> Row:
    """A row for an elementwise primitive."""
    cases = tuple(Case(kind, (shape,) * len(draws), {}) for kind, shape in SHAPES.items())
    return Row(name, cases, draws, integers or (whole,) * len(draws), linear)


def one_input(name: str, *cases: tuple[str, Shape, dict[str, Any]], draw: Draw = real) -> Row:
    """A row for a linear primitive of one input."""
    return Row(name, tuple(Case(kind, (shape,), params) for kind, shape, params in cases), (draw,), (whole,), (0,))


def _maxima() -> Iterator[Case]:
    places: list[tuple[str, Shape, tuple[int, ...], int | None]] = [
        ("0-d", (), (), None),
        ("vector", (5,), (0,), None),
        ("size 1", (1, 3, 1), (0, 2), 1),
        ("no element", (0, 3), (1,), 0),
        ("3-d or more", (2, 3, 2), (0, 2), 1),
        ("3-d or more", (2, 1, 3, 2), (1, 3), 0),
    ]
    for ties, (kind, shape, axis, repeat) in itertools.product(("even", "first"), places):
        yield Case(kind, (shape,), {"axis": axis, "ties": ties}, repeat)


def padding(*axes: tuple[int, int, int], value: float = 0.0) -> dict[str, Any]:
    """Low, high and interior of each axis."""
    return {
        "width": tuple((low, high) for low, high, _ in axes),
        "interior": tuple(gap for _, _, gap in axes),
        "value": value,
    }


def slicing(*axes: tuple[int, int, int]) -> dict[str, Any]:
    """Start, stop and step of each axis."""
    start, stop, step = (tuple(axis[i] for axis in axes) for i in range(3))
    return {"start": start, "stop": stop, "step": step}


def windowing(kernel: Shape, stride: Shape, dilation: Shape) -> dict[str, Any]:
    return {"kernel": kernel, "stride": stride, "dilation": dilation}


def folding(stride: Shape, dilation: Shape, size: Shape) -> dict[str, Any]:
    return {"stride": stride, "dilation": dilation, "size": size}


def _contractions() -> Iterator[Case]:
    for kind, spec, a, b in [
        ("0-d", ",->", (), ()),
        ("vector", "a,a->", (5,), (5,)),
        ("vector", "a,->a", (5,), ()),
        ("vector", "a,b->ba", (2,), (3,)),
        ("size 1", "ij,jk->ik", (3, 1), (1, 2)),
        ("size 1", "ij,jk->ik", (1, 3), (3, 1)),
        ("no element", "ij,jk->ik", (2, 0), (0, 2)),
        ("no element", "ij,jk->ik", (0, 2), (2, 3)),
        ("3-d or more", "bij,bkj->bki", (2, 2, 3), (2, 2, 3)),
        ("3-d or more", "ncijuv,ocuv->noij", (1, 2, 2, 1, 2, 2), (2, 2, 2, 2)),
    ]:
        yield Case(kind, (a, b), {"spec": spec})


_ROWS = [
    elementwise("neg", real, linear=(0,)),
    elementwise("add", real, real, linear=(0, 1)),
    elementwise("sub", real, real, linear=(0, 1)),
    elementwise("mul", real, real, linear=(0, 1)),
    elementwise("times", real, real, linear=(0, 1)),
    elementwise("div", real, nonzero),
    elementwise("square", real),
    elementwise("sqrt", positive),
    elementwise("exp", real),
    elementwise("log", positive),
    elementwise("sin", real),
    elementwise("cos", real),
    elementwise("tanh", real),
    elementwise("erf", real),
    elementwise("floor", odd),
    elementwise("pow", positive, real),
    elementwise("maximum", odd, even),
    elementwise("equal", odd, even),
    elementwise("less", odd, even),
    elementwise("less_equal", odd, even),
    elementwise("where", truth, real, real, linear=(1, 2), integers=(truth, whole, whole)),
    one_input("cast", *((kind, shape, {"dtype": dtype}) for dtype in (F8, F4, I8) for kind, shape in SHAPES.items())),
    one_input(
        "reshape",
        ("0-d", (), {"shape": (1, 1)}),
        ("vector", (6,), {"shape": (2, 3)}),
        ("size 1", (1,), {"shape": ()}),
        ("no element", (0, 3), {"shape": (2, 0)}),
        ("3-d or more", (2, 3, 2), {"shape": (4, 3)}),
    ),
    one_input(
        "permute",
        ("0-d", (), {"axes": ()}),
        ("vector", (5,), {"axes": (0,)}),
        ("size 1", (1, 3, 1), {"axes": (1, 0, 2)}),
        ("no element", (2, 0, 3), {"axes": (1, 2, 0)}),
        ("3-d or more", (2, 3, 2), {"axes": (2, 0, 1)}),
        ("3-d or more", (2, 1, 3, 2), {"axes": (1, 3, 0, 2)}),
    ),
    one_input(
        "expand",
        ("0-d", (), {"shape": (2, 3)}),
        ("vector", (3,), {"shape": (2, 3)}),
        ("size 1", (1, 3, 1), {"shape": (2, 1, 3, 2)}),
        ("size 1", (1,), {"shape": (0,)}),
        ("no element", (0, 1), {"shape": (2, 0, 3)}),
        ("3-d or more", (2, 1, 2), {"shape": (2, 3, 2)}),
    ),
    one_input(
        "pad",
        ("0-d", (), padding()),
        ("vector", (5,), padding((0, 2, 0), value=-math.inf)),
        ("vector", (4,), padding((1, 0, 2), value=3.0)),
        ("size 1", (1, 3, 1), padding((0, 1, 2), (1, 0, 1), (1, 2, 0), value=-2.0)),
        ("no element", (2, 0), padding((1, 0, 1), (2, 1, 1), value=2.0)),
        ("3-d or more", (2, 3, 2), padding((0, 1, 0), (2, 0, 1), (0, 0, 0))),
        ("3-d or more", (2, 1, 3), padding((1, 0, 2), (0, 0, 0), (0, 1, 1))),
    ),
    one_input(
        "slice",
        ("0-d", (), slicing()),
        ("vector", (5,), slicing((1, 5, 3))),
        ("vector", (5,), slicing((2, 2, 1))),
        ("vector", (5,), slicing((3, 3, 2))),
        ("size 1", (1, 3, 1), slicing((0, 1, 1), (0, 2, 1), (0, 1, 2))),
        ("no element", (0, 3), slicing((0, 0, 1), (1, 3, 1))),
        ("3-d or more", (2, 3, 4), slicing((1, 2, 1), (0, 3, 2), (0, 3, 2))),
    ),
    one_input(
        "flip",
        ("0-d", (), {"axis": ()}),
        ("vector", (5,), {"axis": (0,)}),
        ("size 1", (1, 3, 1), {"axis": (0, 1)}),
        ("no element", (0, 3), {"axis": (0, 1)}),
        ("3-d or more", (2, 3, 2), {"axis": (0, 2)}),
    ),
    Row(
        "concatenate",
        (
            Case("vector", ((3,), (2,)), {"axis": 0}),
            Case("size 1", ((1, 3, 1), (1, 3, 2)), {"axis": 2}),
            Case("size 1", ((1,),), {"axis": 0}),
            Case("no element", ((0,), (3,), (0,)), {"axis": 0}),
            Case("3-d or more", ((2, 2, 2), (2, 1, 2), (2, 3, 2)), {"axis": 1}),
        ),
        (real,),
        (whole,),
        (0, 1, 2),
    ),
    one_input(
        "windows",
        ("0-d", (), windowing((), (), ())),
        ("vector", (5,), windowing((2,), (1,), (2,))),
        ("vector", (7,), windowing((2,), (3,), (1,))),
        ("size 1", (1, 3, 1), windowing((1,), (1,), (1,))),
        ("no element", (0, 4), windowing((3,), (1,), (1,))),
        ("no element", (2, 2), windowing((3,), (1,), (1,))),
        ("3-d or more", (2, 4, 5), windowing((2, 3), (2, 1), (1, 1))),
        ("3-d or more", (1, 2, 4, 3), windowing((2, 2), (1, 2), (2, 1))),
    ),
    one_input(
        "fold",
        ("0-d", (), folding((), (), ())),
        ("vector", (3, 2), folding((1,), (2,), (5,))),
        ("vector", (3, 2), folding((1,), (1,), (7,))),
        ("size 1", (1, 1, 1), folding((1,), (1,), (1,))),
        ("no element", (0, 2, 3), folding((1,), (1,), (4,))),
        ("no element", (2, 0, 3), folding((1,), (1,), (2,))),
        ("3-d or more", (2, 3, 2), folding((2,), (1,), (6,))),
        ("3-d or more", (1, 2, 2, 2, 2), folding((1, 2), (2, 1), (4, 5))),
    ),
    one_input(
        "sum",
        ("0-d", (), {"axis": ()}),
        ("vector", (5,), {"axis": (0,)}),
        ("size 1", (1, 3, 1), {"axis": (0, 1)}),
        ("no element", (0, 3), {"axis": (0,)}),
        ("3-d or more", (2, 3, 2), {"axis": (0, 2)}),
        ("3-d or more", (2, 1, 3, 2), {"axis": (1, 2)}),
    ),
    Row("max", tuple(_maxima()), (distinct,), (distinct_whole,), (0,)),
    Row(
        "argmax",
        tuple(
            Case(kind, (shape,), {"axis": axis, "dtype": I8})
            for kind, shape, axis in [
                ("0-d", (), ()),
                ("vector", (5,), (0,)),
                ("size 1", (1, 3, 1), (0, 1)),
                ("no element", (0, 3), (1,)),
                ("3-d or more", (2, 3, 2), (2, 0)),
            ]
        ),
        (distinct,),
    ),
    one_input(
        "cumsum",
        ("vector", (5,), {"axis": 0}),
        ("size 1", (1, 3, 1), {"axis": 1}),
        ("no element", (0, 2), {"axis": 0}),
        ("3-d or more", (2, 3, 2), {"axis": 1}),
    ),
    Row("contract", tuple(_contractions()), (real,), (whole,), (0, 1)),
    Row(
        "gather",
        (
            Case("0-d", ((3,), ()), {}),
            Case("vector", ((3,), (5,)), {}),
            Case("size 1", ((3, 1), (2, 1)), {}),
            Case("no element", ((3,), (0,)), {}),
            Case("no element", ((3, 0), (2,)), {}),
            Case("3-d or more", ((3, 2, 2), (2, 2)), {}),
        ),
        (real, below(3)),
        (whole, below(3)),
        (0,),
    ),
    Row(
        "scatter_add",
        (
            Case("0-d", ((), ()), {"size": 3}),
            Case("vector", ((5,), (5,)), {"size": 4}),
            Case("size 1", ((2, 1), (2,)), {"size": 3}),
            Case("no element", ((0,), (0,)), {"size": 3}),
            Case("3-d or more", ((2, 2, 2), (2, 2)), {"size": 3}),
        ),
        (real, below(3)),
        (whole, below(3)),
        (0,),
    ),
    Row("iota", (Case("3-d or more", (), {"shape": (2, 3, 2), "axis": (2, 0), "dtype": F4}),), ()),
    Row("random_bits", (Case("3-d or more", ((2,),), {"shape": (2, 3, 2), "bits": 24}),), (state,)),
]
ROWS = {row.name: row for row in _ROWS}
