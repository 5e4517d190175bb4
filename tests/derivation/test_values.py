"""The exported source computes right values and gradients. Oracles are closed forms, or differences of the function."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F

pytestmark = pytest.mark.any_python


def normal(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).normal(size=shape)


def module(f, *arrays, single=False):
    """The functions forward and backward of the exported source, in a world that has nothing of this library."""
    tensors = tuple(map(tg.tensor, arrays))
    text = tg.derive(f, tensors[0] if single else tensors).source()
    assert "tinygrad_cv" not in text
    world = {}
    exec(compile(text, "source", "exec"), world)
    return world["forward"], world["backward"]


def softmax(s):
    e = np.exp(s - s.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


# ---------------------------------------------------------------- closed forms


def test_a_scalar_expression():
    forward, backward = module(lambda x: (x.sin() * x).exp(), np.array(0.7), single=True)
    y = math.exp(math.sin(0.7) * 0.7)
    assert forward(0.7) == pytest.approx(y, rel=1e-15)
    assert backward(3.0, np.array(0.7)) == pytest.approx(3.0 * y * (math.cos(0.7) * 0.7 + math.sin(0.7)), rel=1e-14)


def test_the_lecture_s_quotient():
    """∂/∂x and ∂/∂y of x / (x + y) at 2, 2 are 1/8 and -1/8."""
    forward, backward = module(lambda x, y: x / (x + y), np.array(2.0), np.array(2.0))
    assert forward(2.0, 2.0) == 0.5 and backward(1.0, 2.0, 2.0) == (0.125, -0.125)


@pytest.mark.parametrize("relu", [False, True])
def test_a_linear_layer(relu):
    x, w, b = normal(5, 4), normal(3, 4), normal(3)
    g = normal(5, 3, seed=1)
    forward, backward = module(lambda x, w, b: F.relu(F.linear(x, w, b)) if relu else F.linear(x, w, b), x, w, b)
    z = x @ w.T + b
    np.testing.assert_allclose(forward(x, w, b), np.maximum(z, 0) if relu else z, atol=1e-14)
    dz = g * (z > 0) if relu else g
    for found, expected in zip(backward(g, x, w, b), (dz @ w, dz.T @ x, dz.sum(0)), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-13)


def test_a_product_of_matrices_that_are_transposed():
    q, k, g = normal(5, 4), normal(6, 4), normal(5, 6, seed=1)
    forward, backward = module(lambda q, k: q @ k.T / 2.0, q, k)
    np.testing.assert_allclose(forward(q, k), q @ k.T / 2, atol=1e-14)
    dq, dk = backward(g, q, k)
    np.testing.assert_allclose(dq, g @ k / 2, atol=1e-14)
    np.testing.assert_allclose(dk, g.T @ q / 2, atol=1e-14)


def test_softmax_and_cross_entropy():
    s, labels = normal(6, 4), np.array([0, 3, 1, 1, 2, 0])
    closed = tg.tensor(labels)
    forward, backward = module(lambda s: F.cross_entropy(s, closed), s, single=True)
    p, hot = softmax(s), np.eye(4)[labels]
    assert forward(s, labels) == pytest.approx(-np.log(p[np.arange(6), labels]).mean(), rel=1e-14)
    np.testing.assert_allclose(backward(2.0, s, labels), 2.0 * (p - hot) / 6, atol=1e-15)
    g = normal(6, 4, seed=1)
    _, backward = module(F.softmax, s, single=True)
    np.testing.assert_allclose(backward(g, s), p * (g - (g * p).sum(1, keepdims=True)), atol=1e-15)


def test_max_pooling():
    x = np.array([[[[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]]]], float)
    forward, backward = module(lambda x: F.max_pool2d(x, 2), x, single=True)
    assert forward(x).tolist() == [[[[6, 8], [3, 4]]]]
    g = np.array([[[[10.0, 20.0], [30.0, 40.0]]]])
    expected = [[0, 0, 0, 0], [0, 10, 0, 20], [30, 0, 0, 0], [0, 0, 0, 40]]
    assert backward(g, x).tolist() == [[expected]]


def test_convolution():
    """Against the sum over taps, and its adjoints."""
    x, w, b, g = normal(2, 3, 5, 5), normal(4, 3, 3, 3), normal(4), normal(2, 4, 3, 3, seed=1)
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    y, dw, dpadded = np.zeros((2, 4, 3, 3)) + b[:, None, None], np.zeros_like(w), np.zeros_like(padded)
    for u in range(3):
        for v in range(3):
            rows, columns = slice(u, u + 5, 2), slice(v, v + 5, 2)
            seen = padded[:, :, rows, columns]
            y += np.einsum("ncij,oc->noij", seen, w[:, :, u, v])
            dw[:, :, u, v] = np.einsum("ncij,noij->oc", seen, g)
            dpadded[:, :, rows, columns] += np.einsum("noij,oc->ncij", g, w[:, :, u, v])
    forward, backward = module(lambda x, w, b: F.conv2d(x, w, b, stride=2, padding=1), x, w, b)
    np.testing.assert_allclose(forward(x, w, b), y, atol=1e-13)
    expected = dpadded[:, :, 1:-1, 1:-1], dw, g.sum((0, 2, 3))
    for found, right in zip(backward(g, x, w, b), expected, strict=True):
        np.testing.assert_allclose(found, right, atol=1e-13)


NORMALIZATIONS = {  # function, shape of x, shape in which it is normalized, over which axes, shape of gamma there
    "batch": (lambda x, w, b: F.batch_norm(x, weight=w, bias=b, training=True), (4, 6, 3, 3), (0, 2, 3)),
    "batch, fully connected": (lambda x, w, b: F.batch_norm(x, weight=w, bias=b, training=True), (5, 6), (0,)),
    "layer": (lambda x, w, b: F.layer_norm(x, 6, w, b), (5, 6), (1,)),
    "instance": (lambda x, w, b: F.instance_norm(x, weight=w, bias=b), (4, 6, 3, 3), (2, 3)),
    "group": (lambda x, w, b: F.group_norm(x, 2, w, b), (4, 6, 3, 3), (2, 3, 4)),
}


@pytest.mark.parametrize("kind", NORMALIZATIONS)
def test_the_four_normalizations(kind):
    """dx = (M dx̂ - Σ dx̂ - x̂ Σ dx̂ x̂) / (M σ) with dx̂ = γ dy."""
    f, shape, axes = NORMALIZATIONS[kind]
    x, gamma, beta, dy = normal(*shape) * 2 + 3, normal(6), normal(6, seed=1), normal(*shape, seed=2)
    channels = [1, 6, *[1] * (len(shape) - 2)]
    inner = (4, 2, 3, 3, 3) if kind == "group" else shape
    grouped, dxhat = x.reshape(inner), (dy * gamma.reshape(channels)).reshape(inner)
    m = math.prod(inner[axis] for axis in axes)
    sigma = np.sqrt(grouped.var(axes, keepdims=True) + 1e-5)
    xhat = (grouped - grouped.mean(axes, keepdims=True)) / sigma
    sums = [part.sum(axes, keepdims=True) for part in (dxhat, dxhat * xhat)]
    dx = ((m * dxhat - sums[0] - xhat * sums[1]) / (m * sigma)).reshape(shape)
    xhat = xhat.reshape(shape)
    over = tuple(axis for axis in range(len(shape)) if axis != 1)
    forward, backward = module(f, x, gamma, beta)
    y = xhat * gamma.reshape(channels) + beta.reshape(channels)
    np.testing.assert_allclose(forward(x, gamma, beta), y, atol=1e-13)
    expected = dx, (dy * xhat).sum(over), dy.sum(over)
    for found, right in zip(backward(dy, x, gamma, beta), expected, strict=True):
        assert found.shape == right.shape
        np.testing.assert_allclose(found, right, atol=1e-13)


def test_several_outputs():
    x, y = normal(3), normal(3, seed=1)
    forward, backward = module(lambda x, y: (x * y, (x + y).sum(), x), x, y)
    first, second, third = forward(x, y)
    np.testing.assert_array_equal(first, x * y)
    assert second == pytest.approx((x + y).sum()) and np.shape(second) == () and (third == x).all()
    dx, dy = backward(np.ones(3), 10.0, np.full(3, 100.0), x, y)
    np.testing.assert_allclose(dx, y + 110)
    np.testing.assert_allclose(dy, x + 10)


def test_second_derivatives():
    """Of the gradient of Σ x³, which is 3x²; and of a network's, against the formula."""

    def gradient(x):
        return tg.grad((x**3).sum(), x, create_graph=True)

    x, g = normal(4), normal(4, seed=1)
    forward, backward = module(gradient, x, single=True)
    np.testing.assert_allclose(forward(x), 3 * x * x, rtol=1e-14)
    np.testing.assert_allclose(backward(g, x), 6 * x * g, rtol=1e-14)

    def penalty(x, w):
        return tg.grad((x @ w).tanh().sum(), x, create_graph=True).square().sum()

    x, w = normal(3, 2), normal(2, 4)
    forward, backward = module(penalty, x, w)
    y = np.tanh(x @ w)
    dx = (1 - y**2) @ w.T
    assert forward(x, w) == pytest.approx((dx**2).sum(), rel=1e-14)
    expected = (2 * dx @ w * -2 * y * (1 - y**2)) @ w.T
    np.testing.assert_allclose(backward(np.array(1.0), x, w)[0], expected, rtol=1e-12)


