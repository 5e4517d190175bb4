"""Sums, means, extrema, products against NumPy, zero-size included; the largest k; gradients with ties and zeros."""

import itertools
import math

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.differences import check

quick = pytest.mark.quick
SEED = 31
SHAPES = [(), (1,), (5,), (3, 4), (2, 3, 4)]


def real(*shape, seed=SEED):
    return np.asarray(np.random.default_rng(seed).normal(size=shape))


def axes_of(ndim):
    yield None
    for k in range(1, ndim + 1):
        for axes in itertools.combinations(range(ndim), k):
            yield axes if k > 1 else axes[0]
            yield tuple(a - ndim for a in axes)


NUMPYS = {
    "sum": np.sum,
    "mean": np.mean,
    "var": np.var,
    "std": np.std,
    "max": np.max,
    "min": np.min,
    "amax": np.max,
    "amin": np.min,
    "prod": np.prod,
    "any": lambda x, axis, keepdims: np.any(x > 0, axis, keepdims=keepdims),
    "all": lambda x, axis, keepdims: np.all(x > 0, axis, keepdims=keepdims),
    "norm": lambda x, axis, keepdims: np.sqrt(np.sum(x * x, axis, keepdims=keepdims)),
    "logsumexp": lambda x, axis, keepdims: np.log(np.sum(np.exp(x), axis, keepdims=keepdims)),
}


@pytest.mark.parametrize("name", NUMPYS)
def test_over_every_set_of_axes(name):
    for shape in SHAPES:
        x = real(*shape)
        t = tg.tensor(x) > 0 if name in ("any", "all") else tg.tensor(x)
        for axis, keepdims in itertools.product(axes_of(len(shape)), (False, True)):
            expected = np.asarray(NUMPYS[name](x, axis=axis, keepdims=keepdims))
            y = getattr(t, name)(axis, keepdims=keepdims)
            assert y.shape == expected.shape, (shape, axis)
            np.testing.assert_allclose(y.numpy(), expected, 1e-13, 1e-14)


@quick
@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_places_of_extrema(name):
    for shape in SHAPES:
        x = np.asarray(np.random.default_rng(SEED).integers(-2, 3, shape)).astype(float)
        for axis in (None, *range(-len(shape), len(shape))):
            for keepdims in (False, True):
                expected = getattr(np, name)(x, axis, keepdims=keepdims)
                y = getattr(tg.tensor(x), name)(axis, keepdims=keepdims)
                assert y.dtype == np.int64 and y.shape == np.shape(expected)
                np.testing.assert_array_equal(y.numpy(), expected)


@pytest.mark.parametrize("name", ["sum", "mean", "var", "std", "max", "min", "prod", "norm", "logsumexp"])
def test_gradients(name):
    for axis in (None, 0, (0, 2), -1):
        check(lambda x, axis=axis: getattr(x, name)(axis), [real(2, 3, 2)], SEED)


@quick
def test_of_nothing():
    """Zero-size: sums are 0, products 1; a mean or an extremum of nothing is an error that says so."""
    x = tg.zeros(0, 3, requires_grad=True)
    assert x.sum().item() == 0.0 and x.sum(0).tolist() == [0.0] * 3 and x.sum(1).shape == (0,)
    assert x.prod().item() == 1.0 and x.prod(0).tolist() == [1.0] * 3
    assert x.norm().item() == 0.0 and x.cumsum(0).shape == (0, 3)
    assert not x.any().item() and x.all().item()
    x.sum().backward()
    assert x.grad.shape == (0, 3)
    for name in ("mean", "var", "std", "max", "min", "argmax", "argmin", "logsumexp"):
        with pytest.raises(tg.ShapeError, match=r"of no elements.*shape \(0, 3\).*axes \(0,"):
            getattr(x, name)()
        if name not in ("argmax", "argmin"):
            assert getattr(x, name)(1).shape == (0,)


