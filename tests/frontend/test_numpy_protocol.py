"""NumPy's functions and ufuncs of tensors: in the graph, without a gradient to lose, or refused by name."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv.frontend.numpy_functions import FUNCTIONS
from tinygrad_cv.frontend.numpy_protocol import MOVES, UFUNCS, WITHOUT_GRADIENT, name_of

quick = pytest.mark.quick

X = np.array([[0.5, 0.75, 0.25], [0.125, 0.375, 0.625]])
Y = np.array([[1.5, 0.5, 2.5], [0.25, 3.0, 1.0]])
M = np.array([[True, False, True], [True, True, False]])
V = Y[0]
A3 = np.random.default_rng(0).uniform(0.5, 2.0, (2, 3, 4))


ROOMS = (np, np.linalg, np.fft)
OURS = [getattr(room, name) for room in ROOMS for name in dir(room) if hasattr(getattr(room, name), "_implementation")]
FOUND = {name_of(function): function for function in OURS}
UFUNC = {f.__name__: f for f in vars(np).values() if isinstance(f, np.ufunc)}


def check(call, *arrays):
    """The value is NumPy's, and the gradient is what differences of NumPy's values say."""
    leaves = [tg.tensor(a, requires_grad=True) for a in arrays]
    ours, expected = call(*leaves), call(*arrays)
    if not isinstance(expected, (list, tuple)):
        ours, expected = [ours], [expected]
    assert len(ours) == len(expected)
    rng = np.random.default_rng(1)
    total, weights = 0.0, []
    for y, e in zip(ours, expected, strict=True):
        assert isinstance(y, tg.Tensor) and y.shape == np.shape(e), (y, e)
        np.testing.assert_allclose(y.numpy(), e, 1e-13, 1e-14)
        weights.append(rng.uniform(0.5, 1.5, np.shape(e)))
        if y.dtype.kind == "f":
            assert y.requires_grad
            total = total + (y * weights[-1]).sum()
    if isinstance(total, float):
        return
    total.backward()

    def value(*at):
        found = call(*at)
        found = found if isinstance(found, (list, tuple)) else [found]
        return sum(float(np.sum(w * f)) for w, f in zip(weights, found, strict=True))

    for i, (a, leaf) in enumerate(zip(arrays, leaves, strict=True)):
        step = 1e-6 * rng.uniform(0.5, 1.0, a.shape)
        around = [value(*(b + s * step if j == i else b for j, b in enumerate(arrays))) for s in (1, -1)]
        grad = np.zeros_like(a) if leaf.grad is None else leaf.grad.numpy()
        assert math.isclose((around[0] - around[1]) / 2, float((grad * step).sum()), rel_tol=1e-5, abs_tol=1e-9)


# ---------------------------------------------------------------- ufuncs

PLATEAUS = {"sign", "floor", "floor_divide", "divmod", "modf"}


def operands_of(name):
    """What a ufunc is called with."""
    products = {"matmul": [X, Y.T.copy()], "matvec": [X, V], "vecmat": [V, Y.T.copy()]}
    return products.get(name, [X, Y][: UFUNC[name].nin])


@pytest.mark.parametrize("name", UFUNCS)
def test_ufuncs_stay_in_the_graph(name):
    """conventions.md: np.exp(t) of a tensor that requires grad goes into the graph"""
    if name not in UFUNC:
        pytest.skip("this NumPy is older than the function")
    ufunc = UFUNC[name]
    arrays = operands_of(name)
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
def test_not_a_number_is_left_out():
    holes = np.where(M, X, np.nan)
    for function in (np.nansum, np.nanprod, np.nanmean, np.nanvar, np.nanstd):
        t = tg.tensor(holes, requires_grad=True)
        y = function(t, axis=1)
        np.testing.assert_allclose(y, function(holes, axis=1), 1e-13)
        y.sum().backward()
        assert np.isfinite(t.grad).all() and not t.grad.numpy()[~M].any()


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
        lambda x: np.multiply.outer(x, V),
        lambda x: np.subtract.outer(V, x),
    ],
)
def test_methods_of_ufuncs(call):
    check(call, X)


# ---------------------------------------------------------------- functions

CALLS = {
    "sum": [lambda f, x: f(x), lambda f, x: f(x, 1, keepdims=True), lambda f, x: f(x, where=M, initial=2.0)],
    "prod": [lambda f, x: f(x), lambda f, x: f(x, axis=0), lambda f, x: f(x, 1, where=M, initial=3.0)],
    "mean": [lambda f, x: f(x), lambda f, x: f(x, axis=(0, 1)), lambda f, x: f(x, axis=1, where=M)],
    "var": [lambda f, x: f(x), lambda f, x: f(x, axis=1, ddof=1), lambda f, x: f(x, 1, where=M, keepdims=True)],
    "std": [lambda f, x: f(x), lambda f, x: f(x, axis=1, ddof=1), lambda f, x: f(x, 1, where=M)],
    "max": [lambda f, x: f(x), lambda f, x: f(x, axis=1, where=M, initial=-1.0), lambda f, x: f(x, 0, initial=0.3)],
    "amax": [lambda f, x: f(x, 0)],
    "min": [lambda f, x: f(x), lambda f, x: f(x, 1, keepdims=True), lambda f, x: f(x, where=M, initial=9.0)],
    "amin": [lambda f, x: f(x, 0)],
    "any": [lambda f, x: f(x > 0.3), lambda f, x: f(x > 0.7, axis=0, where=M)],
    "all": [lambda f, x: f(x > 0.3), lambda f, x: f(x > 0.3, axis=0, where=M)],
    "argmax": [lambda f, x: f(x), lambda f, x: f(x, axis=1, keepdims=True)],
    "argmin": [lambda f, x: f(x), lambda f, x: f(x, 1)],
    "cumsum": [lambda f, x: f(x), lambda f, x: f(x, axis=1), lambda f, x: f(x, 0, dtype="float64")],
    "average": [lambda f, x: f(x), lambda f, x: f(x, axis=1, weights=V), lambda f, x: f(x, weights=Y)],
    "ptp": [lambda f, x: f(x), lambda f, x: f(x, axis=1)],
    "nansum": [lambda f, x: f(x, axis=0)],
    "nanprod": [lambda f, x: f(x)],
    "nanmean": [lambda f, x: f(x, axis=1, keepdims=True), lambda f, x: f(x, where=M)],
    "nanvar": [lambda f, x: f(x, axis=1), lambda f, x: f(x, ddof=1)],
    "nanstd": [lambda f, x: f(x, axis=1, keepdims=True)],
    "cumulative_sum": [lambda f, x: f(x, axis=1)],
    "median": [lambda f, x: f(x), lambda f, x: f(x, axis=0), lambda f, x: f(x, 1, keepdims=True)],
    "clip": [lambda f, x: f(x, 0.3, 0.7), lambda f, x: f(x, None, 0.45), lambda f, x: f(x, a_min=0.3, a_max=None)],
    "where": [lambda f, x: f(x > 0.3, x, 0.0), lambda f, x: f(M, 0.0, x)],
    "nan_to_num": [
        lambda f, x: f(x),
        lambda f, x: f(x / M, nan=3.0, posinf=2.0) if isinstance(x, tg.Tensor) else f(np.where(M, x, 2.0)),
    ],
    "reshape": [
        lambda f, x: f(x, (3, 2)),
        lambda f, x: f(x, -1),
        lambda f, x: f(x, shape=(6,)),
        lambda f, x: f(x, 6, order="C"),
    ],
    "transpose": [lambda f, x: f(x), lambda f, x: f(x, (1, 0)), lambda f, x: f(x, axes=(1, 0))],
    "matrix_transpose": [lambda f, x: f(x)],
    "linalg.matrix_transpose": [lambda f, x: f(x)],
    "squeeze": [lambda f, x: f(x[:1]), lambda f, x: f(x[:1], axis=0)],
    "expand_dims": [lambda f, x: f(x, 1), lambda f, x: f(x, axis=(0, 2))],
    "swapaxes": [lambda f, x: f(x, 0, 1), lambda f, x: f(x, axis1=0, axis2=1), lambda f, x: f(a=x, axis1=1, axis2=0)],
    "moveaxis": [lambda f, x: f(x, 0, -1), lambda f, x: f(x, source=0, destination=1)],
    "ravel": [lambda f, x: f(x), lambda f, x: f(x, order="C")],
    "flip": [lambda f, x: f(x), lambda f, x: f(x, axis=1)],
    "broadcast_to": [lambda f, x: f(x, (4, 2, 3)), lambda f, x: f(x, shape=(1, 2, 3))],
    "take_along_axis": [
        lambda f, x: f(x, np.array([[0], [2]]), 1),
        lambda f, x: f(x, indices=np.array([[0], [1]]), axis=1),
    ],
    "take": [lambda f, x: f(x, [0, 0, 5]), lambda f, x: f(x, np.array([[2, 0]]), axis=1), lambda f, x: f(x, 1, 0)],
    "repeat": [
        lambda f, x: f(x, 2),
        lambda f, x: f(x, 2, axis=1),
        lambda f, x: f(x, [1, 2, 0], axis=1),
        lambda f, x: f(x, repeats=3, axis=0),
    ],
    "split": [lambda f, x: f(x, 3, axis=1), lambda f, x: f(x, [1], 1)],
    "diff": [lambda f, x: f(x), lambda f, x: f(x, axis=0), lambda f, x: f(x, n=2)],
    "sort": [lambda f, x: f(x), lambda f, x: f(x, axis=0), lambda f, x: f(x, None)],
    "astype": [lambda f, x: f(x, np.float64), lambda f, x: f(x, "float64", copy=True)],
    "copy": [lambda f, x: f(x)],
    "real": [lambda f, x: f(x)],
    "concatenate": [lambda f, x: f([x, x]), lambda f, x: f((x, X), axis=1), lambda f, x: f((x, Y), axis=None)],
    "stack": [lambda f, x: f([x, x]), lambda f, x: f([x, X], axis=1)],
    "einsum": [
        lambda f, x: f("ij,kj->ik", x, Y),
        lambda f, x: f(x, [0, 1], Y, [2, 1], [0, 2]),
        lambda f, x: f(x, [0, 1], Y, [0, 1]),
        lambda f, x: f(x, [..., 0], V, [0], [...]),
        lambda f, x: f("ij,kj", x, Y, optimize=True),
    ],
    "dot": [
        lambda f, x: f(x, Y.T),
        lambda f, x: f(x, 2.0),
        lambda f, x: (
            f(A3, x.T[:, 0:1].reshape(3)[:0].sum() + x.T @ x[:, :1] if False else A3[0].T)
            if not isinstance(x, tg.Tensor) and False
            else f(x, V)
        ),
    ],
    "inner": [lambda f, x: f(x, Y), lambda f, x: f(x, V)],
    "vdot": [lambda f, x: f(x, Y)],
    "outer": [lambda f, x: f(x, V), lambda f, x: f(V, x)],
    "tensordot": [
        lambda f, x: f(x, A3, ([0, 1], [0, 1])),
        lambda f, x: f(x, Y),
        lambda f, x: f(x, A3, axes=(1, 1)),
        lambda f, x: f(x, Y, 0),
    ],
    "trace": [lambda f, x: f(x), lambda f, x: f(x, offset=1), lambda f, x: f(x, 0, 1, 0)],
    "linalg.norm": [
        lambda f, x: f(x),
        lambda f, x: f(x, axis=1),
        lambda f, x: f(x, 1, axis=0),
        lambda f, x: f(x, ord="fro"),
        lambda f, x: f(x, np.inf, 1, True),
        lambda f, x: f(x, 3, 1),
    ],
    "linalg.vector_norm": [
        lambda f, x: f(x),
        lambda f, x: f(x, axis=1, ord=1, keepdims=True),
        lambda f, x: f(x, ord=-np.inf),
    ],
    "linalg.matrix_norm": [lambda f, x: f(x), lambda f, x: f(x, keepdims=True, ord="fro")],
    "linalg.matmul": [lambda f, x: f(x, Y.T)],
    "linalg.outer": [lambda f, x: f(x[0], V)],
    "linalg.tensordot": [lambda f, x: f(x, Y, axes=2)],
    "linalg.vecdot": [lambda f, x: f(x, Y), lambda f, x: f(x, Y, axis=0)],
    "linalg.trace": [lambda f, x: f(x), lambda f, x: f(x, offset=1)],
    "linalg.multi_dot": [lambda f, x: f([x, Y.T, X])],
    # what only moves elements
    "append": [lambda f, x: f(x, Y), lambda f, x: f(x, Y, axis=1)],
    "flipud": [lambda f, x: f(x)],
    "fliplr": [lambda f, x: f(m=x)],
    "rot90": [lambda f, x: f(x), lambda f, x: f(x, k=2)],
    "roll": [lambda f, x: f(x, 1), lambda f, x: f(x, shift=2, axis=1)],
    "rollaxis": [lambda f, x: f(x, 1)],
    "tile": [lambda f, x: f(x, (2, 2)), lambda f, x: f(A=x, reps=2)],
    "delete": [lambda f, x: f(x, 1, axis=1)],
    "compress": [lambda f, x: f([True, False], x, axis=0)],
    "extract": [lambda f, x: f(M, x)],
    "diagonal": [lambda f, x: f(x), lambda f, x: f(x, offset=1)],
    "linalg.diagonal": [lambda f, x: f(x)],
    "diag": [lambda f, x: f(x), lambda f, x: f(x[0], k=1)],
    "diagflat": [lambda f, x: f(x)],
    "tril": [lambda f, x: f(x), lambda f, x: f(x, k=-1)],
    "triu": [lambda f, x: f(x)],
    "resize": [lambda f, x: f(x, (3, 3))],
    "unstack": [lambda f, x: f(x, axis=1)],
    "array_split": [lambda f, x: f(x, 2, axis=1)],
    "hsplit": [lambda f, x: f(x, 3)],
    "vsplit": [lambda f, x: f(x, 2)],
    "dsplit": [lambda f, x: f(x[..., None], 1)],
    "pad": [
        lambda f, x: f(x, 1),
        lambda f, x: f(x, ((1, 0), (0, 2))),
        lambda f, x: f(x, 1, mode="reflect"),
        lambda f, x: f(x, 2, "edge"),
    ],
    "fft.fftshift": [lambda f, x: f(x)],
    "fft.ifftshift": [lambda f, x: f(x, axes=1)],
    "atleast_1d": [lambda f, x: f(x[0, 0])],
    "atleast_2d": [lambda f, x: f(x[0])],
    "atleast_3d": [lambda f, x: f(x)],
    "broadcast_arrays": [lambda f, x: f(x, V)],
    "meshgrid": [lambda f, x: f(x[0], x[1]), lambda f, x: f(x[0], x[1], indexing="ij")],
    "hstack": [lambda f, x: f([x, Y])],
    "vstack": [lambda f, x: f((Y, x, x))],
    "dstack": [lambda f, x: f([x, Y])],
    "column_stack": [lambda f, x: f([x[0], V])],
    "block": [lambda f, x: f([[x, Y], [Y, x]])],
}
VALUES = {"shape", "ndim", "argmax", "argmin"}


@quick
def test_every_function_here_has_a_call():
    assert {*FUNCTIONS, *MOVES} == {*CALLS, "shape", "ndim"}


@pytest.mark.parametrize("name", CALLS)
def test_functions_stay_in_the_graph(name):
    if name not in FOUND:
        pytest.skip("this NumPy is older than the function")
    for call in CALLS[name]:
        check(lambda x, call=call: call(FOUND[name], x), X)


@quick
@pytest.mark.parametrize("name", CALLS)
def test_every_argument_may_be_given_as_it_would_be_anyway(name):
    """Signatures are NumPy's own: whatever they name is taken."""
    function = FOUND.get(name)
    if function is None:
        pytest.skip("this NumPy is older than the function")
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        pytest.skip("this NumPy does not say the signature")
    usual = {p.name: p.default for p in parameters if p.default is not p.empty and p.kind is not p.POSITIONAL_ONLY}

    def call(*args, **kwargs):
        try:
            return function(*args, **{**usual, **kwargs})
        except TypeError as error:  # it was given by its place; NumPy takes it once
            assert "multiple values" in str(error)
            return function(*args, **kwargs)

    ours, expected = CALLS[name][0](call, tg.tensor(X, requires_grad=True)), CALLS[name][0](function, X)
    for y, e in zip(*((r if isinstance(r, (list, tuple)) else [r]) for r in (ours, expected)), strict=True):
        np.testing.assert_allclose(y, e, 1e-13, 1e-14)