# ---------------------------------------------------------------- differences

FUNCTIONS = {
    "gelu": (F.gelu, [normal(5)]),
    "softplus": (F.softplus, [normal(5)]),
    "silu": (F.silu, [normal(2, 3)]),
    "power": (lambda a, b: (a.square() + 0.1) ** b, [normal(4), normal(4, seed=1)]),
    "variances": (lambda *xs: sum(x.var() for x in xs), [normal(3), normal(4)]),
    "pieces": (lambda x: (x.T.reshape(6)[1:4].sum() + x.exp().sum()) * x.max(), [normal(2, 3)]),
    "joined": (lambda a, b: tg.concatenate([a, b], 1).flip(0).cumsum(1), [normal(2, 2), normal(2, 3)]),
    "picked": (lambda x: x[tg.tensor([0, 2, 0])] ** 2, [normal(3, 2)]),
    "outer": (lambda a, b: (a.reshape(3, 1) - b).square(), [normal(3), normal(4)]),
    "average pooling": (lambda x: F.avg_pool2d(x, 3, 2, 1), [normal(1, 2, 5, 5)]),
    "smoothed labels": (lambda s: F.cross_entropy(s, tg.tensor([1, 0]), label_smoothing=0.1), [normal(2, 3)]),
    "a curvature": (
        lambda x, v: (tg.grad((F.batch_norm(x, training=True) ** 3).sum(), x, create_graph=True) * v).sum(),
        [normal(5, 2), normal(5, 2, seed=1)],
    ),
}


