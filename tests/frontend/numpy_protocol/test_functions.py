"""NumPy's functions of tensors: in the graph, with NumPy's values, arguments and dtypes."""

from __future__ import annotations

import inspect
import subprocess
import sys

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.frontend.numpy_protocol.calls import CALLS, NO_SLOPE
from tests.frontend.numpy_protocol.inputs import FOUND, M, X, check, several
from tinygrad_cv.frontend.numpy_protocol.dispatch import FUNCTIONS, MOVES, SUBJECTS

quick = pytest.mark.quick

VALUES_DECIDE = {  # the shape, or the way, follows from values
    "digitize": lambda f, x: f([0.5], x[0]),
    "unique": lambda f, x: f(x),
    "histogram": lambda f, x: f(x),
    "bincount": lambda f, x: f(x[0].astype(int)),
    "allclose": lambda f, x: f(x, x),
    "linalg.inv": lambda f, x: f(x[:, :2]),
    "interp": lambda f, x: f(x, [0.0, 1.0], [1.0, 2.0], period=1.0),
}


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
def test_every_function_here_has_a_call():
    assert {*FUNCTIONS, *MOVES} == {*CALLS, "shape", "ndim"}


@pytest.mark.parametrize("name", CALLS)
def test_functions_stay_in_the_graph(name):
    if name not in FOUND:
        pytest.skip("this NumPy is older than the function")
    for call in CALLS[name]:
        check(lambda x, call=call: call(FOUND[name], x), X, slopes=name not in NO_SLOPE)


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
    many = name in ("concatenate", "stack", "hstack", "vstack")
    more = (1.5,) if name in ("linspace", "geomspace", "logspace", "full_like") else ()
    options = {"axis": 0} if name.startswith("cumulative") else {}
    found = function([tg.tensor(x), x] if many else tg.tensor(x), *more, dtype=np.float64, **options)
    wide = x.astype(np.float64)  # NumPy computes nanvar in float32 whatever it is asked for
    wanted = function([wide, wide] if many else wide, *more, **options)
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


@pytest.mark.parametrize("subject", (*SUBJECTS, None), ids=lambda subject: getattr(subject, "__name__", "moves")[-12:])
def test_functions_compile(subject, on_numpy):
    """All calls of a subject's functions in one trace, the same in value and gradient; NumPy runs it, to save time."""
    names = [
        n for n in (subject.FUNCTIONS if subject else MOVES) if n in FOUND and n in CALLS and n not in VALUES_DECIDE
    ]

    def every(x):
        calls = ((name, call) for name in names for call in CALLS[name])
        return [(name, y) for name, call in calls for y in several(call(FOUND[name], x)) if isinstance(y, tg.Tensor)]

    def slope(function):
        x = tg.tensor(X, requires_grad=True)
        results = function(x)
        return results, tg.grad(sum((y * y).sum() for _, y in results if y.requires_grad), x)

    (ours, g), (wanted, h) = slope(tg.jit(every)), slope(every)
    for (name, y), (_, e) in zip(ours, wanted, strict=True):
        assert y.dtype == e.dtype and y.shape == e.shape, name
        np.testing.assert_allclose(y.numpy(), e.numpy(), 1e-12, 1e-13, err_msg=name)
    np.testing.assert_allclose(g.numpy(), h.numpy(), 1e-11, 1e-12)


@quick
@pytest.mark.parametrize("name", VALUES_DECIDE)
def test_what_depends_on_values_says_so_while_compiling(name):
    with pytest.raises(tg.TraceError, match=rf"np\.{name}.*not known while tracing"):
        tg.jit(lambda x: VALUES_DECIDE[name](FOUND[name], x))(tg.tensor(X))


def test_importing_the_package_does_not_load_the_protocol():
    script = "import sys, tinygrad_cv; print(*(name for name in sys.modules if 'numpy_protocol' in name))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == ""
