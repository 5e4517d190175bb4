"""Shapes and axes against NumPy's functions; errors that say the sizes."""

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.differences import check

pytestmark = pytest.mark.quick

X = np.arange(24.0).reshape(2, 3, 4)

SAME = {
    "reshape": (lambda x: x.reshape(6, 4), lambda x: x.reshape(6, 4)),
    "reshape by a tuple": (lambda x: x.reshape((4, 6)), lambda x: x.reshape(4, 6)),
    "reshape with -1": (lambda x: x.reshape(3, -1), lambda x: x.reshape(3, -1)),
    "reshape to the same": (lambda x: x.reshape(2, 3, 4), lambda x: x),
    "ravel": (lambda x: x.ravel(), np.ravel),
    "flatten": (lambda x: x.flatten(), np.ravel),
    "flatten from 1": (lambda x: x.flatten(1), lambda x: x.reshape(2, 12)),
    "flatten to 1": (lambda x: x.flatten(0, 1), lambda x: x.reshape(6, 4)),
    "permute": (lambda x: x.permute(2, 0, 1), lambda x: x.transpose(2, 0, 1)),
    "permute by negatives": (lambda x: x.permute(-1, 0, -2), lambda x: x.transpose(2, 0, 1)),
    "transpose": (lambda x: x.transpose(), np.transpose),
    "transpose by axes": (lambda x: x.transpose(1, 0, 2), lambda x: x.transpose(1, 0, 2)),
    "T": (lambda x: x.T, lambda x: x.T),
    "mT": (lambda x: x.mT, lambda x: x.swapaxes(-1, -2)),
    "swapaxes": (lambda x: x.swapaxes(0, -1), lambda x: x.swapaxes(0, -1)),
    "moveaxis": (lambda x: x.moveaxis(0, -1), lambda x: np.moveaxis(x, 0, -1)),
    "moveaxis, two": (lambda x: x.moveaxis((0, 1), (2, 0)), lambda x: np.moveaxis(x, (0, 1), (2, 0))),
    "expand_dims": (lambda x: x.expand_dims(1), lambda x: np.expand_dims(x, 1)),
    "expand_dims, two": (lambda x: x.expand_dims((0, -1)), lambda x: np.expand_dims(x, (0, -1))),
    "unsqueeze": (lambda x: x.unsqueeze(-1), lambda x: x[..., None]),
    "squeeze": (lambda x: x[:1, None].squeeze(), lambda x: np.squeeze(x[:1, None])),
    "squeeze an axis": (lambda x: x[:1, None].squeeze(1), lambda x: np.squeeze(x[:1, None], 1)),
    "expand": (lambda x: x[:, :1].expand(5, 2, 3, 4), lambda x: np.broadcast_to(x[:, :1], (5, 2, 3, 4))),
    "expand with -1": (lambda x: x[:, :1].expand(-1, 3, -1), lambda x: np.broadcast_to(x[:, :1], (2, 3, 4))),
    "flip": (lambda x: x.flip(), np.flip),
    "flip axes": (lambda x: x.flip((0, -1)), lambda x: np.flip(x, (0, -1))),
    "repeat": (lambda x: x.repeat(3, 1), lambda x: np.repeat(x, 3, 1)),
    "repeat 0 times": (lambda x: x.repeat(0, -1), lambda x: np.repeat(x, 0, -1)),
    "pad": (
        lambda x: x.pad(((0, 0), (1, 2), (0, 1)), 7.0),
        lambda x: np.pad(x, ((0, 0), (1, 2), (0, 1)), constant_values=7.0),
    ),
    "pad by nothing": (lambda x: x.pad(((0, 0),) * 3), lambda x: x),
    "slice": (lambda x: x.slice((0, 1, 0), (2, 3, 4), (1, 1, 2)), lambda x: x[0:2, 1:3, 0:4:2]),
}


