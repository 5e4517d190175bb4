"""NumPy's functions that are not in the graph: from values where no gradient is lost, else refused by name."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.frontend.numpy_protocol.inputs import FOUND, UFUNC, M, V, X
from tinygrad_cv.frontend.numpy_names import BY_VALUE, WRITING
from tinygrad_cv.frontend.numpy_protocol.dispatch import FUNCTIONS, MOVES, UFUNCS

any_python = pytest.mark.any_python

OTHERS = sorted({*FOUND} - {*FUNCTIONS} - {*MOVES} - {*BY_VALUE})
OTHER_UFUNCS = sorted({*UFUNC} - {*UFUNCS} - {*BY_VALUE})


def samples(name):
    """Some arguments for a function that has no counterpart here; None where it takes no arrays of numbers."""
    more = {
        "searchsorted": (0.4,),
        "isin": ([0.5],),
        "in1d": ([0.5],),
        "digitize": ([0.3, 0.6],),
        "argpartition": (1,),
        "full_like": (3,),
    }
    pairs = ("allclose", "isclose", "array_equal", "array_equiv", "result_type", "may_share_memory", "shares_memory")
    first = X[0] if name in ("searchsorted", "histogramdd") else X
    return (first, *more.get(name, (X,) if name in pairs else ()))


@any_python
@pytest.mark.filterwarnings("ignore:numpy.* is deprecated:DeprecationWarning")  # some are, in newer releases
@pytest.mark.parametrize("name", sorted({*BY_VALUE} & ({*FOUND} | {*UFUNC})))
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


@any_python
def test_numpys_testing_just_works():
    t = tg.tensor(X, requires_grad=True)
    np.testing.assert_allclose(t, X)
    np.testing.assert_array_equal(X, t * 1)
    np.testing.assert_almost_equal(t, X)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(t, X + 1)


@any_python
@pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")
@pytest.mark.parametrize("name", [*OTHERS, *OTHER_UFUNCS])
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
            says = f"np.{name} writes into" if name in WRITING else f"np.{name} has no derivative here"
            assert says in str(error) and ("x[index] = values" if name in WRITING else ".detach()") in str(error)
            return
        except TypeError as error:  # of its signature
            assert "argument" in str(error) or "ufunc" in str(error)
        else:
            pytest.fail(f"np.{name} gave {result!r}")
    assert name in ("datetime_as_string", "busday_count", "is_busday", "busday_offset"), "refused only by its signature"


@any_python
@pytest.mark.parametrize(
    "call, message",
    [
        (lambda t: np.linalg.norm(t, 2), r"ord=2 of a matrix \(it needs singular values\) has no derivative"),
        (lambda t: np.cov(t, fweights=[1, 2, 1]), r"np\.cov with fweights= has no derivative"),
        (lambda t: np.add.at(t, 0, 1.0), r"np\.add\.at"),
        (lambda t: np.add.reduceat(t, [0]), r"np\.add\.reduceat"),
        (lambda t: np.cov(t, aweights=[1, 2, 1]), r"np\.cov with aweights="),
        (lambda t: np.quantile(t, 0.5, method="closest_observation"), r"with method='closest_observation' has no"),
        (lambda t: np.histogram(X, weights=t), r"np\.histogram with weights= has no derivative"),
        (
            lambda t: np.linalg.inv(t),
            r"np\.linalg\.inv has no derivative here \(it takes n steps of elimination",
        ),
        (lambda t: np.unique(t), r"np\.unique has no derivative here \(how many results there are depends on values\)"),
        (lambda t: np.arctan2(t, t), r"np\.arctan2 has no derivative"),
    ],
)
def test_arguments_that_have_no_derivative_are_named(call, message):
    with pytest.raises(tg.GraphError, match=message):
        call(tg.tensor(X, requires_grad=True))
    with tg.no_grad(), pytest.raises(tg.GraphError):
        call(tg.tensor(X, requires_grad=True))


@any_python
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


@any_python
@pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")
@pytest.mark.parametrize("name", [*OTHERS, *OTHER_UFUNCS])
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


@any_python
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [*OTHERS, *OTHER_UFUNCS])
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


@any_python
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
