"""Derivatives of second and higher order against finite differences of the order below, in float64.

At second order the cotangent is an input too, a few of its elements exactly 0: a derivative must be linear in its
cotangent there as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.functional.oracles import assert_derivatives_agree, distinct

RNG = np.random.default_rng(4)


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape)


def probabilities(n: int, c: int) -> np.ndarray:
    p = RNG.uniform(0.1, 1.0, (n, c))
    return p / p.sum(1, keepdims=True)


IMAGE = distinct(RNG, 1, 2, 4, 3)
LABELS, MAPS = np.array([2, 0, 1]), np.array([[2, 0], [1, 1]])
CLASS_WEIGHTS, STATISTICS = (
    tg.tensor(RNG.uniform(0.5, 2.0, 3)),
    (tg.tensor(normal(3)), tg.tensor(RNG.uniform(0.5, 2.0, 3))),
)


def smoothed(x: Any, labels: np.ndarray, reduction: Any) -> Any:
    return F.cross_entropy(x, labels, CLASS_WEIGHTS, ignore_index=1, reduction=reduction, label_smoothing=0.1)


# name of the functional (and what is special), the function, the arrays it is differentiated by
ROWS: list[tuple[str, Callable[..., Any], list[np.ndarray]]] = [
    ("relu", F.relu, [IMAGE]),
    ("relu6", lambda x: F.relu6(x * 10), [IMAGE]),
    ("leaky_relu", lambda x: F.leaky_relu(x, 0.3), [IMAGE]),
    ("elu", lambda x: F.elu(x, 1.3), [IMAGE]),
    ("softplus", F.softplus, [normal(5)]),
    ("sigmoid", F.sigmoid, [normal(5)]),
    ("tanh", F.tanh, [normal(5)]),
    ("silu", F.silu, [normal(5)]),
    ("gelu", F.gelu, [normal(5)]),
    ("gelu tanh", lambda x: F.gelu(x, "tanh"), [normal(5)]),
    ("softmax", F.softmax, [normal(2, 4)]),
    ("softmax over rows", lambda x: F.softmax(x, 0), [normal(4, 2)]),
    ("log_softmax", F.log_softmax, [normal(2, 4)]),
    ("conv2d", lambda x, w, b: F.conv2d(x, w, b, (1, 2), 1), [normal(1, 2, 4, 3), normal(2, 2, 3, 2), normal(2)]),
    ("conv2d in groups", lambda x, w: F.conv2d(x, w, None, 2, 1, 1, 2), [normal(1, 2, 4, 3), normal(2, 1, 2, 2)]),
    ("conv2d dilated", lambda x, w: F.conv2d(x, w, None, 1, "same", 2), [normal(1, 1, 4, 3), normal(2, 1, 2, 2)]),
    (
        "conv_transpose2d",
        lambda x, w: F.conv_transpose2d(x, w, None, 2, 1, 1),
        [normal(1, 2, 2, 3), normal(2, 1, 3, 3)],
    ),
    ("linear", F.linear, [normal(3, 2), normal(4, 2), normal(4)]),
    ("max_pool2d", lambda x: F.max_pool2d(x, 2, 1, 1), [IMAGE]),
    ("max_pool2d dilated", lambda x: F.max_pool2d(x, 2, 1, 0, (2, 1), True), [IMAGE]),
    ("avg_pool2d", lambda x: F.avg_pool2d(x, 2, 2, 1, True, False), [IMAGE]),
    ("adaptive_avg_pool2d", lambda x: F.adaptive_avg_pool2d(x, (3, 2)), [IMAGE]),
    ("adaptive_max_pool2d", lambda x: F.adaptive_max_pool2d(x, (3, 2)), [IMAGE]),
    ("global_avg_pool2d", F.global_avg_pool2d, [IMAGE]),
    ("global_max_pool2d", F.global_max_pool2d, [IMAGE]),
    ("standardize", lambda x: F.standardize(x, 1), [normal(2, 4)]),
    ("batch_norm", lambda x, w, b: F.batch_norm(x, None, None, w, b, True), [normal(4, 3), normal(3), normal(3)]),
    ("batch_norm of images", lambda x, w: F.batch_norm(x, None, None, w), [normal(2, 2, 2, 2), normal(2)]),
    (
        "batch_norm at test time",
        lambda x, w, b: F.batch_norm(x, *STATISTICS, w, b),
        [normal(2, 3), normal(3), normal(3)],
    ),
    ("layer_norm", lambda x, w, b: F.layer_norm(x, 4, w, b), [normal(3, 4), normal(4), normal(4)]),
    ("layer_norm over two axes", lambda x: F.layer_norm(x, (2, 3)), [normal(2, 2, 3)]),
    ("instance_norm", lambda x, w, b: F.instance_norm(x, weight=w, bias=b), [normal(2, 2, 2, 2), normal(2), normal(2)]),
    ("group_norm", lambda x, w, b: F.group_norm(x, 2, w, b), [normal(2, 4, 2), normal(4), normal(4)]),
    ("dropout", lambda x: F.dropout(x * x, 0.5, generator=tg.Generator(3)), [normal(6)]),
    ("dropout2d", lambda x: F.dropout2d(x * x, 0.5, generator=tg.Generator(3)), [normal(2, 3, 1, 2)]),
    ("cross_entropy", lambda x: F.cross_entropy(x, LABELS), [normal(3, 4)]),
    ("cross_entropy each", lambda x: smoothed(x, MAPS, "none"), [normal(2, 3, 2)]),
    ("cross_entropy weighted", lambda x: smoothed(x, LABELS, "mean"), [normal(3, 3)]),
    (
        "cross_entropy of probabilities",
        lambda x, p: F.cross_entropy(x, p, CLASS_WEIGHTS),
        [normal(2, 3), probabilities(2, 3)],
    ),
    ("nll_loss", lambda x: F.nll_loss(F.log_softmax(x, 1), LABELS, CLASS_WEIGHTS), [normal(3, 3)]),
    ("mse_loss", F.mse_loss, [normal(3, 2), normal(3, 2)]),
    ("l1_loss", lambda x: F.l1_loss(x[0], x[1], reduction="none"), [distinct(RNG, 2, 5)]),
    ("binary_cross_entropy_with_logits", F.binary_cross_entropy_with_logits, [normal(4), RNG.uniform(0, 1, 4)]),
    (
        "binary_cross_entropy_with_logits weighted",
        lambda x, t: F.binary_cross_entropy_with_logits(
            x, t, CLASS_WEIGHTS, reduction="none", pos_weight=CLASS_WEIGHTS * 2
        ),
        [normal(2, 3), RNG.uniform(0, 1, (2, 3))],
    ),
]
NORMALIZATIONS = [row for row in ROWS if "norm" in row[0]]
names = [row[0] for row in ROWS]


def with_cotangent(
    function: Callable[..., Any], arrays: list[np.ndarray]
) -> tuple[Callable[..., Any], list[np.ndarray]]:
    """The function as one of its cotangent too."""
    shape = function(*map(tg.tensor, arrays)).shape
    v = np.random.default_rng(77).standard_normal(shape)
    if v.size > 3:
        v.reshape(-1)[1::3] = 0.0
    return lambda *xs: function(*xs[:-1]) * xs[-1], [*arrays, v]


QUICK = ("conv2d", "linear", "max_pool2d", "gelu", "softmax", "batch_norm", "layer_norm", "cross_entropy")


@pytest.mark.parametrize(
    ("name", "function", "arrays"),
    [pytest.param(*row, id=row[0], marks=[pytest.mark.quick] if row[0] in QUICK else []) for row in ROWS],
)
def test_first_derivatives(name, function, arrays):
    assert_derivatives_agree(function, arrays, order=1)


@pytest.mark.parametrize(("name", "function", "arrays"), ROWS, ids=names)
def test_second_derivatives(name, function, arrays):
    assert_derivatives_agree(*with_cotangent(function, arrays), order=2)


@pytest.mark.parametrize("order", [3, 4])
@pytest.mark.parametrize(("name", "function", "arrays"), NORMALIZATIONS, ids=[row[0] for row in NORMALIZATIONS])
def test_third_and_fourth_derivatives_of_every_normalization(name, function, arrays, order):
    assert_derivatives_agree(function, arrays, order)


@pytest.mark.quick
def test_every_row_is_of_a_functional():
    """All functionals are compared with PyTorch to the second order in tests/functional/agreement."""
    assert {name.split()[0] for name in names} <= set(F.__all__)


@pytest.mark.quick
def test_the_second_derivative_of_max_pooling_is_zero_by_x_and_a_selection_by_the_cotangent():
    x = tg.tensor(IMAGE, requires_grad=True)
    y = F.max_pool2d(x, 2, 1)
    v = tg.tensor(normal(*y.shape), requires_grad=True)
    (gx,) = tg.grad([y], [x], [v], create_graph=True)
    u = normal(*x.shape)
    by_x, by_v = tg.grad([gx], [x, v], [tg.tensor(u)], allow_unused=True)
    assert by_x is None or not by_x.numpy().any()
    chosen = F.max_pool2d(x.detach(), 2, 1).numpy()
    for n, c, i, j in np.ndindex(y.shape):
        window = IMAGE[n, c, i : i + 2, j : j + 2] == chosen[n, c, i, j]
        assert by_v.numpy()[n, c, i, j] == u[n, c, i : i + 2, j : j + 2][window].item()


@pytest.mark.quick
def test_the_second_derivative_of_cross_entropy_is_that_of_log_sum_exp():
    x = tg.tensor(normal(1, 5))
    found = tg.hessian(lambda x: F.cross_entropy(x, np.array([3])), x).numpy().reshape(5, 5)
    p = F.softmax(x).numpy()[0]
    np.testing.assert_allclose(found, np.diag(p) - np.outer(p, p), rtol=0, atol=1e-15)


@pytest.mark.quick
def test_derivatives_of_all_orders_of_log_softmax_ignore_the_detached_maximum():
    tie = np.array([[0.7, 0.7, -0.2]])
    for order in (1, 2, 3):
        assert_derivatives_agree(lambda x: F.log_softmax(x, 1), [tie], order)


@pytest.mark.quick
def test_an_exact_zero_in_a_cotangent_does_not_change_the_derivative_by_it():
    for function, slope in (
        (tg.Tensor.exp, np.exp),
        (tg.Tensor.log, lambda x: 1 / x),
        (tg.Tensor.sqrt, lambda x: 0.5 / x**0.5),
    ):
        x = np.array([0.3, 0.7, 2.0])
        found = tg.jvp(function, tg.tensor(x), tg.tensor(np.ones(3)))[1]
        np.testing.assert_allclose(found.numpy(), slope(x), rtol=1e-15)


@pytest.mark.quick
def test_the_oracle_notices_a_wrong_derivative():
    """With the mean detached inside of the variance, values and first derivatives are right, and second ones wrong."""

    def detached(x: Any) -> Any:
        mu = x.mean(1, keepdims=True)
        var = (x - mu.detach()).square().mean(1, keepdims=True)
        return (x - mu) / (var + 1e-5).sqrt()

    x = normal(2, 4)
    assert_derivatives_agree(detached, [x], order=1)
    with pytest.raises(AssertionError):
        assert_derivatives_agree(detached, [x], order=2)
