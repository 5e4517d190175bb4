"""NumPy's ufuncs of tensors, and their methods: in the graph, with NumPy's values."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.frontend.numpy_protocol.calls import FLAT_IN_THE_SECOND, PLATEAUS, operands_of
from tests.frontend.numpy_protocol.inputs import UFUNC, M, V, X, Y, check
from tinygrad_cv.frontend.numpy_protocol.dispatch import UFUNCS

quick = pytest.mark.quick


@pytest.mark.parametrize("name", UFUNCS)
def test_ufuncs_stay_in_the_graph(name):
    """conventions.md: np.exp(t) of a tensor that requires grad goes into the graph"""
    if name not in UFUNC:
        pytest.skip("this NumPy is older than the function")
    ufunc = UFUNC[name]
    arrays = operands_of(name)
    if name in FLAT_IN_THE_SECOND:
        check(lambda x: ufunc(x, arrays[1]), arrays[0])
        return
    if name in PLATEAUS:
        leaves = [tg.tensor(a, requires_grad=True) for a in arrays]
        for y, e in zip(*([r] if ufunc.nout == 1 else r for r in (ufunc(*leaves), ufunc(*arrays))), strict=True):
            np.testing.assert_allclose(y.numpy(), e, 1e-15)
        return
    check(ufunc, *arrays)
    if ufunc.nin == 2:
        check(lambda a: ufunc(a, arrays[1]), arrays[0])
        check(lambda b: ufunc(arrays[0], b), arrays[1])
    if ufunc.signature is None and ufunc(*arrays).dtype.kind == "f":
        masked = ufunc(*(tg.tensor(a, requires_grad=True) for a in arrays), where=M)
        np.testing.assert_allclose(masked.numpy()[M], ufunc(*arrays)[M], 1e-13)
        masked.sum().backward()
        assert not masked.numpy()[~M].any()


@quick
def test_where_keeps_what_is_left_out_from_the_gradient():
    t = tg.tensor([-1.0, 4.0], requires_grad=True)
    np.sqrt(t, where=t.detach() > 0).sum().backward()
    assert t.grad.tolist() == [0.0, 0.25]
    assert np.exp(t, where=[True, False]).tolist() == [pytest.approx(math.exp(-1)), 0.0]
    assert np.add(tg.tensor([1.0]), 1.0, dtype="float64").dtype == np.float64


@quick
@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.add.reduce(x),
        lambda x: np.add.reduce(x, 1, keepdims=True),
        lambda x: np.add.reduce(x, axis=None),
        lambda x: np.multiply.reduce(x, axis=1),
        lambda x: np.maximum.reduce(x, axis=1, initial=0.5),
        lambda x: np.minimum.reduce(x),
        lambda x: np.add.accumulate(x, axis=1),
        lambda x: np.multiply.accumulate(x),
        lambda x: np.multiply.outer(x, V),
        lambda x: np.subtract.outer(V, x),
    ],
)
def test_methods_of_ufuncs(call):
    check(call, X)


@quick
@pytest.mark.parametrize("name", ["divmod", "modf"])
def test_where_holds_for_both_results(name):
    ufunc = UFUNC[name]
    arrays = [X * 3, Y][: ufunc.nin]
    found, wanted = ufunc(*map(tg.tensor, arrays), where=M), ufunc(*arrays)
    for y, e in zip(found, wanted, strict=True):
        np.testing.assert_allclose(y.numpy(), np.where(M, e, 0.0), 1e-15)  # NumPy leaves the rest undefined


@quick
def test_casting_is_numpys():
    for ufunc, others in ((np.multiply, (2.5,)), (np.add, (Y,)), (np.sqrt, ())):
        integers = np.array([[3, 5, 1], [1, 2, 3]])
        for x in (integers, tg.tensor(integers)):
            with pytest.raises(TypeError, match="Cannot cast"):
                ufunc(x, *others, casting="no", dtype=np.float64)
    with pytest.raises(tg.GraphError, match=r"np\.multiply has no derivative"):
        np.multiply(tg.tensor(X, requires_grad=True), 2.0, casting="no")
