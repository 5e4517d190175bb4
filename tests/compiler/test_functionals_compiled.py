"""Every functional's rows of tests once more, compiled: values and gradients, part of them to second order.

The rows are those of tests/functional and tests/ops, and so are the bounds. What is compared with is eager code in
float64, which other tests compare with PyTorch and with finite differences: all of the grids. Compiled are those rows
in which every two values of a functional's arguments meet; with ``TGCV_LONG=1`` all of them, which takes minutes.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.compiler.agreement import judge_graph
from tests.compiler.programs import traced
from tests.functional import test_higher_orders as orders
from tests.functional.agreement.compare import disagreements, together
from tests.functional.agreement.meeting import meeting
from tests.functional.agreement.row import Row
from tests.functional.agreement.table import rows
from tests.ops.test_special_values import BAD_BRANCHES, SPECIAL, UFUNCS
from tests.primitives.row import Row as PrimitiveRow
from tests.primitives.table import ROWS
from tinygrad_cv.core.tape import apply
from tinygrad_cv.ops import PRIMITIVES

pytest.importorskip("llvmlite")

Array = np.ndarray
LONG = bool(os.environ.get("TGCV_LONG"))
FUNCTIONALS = rows()
GROUP = 12  # rows that are compiled together: much of their code is the same


def wrong(name: str, dtype: str, every: int = 1) -> list[str]:
    """Where compiled rows of a functional are not what eager float64 gives: values and gradients."""
    grid = [row for row in FUNCTIONALS if row.name == name]
    chosen = (grid if LONG else meeting(grid))[::every]
    found = []
    for group in (chosen[i : i + GROUP] for i in range(0, len(chosen), GROUP)):
        compiled, eager = together(group, dtype, 1, compiled=True), together(group, order=1)
        for row, results, wanted in zip(group, compiled, eager, strict=True):
            found += disagreements(row, results, wanted, dtype)
    return found


def test_every_two_values_that_meet_in_a_grid_meet_in_the_rows_that_are_compiled():
    for name in F.__all__:
        grid = [row for row in FUNCTIONALS if row.name == name]
        told, compiled = ([together_in(row) for row in part] for part in (grid, meeting(grid)))
        assert set().union(*told) == set().union(*compiled)
    assert len(meeting([row for row in FUNCTIONALS if row.name == "cross_entropy"])) < 60  # of hundreds


def together_in(row: Row) -> set[tuple[str, str]]:
    """Every two of what a row is called with, arrays by their shapes; and its note."""
    given = [*enumerate(row.arguments), *sorted(row.options.items())]
    arrays = [(key, getattr(value, "array", value)) for key, value in given]
    words = [f"{key} {x.shape if isinstance(x, (np.ndarray, np.generic)) else x}" for key, x in arrays]
    return {*itertools.combinations(words, 2), (row.note, "")}


@pytest.mark.parametrize("name", F.__all__)
def test_float32_is_within_rounding_of_eager_float64(name):
    assert not wrong(name, "float32")


@pytest.mark.parametrize("name", F.__all__)
def test_float64_equals_eager(name):
    """One row in three: what differs from float32 is the width of vectors."""
    assert not wrong(name, "float64", every=3)


# ---------------------------------------------------------------- higher orders


def chain(function: Callable[..., Any], cotangents: Sequence[Array]) -> Callable[..., list[Any]]:
    """Gradients of s₀ = <f(x), u₀>, of s₁ = <∇s₀, u₁> ...: derivatives of as many orders as there are cotangents."""

    def gradients(*tensors: Any) -> list[Any]:
        xs = [x.detach().requires_grad_() for x in tensors]
        found = [function(*xs)]
        results = list(found)
        for k, u in enumerate(cotangents):
            weights = np.random.default_rng(k).permutation(u)
            s = sum((y * tg.tensor(np.resize(weights, y.shape))).sum() for y in found)
            found = [g for g in tg.grad(s, xs, create_graph=True, allow_unused=True) if g is not None]
            found = [g for g in found if g.requires_grad]
            results += found
            if not found:
                break
        return results

    return gradients


def assert_orders_agree(function: Callable[..., Any], arrays: Sequence[Array], order: int) -> None:
    tensors = [tg.tensor(x) for x in arrays]
    gradients = chain(function, [np.random.default_rng(7).standard_normal(60)] * order)
    for i, (a, b) in enumerate(zip(tg.jit(gradients)(*tensors), gradients(*tensors), strict=True)):
        scale = max(1.0, np.abs(b.numpy()).max(initial=0.0))
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=0, atol=1e-12 * scale, err_msg=f"result {i}")


@pytest.mark.parametrize(("name", "function", "arrays"), orders.ROWS, ids=orders.names)
def test_second_derivatives(name, function, arrays):
    assert_orders_agree(*orders.with_cotangent(function, arrays), order=2)


@pytest.mark.parametrize(
    ("name", "function", "arrays"), orders.NORMALIZATIONS, ids=[row[0] for row in orders.NORMALIZATIONS]
)
def test_third_derivatives_of_every_normalization(name, function, arrays):
    assert_orders_agree(function, arrays, order=3)


# ---------------------------------------------------------------- every primitive


def of_primitive(row: PrimitiveRow, dtype: str) -> tuple[Callable[..., list[Any]], list[Array]]:
    """All cases of a primitive as one function: results and, where they have some, gradients."""
    inputs = [row.inputs(case, 1, dtype) for case in row.cases]

    def function(*tensors: Any) -> list[Any]:
        given, results = iter(tensors), []
        for case, arrays in zip(row.cases, inputs, strict=True):
            xs = [next(given) for _ in arrays]
            xs = [x.detach().requires_grad_() if x.dtype.kind == "f" else x for x in xs]
            y = row.call(*xs, **case.params)
            results.append(y)
            if y.requires_grad:
                u = tg.tensor(np.random.default_rng(2).standard_normal(y.shape).astype(y.dtype))
                leaves = [x for x in xs if x.requires_grad]
                results += [g for g in tg.grad(y, leaves, u, allow_unused=True) if g is not None]
        return results

    return function, [array for arrays in inputs for array in arrays]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("row", ROWS.values(), ids=repr)
def test_primitives(row, dtype):
    """Empty arrays and arrays without axes among them; to the bit where the operations are IEEE's."""
    function, arrays = of_primitive(row, dtype)
    assert not judge_graph(traced(function, arrays), arrays).complaint


