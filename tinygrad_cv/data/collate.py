"""Collating: from a list of samples to a batch of arrays."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any

import numpy as np

from .dataset import Rows

Label = Callable[[int], str]  # how an error names the sample at a position of the batch


class UnequalShapes(ValueError):
    """Samples of different shapes, which are no batch."""

    def __init__(self, where: str, shapes: Sequence[tuple[int, ...]]):
        super().__init__(where, shapes)
        self.where, self.shapes = where, shapes

    def __str__(self) -> str:
        return self.told("sample {}".format)

    def told(self, label: Label) -> str:
        """The message, with a label for each position in the batch."""
        positions = defaultdict(list)
        for position, shape in enumerate(self.shapes):
            positions[shape].append(position)
        found = "; ".join(f"{shape} of {_few(at, label)}" for shape, at in positions.items())
        return (
            f"default_collate: {self.where} has different shapes: {found}. The samples of a batch must have the same "
            "one: resize or crop them, or give a collate_fn."
        )


def default_collate(batch: Sequence[Any]) -> Any:
    """A batch as one value: what an array is in a sample is an array of one more dimension, N first, in the batch.

    Arrays, tensors and numbers are stacked to NumPy arrays, and keep their dtype (of Python's numbers: int64, float64,
    bool). Dicts, tuples, named tuples and lists stay what they are, and their entries are collated. Strings and bytes
    become lists.

    Raises:
        ValueError: the samples have different shapes, lengths or keys.
        TypeError: a sample is, or holds, something else, such as None or an image of Pillow.

    >>> batch = default_collate([{"image": np.zeros(2), "label": 3}, {"image": np.ones(2), "label": 4}])
    >>> batch["image"].tolist(), batch["label"].tolist()
    ([[0.0, 0.0], [1.0, 1.0]], [3, 4])
    """
    if isinstance(batch, Rows):
        return batch.arrays
    if not len(batch):
        raise ValueError("default_collate: there are no samples; a batch must have at least one.")
    return _collated(list(batch), "the sample")


def default_convert(data: Any) -> Any:
    """One sample, of a loader without batches: its tensors as NumPy arrays, and all else as it is.

    >>> import tinygrad_cv as tg
    >>> default_convert((tg.zeros(2), "name"))
    (array([0., 0.], dtype=float32), 'name')
    """
    if _is_array(data):
        return np.asarray(data)
    if isinstance(data, Mapping):
        return _like_mapping(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _like_sequence(data, [default_convert(entry) for entry in data])
    return data


def _collated(samples: list[Any], where: str) -> Any:
    first = samples[0]
    if isinstance(first, (str, bytes)):
        return samples
    if _is_array(first) or isinstance(first, (bool, int, float, complex)):
        return _stacked(samples, where)
    if isinstance(first, Mapping):
        _check_equal(samples, where, "keys", lambda sample: sorted(map(repr, sample)))
        entries = {key: _collated([sample[key] for sample in samples], f"{where}[{key!r}]") for key in first}
        return _like_mapping(first, entries)
    if isinstance(first, Sequence):
        _check_equal(samples, where, "lengths", len)
        columns = zip(*samples, strict=True)
        return _like_sequence(first, [_collated(list(c), f"{where}[{i}]") for i, c in enumerate(columns)])
    raise _refusal(first, where)


def _stacked(samples: list[Any], where: str) -> np.ndarray:
    arrays = [np.asarray(sample) for sample in samples]
    for array, sample in zip(arrays, samples, strict=True):
        if array.dtype.kind in "OSUV":  # of None, strings, records
            raise _refusal(sample, where)
    shapes = [array.shape for array in arrays]
    if len(set(shapes)) > 1:
        raise UnequalShapes(where, shapes)
    return np.stack(arrays)


def _is_array(value: Any) -> bool:
    return hasattr(type(value), "__array__")


def _like_mapping(first: Mapping[Any, Any], entries: dict[Any, Any]) -> Any:
    if isinstance(first, MutableMapping):  # a defaultdict or another kind keeps what else it holds
        made = copy.copy(first)
        made.update(entries)
        return made
    return entries


def _like_sequence(first: Sequence[Any], entries: list[Any]) -> Any:
    if hasattr(first, "_fields"):
        return type(first)(*entries)
    return tuple(entries) if isinstance(first, tuple) else entries


def _check_equal(samples: list[Any], where: str, what: str, of: Callable[[Any], Any]) -> None:
    try:
        found = [of(sample) for sample in samples]
    except TypeError:
        kinds = sorted({type(sample).__name__ for sample in samples})
        raise TypeError(f"default_collate: {where} is of different kinds: {', '.join(kinds)}. Make them one.") from None
    for position, other in enumerate(found):
        if other != found[0]:
            raise ValueError(
                f"default_collate: {where} has different {what}: {found[0]} of sample 0, {other} of sample {position}. "
                "The samples of a batch must have the same ones; or give a collate_fn."
            )


def _refusal(value: Any, where: str) -> TypeError:
    kind = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
    if isinstance(value, np.ndarray):
        kind += f" of dtype {value.dtype}"
    return TypeError(
        f"default_collate: {where} is a {kind}; a batch is made of arrays, tensors, numbers, strings, and dicts, "
        "tuples and lists of them. Convert it in the data set (an image: by numpy.asarray), or give a collate_fn."
    )


def _few(positions: list[int], label: Label) -> str:
    more = f" and {len(positions) - 3} more" if len(positions) > 3 else ""
    return ", ".join(map(label, positions[:3])) + more
