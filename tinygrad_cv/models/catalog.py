"""The networks by name, for ``load`` and for the command line, with the images that each takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

Make = TypeVar("Make", bound=Callable[..., Any])


class Entry(NamedTuple):
    """A function that makes a network, the images that it takes (None: any), and the threads for training it."""

    make: Callable[..., Any]
    channels: int | None
    side: int | None
    threads: int | None


MODELS: dict[str, Entry] = {}


def network(channels: int | None, side: int | None, threads: int | None = 1) -> Callable[[Make], Make]:
    """Decorator that enters a function that makes a network into ``MODELS``, under its name.

    Args:
        channels, side: C and H = W of its images; None if the function takes them as ``in_channels`` and
            ``image_size``.
        threads: the number of threads of NumPy's BLAS in training; None does not change it. For small matrices a
            second thread is no faster, and on a busy machine much slower.
    """

    def enter(make: Make) -> Make:
        MODELS[make.__name__] = Entry(make, channels, side, threads)
        return make

    return enter
