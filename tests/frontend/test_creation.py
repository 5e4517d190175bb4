"""How tensors come about: dtypes, copies, sizes, errors."""

import math

import numpy as np
import pytest

import tinygrad_cv as tg

pytestmark = pytest.mark.quick


@pytest.mark.parametrize(
    "data, dtype",
    [
        (1.0, "float32"),
        ([1.0, 2], "float32"),
        ([[1, 2], [3, 4]], "int64"),
        (3, "int64"),
        (True, "bool"),
        ([True, False], "bool"),
        ([], "float32"),
        ([[], []], "float32"),
        (np.float64(1.0), "float64"),
        (np.arange(3.0), "float64"),
        (np.ones(2, np.float16), "float16"),
        (np.arange(3, dtype=np.uint8), "uint8"),
        (np.ones(2, ">f4"), "float32"),
        (range(3), "int64"),
        ((1.5, 2.5), "float32"),
        (math.inf, "float32"),
    ],
)
def test_dtype_follows_from_the_data(data, dtype):
    """Python floats become float32, arrays keep theirs."""
    t = tg.tensor(data)
    assert t.dtype == dtype and t.dtype.isnative
    np.testing.assert_array_equal(t.numpy(), np.array(data))


@pytest.mark.parametrize("dtype", ["float32", np.float64, np.dtype("int8"), bool, float, int])
def test_dtype_may_be_given(dtype):
    assert tg.tensor([0, 1, 1], dtype).dtype == np.dtype(dtype)
    assert tg.Tensor([0, 1, 1], dtype).tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    "data", ["a", ["a"], 1j, [1j], None, [None], object(), np.array(["a"]), np.datetime64("2020-01-01"), b"a"]
)
def test_what_is_no_number(data):
    with pytest.raises(tg.DTypeError, match="is not supported"):
        tg.tensor(data)


def test_longdouble_is_refused():
    if np.dtype(np.longdouble).itemsize > 8:
        with pytest.raises(tg.DTypeError, match="float32, float64"):
            tg.tensor(np.ones(2, np.longdouble))


def test_what_fills_must_broadcast():
    x = tg.ones(2, 3)
    assert tg.full((2, 3), [1, 2, 3]).tolist() == [[1, 2, 3]] * 2
    assert tg.full_like(x, [[1], [2]]).tolist() == [[1.0] * 3, [2.0] * 3]
    for value, shape in (([1, 2], (2,)), (np.ones((1, 2, 3)), (1, 2, 3)), ([[1, 2, 3]] * 3, (3, 3))):
        for name, first in (("full", (2, 3)), ("full_like", x)):
            with pytest.raises(tg.ShapeError) as said:
                getattr(tg, name)(first, value)
            assert f"{name}: value of shape {shape}, for a tensor of shape (2, 3)" in str(said.value)


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: tg.full(2, "a"), "full: value is of type str"),
        (lambda: tg.full(2, "3", "float32"), "full: value is of type str"),
        (lambda: tg.full(2, 300, "int8"), "full: value, as a tensor: 300 does not fit int8"),
        (lambda: tg.full(2, 1, "float17"), "dtype float17"),
        (lambda: tg.zeros_like(None), "zeros_like: other is of type NoneType"),
        (lambda: tg.asarray(["a"]), "asarray: data is of type list"),
        (lambda: tg.asarray([tg.ones(2), tg.ones(3)]), "asarray: data, as a stack of shapes"),
        (lambda: tg.where("yes", 1.0, 2.0), "where: condition is of type str"),
        (lambda: tg.where([True], np.array(["a"]), 2.0), "where: dtype <U1"),
        (lambda: tg.stack(["a", "b"]), r"stack: tensors[0] is of type str"),
    ],
)
def test_errors_name_the_function_and_the_argument(call, words):
    with pytest.raises((tg.DTypeError, tg.ShapeError)) as said:
        call()
    assert words in str(said.value)


@pytest.mark.parametrize("rows", [[[1.0, 2.0], [3.0]], [[1], 2], [[1, 2], [3, [4]]]])
def test_rows_of_unequal_length(rows):
    with pytest.raises(tg.ShapeError, match="same length"):
        tg.tensor(rows)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3)[::-1, ::-2],
        np.zeros((0, 3)),
        np.array(5.0),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.broadcast_to(np.arange(3.0), (2, 3)),
    ],
    ids=["negative strides", "zero size", "0-d", "Fortran", "read-only"],
)
def test_any_array_is_accepted(array):
    """conventions.md: negative strides, zero-size, 0-d, read-only, Fortran-order arrays"""
    x = tg.tensor(array, requires_grad=True)
    np.testing.assert_array_equal(x.numpy(), array)
    (x * x).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), 2 * array)