def evaluated(f, arrays):
    """The function's value; some functions take gradients themselves."""
    return f(*(tg.tensor(array, requires_grad=True) for array in arrays)).detach().numpy()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_against_differences(name):
    """Directional derivatives, by central differences of fourth order of the function itself."""
    f, arrays = FUNCTIONS[name]
    forward, backward = module(f, *arrays)
    y = evaluated(f, arrays)
    np.testing.assert_allclose(forward(*arrays), y, rtol=1e-11, atol=1e-13)
    g = np.random.default_rng(7).normal(size=y.shape)
    gradients = backward(g, *arrays)
    for i, (array, gradient) in enumerate(zip(arrays, gradients, strict=True)):
        assert np.shape(gradient) == array.shape
        direction, h = np.random.default_rng(8).normal(size=array.shape), 1e-3

        def along(t, i=i, direction=direction):
            moved = [a + t * direction if j == i else a for j, a in enumerate(arrays)]
            return float((evaluated(f, moved) * g).sum())

        slope = (8 * (along(h) - along(-h)) - (along(2 * h) - along(-2 * h))) / (12 * h)
        assert float((gradient * direction).sum()) == pytest.approx(slope, rel=1e-7, abs=1e-8)


# ---------------------------------------------------------------- kinds of numbers


def test_float32_stays_float32():
    x, w = normal(4, 3).astype(np.float32), normal(3, 2).astype(np.float32)
    forward, backward = module(lambda x, w: F.batch_norm((x @ w) * 0.1 + 1.0, training=True), x, w)
    z = (x.astype(float) @ w.astype(float)) * 0.1 + 1.0
    expected = (z - z.mean(0)) / np.sqrt(z.var(0) + 1e-5)
    y = forward(x, w)
    gradients = backward(np.ones((4, 2), np.float32), x, w)
    assert {a.dtype for a in (y, *gradients)} == {np.dtype(np.float32)}
    np.testing.assert_allclose(y, expected, rtol=1e-3, atol=1e-4)
    scalar, _ = module(lambda x: (x * 0.1).exp(), np.float32(2.0), single=True)
    assert scalar(np.float32(2.0)).dtype == np.float32


def test_a_zero_cotangent_stays_zero_beside_an_infinity():
    """The product that is zero where its first factor is: exact in the source, plain in the mathematics."""
    f = lambda a, b: a * b  # noqa: E731
    (_, last, _) = tg.derive(f, (tg.zeros(2), tg.zeros(2))).lines
    assert (last.text, last.numpy) == ("dy · b", "times(dy, b)")
    _, backward = module(f, np.zeros(2), np.zeros(2))
    with np.errstate(invalid="ignore"):
        assert backward(np.array([0.0, 2.0]), np.zeros(2), np.array([np.inf, 3.0]))[0].tolist() == [0.0, 6.0]


def test_nothing_changes_by_being_derived():
    model = tg.nn.Sequential(tg.nn.Linear(3, 4), tg.nn.BatchNorm1d(4), tg.nn.Dropout(0.5))
    before = {name: value.copy() for name, value in model.state_dict().items()}
    tg.manual_seed(3)
    first = tg.rand(2).tolist()
    tg.manual_seed(3)
    x = tg.ones(5, 3, requires_grad=True)
    kept = []
    tg.derive(lambda x: kept.append(x * 2) or model(x), x)
    assert tg.rand(2).tolist() == first and kept == [] and x.grad is None
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
