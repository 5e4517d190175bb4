"""Elements rolled, tiled, turned, on diagonals, in parts: values beside NumPy and PyTorch, gradients by differences."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.differences import check

quick = pytest.mark.quick
SHAPES = [(), (1,), (4,), (0,), (3, 4), (4, 3), (0, 3), (2, 3, 4)]
CALLS = {
    "roll": [1, -2, 7, 0, (1, 0), ((1, 2), 0), ((1, 2), (0, 1)), (1, -1), (2, (0, 1)), (0, 0)],
    "tile": [2, ((2, 3),), ((),), ((1, 1),), ((0, 2),), ((2, 1, 3, 2),)],
    "rot90": [*range(-2, 6), (1, (-1, -2)), (3, (1, 0))],
    "flipud": [()],
    "fliplr": [()],
    "diag": range(-5, 6),
    "diagonal": [*range(-5, 6), (1, -1, 0)],
    "trace": [*range(-5, 6), (0, 1, 0)],
    "tril": range(-5, 6),
    "triu": range(-5, 6),
}


@quick
@pytest.mark.parametrize("dtype", ["bool", "int32", "float16", "float32"])
@pytest.mark.parametrize("name", CALLS)
def test_values(name, dtype):
    """What NumPy refuses is refused with a message of ours; what it takes has its values, shape and dtype."""
    for shape, arguments in itertools.product(SHAPES, CALLS[name]):
        arguments = arguments if isinstance(arguments, tuple) else (arguments,)
        x = np.asarray(np.random.default_rng(0).normal(size=shape) * 3).astype(dtype)
        call = lambda a=arguments, x=x: getattr(tg.tensor(x), name)(*a)  # noqa: E731
        if name in ("tril", "triu") and len(shape) < 2:  # NumPy repeats a vector as rows, and so does np.tril
            with pytest.raises(tg.ShapeError, match="at least two axes"):
                call()
            continue
        try:
            expected = getattr(np, name)(x, *arguments)
        except ValueError:
            with pytest.raises(tg.ShapeError):
                call()
            continue
        y = call()
        assert y.shape == expected.shape and (y.dtype == expected.dtype or name == "trace")
        np.testing.assert_allclose(
            y.numpy().astype(float), expected.astype(float), 2e-3 if dtype == "float16" else 1e-6
        )


@pytest.mark.any_python
def test_parts():
    x = np.arange(14.0).reshape(7, 2)
    torch = pytest.importorskip("torch")
    for chunks, axis in itertools.product((1, 2, 3, 4, 6, 7, 9), (0, -1)):
        ours, theirs = tg.tensor(x).chunk(chunks, axis), torch.tensor(x).chunk(chunks, axis)
        assert [y.tolist() for y in ours] == [y.tolist() for y in theirs]
    for axis in (0, 1):
        assert [y.tolist() for y in tg.tensor(x).unbind(axis)] == [y.tolist() for y in torch.tensor(x).unbind(axis)]
    assert [y.shape for y in tg.zeros(0, 3).chunk(2)] == [(0, 3), (0, 3)]


@quick
def test_grids():
    a, b, c = np.arange(3.0), np.arange(2.0), np.arange(4.0)
    for several, indexing, sparse in itertools.product(((a,), (a, b), (a, b, c)), ("xy", "ij"), (False, True)):
        ours = tg.meshgrid(*map(tg.tensor, several), indexing=indexing, sparse=sparse)
        theirs = np.meshgrid(*several, indexing=indexing, sparse=sparse)
        assert len(ours) == len(theirs)
        for y, e in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(y.numpy(), e)
    assert [y.tolist() for y in tg.meshgrid([a, b])] == [y.tolist() for y in tg.meshgrid(a, b)]
    assert tg.meshgrid() == ()
    with pytest.raises(ValueError, match="indexing='yx'; it must be 'xy' or 'ij'"):
        tg.meshgrid(a, b, indexing="yx")


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x.roll((1, 2), (0, 1)),
        lambda x: x.tile(2, 3),
        lambda x: x.rot90(3),
        lambda x: x.diagonal(1),
        lambda x: x[0].diag(-1),
        lambda x: x.trace(),
        lambda x: x.tril(-1),
        lambda x: x.triu(1),
        lambda x: x.chunk(2, 1)[1] * x.unbind(1)[0][:, None],
        lambda x: tg.meshgrid(x[0], x[1])[1],
        lambda x: x[0].outer(x[1]),
        lambda x: x.masked_fill(np.array([True, False, True]), 2.0),
    ],
)
def test_gradients(call):
    x = np.random.default_rng(3).normal(size=(3, 3))
    check(call, [x], 3)
    for function in (call, tg.jit(call)):
        leaf = tg.tensor(x, requires_grad=True)
        y = function(leaf)
        (y * y).sum().backward()
        np.testing.assert_allclose(y.numpy(), call(tg.tensor(x)).numpy(), 1e-14)


@quick
@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda x: x.roll((1, 2)), tg.ShapeError, r"roll by \(1, 2\) along axes None: one shift for each axis"),
        (lambda x: x.roll((1, 2, 3), (0, 1)), tg.ShapeError, r"one shift for each axis, or one of either"),
        (lambda x: x.roll(0.5), tg.DTypeError, r"roll: shift 0\.5; it must be an integer"),
        (lambda x: x.tile(-1), tg.ShapeError, r"tile: \(-1,\) names a negative number"),
        (lambda x: x.rot90(1, (0, 0)), tg.ShapeError, r"rot90: axis \(0, 0\) names an axis twice"),
        (lambda x: x.rot90(1, (0, 1, 1)), tg.ShapeError, r"rot90 of \(2, 3\) in the axes .* it takes two axes"),
        (lambda x: x[None].diag(), tg.ShapeError, r"diag of shape \(1, 2, 3\): it takes one axis or two"),
        (lambda x: x[0].diagonal(), tg.AxisError, r"diagonal: axis 1 of a tensor with 1 axes"),
        (lambda x: x[0].tril(), tg.ShapeError, r"tril of shape \(3,\): it takes at least two axes"),
        (lambda x: x.chunk(0), tg.ShapeError, r"chunk into 0 parts: it must be at least one"),
        (lambda x: x.outer(x), tg.ShapeError, r"outer of shapes \(2, 3\) and \(2, 3\): each must have one axis"),
        (lambda x: x.cumprod(2), tg.AxisError, r"cumprod: axis 2 of a tensor with 2 axes"),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call(tg.ones(2, 3))