# ---------------------------------------------------------------- without a gradient, and refused


def samples(name):
    """Some arguments for a function that has no counterpart here; None where it takes no arrays of numbers."""
    more = {
        "searchsorted": (0.4,),
        "isin": ([0.5],),
        "digitize": ([0.3, 0.6],),
        "argpartition": (1,),
        "full_like": (3,),
    }
    pairs = ("allclose", "isclose", "array_equal", "array_equiv", "result_type", "may_share_memory", "shares_memory")
    first = X[0] if name in ("searchsorted", "histogramdd") else X
    return (first, *more.get(name, (X,) if name in pairs else ()))


@quick
@pytest.mark.filterwarnings("ignore:numpy.* is deprecated:DeprecationWarning")  # some are, in newer releases
@pytest.mark.parametrize("name", sorted(WITHOUT_GRADIENT & ({*FOUND} | {*UFUNC})))
def test_what_loses_no_gradient_just_works(name, tmp_path):
    function = FOUND.get(name) or UFUNC[name]
    if name in ("save", "savez", "savez_compressed", "savetxt"):
        function(tmp_path / "file", tg.tensor(X, requires_grad=True))
        return
    integers = np.array([3, 5, 1])
    args = samples(name)
    if name in ("histogram2d",):
        args = (X[0], X[1])
    if name in ("bincount", "unravel_index", "can_cast", "packbits", "unpackbits", "ravel_multi_index", "einsum_path"):
        args = {"unravel_index": (integers, (2, 3)), "can_cast": (np.float32, np.float64)}.get(
            name, (integers.astype(np.uint8),)
        )
        if name in ("ravel_multi_index", "einsum_path"):
            args = ((integers, integers), (6, 6)) if name == "ravel_multi_index" else ("ij,ij", X, X)
        function(*(tg.tensor(a) if isinstance(a, np.ndarray) else a for a in args))
        return
    if name in ("tril_indices_from", "triu_indices_from", "diag_indices_from"):
        args = (X[:, :2],)
    if name in UFUNC:
        try:
            UFUNC[name](*(X,) * UFUNC[name].nin)
        except TypeError:  # of integers alone, which have no gradient
            args = (integers,) * UFUNC[name].nin
        else:
            args = (X,) * UFUNC[name].nin
    leaves = [tg.tensor(a, requires_grad=a.dtype.kind == "f") if isinstance(a, np.ndarray) else a for a in args]
    found, expected = function(*leaves), function(*args)
    for y, e in zip(*((r if isinstance(r, (list, tuple)) else [r]) for r in (found, expected)), strict=True):
        if name not in ("empty_like", "may_share_memory", "shares_memory") and not isinstance(e, (str, np.dtype)):
            np.testing.assert_array_equal(y, e)
        assert not getattr(y, "requires_grad", False)


