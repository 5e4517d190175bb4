"""Every primitive in every memory layout: its full Jacobian, of order 1 and of order 2, against differences.

At order 1, the row of an output element is the VJP of a cotangent that is 0 elsewhere; all rows are the Jacobian, which
is compared with differences of the primitive's value in extended precision. At order 2, what is differentiated is the
gradient, as a function of inputs and cotangent, and what it is compared with are differences of the gradient. Inputs
and all cotangents are held in the layout. An entry passes if

    |row - differences| <= bound of the differences + ROUNDINGS ε (|entry| + M),

M the largest number met in inputs, output and cotangent: no VJP takes more operations, and each is off by half an ε.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.primitives.layouts import LAYOUTS
from tests.primitives.row import SEED, Case, Row
from tests.primitives.table import ROWS
from tests.proof.calls.gradient import Recorded, floats, pull, value, vector
from tests.proof.calls.point import Point
from tests.proof.outcome import Outcome, Wrong, attempt
from tinygrad_cv.frontend.tensor import Tensor

Array = np.ndarray
STEPS = (2.0, 3.0, -2.0, 5.0, -3.0)  # cotangents: neither 0 nor ±1, so that a square is seen not to be linear
BROADCAST = "broadcast"  # along which axis, the case says
NAMES = (*LAYOUTS, BROADCAST)
PART = ("C", "strided", BROADCAST)  # the layouts of the short form


def outcomes(name: str, part: bool = False, seed: int = SEED) -> Iterator[Outcome]:
    """Each call in each layout at each order, the plain layout first."""
    row = ROWS[name]
    if not row.primitive.differentiable:
        for case in row.cases:
            yield attempt(name, "jacobian", str(case), _constant, row, case, seed)
        return
    points = {repeating: [Point(row, case, repeating, seed) for case in row.cases] for repeating in (False, True)}
    for layout in PART if part else NAMES:
        for order in (1, 2):
            for point in points[layout == BROADCAST]:
                if point.y.dtype.kind == "f" and (layout != BROADCAST or _repeats(point)):
                    words = f"order {order}, {layout}, {point.case}"
                    yield attempt(name, "jacobian", words, _compare, point, layout, order)


def _repeats(point: Point) -> bool:
    return any(point.axis(x.shape) is not None for x in (*point.arrays, point.y))


def _compare(point: Point, layout: str, order: int) -> float:
    rows, expected = (_first(point, layout), point.first) if order == 1 else (_second(point, layout), point.second)
    cotangents, found = (np.array(part, np.float64) for part in zip(*rows, strict=True))
    return within(found, cotangents @ expected.entries, point.allowed(cotangents, expected))


Rows = list[tuple[Array, Array]]  # cotangents, and what the VJP makes of them


def _first(point: Point, layout: str) -> Rows:
    recorded = Recorded(
        point.primitive, [_lay(point, layout, x) for x in point.arrays], point.case.params, point.places
    )
    basis = _basis(point, layout, point.y.shape, point.y.dtype)
    return [(g.ravel(), vector(recorded.pull(g))) for g in basis]


def _second(point: Point, layout: str) -> Rows:
    recorded = Recorded(
        point.primitive, [_lay(point, layout, x) for x in point.arrays], point.case.params, point.places
    )
    g = Tensor._new(_lay(point, layout, point.g)).requires_grad_()
    gradients = recorded.pull(g, create_graph=True)
    rows: Rows = []
    for k, gradient in enumerate(gradients):
        for u in _basis(point, layout, gradient.shape, gradient.dtype):
            full = vector([u if i == k else np.zeros(x.shape) for i, x in enumerate(gradients)])
            rows.append((full, vector(pull(gradient, [*recorded.leaves, g], u))))
    return rows


def _lay(point: Point, layout: str, x: Array) -> Array:
    """An array in the layout."""
    return point.repeat(x) if layout == BROADCAST else LAYOUTS[layout](x)


def _basis(point: Point, layout: str, shape: tuple[int, ...], dtype: np.dtype) -> Iterator[Any]:
    """Cotangents in the layout that are 0 but at one place; where the layout repeats, at that place's repetitions."""
    axis = point.axis(shape)
    small = tuple(1 if i == axis and n else n for i, n in enumerate(shape))
    if math.prod(small) == 0:  # no row; but the VJP must take nothing, too
        yield _lay(point, layout, np.zeros(shape, dtype))
    for number, place in enumerate(np.ndindex(*small)):
        one = np.zeros(small, dtype)
        one[place] = STEPS[number % len(STEPS)]
        yield _lay(point, layout, np.broadcast_to(one, shape).copy())


def within(found: Array, expected: Array, allowed: Array) -> float:
    """The largest error as a share of what is allowed, which it must not pass."""
    if found.shape != expected.shape:
        raise Wrong(f"shape {found.shape}, expected {expected.shape}")
    if not found.size:
        return 0.0
    error = np.abs(found - expected)
    share = np.divide(error, allowed, out=np.where(error == 0.0, 0.0, math.inf), where=(error > 0.0) & (allowed > 0.0))
    worst = float(np.nan_to_num(share, nan=math.inf).max())
    if worst > 1.0:
        place = np.unravel_index(int(share.argmax()), share.shape)
        raise Wrong(
            f"entry {tuple(map(int, place))} is {found[place]:.17g}, differences say {expected[place]:.17g} "
            f"± {allowed[place]:.1g}; {(share > 1.0).sum()} of {share.size} entries are wrong",
            worst,
        )
    return worst


def _constant(row: Row, case: Case, seed: int) -> float:
    """A primitive without derivatives: near a point its value stays as it is, and nothing is recorded."""
    arrays = row.smooth_inputs(case, seed)
    places = floats(arrays)
    y = value(row.primitive, arrays, case.params)
    for i in places:
        for place in np.ndindex(arrays[i].shape):
            for h in (2.0**-12, -(2.0**-12)):
                moved = [x.copy() for x in arrays]
                moved[i][place] += h
                if not np.array_equal(value(row.primitive, moved, case.params), y):
                    raise Wrong(f"no VJP, but the value changes with input {i} at {place}")
    if places and Recorded(row.primitive, arrays, case.params, places).y.node is not None:
        raise Wrong("no VJP, but the result is recorded")
    return 0.0
