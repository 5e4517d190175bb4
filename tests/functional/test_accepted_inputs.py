"""Every functional, and every function on several tensors, takes arrays, lists and foreign tensors, or says no.

So it is in eager code and in compiled code, where these are arguments and where they are closed over.
"""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.forms import Wrapped, assert_accepted_alike, assert_outcomes_alike, assert_same, outcome, torch_of
from tests.functional.agreement.row import Fixed
from tests.functional.agreement.table import rows
from tinygrad_cv.frontend.functions import tensors_of

AVERAGES = ("running_mean", "running_var")
OWN = {"embedding": {"weight"}}  # what a function converts itself, since it may have to change it in place


REQUIRED = {  # what must be given and is neither a tensor nor a number
    ("affine_grid", "size"): (2, 2, 4, 4),
    ("pad", "pad"): (2, 2),
    ("stochastic_depth", "mode"): "row",
}


def arrays(row):
    """The row's call, by parameter, float32 so that lists mean the same."""
    given = inspect.signature(getattr(F, row.name)).bind(*row.arguments, **row.options).arguments
    given = {key: value.array if isinstance(value, Fixed) else value for key, value in given.items()}
    return {
        key: value.astype("float32") if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value
        for key, value in given.items()
    }


def count(row):
    return sum(isinstance(value, np.ndarray) for value in arrays(row).values())


ROWS = {}  # of each functional the first that gives most of its parameters
for row in rows():
    if row.name not in ROWS or count(row) > count(ROWS[row.name]):
        ROWS[row.name] = row


def given(name, form):
    """The row's call with each array in the form; averages that training updates stay tensors."""
    return {
        key: value if not isinstance(value, np.ndarray) else tg.tensor(value) if key in AVERAGES else form(value)
        for key, value in arrays(ROWS[name]).items()
    }


@pytest.mark.any_python
def test_every_functional_has_a_row_with_all_its_tensors():
    assert set(ROWS) == set(F.__all__)
    for name in ROWS:
        tensors = set(tensors_of(getattr(F, name))) | OWN.get(name, set())
        assert tensors == {key for key, x in given(name, np.array).items() if isinstance(x, np.ndarray)}, name


@pytest.mark.usefixtures("on_numpy")
@pytest.mark.parametrize("name", ROWS)
def test_every_functional(name):
    assert_accepted_alike(lambda: getattr(F, name), lambda form: given(name, form))


@pytest.mark.parametrize("name", list(ROWS)[::8])
def test_native_code_takes_every_form(name):
    """What a program is called with, and its constants, are the same whatever function it came from."""
    assert_accepted_alike(lambda: getattr(F, name), lambda form: given(name, form))


@pytest.mark.usefixtures("on_numpy")
@pytest.mark.parametrize("name", ROWS)
def test_what_may_be_refused_is_refused_alike(name):
    """One tensor after the other in that form."""
    for key, value in given(name, np.array).items():
        if isinstance(value, np.ndarray):
            assert_outcomes_alike(
                lambda: getattr(F, name), lambda form, key=key, value=value: {**given(name, np.array), key: form(value)}
            )


@pytest.mark.any_python
@pytest.mark.parametrize("name", F.__all__)
def test_what_is_no_tensor_is_refused_by_name(name):
    parameters = inspect.signature(getattr(F, name)).parameters
    required = [key for key, p in parameters.items() if p.default is p.empty]
    names = tensors_of(getattr(F, name))
    tensors = [key for key in required if key in names]
    assert tensors
    for key in tensors:
        for wrong in ("abc", {}, None, object()):
            given = {
                other: tg.ones(2, 2, 4, 4) if other in names else REQUIRED.get((name, other), 2) for other in required
            }
            given[key] = wrong
            for args, kwargs in (((), given), (tuple(given.values()), {})):  # by name, and by place
                with pytest.raises(
                    tg.DTypeError, match=f"{name}: {key} is of type {type(wrong).__name__}; it takes a tensor"
                ):
                    getattr(F, name)(*args, **kwargs)


