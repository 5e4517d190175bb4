"""Every functional, and every function on several tensors, takes arrays, lists and foreign tensors, or says no."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.functional.test_agreement_with_torch import Fixed, rows
from tinygrad_cv.frontend.functions import TENSORS

FIRST = {row.name: row for row in reversed(rows())}
UPDATED = ("running_mean", "running_var")


def foreign(array):
    return pytest.importorskip("torch").from_numpy(array.copy())


FORMS = {"array": np.array, "list": np.ndarray.tolist, "torch": foreign, "rows": list}


def arguments(name, form):
    """The row's call, by parameter, with each tensor in the form; float32, so that lists mean the same."""
    row = FIRST[name]
    given = inspect.signature(getattr(F, name)).bind(*row.arguments, **row.options).arguments
    for key, value in given.items():
        value = value.array if isinstance(value, Fixed) else value
        if isinstance(value, np.ndarray):
            value = value.astype("float32") if value.dtype.kind == "f" else value
            given[key] = tg.tensor(value) if key in UPDATED else form(value)
    return given


def value(name, form, compiled=False):
    given = arguments(name, form)
    tg.manual_seed(0)
    call = getattr(F, name)
    result = (tg.jit(lambda tensors: call(**tensors)) if compiled else lambda tensors: call(**tensors))(given)
    assert isinstance(result, tg.Tensor)
    return result.numpy()


def test_every_functional_has_a_row():
    assert set(F.__all__) - set(FIRST) <= {"normalize", "global_avg_pool2d", "global_max_pool2d"}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", FIRST)
def test_every_functional(name, form):
    np.testing.assert_array_equal(value(name, FORMS[form]), value(name, tg.tensor))


@pytest.mark.parametrize("name", ["conv2d", "cross_entropy", "layer_norm", "relu"])
@pytest.mark.parametrize("form", ["array", "torch", "rows"])
def test_compiled_alike(name, form):
    np.testing.assert_allclose(value(name, FORMS[form], True), value(name, tg.tensor), 1e-5, 1e-6)


@pytest.mark.quick
@pytest.mark.parametrize("x", [-2.0, [1.0, -2.0], [[1.0], [-2.0]], True])
def test_numbers_compiled_alike(x):
    np.testing.assert_allclose(tg.jit(lambda x: F.gelu(x))(x).numpy(), F.gelu(x).numpy(), 1e-6)


@pytest.mark.quick
@pytest.mark.parametrize("name", F.__all__)
def test_what_is_no_tensor_is_refused_by_name(name):
    parameters = inspect.signature(getattr(F, name)).parameters
    required = [key for key, p in parameters.items() if p.default is p.empty]
    tensors = [key for key in required if key in TENSORS]
    assert tensors
    for key in tensors:
        for wrong in ("abc", {}, None, object()):
            given = {other: tg.ones(2, 2, 4, 4) if other in TENSORS else 2 for other in required}
            with pytest.raises(
                tg.DTypeError, match=f"{name}: {key} is of type {type(wrong).__name__}; it takes a tensor"
            ):
                getattr(F, name)(**{**given, key: wrong})


@pytest.mark.quick
def test_running_averages_that_are_updated_must_be_tensors():
    x, zeros, ones = np.ones((2, 3), "f4"), np.zeros(3, "f4"), np.ones(3, "f4")
    assert F.batch_norm(x, zeros, ones).shape == (2, 3)
    with pytest.raises(tg.DTypeError, match=r"running_var is of type ndarray.*updates it in place.*tg\.tensor"):
        F.batch_norm(x, tg.zeros(3), ones, training=True)


@pytest.mark.quick
@pytest.mark.parametrize("form", [np.array, np.ndarray.tolist, foreign, tg.tensor])
def test_functions_on_several_tensors(form):
    a = np.float32([[1, 2], [3, 4]])
    one, two = form(a), form(a + 4)
    calls = [
        (tg.concatenate([one, two]), np.concatenate([a, a + 4])),
        (tg.stack((one, two), axis=1), np.stack([a, a + 4], 1)),
        (tg.einsum("ij,jk->ki", one, two), np.einsum("ij,jk->ki", a, a + 4)),
        (tg.matmul(one, two), a @ (a + 4)),
        (tg.where(form(a > 2), one, two), np.where(a > 2, a, a + 4)),
        (tg.ones_like(one), np.ones_like(a)),
        (tg.zeros_like(one), np.zeros_like(a)),
        (tg.full_like(one, 3), np.full_like(a, 3)),
        (tg.tensor(a) + two, a + a + 4),
        (tg.tensor(a).maximum(two), a + 4),
        (tg.tensor(a).gather(form(np.array([1, 0]))), a[[1, 0]]),
    ]
    for ours, expected in calls:
        np.testing.assert_array_equal(ours.numpy(), expected)
        assert ours.dtype == expected.dtype


@pytest.mark.quick
def test_a_list_of_tensors_stays_in_the_graph():
    x = tg.tensor([1.0, -2.0], requires_grad=True)
    F.relu([x, [3.0, 4.0]]).sum().backward()
    assert x.grad.tolist() == [1.0, 0.0]
