"""Data sets of samples by index and as streams; PyTorch's are the oracle where it is installed."""

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import data
from tinygrad_cv.data.dataset import Rows, fetch
from tinygrad_cv.data.randomness import batching, current, sample_generator

pytestmark = pytest.mark.any_python

ROWS = np.arange(12.0).reshape(6, 2)


def plain(sample):
    """A sample as Python values."""
    if isinstance(sample, (tuple, list)):
        return tuple(map(plain, sample))
    return plain(sample.tolist()) if hasattr(sample, "tolist") else sample


def by_index(library, make):
    """What a data set answers: its length, samples from both ends, and the kind of error beyond them."""
    dataset = make(library)
    answers = [len(dataset)]
    for index in range(-len(dataset) - 1, len(dataset) + 1):
        try:
            answers.append(plain(dataset[index]))
        except (IndexError, ValueError) as error:
            answers.append(type(error))
    return answers


class TorchArrays:
    """PyTorch's data sets, which take tensors where ours take arrays."""

    def __init__(self):
        self.torch = pytest.importorskip("torch")

    def __getattr__(self, name):
        made = getattr(self.torch.utils.data, name)
        return (lambda *arrays: made(*map(self.torch.as_tensor, arrays))) if name == "TensorDataset" else made


@pytest.mark.parametrize(
    "make",
    [
        lambda d: d.TensorDataset(ROWS, np.arange(6)),
        lambda d: d.Subset(d.TensorDataset(ROWS), [5, 0, -1, 0]),
        lambda d: d.Subset(d.Subset(d.TensorDataset(ROWS), [5, 0, 3]), [2, 1]),
        lambda d: d.ConcatDataset([d.TensorDataset(ROWS), d.TensorDataset(ROWS[:0]), d.TensorDataset(ROWS[:1])]),
        lambda d: d.TensorDataset(ROWS) + d.TensorDataset(-ROWS) + d.Subset(d.TensorDataset(ROWS), [1]),
        lambda d: d.ConcatDataset([[1, 2], "ab"]),
    ],
    ids=["tensors", "subset", "subset of subset", "concatenated", "added", "sequences"],
)
def test_samples_by_index_are_pytorchs(make):
    assert by_index(data, make) == by_index(TorchArrays(), make)


def test_streams_are_pytorchs():
    def answers(library):
        class Count(library.IterableDataset):
            def __init__(self, n):
                self.n = n

            def __iter__(self):
                return iter(range(self.n))

            def __len__(self):
                return self.n

        chain = Count(2) + Count(0) + Count(3)
        return list(chain), len(chain), list(chain), list(library.ChainDataset(iter([Count(1)])))

    assert answers(data) == answers(pytest.importorskip("torch").utils.data)
    assert answers(data)[0] == [0, 1, 0, 1, 2]


@pytest.mark.parametrize("lengths", [[4, 6], [10], [0.3, 0.3, 0.4], [0.33, 0.33, 0.34], [1 / 3] * 3, [0.5, 0.25, 0.25]])
def test_random_split_has_pytorchs_lengths(lengths):
    parts = data.random_split(range(10), lengths)
    torch_parts = pytest.importorskip("torch").utils.data.random_split(range(10), lengths)
    assert [len(part) for part in parts] == [len(part) for part in torch_parts]
    assert sorted(sample for part in parts for sample in part) == list(range(10))


def test_random_split_draws_from_its_generator():
    def order(generator):
        return [sample for part in data.random_split(range(30), [10, 20], generator) for sample in part]

    tg.manual_seed(5)
    first, second = order(None), order(None)
    tg.manual_seed(5)
    assert order(None) == first != second
    for generator in (np.random.default_rng, tg.Generator):
        assert order(generator(3)) == order(generator(3)) != order(generator(4))
    expected = np.random.default_rng(3).permutation(30).tolist()
    assert order(np.random.default_rng(3)) == expected


