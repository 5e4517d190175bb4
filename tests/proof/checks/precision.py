"""float32 against float64: the same VJPs, of the same numbers.

For a random cotangent g and the Jacobian J of the float64 result, a gradient in float32 may be off by

    (ROUNDINGS + n) ε (|J|ᵀ|g| + M Σ|g|),

n the number of output elements that are added up, ε that of float32, M the largest number met.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.primitives.row import SEED, Case, Row
from tests.primitives.table import ROWS
from tests.proof.calls.gradient import Recorded, floats, value, vector
from tests.proof.calls.point import ROUNDINGS, Point, cotangent
from tests.proof.checks.jacobian import within
from tests.proof.outcome import Outcome, attempt

SINGLE = np.dtype(np.float32)


def outcomes(name: str, seed: int = SEED) -> Iterator[Outcome]:
    """One check for each call of a primitive that has a derivative."""
    row = ROWS[name]
    for case in row.cases if row.primitive.differentiable else ():
        if value(row.primitive, row.smooth_inputs(case, seed), case.params).dtype.kind == "f":
            yield attempt(name, "float32", str(case), _agree, row, case, seed)


def _agree(row: Row, case: Case, seed: int) -> float:
    single = [x.astype(SINGLE) if x.dtype.kind == "f" else x for x in row.smooth_inputs(case, seed)]
    double = [x.astype(np.float64) if x.dtype.kind == "f" else x for x in single]
    places = floats(single)
    y = value(row.primitive, single, case.params)
    g = cotangent(y, seed)
    found, expected = (
        vector(Recorded(row.primitive, arrays, case.params, places).pull(h))
        for arrays, h in ((single, g), (double, g.astype(value(row.primitive, double, case.params).dtype)))
    )
    point = Point(row, case, seed=seed)
    sizes = np.abs(point.first.entries) + point.largest
    allowed = (ROUNDINGS + y.size) * float(np.finfo(SINGLE).eps) * (np.abs(g).ravel() @ sizes)
    return within(found.astype(np.float64), expected.astype(np.float64), allowed)
