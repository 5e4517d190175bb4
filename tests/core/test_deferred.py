"""A cotangent that is put off until its consumer comes: whoever else asks gets the array."""

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv.core import deferred
from tinygrad_cv.core.deferred import Deferred, forced, lazy
from tinygrad_cv.core.primitive import Aval
from tinygrad_cv.ops import PRIMITIVES

pytestmark = pytest.mark.quick

SPEC = "ncijuv,ocuv->noij"
CONTRACT, FOLD, EXP = (PRIMITIVES[name] for name in ("contract", "fold", "exp"))


@pytest.fixture(autouse=True)
def everything_is_large(monkeypatch):
    monkeypatch.setattr(deferred, "LARGE", 0)


def whole_numbers(*shape, seed=1):
    return np.random.default_rng(seed).integers(-3, 4, shape).astype(np.float64)


def convolution():
    x = tg.tensor(whole_numbers(2, 3, 6, 6), requires_grad=True)
    weight = tg.tensor(whole_numbers(4, 3, 3, 3, seed=2), requires_grad=True)
    return x, weight, x.windows((3, 3), (1, 1), (1, 1))


def expected_gradient(weight, g):
    cotangent = np.einsum("noij,ocuv->ncijuv", g, weight.value)
    return FOLD.eval(cotangent, stride=(1, 1), dilation=(1, 1), size=(6, 6))


def outer():
    return [whole_numbers(5), whole_numbers(6, seed=2)], {"spec": "a,b->ab"}


def test_a_large_contraction_is_put_off():
    values, params = outer()
    value = lazy(CONTRACT, list(values), params)
    assert type(value) is Deferred
    assert (value.shape, value.dtype) == CONTRACT.aval(*(Aval(x.shape, x.dtype) for x in values), **params)
    np.testing.assert_array_equal(forced(value), np.outer(*values))


def test_another_consumer_computes_it():
    values, params = outer()
    np.testing.assert_array_equal(lazy(EXP, [lazy(CONTRACT, values, params)], {}), np.exp(np.outer(*values)))


def test_a_small_contraction_is_not_put_off(monkeypatch):
    monkeypatch.setattr(deferred, "LARGE", 1 << 18)
    values, params = outer()
    assert type(lazy(CONTRACT, values, params)) is np.ndarray
    assert type(lazy(EXP, values[:1], {})) is np.ndarray


def test_a_hook_and_a_retained_gradient_see_the_array():
    x, weight, w = convolution()
    seen = []
    w.register_hook(lambda g: seen.append(g.numpy().copy()))
    w.retain_grad()
    y = w.contract(weight, SPEC)
    g = whole_numbers(*y.shape, seed=3)
    y.backward(g)
    cotangent = np.einsum("noij,ocuv->ncijuv", g, weight.value)
    np.testing.assert_array_equal(seen[0], cotangent)
    np.testing.assert_array_equal(w.grad.value, cotangent)
    np.testing.assert_array_equal(x.grad.value, expected_gradient(weight, g))


def test_windows_with_two_consumers():
    x, weight, w = convolution()
    y = w.contract(weight, SPEC) + w.contract(weight * 2.0, SPEC)
    g = whole_numbers(*y.shape, seed=3)
    y.backward(g)
    np.testing.assert_array_equal(x.grad.value, 3.0 * expected_gradient(weight, g))


def test_the_gradient_of_windows_themselves():
    _, weight, w = convolution()
    y = w.contract(weight, SPEC)
    g = whole_numbers(*y.shape, seed=3)
    found = tg.grad(y, w, tg.tensor(g))
    np.testing.assert_array_equal(found.value, np.einsum("noij,ocuv->ncijuv", g, weight.value))


def test_create_graph_puts_nothing_off():
    x, weight, w = convolution()
    y = w.contract(weight, SPEC)
    g = whole_numbers(*y.shape, seed=3)
    (first,) = tg.grad(y, [x], tg.tensor(g), create_graph=True)
    h = whole_numbers(*x.shape, seed=4)
    second = tg.grad(first, weight, tg.tensor(h))
    windows = PRIMITIVES["windows"].eval(h, kernel=(3, 3), stride=(1, 1), dilation=(1, 1))
    np.testing.assert_array_equal(second.value, np.einsum("ncijuv,noij->ocuv", windows, g))


def test_users_code_in_the_backward_pass_sees_arrays():
    """A custom function and a checkpoint may look at what they compute."""

    class Outer(tg.CustomFunction):
        @staticmethod
        def forward(ctx, a, b):
            ctx.save_for_backward(a, b)
            return a.contract(b, "a,b->ab")

        @staticmethod
        def backward(ctx, g):
            a, b = ctx.saved_tensors
            again = a.contract(b, "a,b->ab")
            assert again.numpy().shape == g.numpy().shape and float(again[0, 0]) == a.value[0] * b.value[0]
            return g @ b, a @ g

    def looks(a, b):
        y = a.contract(b, "a,b->ab")
        assert isinstance(y.value, np.ndarray) and y.sum().item() == (a.value.sum() * b.value.sum())
        return y

    gradients = []
    for function in (lambda a, b: a.contract(b, "a,b->ab"), Outer.apply, lambda a, b: tg.checkpoint(looks, a, b)):
        a, b = (tg.tensor(x, requires_grad=True) for x in outer()[0])
        y = function(a, b)
        y.backward(whole_numbers(*y.shape, seed=5))
        gradients.append((a.grad.tolist(), b.grad.tolist()))
    assert gradients[0] == gradients[1] == gradients[2]