@quick
def test_numpys_testing_just_works():
    t = tg.tensor(X, requires_grad=True)
    np.testing.assert_allclose(t, X)
    np.testing.assert_array_equal(X, t * 1)
    np.testing.assert_almost_equal(t, X)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(t, X + 1)


OTHERS = sorted({*FOUND} - {*FUNCTIONS} - {*MOVES} - WITHOUT_GRADIENT)


@quick
@pytest.mark.parametrize("name", [*OTHERS, *sorted({*UFUNC} - {*UFUNCS} - WITHOUT_GRADIENT)])
def test_the_rest_refuses_by_name_and_never_drops_a_gradient(name):
    function, leaf = FOUND.get(name) or UFUNC[name], tg.tensor(X, requires_grad=True)
    own = {
        "apply_over_axes": (np.sum, leaf, [0]),
        "apply_along_axis": (np.sum, 0, leaf),
        "piecewise": (leaf, [M], [1.0]),
        "polyfit": (V, leaf[0], 1),
        "put_along_axis": (leaf, np.array([[0], [1]]), 1.0, 1),
        "select": ([M], [leaf]),
        "choose": (M.astype(int), [leaf, leaf]),
        "linalg.lstsq": (leaf, V[:2]),
    }
    for args in [own[name]] if name in own else [(leaf,), (leaf, leaf), (leaf, 1), (leaf, leaf, leaf)]:
        try:
            result = function(*args)
        except tg.GraphError as error:
            assert f"np.{name} has no derivative here" in str(error) and ".detach()" in str(error)
            return
        except TypeError as error:  # of its signature
            assert "argument" in str(error) or "ufunc" in str(error)
        else:
            pytest.fail(f"np.{name} gave {result!r}")
    assert name in ("datetime_as_string", "busday_count", "is_busday", "busday_offset"), "refused only by its signature"