def test_tensor_copies_and_asarray_copies_arrays_too():
    array = np.zeros(2)
    one, two = tg.tensor(array), tg.asarray(array)
    array[...] = 1.0
    assert one.tolist() == two.tolist() == [0.0, 0.0]


def test_asarray_of_a_tensor_is_the_tensor():
    x = tg.ones(2, requires_grad=True)
    assert tg.asarray(x) is x
    assert tg.asarray(x, "float64").dtype == np.float64 and tg.asarray(x, "float64").requires_grad
    assert tg.asarray(x, "float32") is x


def test_tensor_of_a_tensor_is_a_copy_outside_the_graph():
    x = tg.ones(2, requires_grad=True)
    y = tg.tensor(x)
    assert not y.requires_grad and not np.shares_memory(x.value, y.value)


def test_a_list_of_tensors_is_not_silently_detached():
    x = tg.ones(2, requires_grad=True)
    with pytest.raises(tg.GraphError, match="would lose its gradient"):
        tg.tensor([x, x])
    assert tg.tensor([tg.tensor(1.0), tg.tensor(2.0)]).tolist() == [1.0, 2.0]


def test_constants():
    assert tg.zeros(2, 3).tolist() == [[0.0] * 3] * 2 and tg.zeros((2, 3)).shape == tg.zeros([2, 3]).shape == (2, 3)
    assert tg.ones(2, dtype="int8").tolist() == [1, 1] and tg.ones(()).shape == tg.ones().shape == ()
    assert tg.full((2,), 7).dtype == np.int64 and tg.full(3, 7.5).tolist() == [7.5] * 3
    assert tg.full((2,), True).dtype == bool and tg.full((2,), np.float64(1)).dtype == np.float64
    assert tg.zeros(2, requires_grad=True).requires_grad and tg.zeros(2).dtype == np.float32
    assert tg.eye(2, 3).tolist() == [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]


def test_no_dtype_is_the_default_one():
    """dtype=None does not mean float64, as it does to NumPy."""
    for make in (tg.zeros, tg.ones, tg.rand, tg.randn):
        assert make(2, dtype=None).dtype == np.float32
    assert tg.linspace(0, 1, 3, dtype=None).dtype == tg.eye(2, dtype=None).dtype == np.float32


def test_like_another():
    x = tg.tensor(np.ones((2, 3), np.float64), requires_grad=True)
    for make, value in ((tg.zeros_like, 0), (tg.ones_like, 1)):
        y = make(x)
        assert (y.shape, y.dtype, y.requires_grad) == ((2, 3), np.float64, False) and y.tolist() == [[value] * 3] * 2
    assert tg.full_like(x, 4, dtype="int8").tolist() == [[4] * 3] * 2


def test_arange_and_linspace():
    assert tg.arange(4).tolist() == [0, 1, 2, 3] and tg.arange(4).dtype == np.int64
    assert tg.arange(1, 4, 2).tolist() == [1, 3] and tg.arange(3, 0, -1).tolist() == [3, 2, 1]
    assert tg.arange(0, 1, 0.25).dtype == np.float32 and tg.arange(4.0).dtype == np.float32
    assert tg.arange(4, dtype="float64").dtype == np.float64 and tg.arange(0).shape == (0,)
    np.testing.assert_array_equal(tg.linspace(0, 1, 5).numpy(), np.float32([0, 0.25, 0.5, 0.75, 1]))


@pytest.mark.parametrize("make", [tg.zeros, tg.ones, tg.rand, tg.randn])
@pytest.mark.parametrize("shape", [(-1,), (2, -3)])
def test_negative_sizes(make, shape):
    with pytest.raises(tg.ShapeError, match="negative"):
        make(*shape)


def test_sizes_are_whole_numbers():
    with pytest.raises(TypeError):
        tg.zeros(2.0)
    assert tg.zeros(np.int64(2), tg.tensor(3)).shape == (2, 3)


def test_random_tensors():
    tg.manual_seed(1)
    a = tg.rand(2, 3, requires_grad=True)
    assert a.is_leaf and a.requires_grad and a.dtype == np.float32
    assert tg.randn(2, dtype="float64").dtype == np.float64 and tg.rand(()).shape == ()
    assert tg.randint(0, 5, (3,)).dtype == np.int64 and tg.randint(0, 5, 3).shape == (3,)
    generator = tg.Generator(1)
    np.testing.assert_array_equal(tg.rand(2, 3, generator=generator).numpy(), a.numpy())
    with pytest.raises(tg.DTypeError, match="only floats are drawn"):
        tg.rand(2, dtype="int32")
    with pytest.raises(ValueError, match="high must be above low"):
        tg.randint(3, 3, 1)


def test_seeds_of_any_size():
    for seed in (0, -1, 2**64 + 3, 2**63):
        tg.manual_seed(seed)
        assert 0 <= tg.rand(1).item() < 1
