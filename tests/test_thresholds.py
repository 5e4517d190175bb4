"""Sizes from which the code takes another way: every primitive's VJP and every layer, below and above each of them."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import nn

quick = pytest.mark.quick

BATCH, WIDTH, CLASSES = (
    640,
    1024,
    10,
)  # the cotangent that Linear hands back is much larger than its operands
SEED = 12

NETWORKS = {
    "layer norm": lambda: nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, CLASSES)),
    "batch norm": lambda: nn.Sequential(nn.BatchNorm1d(WIDTH), nn.Linear(WIDTH, CLASSES)),
    "linear": lambda: nn.Sequential(nn.Linear(8, WIDTH), nn.Linear(WIDTH, CLASSES)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_layer_before_a_linear_one(name):
    """The gradients of the large batch are those of formulas, by hand from the one that reaches the last layer."""
    rng = np.random.default_rng(SEED)
    model = NETWORKS[name]().to("float64")
    x = tg.tensor(rng.normal(size=(BATCH, 8 if name == "linear" else WIDTH)), requires_grad=True)
    h = model[0](x)
    scores = model[1](h)
    F.cross_entropy(scores, np.zeros(BATCH, int)).backward()
    p = np.exp(scores.numpy() - scores.numpy().max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    p[:, 0] -= 1
    g = p / BATCH @ model[1].weight.numpy()
    np.testing.assert_allclose(model[1].weight.grad.numpy(), (p / BATCH).T @ h.numpy(), 1e-9, 1e-12)
    if name == "linear":
        expected = g @ model[0].weight.numpy()
        np.testing.assert_allclose(model[0].weight.grad.numpy(), g.T @ x.numpy(), 1e-9, 1e-12)
    else:
        axis = 1 if name == "layer norm" else 0
        v, xhat = g / np.sqrt(x.numpy().var(axis, keepdims=True) + 1e-5), h.numpy()
        expected = v - v.mean(axis, keepdims=True) - xhat * (v * xhat).mean(axis, keepdims=True)
        np.testing.assert_allclose(model[0].bias.grad.numpy(), g.sum(0), 1e-9, 1e-12)
    np.testing.assert_allclose(x.grad.numpy(), expected, 1e-8, 1e-12)


@pytest.mark.parametrize("view", ["transposed", "sliced", "flipped", "expanded"])
def test_a_view_before_a_product(view):
    rng = np.random.default_rng(SEED)
    w = rng.normal(size=(WIDTH, CLASSES))
    shape, function, back = {
        "transposed": ((WIDTH, BATCH), lambda x: x.T, lambda g: g.T),
        "sliced": ((BATCH + 1, WIDTH), lambda x: x[1:], lambda g: np.pad(g, ((1, 0), (0, 0)))),
        "flipped": ((BATCH, WIDTH), lambda x: x.flip(1), lambda g: g[:, ::-1]),
        "expanded": ((1, WIDTH), lambda x: x.expand(BATCH, WIDTH), lambda g: g.sum(0, keepdims=True)),
    }[view]
    x = tg.tensor(rng.normal(size=shape), requires_grad=True)
    y = function(x) @ tg.tensor(w)
    g = rng.normal(size=y.shape)
    y.backward(g)
    np.testing.assert_allclose(x.grad.numpy(), back(g @ w.T), 1e-10, 1e-10)


def test_gradcheck_of_a_view_before_a_product():
    rng = np.random.default_rng(SEED)
    w = tg.tensor(rng.normal(size=(512, 1)))
    assert tg.gradcheck(lambda x: (x[1:] @ w).sum(), tg.tensor(rng.normal(size=(514, 512))))