@quick
@pytest.mark.parametrize(
    "call, message",
    [
        (lambda t: np.linalg.norm(t, 2), r"np\.linalg\.norm with ord=2 of a matrix has no derivative"),
        (lambda t: np.trace(t, dtype="float32"), r"np\.trace with dtype= has no derivative"),
        (lambda t: np.add.at(t, 0, 1.0), r"np\.add\.at"),
        (lambda t: np.add.reduceat(t, [0]), r"np\.add\.reduceat"),
        (lambda t: np.reshape(t, (3, 2), order="F"), r"np\.reshape with order="),
        (lambda t: np.arctan2(t, t), r"np\.arctan2 has no derivative"),
    ],
)
def test_arguments_that_have_no_derivative_are_named(call, message):
    with pytest.raises(tg.GraphError, match=message):
        call(tg.tensor(X, requires_grad=True))
    with tg.no_grad(), pytest.raises(tg.GraphError):
        call(tg.tensor(X, requires_grad=True))


@quick
@pytest.mark.parametrize("requires_grad", [False, True])
@pytest.mark.parametrize(
    "call",
    [
        lambda t, out: np.exp(t, out=out),
        lambda t, out: np.exp(t, out=(out,)),
        lambda t, out: np.exp(t, out),
        lambda t, out: np.add(t, 1.0, out=out),
        lambda t, out: np.arctan(t, out=out),
        lambda t, out: np.modf(t, out=(out, None)),
        lambda t, out: np.add.accumulate(t, out=out),
        lambda t, out: np.cumsum(t, 0, out=out),
        lambda t, out: np.clip(t, 0, 1, out=out),
        lambda t, out: np.concatenate([t[:1], t[1:]], out=out),
        lambda t, out: np.add.reduce(t, out=out[0]),
        lambda t, out: np.sum(t, axis=0, out=out[0]),
    ],
)
def test_a_result_is_never_written_into_an_array(call, requires_grad):
    out = np.full(X.shape, -1.0)
    with pytest.raises(
        tg.GraphError, match=r"^np\.\w+ with out= an array: the result is a tensor and cannot be written"
    ):
        call(tg.tensor(X, requires_grad=requires_grad), out)
    assert (out == -1.0).all()