# ---------------------------------------------------------------- special values


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", UFUNCS)
def test_special_values_of_elementwise_primitives(name, dtype):
    """Every pair of them, often enough for whole vectors and a rest; gradients, with cotangents of 0 too."""
    count = len(PRIMITIVES[name].inputs)
    with np.errstate(over="ignore"):
        special = np.append(SPECIAL, [1e-40, 3e38, 0.5, 2.0, -3.0]).astype(dtype)
    arrays = [x.ravel() for x in np.meshgrid(*[special] * count)]
    arrays = [np.resize(x, 3 * x.size + 5) for x in arrays]
    u = np.resize(np.array([1.0, 0.0, -2.0], dtype), arrays[0].shape)

    def function(*tensors: Any) -> list[Any]:
        xs = [x.detach().requires_grad_() for x in tensors[:-1]]
        y = apply(PRIMITIVES[name], *xs)
        return [y, *(tg.grad(y, xs, tensors[-1]) if y.requires_grad else ())]

    assert not judge_graph(traced(function, [*arrays, u]), [*arrays, u]).complaint


@pytest.mark.parametrize("branch", BAD_BRANCHES)
def test_no_bad_branch_spoils_the_other(branch):
    bad, at = BAD_BRANCHES[branch]

    @tg.jit
    def derivatives(x):
        x = x.detach().requires_grad_()
        found = [tg.where(x < -np.inf, bad(x), 3.0 * x * x * x)]
        for _ in range(3):
            found.append(tg.grad(found[-1].sum(), x, create_graph=True))
        return found

    x = np.array([at, 2.0])
    for found, expected in zip(derivatives(x), (3 * x**3, 9 * x**2, 18 * x, np.full(2, 18.0)), strict=True):
        np.testing.assert_allclose(found.numpy(), expected, 1e-15)