@quick
def test_over_no_axes():
    x = tg.tensor([[1.0, 2.0]], requires_grad=True)
    assert x.sum(()).tolist() == x.max(()).tolist() == x.mean(()).tolist() == [[1.0, 2.0]]
    assert tg.ones(5000).sum_to((5000,)).tolist() == [1.0] * 5000


@quick
def test_axes_that_are_not_there():
    x = tg.ones(2, 3)
    for call in (lambda: x.sum(2), lambda: x.max(-3), lambda: x.cumsum(2), lambda: x.argmax(5), lambda: x.topk(1, 2)):
        with pytest.raises(tg.ShapeError, match=r"axis -?\d of a tensor with 2 axes; use -2 to 1"):
            call()
    with pytest.raises(tg.ShapeError, match="twice"):
        x.sum((0, -2))


@quick
@pytest.mark.parametrize("ddof", [0, 1, 2])
def test_degrees_of_freedom(ddof):
    x = real(3, 5)
    for name in ("var", "std"):
        np.testing.assert_allclose(
            getattr(tg.tensor(x), name)(1, ddof=ddof).numpy(), getattr(np, name)(x, 1, ddof=ddof), 1e-13
        )
        check(lambda x, name=name: getattr(x, name)(1, ddof=ddof), [x], SEED)
    assert math.isnan(tg.tensor([1.0, 2.0]).var(ddof=2).item())


@quick
def test_variance_with_a_large_mean():
    x = np.float32(1e6) + np.arange(8, dtype=np.float32)
    assert tg.tensor(x).var().item() == np.var(x.astype(np.float64))
    assert tg.full((7,), 0.1).var().item() == 0.0


@quick
def test_std_of_equal_elements_has_gradient_0():
    x = tg.full((3,), 2.0, requires_grad=True)
    y = x.std()
    y.backward()
    assert y.item() == 0.0 and x.grad.tolist() == [0.0] * 3


@quick
def test_norm_at_0():
    """conventions.md: norm'(0) = 0"""
    x = tg.tensor([[0.0, 0.0], [3.0, 4.0]], requires_grad=True)
    y = x.norm(1)
    y.sum().backward()
    assert y.tolist() == [0.0, 5.0]
    np.testing.assert_allclose(x.grad.numpy(), [[0.0, 0.0], [0.6, 0.8]], 1e-7)
    assert np.isfinite(tg.hessian(lambda x: x.norm(), tg.zeros(2)).numpy()).all()


def prod_gradient(x):
    """∂Π/∂xᵢ: the product of the others."""
    return [math.prod(np.delete(x, i)) for i in range(len(x))]


@quick
@pytest.mark.parametrize(
    "x", [[2.0, 3.0, 4.0], [0.0, 3.0, 4.0], [0.0, 3.0, 0.0], [0.0] * 3, [5.0], [1.0, 0.0, -2.0, 3.0, 0.5], [-1.0, 2.0]]
)
def test_prod_with_zeros(x):
    t = tg.tensor(np.array(x), requires_grad=True)
    t.prod().backward()
    assert t.grad.tolist() == prod_gradient(x)
    check(lambda x: x.prod(), [np.array(x)], SEED)


@quick
def test_prod_over_axes():
    x = real(2, 3, 4)
    for axis in (0, 1, 2, (0, 2), None):
        for keepdims in (False, True):
            np.testing.assert_allclose(
                tg.tensor(x).prod(axis, keepdims).numpy(), np.prod(x, axis, keepdims=keepdims), 1e-13
            )
    assert tg.tensor(np.array([100, 100], np.int8)).prod().item() == 10_000
    assert tg.tensor([True, False]).prod().item() == 0


@quick
def test_cumsum():
    x = real(2, 3, 4)
    for axis in (0, 1, -1):
        np.testing.assert_allclose(tg.tensor(x).cumsum(axis).numpy(), np.cumsum(x, axis), 1e-14)
        check(lambda x, axis=axis: x.cumsum(axis), [x[:, :2, :2]], SEED, order=1)
    assert tg.tensor([True, True]).cumsum(0).tolist() == [1, 2]