@quick
@pytest.mark.parametrize("name", ["divmod", "modf"])
def test_where_holds_for_both_results(name):
    ufunc = UFUNC[name]
    arrays = [X * 3, Y][: ufunc.nin]
    found, wanted = ufunc(*map(tg.tensor, arrays), where=M), ufunc(*arrays)
    for y, e in zip(found, wanted, strict=True):
        np.testing.assert_allclose(y.numpy(), np.where(M, e, 0.0), 1e-15)  # NumPy leaves the rest undefined


@quick
@pytest.mark.parametrize("name", [name for name in CALLS if name in FOUND])
def test_a_dtype_that_is_asked_for(name):
    """Of every function that takes one: NumPy's dtype, and its numbers, which float32 would round."""
    function = FOUND[name]
    try:
        parameters = inspect.signature(function).parameters
    except ValueError:
        pytest.skip("this NumPy does not say the signature")
    x = (1.0 + X / 3).astype(np.float32)
    if name == "astype" or "dtype" not in parameters:
        return
    many, options = (
        name in ("concatenate", "stack", "hstack", "vstack"),
        {"axis": 0} if name == "cumulative_sum" else {},
    )
    found = function([tg.tensor(x), x] if many else tg.tensor(x), dtype=np.float64, **options)
    wide = x.astype(np.float64)  # NumPy computes nanvar in float32 whatever it is asked for
    wanted = function([wide, wide] if many else wide, **options)
    assert found.dtype == wanted.dtype == np.float64
    np.testing.assert_allclose(found, wanted, 1e-14)