@pytest.mark.parametrize("name", SAME)
def test_same_as_numpy(name):
    ours, numpys = SAME[name]
    y = ours(tg.tensor(X))
    expected = numpys(X)
    assert y.shape == expected.shape
    np.testing.assert_array_equal(y.numpy(), expected)
    check(ours, [X / 10], 1, order=1)


def test_zero_size():
    x = tg.zeros(0, 3)
    assert x.reshape(3, 0).shape == (3, 0) and x.reshape(-1, 3).shape == (0, 3) and x.flatten().shape == (0,)
    assert x.T.shape == (3, 0) and x.expand(2, 0, 3).shape == (2, 0, 3) and x.flip().shape == (0, 3)
    assert x.pad(((1, 1), (0, 0)), 5.0).tolist() == [[5.0] * 3] * 2
    assert tg.concatenate([x, tg.ones(2, 3)]).shape == (2, 3)


def test_0d():
    x = tg.tensor(5.0, requires_grad=True)
    assert (
        x.T.shape == () and x.ravel().shape == x.flatten().shape == (1,) and x.expand(2, 2).tolist() == [[5.0] * 2] * 2
    )
    assert x.squeeze().shape == () and x.expand_dims(0).shape == (1,) and x.flip().item() == 5.0
    (x.expand(3).sum() + x.reshape(1, 1).sum()).backward()
    assert x.grad.item() == 4.0


def parts(arrays):
    return [a.tolist() for a in arrays]


@pytest.mark.parametrize(
    "sections, axis", [(2, 0), (4, 2), ([1], 1), ([1, 3], -1), ([0, 2, 9], 2), ([3, 1], 2), ([-1], 2), ([], 0)]
)
def test_split(sections, axis):
    expected = parts(np.split(X, sections, axis))
    assert parts(tg.tensor(X).split(sections, axis)) == expected
    assert parts(np.split(tg.tensor(X), sections, axis)) == expected
    x = tg.tensor(X, requires_grad=True)
    if sections != [3, 1] and sections != [0, 2, 9]:
        tg.concatenate(x.split(sections, axis), axis).sum().backward()
        assert (x.grad == 1).all()


def test_concatenate_and_stack():
    a, b = np.ones((2, 3)), np.zeros((2, 1))
    np.testing.assert_array_equal(
        tg.concatenate([tg.tensor(a), b, tg.tensor(a)], -1).numpy(), np.concatenate([a, b, a], -1)
    )
    for axis in (0, 1, 2, -1):
        np.testing.assert_array_equal(tg.stack([tg.tensor(a), 2 * a], axis).numpy(), np.stack([a, 2 * a], axis))
    check(lambda a, b: tg.concatenate([a, b, a * b.expand(2, 3)], 1), [a, b + 0.5], 2)
    check(lambda a, b: tg.stack([a, b, a]), [np.ones(3), np.zeros(3)], 2)
    assert tg.stack([tg.tensor(1.0), 2.0]).tolist() == [1.0, 2.0]
    x = tg.ones(2)
    assert tg.concatenate([x]).tolist() == [1.0, 1.0]


def windows_by_loops(x, k, s, d):
    n = (len(x) - d * (k - 1) - 1) // s + 1
    return [[x[i * s + u * d] for u in range(k)] for i in range(n)]


def test_windows_and_fold_of_a_tensor():
    x = np.arange(9.0)
    for k, s, d in [(3, 1, 1), (2, 2, 1), (3, 2, 2), (1, 3, 1)]:
        assert tg.tensor(x).windows((k,), (s,), (d,)).tolist() == windows_by_loops(x, k, s, d)


