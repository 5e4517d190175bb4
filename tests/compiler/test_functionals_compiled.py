"""Every functional's rows of tests once more, compiled: values and gradients, part of them to second order.

The rows are those of tests/functional and tests/ops, and so are the bounds. What is compared with is eager code in
float64, which other tests compare with PyTorch and with finite differences.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.compiler.agreement import judge_graph
from tests.compiler.programs import traced
from tests.functional import test_agreement_with_torch as agreement
from tests.functional import test_higher_orders as orders
from tests.functional.test_agreement_with_torch import Row, bound, cast, cotangent, run
from tests.ops.test_special_values import BAD_BRANCHES, SPECIAL, UFUNCS
from tests.primitives.row import Row as PrimitiveRow
from tests.primitives.table import ROWS
from tinygrad_cv.core.tape import apply
from tinygrad_cv.ops import PRIMITIVES

pytest.importorskip("llvmlite")

Array = np.ndarray
UNITS = agreement.UNITS


def pulled_back(function: Callable[..., Any], count: int) -> Callable[..., list[Any]]:
    """The function's value, and the gradients of <value, cotangent> by its first ``count`` arguments."""

    def both(*tensors: Any) -> list[Any]:
        xs = [x.detach().requires_grad_() for x in tensors[:count]]
        y = function(*xs, *tensors[count:-1])
        return [y, *tg.grad(y, xs, tensors[-1], allow_unused=True)]

    return both


def of_row(row: Row) -> tuple[Callable[..., Any], list[Array]]:
    """The call of a row as a function of the arrays that a gradient is asked of, and these."""
    _, arrays = run(row, lambda *_, **__: None, lambda array: array, lambda array: array)

    def function(*tensors: Any) -> Any:
        given = iter(tensors)
        dtype = tensors[0].dtype
        y, _ = run(row, getattr(F, row.name), lambda _: next(given), lambda array: tg.tensor(cast(array, dtype)))
        return y

    return function, arrays


def numbers(results: Sequence[Any]) -> list[Array | None]:
    return [None if result is None else result.numpy() for result in results]


GROUP = 12  # rows that are compiled together: much of their code is the same


def disagreements(rows: Sequence[Row], dtype: str) -> list[str]:
    """Where compiled rows are not what eager float64 gives."""
    functions, arguments = [], []
    for row in rows:
        function, arrays = of_row(row)
        functions.append(pulled_back(function, len(arrays)))
        arguments.append([*arrays, cotangent(row, function(*map(tg.tensor, arrays)).shape)])

    def together(*given: Any) -> list[list[Any]]:
        return [both(*tensors) for both, tensors in zip(functions, given, strict=True)]

    compiled = tg.jit(together)(*([tg.tensor(cast(x, np.dtype(dtype))) for x in arrays] for arrays in arguments))
    wrong = []
    for row, both, arrays, results in zip(rows, functions, arguments, compiled, strict=True):
        for i, (a, b) in enumerate(zip(numbers(results), numbers(both(*map(tg.tensor, arrays))), strict=True)):
            assert a.dtype == dtype and a.shape == b.shape
            error, allowed = np.abs(a - b).max(initial=0.0), bound(row, b, UNITS[dtype])
            if not error <= allowed:
                wrong.append(f"{row.id}: result {i} differs by {error:.1e}, allowed are {allowed:.1e}")
    return wrong


def in_groups(rows: Sequence[Row]) -> list[Sequence[Row]]:
    return [rows[i : i + GROUP] for i in range(0, len(rows), GROUP)]


@pytest.mark.parametrize("name", F.__all__)
def test_float32_is_within_rounding_of_eager_float64(name):
    rows = [row for row in agreement.ROWS if row.name == name]
    assert not [text for group in in_groups(rows) for text in disagreements(group, "float32")]


@pytest.mark.parametrize("name", F.__all__)
def test_float64_equals_eager(name):
    """One row in five: what differs from float32 is the width of vectors."""
    rows = [row for row in agreement.ROWS if row.name == name]
    assert not [text for group in in_groups(rows[::5]) for text in disagreements(group, "float64")]


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