@quick
def test_logsumexp_far_out():
    x = np.array([[1e4, 1e4], [-1e4, -1e4], [-math.inf, 0.0], [-math.inf, -math.inf], [math.inf, 0.0]])
    expected = [1e4 + math.log(2), -1e4 + math.log(2), 0.0, -math.inf, math.inf]
    assert tg.tensor(x).logsumexp(1).tolist() == expected
    assert math.isnan(tg.tensor([math.nan, 1.0]).logsumexp().item())
    np.testing.assert_allclose(tg.tensor([1, 2]).logsumexp().item(), math.log(math.e + math.e**2), 1e-6)


# ---------------------------------------------------------------- extrema and ties


@quick
def test_ties_are_checked_by_name():
    with pytest.raises(ValueError, match=r"ties='last'.*'even' or 'first'"):
        tg.ones(2).max(ties="last")


@quick
@pytest.mark.parametrize("axis", [(0, 1), (1, 0), (0, 2), (2, 1), (0, 1, 2)])
def test_the_first_of_equal_maxima(axis):
    """conventions.md: all to the first maximum in row-major order"""
    x = np.random.default_rng(SEED).integers(0, 2, (3, 4, 5)).astype(np.float64)
    t = tg.tensor(x, requires_grad=True)
    t.max(axis, ties="first").sum().backward()
    rest = [i for i in range(3) if i not in axis]
    table = x.transpose(*rest, *sorted(axis)).reshape([x.shape[i] for i in rest] + [-1])
    expected = np.zeros_like(table)
    np.put_along_axis(expected, table.argmax(-1)[..., None], 1.0, -1)
    found = t.grad.numpy().transpose(*rest, *sorted(axis)).reshape(table.shape)
    if sorted(axis) == list(axis):
        np.testing.assert_array_equal(found, expected)
    assert (found.sum(-1) == 1).all() and (found <= table.max(-1, keepdims=True)).all()


# ---------------------------------------------------------------- topk


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("values", ["distinct", "ties", "-inf", "all -inf", "inf"])
def test_topk(values, axis):
    rng = np.random.default_rng(SEED)
    x = {
        "distinct": rng.permutation(24).reshape(4, 6).astype(float),
        "ties": rng.integers(0, 3, (4, 6)).astype(float),
        "-inf": rng.choice([-np.inf, 1.0, 2.0], (4, 6)),
        "all -inf": np.full((4, 6), -np.inf),
        "inf": rng.choice([-np.inf, np.inf, 0.0], (4, 6)),
    }[values]
    n = x.shape[axis]
    order = np.argsort(-x, axis, kind="stable")
    for k in range(n + 1):
        expected = np.take(order, range(k), axis)
        found, places = tg.tensor(x).topk(k, axis)
        assert places.dtype == np.int64
        np.testing.assert_array_equal(places.numpy(), expected)
        np.testing.assert_array_equal(found.numpy(), np.take_along_axis(x, expected, axis))


@quick
@pytest.mark.parametrize("dtype", ["int64", "uint8", "int8", "bool"])
def test_topk_of_integers(dtype):
    limits = np.array(
        [0, 1] if dtype == "bool" else [np.iinfo(dtype).max, np.iinfo(dtype).max - 1, np.iinfo(dtype).min, 0]
    )
    x = np.random.default_rng(SEED).choice(limits, (3, 6)).astype(dtype)
    found, places = tg.tensor(x).topk(6)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found.numpy(), -np.sort(-x.astype(object), -1))
    assert (np.sort(places.numpy(), -1) == np.arange(6)).all()


@quick
def test_topk_gradient_and_errors():
    x = tg.tensor([1.0, 5.0, 3.0], requires_grad=True)
    values, _ = x.topk(2)
    (values * tg.tensor([10.0, 1.0])).sum().backward()
    assert x.grad.tolist() == [0.0, 10.0, 1.0]
    for k in (4, -1):
        with pytest.raises(tg.ShapeError, match="k must be 0 to 3"):
            x.topk(k)
