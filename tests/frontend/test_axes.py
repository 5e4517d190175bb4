"""Every function with an axis on 0-d, size-1 and zero-size tensors, against NumPy; axes that are not there."""

import itertools
import warnings

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.differences import check

pytestmark = pytest.mark.quick

SHAPES = [(), (1,), (1, 1), (3,), (0,), (2, 0), (0, 3), (1, 0, 2), (2, 1), (2, 3)]
AXES = (None, 0, -1, 1, -2, (), (0,), (-1,), (0, 1), (0, 0), (0, -1), (1, -1), (-2, 0))


def softmax(x, axis):
    e = np.exp(x - np.max(x, axis, keepdims=True, initial=-np.inf))
    return e / np.sum(e, axis, keepdims=True)


# name: ours, NumPy's
REDUCTIONS = {
    **{name: (lambda t, axis, name=name: getattr(t, name)(axis), getattr(np, name)) for name in (
        "sum", "mean", "var", "std", "max", "min", "prod"
    )},
    "any": (lambda t, axis: (t > 0).any(axis), lambda x, axis: np.any(x > 0, axis)),
    "all": (lambda t, axis: (t > 0).all(axis), lambda x, axis: np.all(x > 0, axis)),
    "norm": (lambda t, axis: t.norm(axis), lambda x, axis: np.sqrt(np.sum(x * x, axis))),
    "logsumexp": (lambda t, axis: t.logsumexp(axis), lambda x, axis: np.log(np.sum(np.exp(x), axis))),
}  # fmt: skip
ALONG = {  # one axis only
    "argmax": (lambda t, axis: t.argmax(axis), np.argmax),
    "argmin": (lambda t, axis: t.argmin(axis), np.argmin),
    "cumsum": (lambda t, axis: t.cumsum(axis), np.cumsum),
    "repeat": (lambda t, axis: t.repeat(2, axis), lambda x, axis: np.repeat(x, 2, axis)),
    "expand_dims": (lambda t, axis: t.expand_dims(axis), np.expand_dims),
    "softmax": (F.softmax, softmax),
    "log_softmax": (F.log_softmax, lambda x, axis: np.log(softmax(x, axis))),
    "split": (lambda t, axis: t.split(1, axis)[0], lambda x, axis: np.split(x, 1, axis)[0]),
    "concatenate": (lambda t, axis: tg.concatenate([t, t], axis), lambda x, axis: np.concatenate([x, x], axis)),
    "stack": (lambda t, axis: tg.stack([t, t], axis), lambda x, axis: np.stack([x, x], axis)),
    "swapaxes": (lambda t, axis: t.swapaxes(axis, 0), lambda x, axis: np.swapaxes(x, axis, 0)),
    "moveaxis": (lambda t, axis: t.moveaxis(axis, 0), lambda x, axis: np.moveaxis(x, axis, 0)),
}
MOVED = {
    "flip": (lambda t, axis: t.flip(axis), np.flip),
    "squeeze": (lambda t, axis: t.squeeze(axis), np.squeeze),
}
CALLS = [(name, axis) for name in (*REDUCTIONS, *MOVED) for axis in AXES]
CALLS += [(name, axis) for name in ALONG for axis in (0, -1, 1, -2)]
OVER_NOTHING = ("mean", "var", "std", "max", "min", "argmax", "argmin", "logsumexp")


