"""The inverses of sine, cosine and tangent that ONNX needs: values and derivatives of four orders."""

import numpy as np
import pytest

pytest.importorskip("sympy")

import sympy

import tinygrad_cv as tg
from tinygrad_cv.onnx.operators.angles import acos, arctan, asin

X = sympy.Symbol("x")
INSIDE = np.array([-0.999, -0.7, -1e-3, -1e-9, 0.0, 1e-9, 0.3, 0.99])
ANYWHERE = np.array([-1e9, -50.0, -1.5, -1.0, -0.5, 0.0, 1e-12, 0.8, 1.0, 1.0000001, 3.0, 1e5])


@pytest.mark.parametrize(
    "function, formula, points",
    [(arctan, sympy.atan(X), ANYWHERE), (asin, sympy.asin(X), INSIDE), (acos, sympy.acos(X), INSIDE)],
)
def test_values_and_derivatives(function, formula, points):
    x = tg.tensor(points, requires_grad=True)
    y = function(x)
    for order in range(5):
        exact = [float(formula.subs(X, sympy.Rational(point)).evalf(30)) for point in points]
        scale = np.maximum(abs(np.array(exact)), 1.0)
        assert (abs(y.numpy() - exact) / scale).max() < 10.0 ** (order - 14), order
        formula = sympy.diff(formula, X)
        (y,) = tg.grad(y.sum(), [x], create_graph=True)


def test_ends():
    x = tg.tensor([-np.inf, np.inf, np.nan, -1.0, 1.0])
    assert np.array_equal(arctan(x).numpy(), np.arctan(x.numpy()), equal_nan=True)
    assert asin(x[3:]).tolist() == np.arcsin(x[3:].numpy()).tolist()
    assert acos(x[3:]).tolist() == np.arccos(x[3:].numpy()).tolist()