def test_random_split_warns_of_an_empty_part():
    with pytest.warns(UserWarning, match=r"random_split: part 1 is empty: 0\.1 of 4 samples"):
        assert [len(part) for part in data.random_split(range(4), [0.9, 0.1])] == [4, 0]


class Noise(data.Dataset):
    """Samples with a random number."""

    def __getitem__(self, index):
        return index, current().random()

    def __len__(self):
        return 9


class Doubled(data.TensorDataset):
    """Another sample than that of the class above, by index only."""

    def __getitem__(self, index):
        return tuple(2 * part for part in super().__getitem__(index))


def test_fetch_takes_rows_at_once_and_gives_the_samples():
    labelled = data.LabelledImages(np.arange(24).reshape(6, 1, 2, 2), np.arange(6), tuple("abcdef"))
    for dataset in (
        labelled,
        data.TensorDataset(ROWS, np.arange(6)),
        data.Subset(data.Subset(labelled, range(6)), range(6)),
    ):
        rows = fetch(dataset, [4, 1, 1])
        assert isinstance(rows, Rows) and len(rows) == 3 and all(len(part) == 3 for part in rows.arrays)
        assert plain(list(rows)) == tuple(plain(dataset[i]) for i in (4, 1, 1))
        assert plain(list(rows[1:])) == plain(list(rows)[1:])
    assert len(fetch(labelled, [])) == 0


def test_fetch_calls_the_method_that_was_overridden():
    assert plain(fetch(Doubled(ROWS), [2])) == (((8.0, 10.0),),)
    assert plain(fetch(data.Subset(Doubled(ROWS), [2]), [0])) == (((8.0, 10.0),),)


@pytest.mark.parametrize("wrap", [lambda d: d, lambda d: data.Subset(data.Subset(d, range(9)), range(9))])
def test_samples_of_a_batch_have_numbers_of_their_own(wrap):
    with batching(seed=3, epoch=2, index=1, first=20):
        samples = fetch(wrap(Noise()), [7, 7])
    assert samples == [(7, sample_generator(3, 2, n).random()) for n in (20, 21)]


class Bare(data.Dataset):
    """Nothing defined."""


class BareStream(data.IterableDataset):
    """Nothing defined."""


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: data.TensorDataset(), ValueError, "shapes none; there must be at least one"),
        (lambda: data.TensorDataset(ROWS, np.arange(5)), ValueError, r"shapes \(6, 2\), \(5,\); .*one label for each"),
        (lambda: data.TensorDataset(3), ValueError, r"shapes \(\);"),
        (lambda: data.LabelledImages(ROWS, np.arange(5), ("a",)), ValueError, r"\(6, 2\) and labels \(5,\).*one label"),
        (lambda: data.ConcatDataset([]), ValueError, "no data sets; give at least one"),
        (lambda: data.ConcatDataset([BareStream()]), TypeError, "BareStream is an IterableDataset.*Use ChainDataset"),
        (lambda: list(data.ChainDataset([[1]])), TypeError, "list is not an IterableDataset.*Use ConcatDataset"),
        (
            lambda: data.random_split(range(4), [2, 1]),
            ValueError,
            r"lengths are \[2, 1\] and the data set has 4 samples",
        ),
        (lambda: data.random_split(range(4), [2.5, 1.5]), ValueError, r"lengths are \[2\.5, 1\.5\].*whole numbers"),
        (lambda: data.random_split(range(4), [1.5, -0.5]), ValueError, r"fraction 0 is 1\.5; it must be in \[0, 1\]"),
        (
            lambda: data.random_split(range(4), [4], 7),
            TypeError,
            r"generator is a builtins\.int.*Give tg\.Generator\(seed\)",
        ),
        (lambda: Bare()[0], NotImplementedError, r"Bare: a Dataset must define __getitem__\(index\)"),
        (lambda: list(BareStream()), NotImplementedError, r"BareStream: an IterableDataset must define __iter__\(\)"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
