"""The rows of the primitives that read, write and make indices, and of random bits."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_cv as tg
from tests.primitives.draws import below, distinct, halves, of, real, state, whole
from tests.primitives.oracles import drawn, gathered, numbered, ordered, scattered
from tests.primitives.row import Case, Row, use
from tinygrad_cv.frontend.random import Generator

INDEX = np.array([[2, 0], [2, 1]])


def random_bits(state: Any, shape: Any, bits: int) -> Any:
    generator = Generator()
    generator.state.assign(state)
    return generator.bits(shape, bits)


ROWS = [
    Row(
        "gather",
        lambda x, index: x.gather(index),
        gathered,
        ("index", ""),
        (
            Case(((3,), ())),
            Case(((3,), (5,))),
            Case(((3, 2), (5,))),
            Case(((3, 1), (2, 1))),
            Case(((3, 2), (2, 1, 2))),
            Case(((3,), (0,))),
            Case(((3, 0), (2,))),
            Case(((3, 2, 2), (2, 2))),
        ),
        (real, below(3)),
        integers=(whole, below(3)),
        linear=(0,),
        uses=(use(lambda x: x[INDEX], of(real, 3, 2)),),
        large=(Case(((3, 2000), (40,))),),
    ),
    Row(
        "scatter_add",
        lambda x, index, size: x.scatter_add(index, size),
        scattered,
        ("index", ""),
        (
            Case(((), ()), {"size": 3}),
            Case(((5,), (5,)), {"size": 4}),
            Case(((5, 2), (5,)), {"size": 4}),
            Case(((2, 1), (2,)), {"size": 3}),
            Case(((0,), (0,)), {"size": 3}),
            Case(((2, 2, 2), (2, 2)), {"size": 3}),
            Case(((2, 1, 2, 2), (2, 1)), {"size": 3}),
        ),
        (real, below(3)),
        integers=(whole, below(3)),
        linear=(0,),
        uses=(use(lambda x: x.scatter_add(tg.tensor(INDEX), 4), of(real, 2, 2, 2)),),
        large=(Case(((400, 20), (400,)), {"size": 3}),),
    ),
    Row(
        "iota",
        lambda shape, axis, dtype: tg.zeros(shape).iota(axis, dtype),
        numbered,
        (),
        tuple(
            Case((), {"shape": shape, "axis": axis, "dtype": np.dtype(dtype)})
            for shape, axis, dtype in [
                ((), (), "i8"),
                ((1,), (0,), "u1"),
                ((0, 2), (1,), "i8"),
                ((5,), (0,), "f4"),
                ((2, 3, 2), (2, 0), "i8"),
                ((2, 3, 2), (2, 0), "f4"),
                ((2, 1, 3, 2), (1, 2), "u1"),
            ]
        ),
    ),
    Row(
        "argsort",
        lambda x, axis: x.argsort(axis),
        ordered,
        ("",),
        tuple(
            Case((shape,), {"axis": axis})
            for shape, axis in [
                ((1,), 0),
                ((5,), 0),
                ((0, 2), 0),
                ((0, 2), 1),
                ((4, 3), 0),
                ((2, 5), 1),
                ((2, 4, 3), 1),
                ((2, 1, 3, 2), 2),
            ]
        ),
        (halves,),
        smooth=(distinct,),
    ),
    Row(
        "random_bits",
        random_bits,
        drawn,
        ("",),
        tuple(
            Case(((2,),), {"shape": shape, "bits": bits})
            for shape, bits in [
                ((), 24),
                ((1,), 1),
                ((0, 2), 32),
                ((5,), 32),
                ((2, 3, 2), 24),
                ((2, 3, 3), 53),
                ((2, 1, 3, 2), 64),
            ]
        ),
        (state,),
    ),
]
