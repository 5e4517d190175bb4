"""Functions of one element that are composed: values and derivatives against mpmath, over the whole range."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

import tinygrad_cv as tg

quick = pytest.mark.quick
TINY, SMALL, LARGE = 1e-100, 1e-9, 1e150
EVERYWHERE = [s * x for s in (1, -1) for x in (TINY, SMALL, 1e-3, 0.2, 0.3183, 0.999, 1.001, 2.7, 9.0)]
FAR = [1e3, 1e8, LARGE, -1e3, -LARGE]
FUNCTIONS = {  # mpmath's function, and where it is tried
    "exp2": (lambda x: mpmath.mpf(2) ** x, EVERYWHERE),
    "expm1": (mpmath.expm1, [*EVERYWHERE, 300.0, -40.0]),
    "log2": (lambda x: mpmath.log(x, 2), [TINY, 0.3, 1.7, LARGE]),
    "log10": (mpmath.log10, [TINY, 0.3, 1.7, LARGE]),
    "log1p": (mpmath.log1p, [TINY, SMALL, -SMALL, 1e-3, 0.3, -0.7, 5.0, LARGE]),
    "tan": (mpmath.tan, EVERYWHERE),
    "sinh": (mpmath.sinh, [*EVERYWHERE, 709.5, -709.5]),
    "cosh": (mpmath.cosh, [*EVERYWHERE, 709.5, -709.5]),
    "arcsinh": (mpmath.asinh, [*EVERYWHERE, *FAR]),
    "arccosh": (mpmath.acosh, [1 + 1e-9, 1.001, 1.5, 1.99, 2.01, 9.0, 1e8, LARGE]),
    "arctanh": (mpmath.atanh, [x for x in EVERYWHERE if abs(x) < 1]),
    "sinc": (
        lambda x: mpmath.sinc(mpmath.pi * x),
        [-1.3, 0.4, 9.7, *(s * x for s in (1, -1) for x in (TINY, SMALL, 0.3183, 0.319))],
    ),
    "cbrt": (lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)), [x for x in (*EVERYWHERE, 1e3, -1e8) if abs(x) > TINY]),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_and_two_derivatives(name):
    """To a few units of float64, where the function itself is not ill-conditioned; eagerly and compiled."""
    function, places = FUNCTIONS[name]
    x = np.array(places)
    call = lambda x: getattr(x, name)()  # noqa: E731
    leaf = tg.tensor(x, requires_grad=True)
    y = call(leaf)
    first = tg.grad(y.sum(), leaf, create_graph=True)
    second = tg.grad(first.sum(), leaf, allow_unused=True)
    np.testing.assert_array_equal(tg.jit(call)(leaf.detach()).shape, y.shape)
    with mpmath.workdps(300):
        step = mpmath.mpf(10) ** -60
        exact = [
            np.array([float(mpmath.diff(function, mpmath.mpf(p), k, h=abs(mpmath.mpf(p)) * step)) for p in places])
            for k in range(3)
        ]
    np.testing.assert_allclose(y.numpy(), exact[0], 3e-15, 0)
    near = np.maximum(np.abs(x), 1e-3)  # rounding of a function is in its derivatives, too
    for found, k in ((first, 1), (second, 2)):
        room = 1e-13 * np.abs(exact[k]) + 1e-14 * (np.abs(exact[k - 1]) / near + np.abs(exact[k - 1]))
        assert (np.abs(found.numpy() - exact[k]) <= room).all(), (k, found.numpy(), exact[k])


@quick
def test_at_0():
    """Odd functions have their slope there, even ones their curvature: no absolute value has cut it."""
    for name, slope, bend in (
        ("arcsinh", 1.0, 0.0),
        ("sinh", 1.0, 0.0),
        ("expm1", 1.0, 1.0),
        ("sinc", 0.0, -(np.pi**2) / 3),
        ("arctanh", 1.0, 0.0),
        ("log1p", 1.0, -1.0),
    ):
        x = tg.tensor(np.zeros(()), requires_grad=True)
        first = tg.grad(getattr(x, name)(), x, create_graph=True)
        assert first.item() == pytest.approx(slope, abs=1e-15), name
        assert tg.grad(first, x).item() == pytest.approx(bend, rel=1e-14, abs=1e-15), name


@quick
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_rounding(dtype):
    """Halves go to the even neighbour; the largest numbers that have fractions, and those that have none."""
    limit = 2.0 ** np.finfo(dtype).nmant
    x = np.array(
        [0.5, 1.5, 2.5, -0.5, -1.5, 0.49999997, limit - 0.5, limit, 2 * limit - 1, np.inf, -np.inf, np.nan, -0.3]
    )
    x = x.astype(dtype)
    for name in ("round", "ceil", "trunc", "floor"):
        found, wanted = getattr(tg.tensor(x), name)(), getattr(np, name)(x)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found.numpy(), wanted, name)
    np.testing.assert_array_equal(tg.tensor(x).isinf().numpy(), np.isinf(x))


@quick
def test_rounding_to_decimals():
    x = np.array([1.2345, -7.775, 15.0, 1250.0])
    for decimals in (-2, -1, 0, 1, 3):
        np.testing.assert_allclose(tg.tensor(x).round(decimals).numpy(), np.round(x, decimals), 1e-15)
    n = np.array([15, 25, -126])
    for decimals in (-2, -1, 0, 2):
        np.testing.assert_array_equal(tg.tensor(n).round(decimals).numpy(), np.round(n, decimals))


@quick
def test_integers_are_converted_as_by_the_primitives():
    x = tg.tensor([1, 2, 3])
    for name in FUNCTIONS:
        assert getattr(x, name)().dtype == np.float32, name
    for name in ("round", "ceil", "trunc", "nan_to_num"):
        assert getattr(x, name)().dtype == np.int64, name


@quick
def test_of_two():
    """Neither overflows where the result does not, and at equal infinities there is no NaN."""
    x = np.array([1e300, 3.0, 0.0, -np.inf, -1e4])
    y = np.array([1e300, -4.0, 0.0, -np.inf, 1e4])
    np.testing.assert_allclose(tg.tensor(x).hypot(y).numpy(), np.hypot(x, y), 1e-15)
    np.testing.assert_allclose(tg.tensor(x).logaddexp(y).numpy(), np.logaddexp(x, y), 1e-15)
    leaf = tg.tensor(np.zeros(2), requires_grad=True)
    leaf.hypot(0.0).sum().backward()
    assert leaf.grad.tolist() == [0.0, 0.0]


@quick
def test_not_a_number_gets_no_gradient():
    x = tg.tensor([np.nan, 1.0, np.inf, -np.inf], requires_grad=True)
    y = x.nan_to_num(0.5, posinf=9.0)
    assert y.tolist() == [0.5, 1.0, 9.0, np.finfo(np.float32).min]
    (y * y).sum().backward()
    assert x.grad.tolist() == [0.0, 2.0, 0.0, 0.0]
    z = x.masked_fill(x.isnan(), 7.0)
    assert z[0].item() == 7.0
