"""What changes nothing copies where NumPy copies: a result that is then changed in place leaves its operand alone."""

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import nn
from tinygrad_cv.frontend.tensor import Tensor

pytestmark = pytest.mark.any_python

X = np.arange(1.0, 7.0).reshape(2, 3)
N = np.arange(6).reshape(2, 3)

# the call that leaves all values as they are; for tensors and, unless another is given, for NumPy
COPIES = {
    "+x": (lambda x: +x,),
    "x ** 1": (lambda x: x**1,),
    "x ** 1.0": (lambda x: x**1.0,),
    "x * 1": (lambda x: x * 1,),
    "x + 0": (lambda x: x + 0,),
    "x - 0": (lambda x: x - 0,),
    "x / 1": (lambda x: x / 1,),
    "x // 1": (lambda x: x // 1,),
    "abs": (abs,),
    "astype": (lambda x: x.astype(x.dtype),),
    "floor": (lambda x: x.floor(), np.floor),
    "sign": (lambda x: x.sign() * x, lambda x: np.sign(x) * x),
    "relu": (lambda x: x.relu(), lambda x: np.maximum(x, 0)),
    "maximum": (lambda x: x.maximum(x), lambda x: np.maximum(x, x)),
    "minimum": (lambda x: x.minimum(x), lambda x: np.minimum(x, x)),
    "clip": (lambda x: x.clip(0), lambda x: np.clip(x, 0, None)),
    "clip to nothing": (lambda x: x.clip(), lambda x: x.copy()),  # NumPy before 2.1 refuses it
    "where": (lambda x: (x == x).where(x, 0), lambda x: np.where(x == x, x, 0)),  # noqa: PLR0124
    "clone": (lambda x: x.clone(), lambda x: x.copy()),
    "sum over none": (lambda x: x.sum(()),),
    "prod over none": (lambda x: x.prod(()),),
    "max over none": (lambda x: x.max(()),),
    "min over none": (lambda x: x.min(()),),
    "mean over none": (lambda x: x.mean(()),),
    "sum over one": (lambda x: x.reshape(2, 3, 1).sum(-1),),
    "max over one": (lambda x: x.reshape(2, 3, 1).max(-1),),
    "min over one": (lambda x: x.reshape(2, 3, 1).min(-1),),
    "prod over one": (lambda x: x.reshape(2, 3, 1).prod(-1),),
    "mean over one": (lambda x: x.reshape(2, 3, 1).mean(-1),),
    "cumsum of one": (lambda x: x.reshape(2, 3, 1).cumsum(-1)[..., 0],),
    "pad by nothing": (lambda x: x.pad(((0, 0), (0, 0))), lambda x: np.pad(x, 0)),
    "roll by nothing": (lambda x: x.roll(0, 1), lambda x: np.roll(x, 0, 1)),
    "roll around": (lambda x: x.roll(3, 1), lambda x: np.roll(x, 3, 1)),
    "tile once": (lambda x: x.tile(1), lambda x: np.tile(x, 1)),
    "four quarter turns": (lambda x: x.rot90(4).clone(), lambda x: np.rot90(x, 4).copy()),
    "tril of all": (lambda x: x.tril(5), lambda x: np.tril(x, 5)),
    "sort": (lambda x: x.sort(), np.sort),
    "cumprod of one": (lambda x: x.reshape(2, 3, 1).cumprod(-1)[..., 0],
                         lambda x: np.cumprod(x.reshape(2, 3, 1), -1)[..., 0]),
    "round": (lambda x: x.round(), np.round),
    "masked_fill nowhere": (lambda x: x.masked_fill(x < 0, 9), lambda x: np.where(x < 0, 9, x)),
    "concatenate": (lambda x: tg.concatenate([x]), lambda x: np.concatenate([x])),
    "stack": (lambda x: tg.stack([x])[0], lambda x: np.stack([x])[0]),
    "repeat": (lambda x: x.repeat(1, 0),),
    "gather": (lambda x: x[[0, 1]],),
    "mask": (lambda x: x[np.ones((2, 3), bool)].reshape(2, 3),),
    "take_along_axis": (lambda x: x.take_along_axis(tg.tensor(N // 3 * 0 + np.arange(3)), 1),
                        lambda x: np.take_along_axis(x, N * 0 + np.arange(3), 1)),
    "einsum": (lambda x: tg.einsum("ij,->ij", x, 1), lambda x: np.einsum("ij,->ij", x, 1)),
    "matmul": (lambda x: x @ np.eye(3, dtype=x.dtype), lambda x: x @ np.eye(3, dtype=x.dtype)),
    "tensor": (tg.tensor, np.array),
    "np.positive": (np.positive,),
    "np.absolute": (np.absolute,),
    "np.copy": (np.copy,),
    "np.nan_to_num": (np.nan_to_num,),
    "np.clip": (lambda x: np.clip(x, 0, 99),),
    "np.maximum": (lambda x: np.maximum(x, x),),
    "np.where": (lambda x: np.where(x == x, x, 0),),  # noqa: PLR0124
    "np.concatenate": (lambda x: np.concatenate([x]),),
    "np.sum over none": (lambda x: np.sum(x, ()),),
    "np.repeat": (lambda x: np.repeat(x, 1, 0),),
    "np.round": (lambda x: np.round(x),),
    "np.sort": (lambda x: np.sort(x),),
    "np.full_like": (lambda x: np.zeros_like(x) + x,),
}  # fmt: skip
VIEWS = {  # NumPy's are views: they show what is written into either
    "reshape": (lambda x: x.reshape(2, 3),),
    "transpose": (lambda x: x.transpose(0, 1),),
    "swapaxes": (lambda x: x.swapaxes(0, 0),),
    "squeeze": (lambda x: x.squeeze(),),
    "slice": (lambda x: x[:],),
    "ellipsis": (lambda x: x[...],),
    "np.reshape": (lambda x: np.reshape(x, (2, 3)),),
    "np.transpose": (lambda x: np.transpose(x, (0, 1)),),
    "np.moveaxis": (lambda x: np.moveaxis(x, 0, 0),),
    "np.squeeze": (np.squeeze,),
    "np.real": (np.real,),
}


NO_GRADIENT = ("tensor", "floor", "sign", "x // 1", "np.round", "round")
ENDS_IN_A_VIEW = (
    "prod over none",
    "sum over one",
    "max over one",
    "prod over one",
    "cumsum of one",
    "cumprod of one",
    "stack",
    "mask",
)
CONTINUED = [name for name in COPIES if name not in (*NO_GRADIENT, *ENDS_IN_A_VIEW)]


def pair(name):
    ours, *numpys = {**COPIES, **VIEWS}[name]
    return ours, (numpys or [ours])[0]


@pytest.mark.parametrize("kind", [X, N], ids=["floats", "integers"])
@pytest.mark.parametrize("name", [*COPIES, *VIEWS])
def test_memory_is_shared_where_numpy_shares_it(name, kind):
    ours, numpys = pair(name)
    array, x = kind.copy(), tg.tensor(kind)
    expected, y = numpys(array), ours(x)
    np.testing.assert_array_equal(y.numpy(), kind)
    assert np.shares_memory(array, expected) == (name in VIEWS)
    y[0] = 9
    expected[0] = 9
    np.testing.assert_array_equal(x.numpy(), array)
    x[1] = 7
    array[1] = 7
    np.testing.assert_array_equal(y.numpy(), expected)
    if name in COPIES:
        assert y is not x
        y += y
        np.testing.assert_array_equal(x.numpy(), array)


def test_booleans_are_copied_too():
    b = tg.tensor([True, False])
    for change in (abs, np.absolute, np.copy, np.nan_to_num, Tensor.sign, Tensor.floor, Tensor.clone, Tensor.clip):
        y = change(b)
        y[0] = False
        assert b.tolist() == [True, False], change
    for y in (b.astype(bool), b | False, b & True, b.max(()), b.min(()), b.any(()), b.where(b, False), ~(~b)):
        y[0] = False
        assert b.tolist() == [True, False]


@pytest.mark.skipif(not hasattr(np, "astype"), reason="this NumPy is older than the function")
def test_numpys_astype_copies_unless_told_otherwise():
    x = tg.tensor(X)
    np.astype(x, np.float64)[0] = 9
    np.testing.assert_array_equal(x.numpy(), X)


def test_a_0_d_tensor_is_copied_too():
    x = tg.tensor(2.0)
    for y in (x.sum(), x.max(0), x.min(), x.mean(), x.prod(), x.logsumexp(), x**1, x.repeat(1, 0)[0]):
        y += 1.0
        assert x.item() == 2.0


@pytest.mark.parametrize("name", CONTINUED)
def test_the_gradient_goes_through_a_copy(name):
    """Also of what was changed afterwards, in the graph and in a compiled function; the operand keeps its value."""
    ours, _ = pair(name)

    def function(x):
        h = x * 2.0
        y = ours(h)
        y *= 3.0
        return (y.sum() + h.sum()), h

    for call in (function, tg.jit(function)):
        x = tg.tensor(X, requires_grad=True)
        total, h = call(x)
        assert total.item() == 8.0 * X.sum()
        np.testing.assert_array_equal(h.numpy(), 2.0 * X)
        total.backward()
        np.testing.assert_allclose(x.grad.numpy(), np.full(X.shape, 8.0))


def test_parameters_are_left_alone_by_what_was_computed_of_them():
    p = nn.Parameter(X)
    with tg.no_grad():
        for name, (ours, *_) in COPIES.items():
            y = ours(p)
            y[0] = 9
            np.testing.assert_array_equal(p.numpy(), X, err_msg=name)


def test_every_method_without_arguments_is_a_copy_or_a_view():
    """Of all public methods that can be called so: a result of the same values is never the tensor itself."""
    views = {
        "flatten",
        "ravel",
        "squeeze",
        "transpose",
        "expand",
        "detach",
        "flip",
        "reshape",
        "view",
        "flipud",
        "fliplr",
    }
    itself = {"requires_grad_", "retain_grad", "assign"}
    for name in dir(Tensor):
        method = getattr(Tensor, name)
        if name.startswith("_") or name in itself or not callable(method):
            continue
        x = tg.tensor(X[:1, 0])
        try:
            y = getattr(x, name)()
        except (TypeError, ValueError, RuntimeError):
            continue
        if isinstance(y, Tensor) and name not in views:
            assert y is not x and not np.shares_memory(y.value, x.value), name
