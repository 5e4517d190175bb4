"""Brackets against NumPy's: values, gradients, errors; writing in place; taking along an axis."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_cv as tg

quick = pytest.mark.quick


def numbered(*shape):
    return np.arange(np.prod(shape, dtype=int), dtype=np.float64).reshape(shape) + 1.0


def assert_indexes_as_numpy(array, key, ours=None):
    """Values, shape and gradient of t[key]; where NumPy refuses a key, so do we."""
    ours = key if ours is None else ours
    x = tg.tensor(array, requires_grad=True)
    try:
        expected = np.asarray(array[key])
    except IndexError:
        with pytest.raises((IndexError, tg.ShapeError)):
            x[ours]
        return False
    y = x[ours]
    assert y.shape == expected.shape, key
    np.testing.assert_array_equal(y.numpy(), expected, err_msg=str(key))
    g = np.random.default_rng(0).integers(1, 9, expected.shape).astype(np.float64)
    gradient = np.zeros_like(array)
    np.add.at(gradient, key, g)
    y.backward(g)
    np.testing.assert_array_equal(x.grad.numpy(), gradient, err_msg=str(key))
    return True


# ---------------------------------------------------------------- by hand

s_ = np.s_
KEYS = {
    "integers": [s_[0], s_[-1], s_[1, 2], s_[-2, -3, -4], s_[np.int64(1)], s_[True + 0]],
    "slices": [s_[:], s_[1:], s_[:-1], s_[::2], s_[5:9], s_[2:1], s_[:, 1:3, ::3], s_[-100:100]],
    "negative steps": [s_[::-1], s_[::-2], s_[:, ::-1, ::-3], s_[2:0:-1], s_[0:2:-1], s_[-1:-9:-2], s_[1, ::-1]],
    "None and ellipsis": [
        s_[None],
        s_[..., None],
        s_[None, ..., 1],
        s_[:, None, 1],
        s_[...],
        s_[..., 1:2, None],
        s_[()],
    ],
    "arrays": [
        s_[[0, 0]],
        s_[[1, -1, 0, 1]],
        s_[np.array([[0, 1], [1, 0]])],
        s_[[]],
        s_[[0, 1], [2, 0]],
        s_[[[0], [1]], [0, 2, 1]],
        s_[:, [0, 2]],
        s_[..., [3, 3, 0]],
        s_[np.array(1)],
        s_[np.array([1], np.uint8)],
    ],
    "arrays and the rest": [
        s_[0, :, [1, 2]],
        s_[[1, 0], :, [1, 2]],
        s_[:, [1, 2], 0],
        s_[:, 1, [1, 2]],
        s_[[0], None, [1]],
        s_[None, [0, 1]],
        s_[[0, 1], ..., None],
        s_[[0, 1], ::-1],
        s_[::-1, [0, 1], ::2],
        s_[..., [0, 1], None, :],
        s_[0, [0, 1], 0],
        s_[None, [0, 1], None, [1, 1], None],
    ],
    "masks": [
        s_[np.array([True, False])],
        s_[[True, True]],
        s_[:, np.array([True, False, True])],
        s_[numbered(2, 3, 4) > 12],
        s_[numbered(2, 3) > 2],
        s_[..., np.array([True, False, True, False])],
        s_[numbered(2, 3) > 2, 0],
        s_[numbered(2, 3) > 2, [0, 1, 2, 3]],
        s_[np.zeros((2, 3), bool)],
        s_[0, np.array([True, False, True]), [1, 2]],
        s_[[1], np.array([False, True, True])],
        s_[..., numbered(3, 4) > 7],
    ],
    "refused": [
        s_[2],
        s_[-3],
        s_[0, 0, 0, 0],
        s_[..., ...],
        s_[[0, 2]],
        s_[:, [-4]],
        s_[[0, 1], [0, 1, 2]],
        s_[1.0],
        s_["a"],
        s_[np.array([1.0])],
        s_[[True, False, True]],
        s_[:, np.array([True, False])],
        s_[np.ones((3, 2), bool)],
        s_[..., np.ones(3, bool)],
    ],
}


@quick
@pytest.mark.parametrize("kind", KEYS)
def test_keys(kind):
    for key in KEYS[kind]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            agreed = assert_indexes_as_numpy(numbered(2, 3, 4), key)
        assert agreed == (kind != "refused"), key


@quick
def test_repeated_index_adds_up():
    """conventions.md: x[[0, 0]] summed, gradient at 0"""
    x = tg.tensor([5.0, 6.0], requires_grad=True)
    x[[0, 0]].sum().backward()
    assert x.grad.tolist() == [2.0, 0.0]


@quick
def test_tensors_as_indices():
    array = numbered(3, 4)
    rows, mask = np.array([[2, 0], [-1, 1]]), array > 5
    assert_indexes_as_numpy(array, rows, tg.tensor(rows))
    assert_indexes_as_numpy(array, (slice(None), rows), (slice(None), tg.tensor(rows)))
    assert_indexes_as_numpy(array, mask, tg.tensor(mask))
    assert_indexes_as_numpy(array, mask, tg.tensor(array) > 5)
    assert_indexes_as_numpy(array, (1, rows), (tg.tensor(1), tg.tensor(rows.astype(np.int8))))


@quick
def test_zero_size():
    for key in [
        s_[:],
        s_[:, 1],
        s_[[]],
        s_[:, [0, 0]],
        s_[::-1],
        s_[None, ..., 2],
        s_[np.zeros(0, bool)],
        s_[[0]],
        s_[0],
    ]:
        assert_indexes_as_numpy(np.zeros((0, 3)), key)


@quick
def test_0d():
    for key in [s_[()], s_[...], s_[None], s_[None, None], s_[..., None], s_[0]]:
        assert_indexes_as_numpy(np.array(3.0), key)


@quick
def test_a_0d_mask_is_refused_in_words():
    x = tg.ones(3)
    for key in (True, np.bool_(False), x.sum() > 0, s_[:, True]):
        with pytest.raises(IndexError, match="a single boolean"):
            x[key]


@quick
def test_messages():
    x = tg.ones(2, 3)
    with pytest.raises(IndexError, match="index 5 is out of bounds for axis 1 with size 3"):
        x[0, 5]
    with pytest.raises(IndexError, match="index -4 is out of bounds for axis 1 with size 3"):
        x[:, [0, -4]]
    with pytest.raises(IndexError, match=r"too many indices for a tensor of shape \(2, 3\): 3 for 2 axes"):
        x[0, 0, 0]
    with pytest.raises(IndexError, match="index of dtype float32: tensors are indexed by integers, slices"):
        x[tg.ones(2)]
    with pytest.raises(IndexError, match=r"mask of shape \(3,\).*\(2,\)"):
        x[[True, False, True]]


@quick
def test_basic_indices_are_at_most_flip_slice_and_reshape():
    x = tg.ones(4, 5, requires_grad=True)
    assert x[1:3, ::-1, None].node.name == "reshape"
    assert np.shares_memory(x[1:3, 2].value, x.value)


@quick
def test_iteration_and_unpacking():
    x = tg.tensor(numbered(3, 2), requires_grad=True)
    a, _, c = x
    (a * 2.0 + c).sum().backward()
    assert x.grad.tolist() == [[2.0, 2.0], [0.0, 0.0], [1.0, 1.0]]
    assert [row.tolist() for row in x] == x.tolist()


# ---------------------------------------------------------------- many keys


def random_key(rng, shape):
    """Any mixture; arrays of one key mostly broadcast."""
    parts, axis = [], 0
    while axis < len(shape) and rng.random() < 0.85:
        n = shape[axis]
        kind = rng.choice(["int", "slice", "all", "array", "mask", "mask2", "0d"])
        if kind == "int":
            parts.append(int(rng.integers(-n, n)) if n else 0)
        elif kind == "slice":
            ends = [None if rng.random() < 0.3 else int(rng.integers(-n - 2, n + 3)) for _ in range(2)]
            parts.append(slice(*ends, int(rng.choice([-3, -2, -1, 1, 2, 3]))))
        elif kind == "all":
            parts.append(slice(None))
        elif kind == "0d":
            parts.append(np.array(rng.integers(-n, n)) if n else 0)
        elif kind == "array":
            size = [(2,), (1,), (3, 1), (3, 2), (1, 2), (0,)][rng.integers(6 if not n else 5)]
            index = rng.integers(-n, n, size) if n else np.zeros((0,), int)
            parts.append(index.tolist() if rng.random() < 0.3 and index.size else index)
        elif kind == "mask" or axis + 1 == len(shape):
            parts.append(rng.random(n) < 0.5)
        else:
            parts.append(rng.random(shape[axis : axis + 2]) < 0.4)
            axis += 1
        axis += 1
    if rng.random() < 0.4:
        parts.insert(int(rng.integers(len(parts) + 1)), None)
    if rng.random() < 0.3 and axis < len(shape):
        parts.insert(int(rng.integers(len(parts) + 1)), Ellipsis)
    return tuple(parts) if len(parts) != 1 or rng.random() < 0.5 else parts[0]


@pytest.mark.parametrize("seed", range(8))
def test_random_keys(seed):
    rng = np.random.default_rng(seed)
    agreed = 0
    for _ in range(250):
        shape = tuple(rng.integers(0 if rng.random() < 0.15 else 1, 5, rng.integers(1, 5)))
        key = random_key(rng, shape)
        try:
            agreed += assert_indexes_as_numpy(numbered(*shape), key)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, shape {shape}, key {key}: {error}") from error
    assert agreed > 120


@settings(max_examples=150, deadline=None, derandomize=True)
@given(data=st.data())
def test_basic_keys_of_hypothesis(data):
    shape = data.draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
    key = data.draw(hnp.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True))
    assert_indexes_as_numpy(numbered(*shape), key)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(data=st.data())
def test_integer_arrays_of_hypothesis(data):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4))
    key = data.draw(hnp.integer_array_indices(shape))
    assert_indexes_as_numpy(numbered(*shape), key)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_masks_of_hypothesis(data):
    array = numbered(*data.draw(hnp.array_shapes(min_dims=1, max_dims=3, max_side=4)))
    mask = data.draw(hnp.arrays(bool, array.shape[: data.draw(st.integers(1, array.ndim))]))
    assert_indexes_as_numpy(array, mask)


@quick
def test_second_derivative_through_indices():
    x = tg.tensor(numbered(4), requires_grad=True)
    y = (x[[0, 0, 3]] ** 3).sum() + (x[::-2] ** 3).sum()
    (g,) = tg.grad(y, [x], create_graph=True)
    (h,) = tg.grad(g.sum(), [x])
    assert h.tolist() == [12.0, 12.0, 0.0, 48.0]


# ---------------------------------------------------------------- writing in place


@quick
def test_setitem_is_numpys():
    rng = np.random.default_rng(1)
    done = 0
    for _ in range(150):
        shape = tuple(rng.integers(1, 4, rng.integers(1, 4)))
        key = random_key(rng, shape)
        array = numbered(*shape)
        t = tg.tensor(array)
        try:
            place = array[key].shape
        except IndexError:
            continue
        value = rng.integers(10, 20, place[rng.integers(len(place) + 1) :]).astype(np.float64)
        array[key] = value
        t[key] = tg.tensor(value) if done % 2 else value
        np.testing.assert_array_equal(t.numpy(), array, err_msg=str(key))
        done += 1
    assert done > 80


@quick
def test_setitem_takes_numbers_and_lists():
    t = tg.zeros(2, 3)
    t[0] = 5
    t[1, 1:] = [7, 8]
    t[tg.tensor([[False, False, True], [True, False, False]])] = -1.0
    assert t.tolist() == [[5.0, 5.0, -1.0], [-1.0, 7.0, 8.0]] and t.dtype == np.float32


@quick
def test_setitem_refuses_what_does_not_fit():
    t, ints = tg.zeros(2, 3), tg.tensor([1, 2])
    with pytest.raises(tg.ShapeError, match=r"selects shape \(3,\), the values have \(2,\)"):
        t[0] = tg.ones(2)
    with pytest.raises(tg.ShapeError):
        t[0] = tg.ones(2, 3)
    with pytest.raises(tg.DTypeError, match="the values have dtype float32, the tensor int64"):
        ints[0] = tg.tensor(1.5)
    with pytest.raises(tg.DTypeError, match="takes numbers"):
        t[0] = "a"
    with pytest.raises(IndexError):
        t[5] = 1.0
    assert t.tolist() == [[0.0] * 3] * 2 and ints.tolist() == [1, 2]


# ---------------------------------------------------------------- along an axis

ALONG = {
    "same shape": ((2, 3), (2, 3), 1),
    "fewer": ((2, 3, 4), (2, 3, 1), -1),
    "more": ((2, 3), (5, 3), 0),
    "index broadcast": ((4, 3), (1, 2), 1),
    "tensor broadcast": ((1, 3), (4, 2), 1),
    "middle": ((2, 3, 4), (2, 5, 4), 1),
    "empty": ((2, 3), (2, 0), 1),
}


@quick
@pytest.mark.parametrize("case", ALONG)
def test_take_along_axis(case):
    shape, index_shape, axis = ALONG[case]
    array = numbered(*shape)
    index = np.random.default_rng(2).integers(-shape[axis], shape[axis], index_shape)
    x = tg.tensor(array, requires_grad=True)
    expected = np.take_along_axis(array, index, axis)
    for given_index in (index, tg.tensor(index)):
        y = x.take_along_axis(given_index, axis)
        np.testing.assert_array_equal(y.numpy(), expected)
    np.testing.assert_array_equal(np.take_along_axis(x.detach(), index, axis).numpy(), expected)
    y.sum().backward()
    assert x.grad.sum().item() == expected.size


@quick
def test_take_along_axis_refuses():
    x = tg.ones(2, 3)
    with pytest.raises(tg.ShapeError, match="axis 2 of a tensor with 2 axes"):
        x.take_along_axis(np.zeros((2, 3), int), 2)
    with pytest.raises(tg.ShapeError, match=r"index of shape \(3,\)"):
        x.take_along_axis(np.zeros(3, int), 0)
    with pytest.raises(tg.ShapeError, match="do not broadcast"):
        x.take_along_axis(np.zeros((3, 1), int), 1)
    with pytest.raises(IndexError, match="index 3 is out of bounds"):
        x.take_along_axis(np.full((2, 1), 3), 1)


@quick
def test_gather_and_scatter_add_are_adjoint():
    rng = np.random.default_rng(3)
    x, index = rng.integers(-4, 5, (5, 2)).astype(float), rng.integers(0, 5, (3, 4))
    y = rng.integers(-4, 5, (3, 4, 2)).astype(float)
    gathered = tg.tensor(x).gather(tg.tensor(index)).numpy()
    scattered = tg.tensor(y).scatter_add(tg.tensor(index), 5).numpy()
    assert (gathered * y).sum() == (x * scattered).sum()