def expected(function, x, axis):
    """NumPy's result; where only it refuses axis 0 or -1 of a 0-d array, that of one element."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.asarray(function(x, axis))
    except (ValueError, IndexError) as error:
        return error


@pytest.mark.parametrize(("name", "axis"), CALLS, ids=str)
def test_against_numpy(name, axis):
    ours, numpys = {**REDUCTIONS, **ALONG, **MOVED}[name]
    for shape in SHAPES:
        x = np.asarray(np.random.default_rng(3).normal(size=shape))
        axes = () if axis is None else axis if isinstance(axis, tuple) else (axis,)
        if shape == () and name in (*REDUCTIONS, "flip", "squeeze", "softmax", "log_softmax") and axes in ((0,), (-1,)):
            right = expected(numpys, x[None], 0).reshape(())  # as PyTorch has it; NumPy, but for some of them
        else:
            right = expected(numpys, x, axis)
        reduced = range(len(shape)) if axis is None else axes
        over_nothing = (
            not isinstance(right, Exception) and name in OVER_NOTHING and 0 in [shape[i] for i in reduced if shape]
        )
        t = tg.tensor(x)
        if isinstance(right, Exception) or over_nothing:
            with pytest.raises(tg.ShapeError) as raised:
                ours(t, axis)
            if isinstance(right, np.exceptions.AxisError):
                assert isinstance(raised.value, np.exceptions.AxisError), (shape, raised.value)
            continue
        y = ours(t, axis)
        assert y.shape == right.shape, shape
        np.testing.assert_allclose(y.numpy(), right, 1e-12, 1e-14, err_msg=str(shape))


KEPT = {
    "norm": lambda x, axis: np.sqrt(np.sum(x * x, axis, keepdims=True)),
    "logsumexp": lambda x, axis: np.log(np.sum(np.exp(x), axis, keepdims=True)),
}


@pytest.mark.parametrize("name", [*REDUCTIONS, "argmax", "argmin"])
def test_axes_that_are_kept(name):
    """With keepdims the result has all axes; var and std count n - ddof."""
    numpys = KEPT.get(name) or (lambda x, axis, **more: getattr(np, name)(x, axis, keepdims=True, **more))
    x = np.random.default_rng(4).normal(size=(2, 3, 1))
    axes = (None, 0, -1, 1) if name.startswith("arg") else (None, 0, -1, (0, 2), (1, 0), (-1, 0, 1), ())
    for axis in axes:
        for more in ({}, {"ddof": 1}) if name in ("var", "std") and axis not in (-1, ()) else ({},):
            found, wanted = getattr(tg.tensor(x), name)(axis, keepdims=True, **more), numpys(x, axis, **more)
            assert (
                found.shape
                == wanted.shape
                == tuple(1 if axis is None or i in np.atleast_1d(axis) % 3 else n for i, n in enumerate(x.shape))
                or axis == ()
            )
            np.testing.assert_allclose(found.numpy(), wanted, 1e-12)
    zero = tg.tensor(np.array(2.5))
    for axis in (None, 0, -1):
        assert getattr(zero, name)(axis, keepdims=True).shape == ()


def test_the_deviation_of_a_single_number_without_one_degree_of_freedom_is_nan():
    for axis in (None, 0, -1):
        assert np.isnan(tg.tensor(2.0).var(axis, ddof=1).item()) and np.isnan(tg.tensor(2.0).std(axis, ddof=1).item())


@pytest.mark.parametrize("name", [*REDUCTIONS, "softmax", "log_softmax", "cumsum", "repeat", "flip"])
def test_gradients_of_a_0_d_tensor(name):
    if name in ("any", "all"):
        return
    ours = {**REDUCTIONS, **ALONG, **MOVED}[name][0]
    for axis in (0, -1):
        if name == "std":
            assert tg.grad(ours(x := tg.tensor(np.array(2.0), requires_grad=True), axis), x).item() == 0.0
        else:
            check(lambda x, axis=axis: ours(x, axis), [np.array(0.7)], 3)


@pytest.mark.parametrize("name", ["sum", "mean", "max", "argmax", "cumsum", "logsumexp", "prod"])
def test_keepdims_and_numpys_own_functions_on_0_d(name):
    t = tg.tensor(2.0)
    if name not in ("cumsum",):
        for axis, keepdims in itertools.product((None, 0, -1), (False, True)):
            assert getattr(t, name)(axis, keepdims=keepdims).shape == ()
    if name != "logsumexp":
        assert getattr(np, name)(t, axis=0).shape == ((1,) if name == "cumsum" else ())
    for axis in (1, -2):
        with pytest.raises(IndexError, match=r"axis -?[12] of a tensor with [01] axes"):
            getattr(t, name)(axis)


def test_an_axis_that_is_not_there_is_numpys_error_too():
    for kind in (IndexError, ValueError, tg.ShapeError, tg.AxisError, np.exceptions.AxisError):
        with pytest.raises(kind, match=r"sum: axis 2 of a tensor with 2 axes; use -2 to 1"):
            tg.ones(2, 3).sum(2)
