"""NumPy's functions of float16 tensors: as if computed exactly and rounded once, gradients too."""

from __future__ import annotations

import inspect
import itertools

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.frontend.numpy_protocol import calls as protocol
from tests.frontend.numpy_protocol.inputs import FOUND, UFUNC
from tests.functional.test_sixteen_bits import assert_rounded_once, narrow
from tinygrad_cv.frontend.numpy_protocol.dispatch import UFUNCS

OPERANDS = ("X", "Y", "V", "A3")  # of the calls there
ANOTHER_DTYPE = ("float_power", "astype")  # what they give is float64


@pytest.fixture(autouse=True)
def narrow_operands(monkeypatch):
    for name in OPERANDS:
        monkeypatch.setattr(protocol, name, narrow([getattr(protocol, name)])[0])


def value_and_gradients(call, arrays, dtype):
    xs = [tg.tensor(x.astype(dtype), requires_grad=True) for x in arrays]
    found = call(*xs)
    found = [y for y in (found if isinstance(found, (list, tuple)) else [found]) if y.dtype.kind == "f"]
    results = list(found)
    for y in found:
        if y.requires_grad:
            g = np.random.default_rng(3).uniform(0.5, 1.0, y.shape).astype(np.float16).astype(y.dtype)
            gradients = tg.grad([y], xs, [tg.tensor(g)], retain_graph=True, allow_unused=True)
            results += [g for g in gradients if g is not None]
    return [y.numpy() for y in results]


def assert_once(call, arrays, monkeypatch):
    narrow_ones = value_and_gradients(call, arrays, np.float16)
    for name in OPERANDS:
        monkeypatch.setattr(protocol, name, getattr(protocol, name).astype(np.float64))
    with np.errstate(all="ignore"):
        wide_ones = value_and_gradients(call, arrays, np.float64)
    for found, wanted in zip(narrow_ones, wide_ones, strict=True):
        assert_rounded_once(found, wanted)


@pytest.mark.parametrize("name", [name for name in UFUNCS if name not in ANOTHER_DTYPE])
def test_ufuncs(name, monkeypatch):
    if name not in UFUNC:
        pytest.skip("this NumPy is older than the function")
    arrays = protocol.operands_of(name)
    ufunc = UFUNC[name]
    assert_once(ufunc, arrays, monkeypatch)
    if ufunc.nin == 1 and ufunc.nout == 1:
        assert_once(lambda x: ufunc(x, where=protocol.M), arrays, monkeypatch)


@pytest.mark.parametrize("name", [name for name in protocol.CALLS if name not in ANOTHER_DTYPE])
def test_functions(name, monkeypatch):
    if name not in FOUND:
        pytest.skip("this NumPy is older than the function")
    calls = [call for call in protocol.CALLS[name] if "dtype=" not in inspect.getsource(call)]
    for call, seed in itertools.product(calls, range(6)):  # one array may be lucky
        x = narrow([np.random.default_rng(seed).uniform(0.05, 0.95, protocol.X.shape)])[0]
        with monkeypatch.context() as patch:
            assert_once(lambda x, call=call: call(FOUND[name], x), [x], patch)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_dtype_that_is_asked_for_is_computed_in(dtype):
    x = narrow([np.random.default_rng(0).normal(size=(3, 300))])[0]
    for call in (
        lambda x: np.sum(x, dtype=dtype),
        lambda x: np.mean(x, 1, dtype),
        lambda x: np.var(x, dtype=dtype),
        lambda x: np.cumsum(x, 1, dtype),
        lambda x: np.add.reduce(x, 1, dtype),
        lambda x: np.multiply(x, x, dtype=dtype),
    ):
        found, wanted = call(tg.tensor(x)), call(x)
        assert found.dtype == wanted.dtype == dtype
        np.testing.assert_allclose(found.numpy(), wanted, 1e-4, 1e-6)
