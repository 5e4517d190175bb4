"""Derivations of long functions."""

import numpy as np
import pytest

import tinygrad_cv as tg


def chain(x):
    for i in range(600):
        x = x * 0.99 + 0.1 if i % 2 else -x
    return x


def differences(x):
    y = x
    for _ in range(600):
        y = y - x
    return y.sum()


def doubled(x):
    for _ in range(40):
        x = x + x.mean() * x
    return x.sum()


@pytest.mark.parametrize("function", [chain, differences, doubled])
def test_long_functions_have_derivations(function):
    """In text, LaTeX and NumPy; the source computes what the function does."""
    x = np.linspace(0.0, 0.01, 5)
    derived = tg.derive(function, tg.tensor(x))
    assert str(derived) and derived.latex()
    names = {}
    exec(derived.source(), names)
    expected = function(tg.tensor(x)).numpy()
    forward = names["forward"](x)
    np.testing.assert_allclose(forward[0] if isinstance(forward, tuple) else forward, expected, rtol=1e-9)
