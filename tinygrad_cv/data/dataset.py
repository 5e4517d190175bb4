"""Data sets: samples by index or as a stream, and data sets made of others. Names and arguments are PyTorch's."""

from __future__ import annotations

import bisect
import itertools
import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.position import user_frame
from .randomness import RandomSource, given_generator, nth_sample

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Arrays = tuple[np.ndarray, ...]


class Dataset(Generic[T_co]):
    """Samples by index: a subclass defines ``__getitem__`` and ``__len__``.

    Random numbers of a sample come from ``data.randomness.current()``; then they depend on seed, epoch and the sample
    alone. A subclass that can make many samples at once defines ``__getitems__(indices)`` too, which returns a sequence
    of them; a loader calls it for a batch, unless a class below overrides ``__getitem__`` only.

    >>> class Squares(Dataset):
    ...     def __getitem__(self, index):
    ...         return index**2
    ...     def __len__(self):
    ...         return 4
    >>> list(ConcatDataset([Squares(), Subset(Squares(), [3, 3])])[i] for i in range(6))
    [0, 1, 4, 9, 9, 9]
    """

    def __getitem__(self, index: Any) -> T_co:
        raise NotImplementedError(f"{type(self).__name__}: a Dataset must define __getitem__(index).")

    def __add__(self, other: Dataset[T_co]) -> ConcatDataset[T_co]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co]):
    """Samples as a stream: a subclass defines ``__iter__``; each epoch iterates once from the start.

    One worker reads the stream, however many a loader has: so its order is the same for any number of them, and no
    sample comes twice. It reads ahead of the training step. Where ``get_worker_info`` is asked, as in data sets that
    divide a stream among workers, it answers that there is one worker, which gets all of it.

    >>> class Count(IterableDataset):
    ...     def __iter__(self):
    ...         return iter(range(3))
    >>> list(Count() + Count())
    [0, 1, 2, 0, 1, 2]
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__}: an IterableDataset must define __iter__().")

    def __add__(self, other: Dataset[T_co]) -> ChainDataset[T_co]:  # type: ignore[override]  # as in PyTorch
        return ChainDataset([self, other])


class Rows(Sequence[Arrays]):
    """Samples that are the rows of arrays: a batch that was taken at once, so that collating it costs nothing more.

    >>> rows = Rows(np.arange(6).reshape(3, 2), np.array([7, 8, 9]))
    >>> image, label = rows[1]
    >>> len(rows), image.tolist(), int(label)
    (3, [2, 3], 8)
    """

    def __init__(self, *arrays: np.ndarray):
        self.arrays = arrays

    def __len__(self) -> int:
        return len(self.arrays[0])

    @overload
    def __getitem__(self, index: int) -> Arrays: ...

    @overload
    def __getitem__(self, index: slice) -> Rows: ...

    def __getitem__(self, index: int | slice) -> Arrays | Rows:
        rows = tuple(array[index] for array in self.arrays)
        return Rows(*rows) if isinstance(index, slice) else rows


class TensorDataset(Dataset[Arrays]):
    """Samples are the rows of arrays: the tuple of each array's entry ``index``.

    Args:
        tensors: arrays, tensors, or what NumPy makes arrays of, all of N entries.

    Raises:
        ValueError: there is none, one has no dimension, or they differ in length.

    >>> row, label = TensorDataset(np.eye(2), [5, 6])[1]
    >>> row.tolist(), int(label)
    ([0.0, 1.0], 6)
    """

    def __init__(self, *tensors: ArrayLike):
        self.tensors = tuple(np.asarray(tensor) for tensor in tensors)
        shapes = [tensor.shape for tensor in self.tensors]
        if not shapes or () in shapes or len({shape[0] for shape in shapes}) > 1:
            raise ValueError(
                f"TensorDataset: the arrays have shapes {', '.join(map(str, shapes)) or 'none'}; there must be at "
                "least one, and the first dimension of all must be the same N. Give one label for each image."
            )

    def __getitem__(self, index: Any) -> Arrays:
        return tuple(tensor[index] for tensor in self.tensors)

    def __getitems__(self, indices: Sequence[int]) -> Rows:
        chosen = np.asarray(indices, np.intp)
        return Rows(*(tensor[chosen] for tensor in self.tensors))

    def __len__(self) -> int:
        return len(self.tensors[0])


@dataclass(frozen=True, eq=False, repr=False)
class LabelledImages(Dataset[tuple[np.ndarray, np.int64]]):
    """Images N x C x H x W, their N labels (int64), and the class name of each label; a sample is (image, label).

    ``augment`` names the augmentations that keep the labels valid: "shift", "flip".

    Raises:
        ValueError: images and labels differ in number.
    """

    images: np.ndarray
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    augment: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.images.shape[:1] != self.labels.shape:
            raise ValueError(
                f"LabelledImages: images have shape {self.images.shape} and labels {self.labels.shape}; "
                "they must be N x C x H x W and N. Give one label for each image."
            )

    def __getitem__(self, index: Any) -> tuple[np.ndarray, np.int64]:
        return self.images[index], self.labels[index]

    def __getitems__(self, indices: Sequence[int]) -> Rows:
        chosen = np.asarray(indices, np.intp)
        return Rows(self.images[chosen], self.labels[chosen])

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.images.shape))
        return f"LabelledImages({shape} {self.images.dtype}, {len(self.classes)} classes)"


class Subset(Dataset[T_co]):
    """The samples of a data set at these indices.

    >>> Subset("abcdef", [4, 1])[0]
    'e'
    """

    def __init__(self, dataset: Dataset[T_co], indices: Sequence[int]):
        self.dataset, self.indices = dataset, indices

    def __getitem__(self, index: Any) -> T_co:
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: Sequence[int]) -> Sequence[T_co]:
        return fetch(self.dataset, [self.indices[index] for index in indices])

    def __len__(self) -> int:
        return len(self.indices)


class ConcatDataset(Dataset[T_co]):
    """Data sets one after the other.

    Raises:
        ValueError: there is none; an index is below minus the length.
        TypeError: one is an IterableDataset.
    """

    def __init__(self, datasets: Iterable[Dataset[T_co]]):
        self.datasets = list(datasets)
        if not self.datasets:
            raise ValueError("ConcatDataset: there are no data sets; give at least one.")
        for dataset in self.datasets:
            if isinstance(dataset, IterableDataset):
                raise TypeError(
                    f"ConcatDataset: {type(dataset).__name__} is an IterableDataset, which has no samples by index. "
                    "Use ChainDataset."
                )
        self.cumulative_sizes = list(itertools.accumulate(map(_length, self.datasets)))

    def __getitem__(self, index: int) -> T_co:
        if index < -len(self):
            raise ValueError(f"ConcatDataset: index {index} of {len(self)} samples; it must be at least {-len(self)}.")
        position = index + len(self) if index < 0 else index
        which = bisect.bisect_right(self.cumulative_sizes, position)
        if which == len(self.datasets):
            raise IndexError(f"ConcatDataset: index {index} of {len(self)} samples; it must be below {len(self)}.")
        return self.datasets[which][position - (self.cumulative_sizes[which - 1] if which else 0)]

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]


class ChainDataset(IterableDataset[T_co]):
    """Streams one after the other.

    Raises:
        TypeError: when iterated, or asked for its length: one is not an IterableDataset.
    """

    def __init__(self, datasets: Iterable[Dataset[T_co]]):
        self.datasets = datasets

    def _streams(self) -> Iterator[IterableDataset[T_co]]:
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise TypeError(
                    f"ChainDataset: {type(dataset).__name__} is not an IterableDataset. Use ConcatDataset for data "
                    "sets whose samples have indices."
                )
            yield dataset

    def __iter__(self) -> Iterator[T_co]:
        for stream in self._streams():
            yield from stream

    def __len__(self) -> int:
        return sum(map(_length, self._streams()))


def random_split(
    dataset: Dataset[T], lengths: Sequence[int | float], generator: RandomSource = None
) -> list[Subset[T]]:
    """Divide a data set at random into parts that do not overlap.

    Args:
        lengths: of the parts; or fractions whose sum is 1: each is rounded down, and what is left goes to the parts one
            by one, from the first.
        generator: where the order comes from; by default the one that ``tg.manual_seed`` restarts.

    Raises:
        ValueError: the lengths do not make up the data set, or a fraction is not in [0, 1].

    >>> [len(part) for part in random_split(range(10), [0.5, 0.25, 0.25])]
    [6, 2, 2]
    """
    size = _length(dataset)
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        lengths = _from_fractions(size, lengths)
    if sum(lengths) != size or any(length != int(length) or length < 0 for length in lengths):
        raise ValueError(
            f"random_split: the lengths are {list(lengths)} and the data set has {size} samples; they must be whole "
            "numbers whose sum is that, or fractions whose sum is 1."
        )
    order = given_generator("random_split", generator).permutation(size).tolist()
    ends = list(itertools.accumulate(map(int, lengths)))
    return [Subset(dataset, order[start:end]) for start, end in zip([0, *ends], ends, strict=False)]


def _from_fractions(size: int, fractions: Sequence[float]) -> list[int]:
    for i, fraction in enumerate(fractions):
        if not 0 <= fraction <= 1:
            raise ValueError(f"random_split: fraction {i} is {fraction}; it must be in [0, 1].")
    lengths = [math.floor(size * fraction) for fraction in fractions]
    for i in range(size - sum(lengths)):
        lengths[i % len(lengths)] += 1
    for i, length in enumerate(lengths):
        if length == 0:
            words = f"random_split: part {i} is empty: {fractions[i]} of {size} samples."
            warnings.warn(words, stacklevel=user_frame()[1])
    return lengths


def fetch(dataset: Dataset[T], indices: Sequence[Any]) -> Sequence[T]:
    """The samples at these indices: at once where the data set can, and otherwise one by one."""
    if _makes_many(type(dataset)):
        return dataset.__getitems__(indices)  # type: ignore[attr-defined]
    samples = []
    for n, index in enumerate(indices):
        with nth_sample(n):
            samples.append(dataset[index])
    return samples


def _makes_many(kind: type) -> bool:
    """Whether ``__getitems__`` says the same as ``__getitem__``: not if a class below overrides the latter only."""
    for owner in kind.__mro__:
        if "__getitems__" in vars(owner):
            return True
        if "__getitem__" in vars(owner):
            return False
    return False


def _length(dataset: Any) -> int:
    return len(dataset)