@quick
def test_degrees_of_freedom_by_both_names():
    for function in (np.var, np.std, np.nanvar, np.nanstd):
        for options in ({"ddof": 1}, {"correction": 1}, {"correction": 1, "axis": 1}):
            if set(options) <= set(inspect.signature(function).parameters):
                for more in (options, {**options, "where": M}):
                    found = function(tg.tensor(X, requires_grad=True), **more)
                    assert found.requires_grad
                    np.testing.assert_allclose(found.numpy(), function(X, **more), 1e-13)


@quick
@pytest.mark.parametrize("function", [np.max, np.min, np.amax, np.amin])
def test_an_extremum_of_some_elements_needs_a_start(function):
    for x in (X, tg.tensor(X), tg.tensor(X, requires_grad=True)):
        with pytest.raises(ValueError, match="initial"):
            function(x, where=M)


@quick
def test_casting_is_numpys():
    for ufunc, others in ((np.multiply, (2.5,)), (np.add, (Y,)), (np.sqrt, ())):
        integers = np.array([[3, 5, 1], [1, 2, 3]])
        for x in (integers, tg.tensor(integers)):
            with pytest.raises(TypeError, match="Cannot cast"):
                ufunc(x, *others, casting="no", dtype=np.float64)
    with pytest.raises(tg.GraphError, match=r"np\.multiply has no derivative"):
        np.multiply(tg.tensor(X, requires_grad=True), 2.0, casting="no")


