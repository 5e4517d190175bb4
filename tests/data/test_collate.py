"""Collating: PyTorch's structure and numbers, as arrays; errors that name what differs."""

from collections import OrderedDict, defaultdict, namedtuple

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv.data import default_collate, default_convert
from tinygrad_cv.data.collate import UnequalShapes
from tinygrad_cv.data.dataset import Rows

pytestmark = pytest.mark.any_python

Pair = namedtuple("Pair", "image label")


def described(value, tuples=tuple):
    """A batch as its kinds, dtypes and numbers."""
    if isinstance(value, dict):
        return type(value).__name__, {key: described(value[key], tuples) for key in value}
    if isinstance(value, (tuple, list)):
        kind = tuples if type(value) is tuple else type(value)
        return kind.__name__, [described(entry, tuples) for entry in value]
    if hasattr(value, "numpy"):
        value = value.numpy()
    return (str(value.dtype), value.shape, value.tolist()) if isinstance(value, np.ndarray) else value


BATCHES = {
    "arrays": [np.array([[1, 2]], np.uint8), np.array([[3, 4]], np.uint8)],
    "float16": [np.zeros(2, np.float16)],
    "empty arrays": [np.zeros((0, 2)), np.zeros((0, 2))],
    "arrays without dimension": [np.array(1.5), np.array(2.5)],
    "NumPy's numbers": [np.float32(1), np.float32(2)],
    "whole numbers": [3, -4],
    "numbers": [1.5, 2.0],
    "bools": [True, False],
    "strings": ["a", "b"],
    "bytes": [b"a", b"b"],
    "pairs": [(np.ones(2), 3), (np.zeros(2), 4)],
    "lists": [[1, "a"], [2, "b"]],
    "named tuples": [Pair(np.ones(2), 3), Pair(np.zeros(2), 4)],
    "dicts": [{"x": np.ones(2), "y": [1, {"z": 2.0}]}, {"x": np.zeros(2), "y": [3, {"z": 4.0}]}],
    "ordered dicts": [OrderedDict(b=1, a=2), OrderedDict(b=3, a=4)],
    "default dicts": [defaultdict(list, b=1), defaultdict(list, b=3)],
    "empty tuples": [(), ()],
    "one sample": [(np.ones(2), 3)],
}


@pytest.mark.parametrize("batch", BATCHES.values(), ids=BATCHES)
def test_batches_are_pytorchs(batch):
    torch = pytest.importorskip("torch")
    expected = described(torch.utils.data.default_collate(batch), tuples=list)  # PyTorch makes lists of tuples
    assert described(default_collate(batch), tuples=list) == expected


@pytest.mark.parametrize("sample", [(1, [2, Pair(3, 4)]), [(1, 2)], OrderedDict(a=(1,)), defaultdict(list, a=[1])])
def test_structure_is_kept(sample):
    def kinds(value):
        if isinstance(value, dict):
            return type(value), {key: kinds(value[key]) for key in value}
        return (type(value), list(map(kinds, value))) if isinstance(value, (tuple, list)) else None

    assert kinds(default_collate([sample, sample])) == kinds(sample)


def test_tensors_become_arrays():
    torch = pytest.importorskip("torch")
    for zeros in (tg.zeros, torch.zeros):
        image, _ = default_collate([(zeros(2, 3), 0), (zeros(2, 3), 1)])
        assert type(image) is np.ndarray and image.shape == (2, 2, 3) and image.dtype == np.float32
        assert type(default_convert([zeros(2)])[0]) is np.ndarray


def test_batches_are_copies():
    samples = [np.zeros(2), np.zeros(2)]
    default_collate(samples)[:] = 1
    default_collate(samples[:1])[:] = 1
    assert samples[0].tolist() == samples[1].tolist() == [0, 0]


def test_rows_are_a_batch_already():
    rows = Rows(np.zeros((3, 2)), np.arange(3))
    assert default_collate(rows) is rows.arrays


@pytest.mark.parametrize("value", [3, "a", None, (1, [2, {"a": b"b"}]), Pair(1, 2), defaultdict(list, a=1)])
def test_convert_leaves_what_is_no_array(value):
    assert default_convert(value) == value and type(default_convert(value)) is type(value)


def test_unequal_shapes_are_named_with_their_samples():
    a, b = np.zeros((3, 4, 4)), np.zeros((3, 5, 4))
    with pytest.raises(UnequalShapes) as caught:
        default_collate([{"image": (image, 0)} for image in [a, b, a, a, a, a, b]])
    expected = (
        "default_collate: the sample['image'][0] has different shapes: (3, 4, 4) of sample 0, sample 2, sample 3 and 2 "
        "more; (3, 5, 4) of sample 1, sample 6. The samples"
    )
    assert str(caught.value).startswith(expected)
    assert "(3, 5, 4) of #20, #70." in caught.value.told(lambda position: f"#{10 * (position + 1)}")


@pytest.mark.parametrize(
    "batch, error, message",
    [
        ([], ValueError, "no samples"),
        ([None], TypeError, "the sample is a NoneType"),
        ([(1, None)], TypeError, r"the sample\[1\] is a NoneType"),
        ([1, None], TypeError, "the sample is a NoneType"),
        ([np.array(["a"])], TypeError, "is a numpy.ndarray of dtype <U1"),
        ([np.array([None])], TypeError, "is a numpy.ndarray of dtype object"),
        ([{1, 2}], TypeError, "is a set; a batch is made of arrays"),
        ([[1], [1, 2]], ValueError, "different lengths: 1 of sample 0, 2 of sample 1"),
        ([[1], 2], TypeError, "of different kinds: int, list"),
        ([{"a": 1}, {"b": 1}], ValueError, r"different keys: \[\"'a'\"\] of sample 0"),
        ([np.zeros(2), np.zeros(3)], ValueError, r"\(2,\) of sample 0; \(3,\) of sample 1.*collate_fn"),
        ([2.0, [3.0]], ValueError, r"\(\) of sample 0; \(1,\) of sample 1"),
        ([tg.zeros(2, requires_grad=True)], tg.GraphError, "lose its gradient"),
    ],
)
def test_errors(batch, error, message):
    with pytest.raises(error, match=message):
        default_collate(batch)


def test_an_image_of_pillow_is_refused():
    image = pytest.importorskip("PIL.Image").new("RGB", (4, 3))
    with pytest.raises(TypeError, match=r"the sample\[0\] is a PIL\.Image\.Image; .*an image: by numpy\.asarray"):
        default_collate([(image, 0)])
