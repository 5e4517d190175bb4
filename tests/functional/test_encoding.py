"""Class numbers as vectors: which gradients padding and frequencies leave, compiled code, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.functional.oracles import value_and_gradients
from tinygrad_cv import DTypeError, ShapeError
from tinygrad_cv.core.errors import TraceError

pytestmark = pytest.mark.quick
WEIGHT = tg.tensor(np.arange(6.0).reshape(3, 2))


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint64", "int64"])
def test_one_hot_of_every_integer_dtype(dtype):
    found = F.one_hot(np.array([[2, 0], [1, 1]], dtype))
    assert found.dtype == "int64"
    np.testing.assert_array_equal(found.numpy(), np.eye(3)[[[2, 0], [1, 1]]])


def test_compiled_code_needs_the_number_of_classes():
    assert tg.jit(lambda x: F.one_hot(x, 3))(np.array([1])).tolist() == [[0, 1, 0]]
    with pytest.raises(TraceError, match="one_hot without num_classes"):
        tg.jit(F.one_hot)(np.array([1]))
    step = tg.jit(lambda x: F.embedding(x, WEIGHT))
    assert step(np.array([1])).tolist() == [[2, 3]]
    with pytest.raises(IndexError, match="number 3"):
        step(np.array([3]))


@pytest.mark.parametrize("padding_idx", [None, 1, -2])
@pytest.mark.parametrize("scaled", [False, True])
def test_each_occurrence_counts_or_all_of_them_count_once(padding_idx, scaled):
    def call(w):
        return F.embedding([0, 1, 1, 1], w, padding_idx, scale_grad_by_freq=scaled)

    _, (g,) = value_and_gradients(call, [WEIGHT.numpy()], np.ones((4, 2)))
    of_one = 0 if padding_idx is not None else 1 if scaled else 3
    assert g.tolist() == [[1, 1], [of_one] * 2, [0, 0]]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: F.one_hot([1.0]), DTypeError, ["float32", "astype('int64')"]),
        (lambda: F.one_hot([0, 3], 3), IndexError, ["number 3", "[0, 3)", "num_classes"]),
        (lambda: F.one_hot([0, -1]), IndexError, ["number -1", "[0, 1)"]),
        (lambda: F.one_hot([0], 0), ValueError, ["num_classes=0", "at least 1"]),
        (lambda: F.one_hot(np.zeros(0, int)), ValueError, ["(0,)", "give num_classes"]),
        (lambda: F.embedding([1.0], WEIGHT), DTypeError, ["float32", "astype('int64')"]),
        (lambda: F.embedding([0, 3], WEIGHT), IndexError, ["number 3", "[0, 3)", "weight"]),
        (lambda: F.embedding([0, -1], WEIGHT), IndexError, ["number -1"]),
        (lambda: F.embedding([0], WEIGHT[0]), ShapeError, ["(2,)", "V x D"]),
        (lambda: F.embedding([0], WEIGHT, 3), ValueError, ["padding_idx=3", "[-3, 3)"]),
        (lambda: F.embedding([0], WEIGHT, max_norm=-1.0), ValueError, ["max_norm=-1.0", "at least 0"]),
    ],
)
def test_what_does_not_fit_is_named_with_what_would(call, error, words):
    with pytest.raises(error) as caught:
        call()
    for word in words:
        assert word in str(caught.value)