@pytest.mark.any_python
@pytest.mark.usefixtures("on_numpy")
@pytest.mark.parametrize("which", ["at test time", "mean", "variance"])
@pytest.mark.parametrize("form", [np.array, np.ndarray.tolist, torch_of, Wrapped])
def test_running_averages_that_are_updated_must_be_tensors(form, which):
    x = np.float32([[1, 2, 3], [5, 4, 6]])
    mean, var = np.zeros(3, "f4"), np.full(3, 2, "f4")
    averages = (form(mean), form(var))
    averages = {"mean": (averages[0], tg.tensor(var)), "variance": (tg.tensor(mean), averages[1])}.get(which, averages)
    training = which != "at test time"

    def call(x, mean, var):
        return F.batch_norm(x, mean, var, training=training)

    eager = outcome(lambda: call(x, *averages))
    assert_same(outcome(lambda: tg.jit(call)(x, *averages)), eager, "as arguments")
    assert_same(outcome(lambda: tg.jit(lambda: call(x, *averages))()), eager, "closed over")
    if training:
        assert eager[0] is tg.DTypeError
        assert "is not a tensor (in batch_norm): training updates it in place" in eager[1]
    else:
        np.testing.assert_allclose(eager[1], x / np.sqrt(2 + 1e-5), 1e-6)


@pytest.mark.any_python
@pytest.mark.parametrize("form", [np.array, np.ndarray.tolist, torch_of, tg.tensor])
@pytest.mark.usefixtures("on_numpy")
def test_functions_on_several_tensors(form):
    a = np.float32([[1, 2], [3, 4]])
    above, rows = a > 2, np.array([1, 0])
    expected = [
        np.concatenate([a, a + 4]),
        np.stack([a, a + 4], 1),
        np.einsum("ij,jk->ki", a, a + 4),
        a @ (a + 4),
        np.where(above, a, a + 4),
        np.ones_like(a),
        np.zeros_like(a),
        np.full_like(a, 3),
        a + a + 4,
        a + 4,
        a[[1, 0]],
    ]

    def calls(one, two, above, rows):
        return [
            tg.concatenate([one, two]),
            tg.stack((one, two), axis=1),
            tg.einsum("ij,jk->ki", one, two),
            tg.matmul(one, two),
            tg.where(above, one, two),
            tg.ones_like(one),
            tg.zeros_like(one),
            tg.full_like(one, 3),
            tg.tensor(a) + two,
            tg.tensor(a).maximum(two),
            tg.tensor(a).gather(rows),
        ]

    arguments = [form(x) for x in (a, a + 4, above, rows)]
    for results in (calls(*arguments), tg.jit(calls)(*arguments), tg.jit(lambda: calls(*arguments))()):
        for found, wanted in zip(results, expected, strict=True):
            np.testing.assert_array_equal(found.numpy(), wanted)
            assert found.dtype == wanted.dtype


@pytest.mark.any_python
def test_a_list_of_tensors_stays_in_the_graph():
    for call in (F.relu, tg.jit(F.relu)):
        x = tg.tensor([1.0, -2.0], requires_grad=True)
        call([x, [3.0, 4.0]]).sum().backward()
        assert x.grad.tolist() == [1.0, 0.0]


@pytest.mark.any_python
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_float_takes_the_dtype_of_the_floats_beside_it(dtype):
    x = tg.tensor(np.array([[1.0, 2.0]], dtype))
    for call in (F.gaussian_nll_loss, tg.jit(F.gaussian_nll_loss)):
        found = call(x, x * 0.5, 0.1)
        assert found.dtype == dtype and found.item() == call(x, x * 0.5, np.array(0.1, dtype)).item()
    assert F.gaussian_nll_loss([1.0], [2.0], 0.1).dtype == "float32"