@quick
@pytest.mark.parametrize("name", sorted({*OTHERS} | {*UFUNC} - {*UFUNCS} - WITHOUT_GRADIENT))
def test_a_tensor_by_its_name_is_refused_too(name):
    """NumPy's own names for the arguments, all of them tensors that require grad."""
    function, leaf = FOUND.get(name) or UFUNC[name], tg.tensor(X, requires_grad=True)
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        return  # ufuncs take their operands by place
    keys = [p.name for p in parameters if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    if keys:
        with pytest.raises((tg.GraphError, TypeError)):
            function(**dict.fromkeys(keys, leaf))


@quick
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted({*OTHERS} | {*UFUNC} - {*UFUNCS} - WITHOUT_GRADIENT))
def test_what_gives_no_floats_is_never_refused(name):
    """Found by calling NumPy: what gives truths, places and counts of an array of floats has no gradient to lose."""
    function, samples = FOUND.get(name) or UFUNC[name], ((X,), (X, X), (X, 1), (V, V), (V, 0.4))
    for args in samples:
        try:
            results = function(*map(np.copy, args))  # some write into their arguments
        except Exception:
            continue
        results = results if isinstance(results, (tuple, list)) else (results,)
        kinds = {np.asarray(result).dtype.kind for result in results}
        assert not kinds <= set("biu"), (name, len(args))


@quick
def test_without_a_gradient_numpy_does_it():
    t = tg.tensor(X)
    for call in (
        lambda x: np.arcsinh(x),
        lambda x: np.linalg.svd(x)[1],
        lambda x: np.percentile(x, 30),
        lambda x: np.fft.fft(x),
    ):
        np.testing.assert_allclose(call(t), call(X))
    assert isinstance(np.arcsinh(t), tg.Tensor) and isinstance(np.fft.fft(t), np.ndarray)


@quick
@pytest.mark.parametrize("name", ["zeros_like", "ones_like", "full_like", "empty_like", "size", "shape", "ndim"])
def test_what_asks_for_the_shape_alone_is_compiled(name):
    more = (3.0,) if name == "full_like" else ()
    function = getattr(np, name)
    found, wanted = tg.jit(lambda x: function(x * 2.0, *more))(tg.tensor(X)), function(X, *more)
    assert np.shape(found) == np.shape(wanted)
    if name != "empty_like":
        np.testing.assert_array_equal(found, wanted)
    for dtype in (np.float32, np.int64):
        if name.endswith("_like"):
            found = tg.jit(lambda x, dtype=dtype: function(x, *more, dtype=dtype))(tg.tensor(X))
            assert found.dtype == dtype and found.shape == X.shape


@quick
def test_compiled_alike():
    def f(x):
        return np.linalg.norm(np.pad(np.roll(x, 1, axis=1), 1), axis=0).sum() + np.exp(x, where=M).sum()

    x, again = (tg.tensor(X, requires_grad=True) for _ in range(2))
    tg.jit(f)(x).backward(), f(again).backward()
    np.testing.assert_allclose(x.grad.numpy(), again.grad.numpy(), 1e-12)
