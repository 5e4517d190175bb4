"""NumPy's and other libraries' arrays as arguments of jitted functions: tensors that belong to the caller."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.forms import ARRAYS, Lent, Wrapped, outcome
from tinygrad_cv import nn

pytestmark = [pytest.mark.usefixtures("on_numpy"), pytest.mark.any_python]

X = np.float32([[1.0, 2.0], [3.0, 4.0]])

# in eager code each makes a tensor of its own from an array
SAME_VALUES = {
    "asarray": tg.asarray,
    "dropout of nothing": lambda x: F.dropout(x, 0.0),
    "dropout at test time": lambda x: F.dropout(x, training=False),
    "Identity": nn.Identity(),
    "Dropout": nn.Dropout(0.5).eval(),
    "Sequential": nn.Sequential(nn.Identity(), nn.Dropout(0.0)),
    "tensor": tg.tensor,
    "keyword": lambda x: F.dropout(input=x, p=0.0),
}


def add(y):
    y += 10.0


def put(y):
    y[0] = 10.0


def assign(y):
    y.assign(y + 10.0)


@pytest.mark.parametrize("change", [add, put, assign])
@pytest.mark.parametrize("name", SAME_VALUES)
def test_what_a_function_makes_of_an_array_is_a_tensor_of_its_own(name, change):
    def function(x):
        y = SAME_VALUES[name](x)
        change(y)
        return tg.asarray(x) + 2.0 * y

    x = X.copy()
    expected = function(x)
    np.testing.assert_array_equal(tg.jit(function)(x).numpy(), expected.numpy())
    np.testing.assert_array_equal(tg.jit(lambda: function(x))().numpy(), expected.numpy())
    np.testing.assert_array_equal(x, X)


@pytest.mark.parametrize("change", [add, put, assign])
@pytest.mark.parametrize("form", ARRAYS)
def test_an_array_that_would_have_to_be_changed_is_an_error_and_stays(form, change):
    """Eager code changes the array of its caller; compiled code would change a copy."""
    array = ARRAYS[form](X)
    inner = tg.jit(lambda x: change(x))
    for call in (inner, tg.jit(lambda x: inner(x))):
        with pytest.raises(tg.TraceError, match=r"inside a jitted function.*test_jit_arrays.py:\d+: .*tg\.tensor\("):
            call(array)
    with pytest.raises(tg.TraceError), tg.detect_anomaly():
        inner(array)
    np.testing.assert_array_equal(tg.asarray(array).numpy(), X)
    step = tg.jit(lambda x: change(x))
    tensor = tg.asarray(array)
    step(tensor)
    assert (tensor.numpy() != X).any()


@pytest.mark.parametrize("of", [Wrapped, Lent, np.ma.array, lambda x: pytest.importorskip("torch").from_numpy(x)])
def test_other_libraries_arrays_are_read_at_every_call(of):
    memory = X.copy()
    array = of(memory)
    as_argument, closed = tg.jit(lambda x: F.relu(x)), tg.jit(lambda: F.relu(array))
    for value in (1.0, -1.0, 5.0):
        memory[0, 0] = value
        assert as_argument(array).numpy()[0, 0] == closed().numpy()[0, 0] == max(value, 0.0)
    assert "1 trace>" in repr(as_argument)


def test_attributes_of_an_array_of_the_users_own_kind():
    for kind in (Wrapped, Lent, type("Sub", (np.ndarray,), {})):
        array = X.copy().view(kind) if issubclass(kind, np.ndarray) else kind(X.copy())
        array.scale = 2.0
        f = tg.jit(lambda array=array: F.relu(array) * array.scale)
        for scale in (2.0, 2.0, 3.0):
            array.scale = scale
            np.testing.assert_array_equal(f().numpy(), X * scale)


def test_a_tensor_of_another_library_that_requires_grad_is_looked_into():
    """No warning that it could not be; an argument like other objects."""
    torch = pytest.importorskip("torch")
    w = torch.tensor([2.0], requires_grad=True)
    f = tg.jit(lambda x: x * w.item())
    assert f(tg.ones(1)).item() == 2.0
    w.data[0] = 3.0
    assert f(tg.ones(1)).item() == 3.0
    wanted = outcome(lambda: F.relu(w))
    assert wanted[0] is tg.GraphError and outcome(lambda: tg.jit(F.relu)(w)) == wanted
