"""Sorting, the largest, medians and quantiles: values against NumPy, derivatives against PyTorch and differences."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.differences import check
from tinygrad_cv.frontend.ordering import METHODS

quick = pytest.mark.quick
SEED = 12
COUNTS_AND_SHARES = ((1, 2, 5, 6), (0, 0.1, 0.25, 0.3, 0.5, 1, [[0.2], [0.7]]))
if np.__version__ < "2":  # which is wrong where a place lies outside, at the ends and of few elements
    COUNTS_AND_SHARES = ((5, 6), (0.25, 0.3, 0.5, [[0.2], [0.7]]))
DTYPES = ("bool", "uint8", "int64", "float16", "float32", "float64")


def numbers(shape, dtype, seed=SEED):
    """Few different ones, so that there are ties; of floats, NaN and infinities too."""
    x = np.random.default_rng(seed).integers(0, 4, shape).astype(dtype)
    if x.dtype.kind == "f" and x.size > 3:
        x.flat[:3] = np.nan, -np.inf, np.inf
    return x


@quick
@pytest.mark.parametrize("dtype", DTYPES)
def test_order(dtype):
    for shape in ((5,), (0,), (3, 4), (0, 3), (2, 3, 4)):
        x = numbers(shape, dtype)
        t = tg.tensor(x)
        for axis in (None, *range(-len(shape), len(shape))):
            np.testing.assert_array_equal(t.sort(axis).numpy(), np.sort(x, axis))
            places = np.argsort(x, axis, kind="stable")
            assert t.argsort(axis).dtype == np.int64
            np.testing.assert_array_equal(t.argsort(axis).numpy(), places)
        for axis in range(len(shape)):
            falling = t.sort(axis, descending=True)
            np.testing.assert_array_equal(falling.numpy(), np.flip(np.sort(x, axis), axis))
            assert falling.dtype == dtype


@pytest.mark.parametrize("descending", [False, True])
def test_equal_elements_keep_their_order(descending):
    torch = pytest.importorskip("torch")
    x = numbers((3, 40), "float64")
    ours = tg.tensor(x).argsort(1, descending)
    theirs = torch.tensor(x).sort(dim=1, descending=descending, stable=True).indices
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


@pytest.mark.parametrize("largest", [True, False])
def test_the_largest_by_maxima_and_by_sorting(largest):
    """Below and above the number from which sorting is faster; the places are those of a stable sort."""
    for dtype, k in itertools.product(DTYPES, (0, 1, 5, 16, 17, 40)):
        x = numbers((3, 40), dtype)
        values, places = tg.tensor(x).topk(k, 1, largest)
        turned = x[:, ::-1] if largest else x
        order = np.argsort(turned, 1, kind="stable")
        order = (39 - order[:, ::-1] if largest else order)[:, :k]
        np.testing.assert_array_equal(places.numpy(), order)
        np.testing.assert_array_equal(values.numpy(), np.take_along_axis(x, order, 1))


@pytest.mark.parametrize("method", METHODS)
def test_quantiles(method):
    for n, q in itertools.product(*COUNTS_AND_SHARES):
        x = np.random.default_rng(n).normal(size=(3, n))
        for axis, keepdims in ((0, False), (-1, True), (None, False), ((1, 0), True)):
            found = tg.tensor(x).quantile(q, axis, keepdims, method)
            expected = np.quantile(x, q, axis=axis, method=method, keepdims=keepdims)
            assert found.shape == expected.shape
            np.testing.assert_allclose(found.numpy(), expected, 1e-13)


@quick
def test_medians():
    for n in (1, 2, 5, 6):
        x = np.random.default_rng(n).normal(size=(2, n, 3))
        for axis in (None, 0, 1, (0, 2), -1):
            np.testing.assert_allclose(tg.tensor(x).median(axis).numpy(), np.median(x, axis), 1e-14)
    assert tg.tensor([3, 1, 2, 5]).median().item() == 2.5 and tg.tensor([1.0, np.nan]).median().isnan().item()
    assert tg.tensor(2.0).median().item() == 2.0


@quick
def test_between_infinities():
    """The mean of an infinity and a number is that infinity, where NumPy's quantile gives NaN."""
    assert tg.tensor([1.0, np.inf]).quantile([0.0, 0.5, 1.0]).tolist() == [1.0, np.inf, np.inf]
    assert tg.tensor([-np.inf, 1.0]).quantile([0.0, 0.25, 1.0]).tolist() == [-np.inf, -np.inf, 1.0]
    assert tg.tensor([-np.inf, np.inf]).median().isnan().item()
    assert tg.full((7,), 0.1).quantile(0.37).item() == np.float32(0.1)


