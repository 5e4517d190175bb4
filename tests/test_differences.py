"""Derivatives by differences: as exact as they say, and wrong ones are noticed."""

import numpy as np
import pytest

from tests.differences import check, jacobian, step

pytestmark = pytest.mark.quick
EPS = float(np.finfo(np.longdouble).eps)


def of(f, *arrays, places=(0,), epsilon=EPS):
    wide = [np.asarray(x, np.longdouble) for x in arrays]
    return jacobian(lambda inputs: f(*inputs).ravel(), wide, places, step(epsilon), 4 * epsilon)


@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (np.sin, np.cos),
        (np.exp, np.exp),
        (np.reciprocal, lambda x: -1 / x**2),
        (np.tanh, lambda x: 1 / np.cosh(x) ** 2),
    ],
)
def test_entries_are_within_their_bounds(f, slope):
    x = np.linspace(0.6, 1.5, 5)
    entries, bound = of(f, x)
    error = np.abs(entries - np.diag(slope(x)))
    assert (error <= bound + 4e-16).all()
    if EPS < 1e-18:
        assert bound.max() < 1e-12 and error.max() < 1e-14


def test_the_columns_of_all_inputs_follow_one_another():
    a, b = np.array([[1.0, 2.0]]), np.array(3.0)
    entries, _ = of(lambda a, b: a * b, a, b, places=(0, 1))
    np.testing.assert_allclose(entries, [[3, 0, 1], [0, 3, 2]], rtol=1e-15)
    assert of(lambda a, b: a * b, a, b, places=(1,)).entries.shape == (2, 1)


def test_what_is_infinite_and_stays_so_does_not_change():
    entries, _ = of(lambda x: np.where(x > 0, x, -np.inf), np.array([1.0, -1.0]))
    np.testing.assert_allclose(entries, [[1, 0], [0, 0]])


def test_a_kink_has_a_wide_bound():
    entries, bound = of(np.abs, np.array([0.003]))
    assert abs(entries[0, 0] - 1) <= bound[0, 0] and bound[0, 0] > 1e-3


def test_nothing_has_a_jacobian_of_no_entries():
    assert of(np.sin, np.zeros((0, 3))).entries.shape == (0, 0)
    assert of(lambda x: x[:0], np.zeros(3)).entries.shape == (0, 3)


def cube(x):
    return x * x * x


@pytest.mark.parametrize(
    ("function", "order"),
    [
        (lambda x: cube(x) + 1e-7 * (x - x.detach()), 1),
        (lambda x: x.detach() * x * x, 1),
        (lambda x: cube(x.detach()) + 3.0 * x.detach().square() * (x - x.detach()), 2),  # right once, and then constant
    ],
)
def test_a_wrong_derivative_is_noticed_at_its_order(function, order):
    x = np.array([0.5, -1.5, 2.0])
    check(cube, [x], 0)
    if order == 2:
        check(function, [x], 0, order=1)
    with pytest.raises(AssertionError, match=f"order {order}"):
        check(function, [x], 0, order)


def test_a_kink_that_is_near_is_told():
    with pytest.raises(AssertionError, match="a kink is near"):
        check(lambda x: x.abs(), [np.array([1e-5])], 0, order=1)
