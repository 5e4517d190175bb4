"""What a loader refuses, and why."""

from __future__ import annotations

import multiprocessing
import operator
import sys
from collections.abc import Iterable, Mapping
from multiprocessing.context import BaseContext
from numbers import Real
from typing import Any

from ..dataset import IterableDataset
from .processes import default_context


def check_dataset(dataset: Any, shuffle: Any, sampler: Any, batch_sampler: Any) -> None:
    """A data set has samples by index, or is a stream, which has no order but its own."""
    if isinstance(dataset, IterableDataset):
        given = {"shuffle": shuffle or None, "sampler": sampler, "batch_sampler": batch_sampler}
        for name, value in given.items():
            if value is not None:
                raise ValueError(
                    f"DataLoader: {name} is given for an IterableDataset, whose order is its own. Leave {name} out, "
                    "and shuffle in the data set."
                )
    elif not hasattr(type(dataset), "__getitem__"):
        raise TypeError(
            f"DataLoader: dataset is a {type(dataset).__name__}, which has neither samples by index "
            "(__getitem__) nor is an IterableDataset. Make it one, or give TensorDataset(images, labels)."
        )


def check_batches(batch_size: Any, shuffle: Any, sampler: Any, batch_sampler: Any, drop_last: Any) -> int | None:
    """The batch size; None where samples are not batched, or a batch_sampler does it."""
    if batch_sampler is not None:
        others = {
            "batch_size": batch_size != 1,
            "shuffle": shuffle,
            "sampler": sampler is not None,
            "drop_last": drop_last,
        }
        for name, given in others.items():
            if given:
                raise ValueError(f"DataLoader: {name} is given beside batch_sampler, which decides it. Leave one out.")
        return None
    if sampler is not None and shuffle:
        raise ValueError("DataLoader: shuffle is given beside sampler, which decides the order. Leave one out.")
    if batch_size is None:
        if drop_last:
            raise ValueError("DataLoader: drop_last is given with batch_size=None; there are no batches to drop.")
        return None
    if not isinstance(batch_size, Real):
        raise TypeError(
            f"DataLoader: batch_size is a {type(batch_size).__name__}; it must be a whole number of at least 1, or "
            "None. Images and labels are one data set: DataLoader(TensorDataset(images, labels), batch_size=64)."
        )
    return count("batch_size", batch_size, 1)


def check_workers(
    num_workers: Any, workers: Any, timeout: Any, context: Any, prefetch_factor: Any, persistent_workers: Any
) -> None:
    """Workers are processes or threads, and what is said about them needs some."""
    count("num_workers", num_workers, 0)
    if not isinstance(workers, str) or workers not in ("processes", "threads"):
        raise ValueError(f"DataLoader: workers is {workers!r}; it must be 'processes' or 'threads'.")
    if not isinstance(timeout, (int, float)) or not timeout >= 0:
        raise ValueError(f"DataLoader: timeout is {timeout!r}; it must be seconds, or 0 for no limit.")
    if prefetch_factor is not None:
        count("prefetch_factor", prefetch_factor, 1)
    given = {"prefetch_factor": prefetch_factor, "persistent_workers": persistent_workers or None}
    for name, value in {**given, "multiprocessing_context": context}.items():
        if num_workers == 0 and value is not None:
            raise ValueError(f"DataLoader: {name} is given with num_workers=0; it needs at least one worker.")
    if workers == "threads" and context is not None:
        raise ValueError("DataLoader: multiprocessing_context is given for threads; it is for workers='processes'.")


def start_method(context: Any) -> BaseContext:
    """A multiprocessing context, from its name or none."""
    if context is None:
        return default_context()
    if isinstance(context, BaseContext):
        return context
    methods = multiprocessing.get_all_start_methods()
    if context not in methods:
        raise ValueError(
            f"DataLoader: multiprocessing_context is {context!r}; it must be one of {', '.join(methods)}, or a context "
            "of multiprocessing."
        )
    return multiprocessing.get_context(context)


def check_callable(name: str, function: Any) -> None:
    """A function, or None."""
    if function is not None and not callable(function):
        raise TypeError(f"DataLoader: {name} is {function!r}; it must be a function.")


def count(name: str, value: Any, least: int) -> int:
    """A whole number of at least this, which may count things in memory."""
    try:
        number = -1 if isinstance(value, bool) else operator.index(value)
    except TypeError:  # an array of several numbers has __index__, too
        number = -1
    if not least <= number <= sys.maxsize:
        raise ValueError(f"DataLoader: {name} is {value!r}; it must be a whole number of at least {least}.")
    return number


def check_order(shuffle: Any, drop_last: Any, sampler: Any, batch_sampler: Any) -> None:
    """Switches that are true or false, and samplers that can be iterated."""
    for name, value in (("shuffle", shuffle), ("drop_last", drop_last)):
        if getattr(value, "shape", ()):  # several values are neither
            raise TypeError(f"DataLoader: {name} is an array of shape {value.shape}; it must be True or False.")
    for name, value in (("sampler", sampler), ("batch_sampler", batch_sampler)):
        if value is not None and (isinstance(value, (str, Mapping)) or not isinstance(value, Iterable)):
            raise TypeError(f"DataLoader: {name} is {value!r}; it must be an iterable of the numbers of samples.")