@quick
def test_quantiles_of_integers_keep_them_where_one_is_taken():
    x = tg.tensor([2**62 + 1, 2**62 + 3])
    assert x.quantile(0.7, method="lower").item() == 2**62 + 1
    assert x.quantile(0.7, method="lower").dtype == np.int64 and x.quantile(0.7).dtype == np.float32


FUNCTIONS = {
    "sort": (lambda x: x.sort(1), lambda t, x: t.sort(x, 1).values),
    "falling": (lambda x: x.sort(0, descending=True), lambda t, x: t.sort(x, 0, descending=True).values),
    "topk": (lambda x: x.topk(2, 1)[0], lambda t, x: t.topk(x, 2, 1).values),
    "topk of many": (lambda x: x.reshape(-1).topk(19)[0], lambda t, x: t.topk(x.reshape(-1), 19).values),
    "median": (lambda x: x[:, :3].median(1), lambda t, x: t.median(x[:, :3], 1).values),
    "quantile": (
        lambda x: x.quantile([0.1, 0.77], 1),
        lambda t, x: t.quantile(x, t.tensor([0.1, 0.77], dtype=t.float64), 1),
    ),
    "midpoint": (
        lambda x: x.quantile(0.3, 0, method="midpoint"),
        lambda t, x: t.quantile(x, 0.3, 0, interpolation="midpoint"),
    ),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_beside_pytorch(name):
    """Of Σ w f(x)², so that the second derivative says something; eagerly and compiled."""
    torch = pytest.importorskip("torch")
    ours, theirs = FUNCTIONS[name]
    x = np.random.default_rng(SEED).normal(size=(4, 5))
    theirs_x = torch.tensor(x, requires_grad=True)
    y = theirs(torch, theirs_x)
    w = np.random.default_rng(1).uniform(0.5, 1.5, y.shape)
    (g,) = torch.autograd.grad((y.square() * torch.tensor(w)).sum(), theirs_x, create_graph=True)
    v = np.random.default_rng(2).normal(size=x.shape)
    (h,) = torch.autograd.grad((g * torch.tensor(v)).sum(), theirs_x)
    loss = lambda x: (ours(x).square() * w).sum()  # noqa: E731
    for function in (loss, tg.jit(loss)):
        leaf = tg.tensor(x, requires_grad=True)
        np.testing.assert_allclose(tg.grad(function(leaf), leaf).numpy(), g.detach().numpy(), 1e-12)
    np.testing.assert_allclose(tg.hvp(loss, tg.tensor(x), tg.tensor(v))[1].numpy(), h.numpy(), 1e-12)


@quick
def test_gradient_goes_to_the_first_of_equal_elements():
    x = tg.tensor([2.0, 1.0, 2.0, 1.0], requires_grad=True)
    (x.sort() * tg.tensor([1.0, 2.0, 3.0, 4.0])).sum().backward()
    assert x.grad.tolist() == [3.0, 1.0, 4.0, 2.0]
    check(lambda x: x.quantile(0.3, 1), [np.random.default_rng(0).normal(size=(2, 6))], SEED)


@quick
@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda x: x.sort(2), tg.AxisError, r"sort: axis 2 of a tensor with 2 axes; use -2 to 1"),
        (lambda x: x.argsort("rows"), tg.DTypeError, r"argsort: axis 'rows'; it must be an integer"),
        (lambda x: x.topk(5), tg.ShapeError, r"topk of 5 elements along an axis of size 3: k must be 0 to 3"),
        (lambda x: x.quantile(1.5), ValueError, r"quantile: q=1\.5; it must be from 0 to 1"),
        (lambda x: x.quantile([0.5, np.nan]), ValueError, r"quantile: q=nan; it must be from 0 to 1"),
        (lambda x: x.quantile("half"), tg.DTypeError, r"quantile: q is of type str; it takes numbers"),
        (lambda x: x.quantile(0.5, method="mean"), ValueError, r"method='mean'; it must be one of linear, hazen"),
        (lambda x: x.quantile(x.mean()), tg.GraphError, r"quantile has no derivative by q: use q\.detach\(\)"),
        (lambda x: x[:, :0].median(), tg.ShapeError, r"median of no elements: shape \(2, 0\)"),
        (lambda x: tg.jit(lambda x: x.quantile(x[0, 0].detach()))(x), tg.TraceError, r"quantile: q of a tensor whose"),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call(tg.tensor([[0.3, 0.2, 0.1], [0.6, 0.5, 0.4]], requires_grad=True))