ERRORS = {
    "reshape": (lambda x: x.reshape(5, 5), r"reshape of \(2, 3, 4\) to \(5, 5\): 24 elements do not fit"),
    "reshape, two -1": (lambda x: x.reshape(-1, -1), "24 elements"),
    "reshape, -1 does not divide": (lambda x: x.reshape(5, -1), "24 elements"),
    "reshape, -2": (lambda x: x.reshape(-2, -12), "24 elements"),
    "permute, twice": (lambda x: x.permute(0, 0, 1), "names an axis twice"),
    "permute, too few": (lambda x: x.permute(0, 1), "does not order the 3 axes"),
    "permute, too large": (lambda x: x.permute(0, 1, 3), "axis 3 of a tensor with 3 axes; use -3 to 2"),
    "squeeze": (lambda x: x.squeeze(0), r"squeeze: axis 0 of \(2, 3, 4\) has size 2, not 1"),
    "expand": (lambda x: x.expand(2, 5, 4), r"expand of \(2, 3, 4\) to \(2, 5, 4\).*size 1"),
    "expand, too few": (lambda x: x.expand(3, 4), "expand of"),
    "expand, -1 for a new axis": (lambda x: x.expand(-1, 2, 3, 4), "expand of"),
    "expand, negative": (lambda x: x.expand(2, 3, -4), "expand of"),
    "flip": (lambda x: x.flip((0, 0)), "flip: axis .* names an axis twice"),
    "split": (lambda x: x.split(2, 1), "split of axis 1 with size 3 into 2 parts: it does not divide evenly"),
    "split in 0": (lambda x: x.split(0), "into 0 parts"),
    "pad, too few": (lambda x: x.pad(((0, 1),)), r"one \(low, high\) of sizes >= 0 for each axis"),
    "pad, negative": (lambda x: x.pad(((0, -1), (0, 0), (0, 0))), "sizes >= 0"),
    "concatenate": (lambda x: tg.concatenate([x, x[0]]), r"concatenate along axis 0 of shapes \(2, 3, 4\), \(3, 4\)"),
    "concatenate, sizes": (lambda x: tg.concatenate([x, x], 3), "axis 3 of a tensor with 3 axes"),
    "concatenate, numbers": (lambda x: tg.concatenate([x.sum(), x.sum()]), "axis 0 of a tensor with 0 axes"),
    "concatenate, nothing": (lambda x: tg.concatenate([]), "at least one tensor"),
    "stack": (lambda x: tg.stack([x, x[0]]), "all must be equal"),
    "stack, axis": (lambda x: tg.stack([x, x], 4), "axis 4"),
    "moveaxis": (lambda x: x.moveaxis(0, 5), "moveaxis: axis 5"),
    "repeat": (lambda x: x.repeat(-1, 0), "negative"),
    "windows": (lambda x: x.windows((2, 2), (1, 0), (1, 1)), "stride"),
    "windows, too many": (lambda x: x.windows((1,) * 4, (1,) * 4, (1,) * 4), "windows"),
    "windows, kernel 0": (lambda x: x.windows((0,), (1,), (1,)), "kernel"),
    "fold": (lambda x: x.fold((1,), (1,), (3,)), "fold"),
    "slice": (lambda x: x.slice((0, 0), (1, 1)), "slice"),
    "slice, beyond": (lambda x: x.slice((0, 0, 0), (2, 3, 5)), "slice"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_say_the_sizes(name):
    call, message = ERRORS[name]
    with pytest.raises(tg.ShapeError, match=message):
        call(tg.tensor(X))


def test_axes_are_whole_numbers():
    with pytest.raises(TypeError):
        tg.tensor(X).sum(1.0)
    with pytest.raises(TypeError):
        tg.tensor(X).reshape(2.0, 12)


def test_sizes_and_properties():
    x = tg.tensor(X)
    assert (x.shape, x.ndim, x.size, len(x), x.dtype) == ((2, 3, 4), 3, 24, 2, np.float64)
    assert tg.zeros(0, 3).size == 0 and tg.tensor(1.0).size == 1


def test_clone_has_memory_of_its_own():
    x = tg.ones(3, requires_grad=True)
    y = x.clone()
    assert y.requires_grad and not np.shares_memory(x.value, y.value)
    z = x.detach().clone()
    assert not z.requires_grad and not np.shares_memory(x.value, z.value)
    assert np.shares_memory(x.detach().value, x.value)
