"""Linear primitives: the VJP is the transpose of the map, exactly.

With whole numbers in float64 nothing is rounded, so matrices are compared with ==. The map's matrix A comes from
values, one column an input element, the VJP's matrix B from cotangents, one row an output element:

    A e_i = (f(x + c_i e_i) - f(x)) / c_i,        B e_k = vjp(c_k e_k) / c_k,        B = Aᵀ,

at a point x of whole numbers, with whole steps c that are neither 0 nor ±1, so that a square is seen not to be linear.
That both maps are linear is checked, not taken for granted: f and the VJP of random sums of basis vectors must be
those sums of columns and rows. A bilinear primitive is linear in each input while the other is held; max is linear
near a point, where steps leave the order of its elements as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.primitives.draws import whole
from tests.primitives.row import SEED, Case, Row
from tests.primitives.table import ROWS
from tests.proof.calls.gradient import Recorded, value
from tests.proof.outcome import Outcome, Wrong, attempt

Array = np.ndarray
STEPS = (2.0, 3.0, -2.0, 5.0, -3.0)


def outcomes(name: str, seed: int = SEED) -> Iterator[Outcome]:
    """One check for each call and each input in which the primitive is linear."""
    row = ROWS[name]
    for case in row.cases:
        arrays = row.whole_inputs(case, seed) if row.linear else []
        for i in row.linear[: len(arrays)]:
            if value(row.primitive, arrays, case.params).dtype.kind == "f":
                which = f", input {i}" if len(row.linear) > 1 else ""
                yield attempt(name, "adjoint", f"{case}{which}", _transposed, row, case, i, seed)
    if name == "max":
        for case in row.cases:
            yield attempt(name, "adjoint", f"ties, {case}", _ties, row, case, seed)


def _transposed(row: Row, case: Case, i: int, seed: int) -> float:
    arrays = row.whole_inputs(case, seed)
    forward, backward = _columns(row, case, arrays, i, seed), _rows(row, case, arrays, i, seed)
    if not np.array_equal(forward, backward):
        k, j = np.argwhere(forward != backward)[0]
        raise Wrong(
            f"y[{k}] changes by {forward[k, j]:g} with x[{j}], the VJP says {backward[k, j]:g}; "
            f"{(forward != backward).sum()} of {forward.size} entries differ"
        )
    return 0.0


def _columns(row: Row, case: Case, arrays: list[Array], i: int, seed: int) -> Array:
    """The matrix of the map: outputs by inputs."""
    x, y = arrays[i], value(row.primitive, arrays, case.params)

    def change(step: Array) -> Array:
        moved = value(row.primitive, [*arrays[:i], x + step, *arrays[i + 1 :]], case.params)
        return np.subtract(moved, y, out=np.zeros(y.shape), where=moved != y).ravel()  # a border of -inf stays

    return _matrix(change, x.shape, y.size, "the map", seed).T


def _rows(row: Row, case: Case, arrays: list[Array], i: int, seed: int) -> Array:
    """The matrix of the VJP: outputs by inputs."""
    recorded = Recorded(row.primitive, arrays, case.params, [i])
    y = recorded.y

    def pulled(g: Array) -> Array:
        return recorded.pull(g.astype(y.dtype))[0].value.ravel()

    return _matrix(pulled, y.shape, arrays[i].size, "the VJP", seed)


def _matrix(function: Any, shape: tuple[int, ...], width: int, what: str, seed: int) -> Array:
    """The function's values at basis vectors, one a row, once it is found to be linear."""
    size = int(np.prod(shape))
    steps = np.resize(STEPS, size)
    basis = np.diag(steps).reshape(size, *shape)
    matrix = np.array([function(vector) / step for vector, step in zip(basis, steps, strict=True)])
    matrix = matrix.reshape(size, width)
    weights = np.random.default_rng(seed).integers(-4, 5, size).astype(np.float64)
    if not np.array_equal(function(weights.reshape(shape)), weights @ matrix):
        raise Wrong(f"{what} is not linear")
    return matrix


def _ties(row: Row, case: Case, seed: int) -> float:
    """Where maxima tie, the VJP is that of a point nearby, with the first of them raised; or the mean over which."""
    (x,) = row.whole_inputs(case, seed)
    numbers = _numbers(x.shape, case.params["axis"])
    count = int(numbers.max(initial=0.0)) + 1
    for lowest in range(min(count, 2)):  # all are tied, or all but the first
        tied = np.where(numbers < lowest, -64.0, 0.0)
        raised = range(lowest, lowest + 1 if case.params["ties"] == "first" else count)
        nearby = [_columns(row, case, [tied + 64.0 * (numbers == k)], 0, seed) for k in raised]
        y = value(row.primitive, [tied], case.params)
        g = 60.0 * whole(np.random.default_rng(seed), y.shape)  # whole shares for up to six
        found = Recorded(row.primitive, [tied], case.params, [0]).pull(g)[0].value.ravel()
        expected = g.ravel() @ sum(nearby) / len(nearby)
        if not np.array_equal(found, expected):
            raise Wrong(f"the gradient at ties is {found.tolist()}, not {expected.tolist()}")
    return 0.0


def _numbers(shape: tuple[int, ...], axis: tuple[int, ...]) -> Array:
    """Each element's number, row-major over the reduced axes."""
    numbers = np.zeros(shape)
    for i in axis:
        numbers = numbers * shape[i] + np.arange(shape[i]).reshape([-1 if k == i else 1 for k in range(len(shape))])
    return numbers
