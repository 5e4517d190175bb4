"""gradcheck of functions that compute with HIPS autograd's NumPy."""

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv.check.guests.recognition import recognised
from tinygrad_cv.check.trails import first_wrong
from tinygrad_cv.core.errors import GraphError

autograd = pytest.importorskip("autograd", reason="autograd is not installed: pip install autograd")
import autograd.numpy as anp  # noqa: E402
from autograd.extend import defvjp, primitive  # noqa: E402


@primitive
def half(x):
    """x², whose gradient forgets the 2."""
    return x * x


defvjp(half, lambda ans, x: lambda g: g * x)

RIGHT = {
    "a softmax": lambda x: anp.exp(x) / anp.sum(anp.exp(x), axis=1, keepdims=True),
    "a normalization": lambda x: (x - anp.mean(x, 1, keepdims=True)) / anp.sqrt(anp.var(x, 1, keepdims=True) + 1e-5),
    "several outputs": lambda x: (anp.exp(x) * x, anp.sum(x)),
    "a loop with indexing": lambda x: anp.stack([anp.tanh(x[i]) * x[0, i] for i in range(2)]),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_gradients_of_two_orders(name, x):
    report = tg.gradcheck(RIGHT[name], x, order=2)
    assert report and report.function.library == "autograd", report
    found = recognised(RIGHT[name], [x], None)
    assert found.function.trail(found.arrays, 0).steps
    assert first_wrong(found.function, found.arrays, 2, 0) is None


BLAMED = {
    "alone": (half, ("half", False)),
    "inside": (lambda x: anp.tanh(half(anp.sin(x)) * x), ("half", False)),
    "a detour": (lambda x: anp.exp(x) * autograd.tracer.getval(x), ("multiply", True)),
}


@pytest.mark.parametrize("name", BLAMED)
def test_the_first_wrong_primitive_is_named(name, x):
    f, expected = BLAMED[name]
    report = tg.gradcheck(f, x)
    assert report.verdict == "wrong" and (report.blame.primitive, report.blame.cut) == expected
    assert "test_autograd.py:" in report.blame.source


def test_whose_function_it_is(x):
    """What autograd's functions compute on our tensors is not what is asked for; what calls none of them is ours."""
    assert tg.gradcheck(lambda x: x * x, x).function.library == "tinygrad_cv"
    assert tg.gradcheck(lambda x: tg.functional.softmax(x) * float(anp.ones(1)[0]), x).function.library == "tinygrad_cv"
    assert tg.gradcheck(lambda x: half(x), tg.tensor(x)).function.library == "tinygrad_cv"  # it is one of NumPy's, too
    assert tg.gradcheck(lambda x: half(x), x).function.library == "autograd"


def test_kinks_and_constants(x):
    assert tg.gradcheck(lambda x: anp.maximum(x, 0.0), np.array([-1.0, 0.0])).verdict == "not differentiable"
    report = tg.gradcheck(lambda x, y: anp.sin(x) + 0 * anp.floor(y), [x, x])
    assert report and report.inputs[1].zero


def test_what_it_does_not_have(x):
    with pytest.raises(GraphError, match="autograd gives no forward products"):
        tg.gradcheck(lambda x: anp.sin(x), x, mode="jvp")


def test_a_gradient_that_is_not_finite_is_blamed():
    """That of prod by an element that is 0 is the product over it, in autograd."""
    report = tg.gradcheck(lambda x: anp.exp(anp.prod(x)), np.array([0.0, 2.0]))
    assert report.verdict == "wrong" and report.blame.primitive == "prod"
    assert np.isnan(report.blame.analytic) and np.isfinite(report.blame.numeric)


def test_what_autograd_cannot_do_is_told_in_its_words(x):
    with pytest.raises(NotImplementedError, match=r"VJP of .* not defined"):
        tg.gradcheck(lambda x: unknown(x).astype(float), x)


@primitive
def unknown(x):
    """A function without a derivative, which computes with NumPy's numbers alone."""
    return np.frompyfunc(abs, 1, 1)(x.copy() if isinstance(x, np.ndarray) else x.numpy())
