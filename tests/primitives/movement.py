"""The rows of the primitives that move elements, and add none."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_cv as tg
from tests.primitives.draws import Shape, of, real
from tests.primitives.elementwise import MANY
from tests.primitives.oracles import concatenated, from_place, padded
from tests.primitives.row import Case, Row, use
from tinygrad_cv.core.tape import apply
from tinygrad_cv.ops import PRIMITIVES


def linear(
    name: str,
    call: Callable[..., Any],
    oracle: Callable[..., Any],
    calls: list[tuple[Shape, dict[str, Any]]],
    **more: Any,
) -> Row:
    """A row for a linear primitive of one input, of which nothing is kept."""
    cases = tuple(Case((shape,), params) for shape, params in calls)
    return Row(name, call, oracle, ("",), cases, (real,), linear=(0,), **more)


def padding(*axes: tuple[int, int, int], value: float = 0.0) -> dict[str, Any]:
    """Low, high and interior of each axis."""
    width, interior = tuple((low, high) for low, high, _ in axes), tuple(gap for _, _, gap in axes)
    return {"width": width, "interior": interior, "value": value}


def slicing(*axes: tuple[int, int, int]) -> dict[str, Any]:
    """Start, stop and step of each axis."""
    start, stop, step = (tuple(axis[i] for axis in axes) for i in range(3))
    return {"start": start, "stop": stop, "step": step}


def padded_by_nothing(x: Any) -> Any:
    """A number; the method would return it as it is."""
    return apply(PRIMITIVES["pad"], x, **padding())


ROWS = [
    linear(
        "reshape",
        lambda x, shape: x.reshape(shape),
        lambda x, shape: np.array(x.ravel().tolist()).reshape(shape),
        [
            ((), {"shape": (1, 1)}),
            ((6,), {"shape": (2, 3)}),
            ((1,), {"shape": ()}),
            ((0, 3), {"shape": (2, 0)}),
            ((2, 3, 2), {"shape": (4, 3)}),
            ((2, 1, 3, 2), {"shape": (12,)}),
        ],
        uses=(use(lambda x: x.reshape(3, 2), of(real, 2, 3)),),
        large=(Case((MANY,), {"shape": (401, 15)}),),
    ),
    linear(
        "permute",
        lambda x, axes: x.permute(axes),
        from_place(
            lambda shape, axes: [shape[a] for a in axes],
            lambda place, shape, axes: [place[axes.index(i)] for i in range(len(axes))],
        ),
        [
            ((), {"axes": ()}),
            ((5,), {"axes": (0,)}),
            ((1, 3, 1), {"axes": (1, 0, 2)}),
            ((0, 3), {"axes": (1, 0)}),
            ((2, 0, 3), {"axes": (1, 2, 0)}),
            ((2, 3, 2), {"axes": (2, 0, 1)}),
            ((2, 1, 3, 2), {"axes": (1, 3, 0, 2)}),
            ((2, 1, 3, 2), {"axes": (0, 3, 2, 1)}),
        ],
        uses=(use(lambda x: x.permute(1, 2, 0), of(real, 2, 3, 2)),),
        large=(Case((MANY,), {"axes": (2, 0, 1)}),),
    ),
    linear(
        "expand",
        lambda x, shape: x.expand(shape),
        from_place(
            lambda _, shape: shape,
            lambda place, old, shape: [
                p if n > 1 else 0 for p, n in zip(place[len(shape) - len(old) :], old, strict=True)
            ],
        ),
        [
            ((), {"shape": (2, 3)}),
            ((), {"shape": (0,)}),
            ((3,), {"shape": (2, 3)}),
            ((1,), {"shape": (0,)}),
            ((1, 1), {"shape": (1, 1, 1)}),
            ((1, 3, 1), {"shape": (2, 1, 3, 2)}),
            ((0, 1), {"shape": (2, 0, 3)}),
            ((2, 1, 2), {"shape": (2, 3, 2)}),
            ((2, 3, 1, 2), {"shape": (2, 3, 2, 2)}),
        ],
        uses=(use(lambda x: x.expand(2, 3, 2), of(real, 3, 1)), use(lambda x: x.expand(3, 2), of(real, 2))),
        large=(Case(((3, 1, 401),), {"shape": (2, 3, 5, 401)}), Case(((40, 1),), {"shape": (40, 200)})),
    ),
    linear(
        "pad",
        lambda x, width, interior, value: x.pad(width, value, interior),
        padded,
        [
            ((), padding()),
            ((1,), padding((1, 2, 3), value=-1.0)),
            ((0,), padding((2, 1, 1), value=1.5)),
            ((5,), padding((0, 0, 2))),
            ((5,), padding((0, 2, 0), value=-math.inf)),
            ((4,), padding((1, 0, 2), value=3.0)),
            ((2, 3), padding((1, 0, 0), (0, 2, 1), value=-math.inf)),
            ((1, 3, 1), padding((0, 1, 2), (1, 0, 1), (1, 2, 0), value=-2.0)),
            ((2, 0), padding((1, 0, 1), (2, 1, 1), value=2.0)),
            ((2, 3, 2), padding((0, 1, 0), (2, 0, 1), (0, 0, 0))),
            ((2, 3, 2), padding((0, 1, 0), (2, 0, 0), (1, 1, 0), value=2.0)),
            ((2, 1, 3), padding((1, 0, 2), (0, 0, 0), (0, 1, 1))),
            ((2, 1, 3, 2), padding((0, 0, 0), (0, 0, 2), (1, 2, 1), (0, 1, 0))),
        ],
        uses=(
            use(lambda x: x.pad(((1, 0), (0, 2)), 0.5, (1, 0)), of(real, 2, 3)),
            use(padded_by_nothing, of(real)),
        ),
        large=(Case((MANY,), padding((1, 0, 0), (0, 2, 1), (3, 3, 0), value=2.0)),),
    ),
    linear(
        "slice",
        lambda x, start, stop, step: x.slice(start, stop, step),
        from_place(
            lambda _, start, stop, step: [len(range(*part)) for part in zip(start, stop, step, strict=True)],
            lambda place, _, start, stop, step: [a + s * p for p, a, s in zip(place, start, step, strict=True)],
        ),
        [
            ((), slicing()),
            ((1,), slicing((0, 1, 1))),
            ((5,), slicing((1, 5, 3))),
            ((5,), slicing((2, 2, 1))),
            ((5,), slicing((3, 3, 2))),
            ((1, 3, 1), slicing((0, 1, 1), (0, 2, 1), (0, 1, 2))),
            ((0, 3), slicing((0, 0, 1), (1, 3, 1))),
            ((2, 3, 2), slicing((1, 2, 1), (0, 3, 2), (0, 2, 1))),
            ((2, 3, 4), slicing((1, 2, 1), (0, 3, 2), (0, 3, 2))),
            ((2, 1, 3, 2), slicing((0, 2, 2), (0, 1, 1), (1, 3, 1), (1, 2, 1))),
        ],
        uses=(
            use(lambda x: x[1:2, 1:6:3], of(real, 2, 7)),
            use(lambda x: x[0, 1:3] + x.slice((0, 2), (2, 2), (1, 2)).sum(), of(real, 2, 3)),
        ),
        large=(Case((MANY,), slicing((1, 3, 1), (0, 5, 2), (3, 400, 1))),),
        equivalent={
            (0, "used = start[i] + (n - 1) * step[i] + 1 if n else stop[i]"): "no element: start is stop",
        },
    ),
    linear(
        "flip",
        lambda x, axis: x.flip(axis),
        from_place(
            lambda shape, axis: shape,
            lambda place, shape, axis: [shape[i] - 1 - p if i in axis else p for i, p in enumerate(place)],
        ),
        [
            ((), {"axis": ()}),
            ((1,), {"axis": (0,)}),
            ((5,), {"axis": (0,)}),
            ((1, 3, 1), {"axis": (0, 1)}),
            ((0, 3), {"axis": (0, 1)}),
            ((2, 3, 2), {"axis": (0, 2)}),
            ((2, 1, 3, 2), {"axis": (2,)}),
        ],
        uses=(use(lambda x: x.flip(1), of(real, 2, 3)), use(lambda x: x[::-1], of(real, 2, 3))),
        large=(Case((MANY,), {"axis": (0, 2)}),),
    ),
    Row(
        "concatenate",
        lambda *xs, axis: tg.concatenate(xs, axis),
        concatenated,
        ("",),
        (
            Case(((3,), (2,)), {"axis": 0}),
            Case(((2, 3), (2, 1)), {"axis": 1}),
            Case(((1,),), {"axis": 0}),
            Case(((1,), (1,)), {"axis": 0}),
            Case(((1, 3, 1), (1, 3, 2)), {"axis": 2}),
            Case(((0,), (3,), (0,)), {"axis": 0}),
            Case(((2, 2, 2), (2, 1, 2), (2, 3, 2)), {"axis": 1}),
            Case(((1, 2, 1, 3), (2, 2, 1, 3)), {"axis": 0}),
        ),
        (real,),
        linear=(0, 1, 2),
        uses=(use(lambda a, b: tg.concatenate([a, b], 1), of(real, 2, 1), of(real, 2, 3)),),
        large=(Case(((3, 2, 401), (3, 5, 401)), {"axis": 1}),),
    ),
]
