"""The gradient of windows that are contracted goes past their own cotangent; who asks for that gets all of it."""

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv.ops import PRIMITIVES, windows

pytestmark = pytest.mark.quick

SPEC = "ncijuv,ocuv->noij"
STEPS = {"stride": (1, 1), "dilation": (1, 1)}


@pytest.fixture(autouse=True)
def past(monkeypatch):
    """Everything is large; how often the walk went past a node."""
    monkeypatch.setattr(windows, "LARGE", 0)
    joint = PRIMITIVES["windows"].joint
    vjp, seen = joint["contract"], []
    monkeypatch.setitem(joint, "contract", lambda *args: seen.append(vjp(*args)) or seen[-1])
    return seen


def whole_numbers(*shape, seed=1):
    return np.random.default_rng(seed).integers(-3, 4, shape).astype(np.float64)


def convolution():
    x = tg.tensor(whole_numbers(2, 3, 6, 6), requires_grad=True)
    weight = tg.tensor(whole_numbers(4, 3, 3, 3, seed=2), requires_grad=True)
    return x, weight, x.windows((3, 3), **STEPS)


def cotangent_of_windows(weight, g):
    return np.einsum("noij,ocuv->ncijuv", g, weight.value)


def expected_gradient(weight, g):
    return PRIMITIVES["fold"].eval(cotangent_of_windows(weight, g), **STEPS, size=(6, 6))


def cotangent(y):
    return whole_numbers(*y.shape, seed=3)


def test_a_convolution_goes_past_its_windows(past):
    x, weight, w = convolution()
    y = w.contract(weight, SPEC)
    y.backward(g := cotangent(y))
    assert [value.shape for value in past] == [x.shape]
    np.testing.assert_array_equal(x.grad.value, expected_gradient(weight, g))


def test_not_where_the_windows_are_few(past, monkeypatch):
    monkeypatch.setattr(windows, "LARGE", 1 << 18)
    x, weight, w = convolution()
    y = w.contract(weight, SPEC)
    y.backward(g := cotangent(y))
    assert past == [None]
    np.testing.assert_array_equal(x.grad.value, expected_gradient(weight, g))


def test_a_hook_and_a_retained_gradient_see_the_cotangent(past):
    x, weight, w = convolution()
    seen = []
    w.register_hook(lambda g: seen.append(g.numpy().copy()))
    w.retain_grad()
    y = w.contract(weight, SPEC)
    y.backward(g := cotangent(y))
    assert not past
    np.testing.assert_array_equal(seen[0], cotangent_of_windows(weight, g))
    np.testing.assert_array_equal(w.grad.value, seen[0])
    np.testing.assert_array_equal(x.grad.value, expected_gradient(weight, g))


def test_a_hook_that_replaces_it():
    x, weight, w = convolution()
    w.register_hook(lambda g: g * 2.0)
    y = w.contract(weight, SPEC)
    y.backward(g := cotangent(y))
    np.testing.assert_array_equal(x.grad.value, 2.0 * expected_gradient(weight, g))


def test_windows_with_several_readers(past):
    """Two contractions, one of them also with the windows as its second operand, and something else."""
    x, weight, w = convolution()
    y = w.contract(weight, SPEC) + (weight * 2.0).contract(w, "ocuv,ncijuv->noij")
    ((w * 3.0).sum() + (y * (g := cotangent(y))).sum()).backward()
    assert len(past) == 2 and all(value is not None for value in past)
    ones = PRIMITIVES["fold"].eval(np.full(w.shape, 3.0), **STEPS, size=(6, 6))
    np.testing.assert_array_equal(x.grad.value, 3.0 * expected_gradient(weight, g) + ones)


def test_windows_contracted_with_themselves():
    x, _, w = convolution()
    w.contract(w, "ncijuv,ncijuv->n").sum().backward()
    expected = PRIMITIVES["fold"].eval(2.0 * w.numpy(), **STEPS, size=(6, 6))
    np.testing.assert_array_equal(x.grad.value, expected)


def test_the_gradient_of_windows_themselves():
    x, weight, w = convolution()
    y = w.contract(weight, SPEC)
    g = cotangent(y)
    of_windows, of_image = tg.grad(y, [w, x], tg.tensor(g))
    np.testing.assert_array_equal(of_windows.value, cotangent_of_windows(weight, g))
    np.testing.assert_array_equal(of_image.value, expected_gradient(weight, g))


def test_a_recorded_backward_pass_goes_by_every_node(past):
    x, weight, w = convolution()
    y = w.contract(weight, SPEC)
    (first,) = tg.grad(y, [x], tg.tensor(g := cotangent(y)), create_graph=True)
    assert not past
    h = whole_numbers(*x.shape, seed=4)
    second = tg.grad(first, weight, tg.tensor(h))
    taps = PRIMITIVES["windows"].eval(h, kernel=(3, 3), **STEPS)
    np.testing.assert_array_equal(second.value, np.einsum("ncijuv,noij->ocuv", taps, g))


def test_what_was_gone_past_is_freed_too():
    """By the same walk, and only where the graph is not retained; a second backward is an error."""
    x, weight, w = convolution()
    y, z = w.contract(weight, SPEC), w.contract(weight, SPEC)
    y.backward(g := cotangent(y), retain_graph=True)
    y.backward(g)
    np.testing.assert_array_equal(x.grad.value, 2.0 * expected_gradient(weight, g))
    for again in (y, z, w.sum()):
        with pytest.raises(tg.GraphError, match="freed"):
            again.backward(None if again.ndim == 0 else g)


def test_detect_anomaly_finds_what_the_gradient_made_of_infinite_weights():
    _, weight, w = convolution()
    weight.value[0] = np.inf
    y = w.contract(weight.detach(), SPEC)
    with pytest.raises(tg.GraphError, match="derivative of contract"), tg.detect_anomaly():
        y.backward(cotangent(y))


def test_users_code_in_the_backward_pass_sees_arrays():
    """A custom function and a checkpoint may look at what they compute."""

    class Convolve(tg.CustomFunction):
        @staticmethod
        def forward(ctx, w, weight):
            ctx.save_for_backward(w, weight)
            return w.contract(weight, SPEC)

        @staticmethod
        def backward(ctx, g):
            w, weight = ctx.saved_tensors
            again = g.contract(weight, "noij,ocuv->ncijuv")
            assert again.numpy().shape == w.shape and isinstance(g.value, np.ndarray)
            return again, w.contract(g, "ncijuv,noij->ocuv")

    def looks(w, weight):
        y = w.contract(weight, SPEC)
        assert isinstance(y.value, np.ndarray) and isinstance(y.sum().item(), float)
        return y

    gradients = []
    for function in (lambda w, v: w.contract(v, SPEC), Convolve.apply, lambda w, v: tg.checkpoint(looks, w, v)):
        x, weight, w = convolution()
        y = function(w, weight)
        y.backward(cotangent(y))
        gradients.append((x.grad.tolist(), weight.grad.tolist()))
    assert gradients[0] == gradients[1] == gradients[2]
