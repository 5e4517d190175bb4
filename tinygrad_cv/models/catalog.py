"""The networks by name, and what each takes: ``load`` and the command line know them from here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

Make = TypeVar("Make", bound=Callable[..., Any])


class Entry(NamedTuple):
    """A network, and what it takes; None takes what there is."""

    make: Callable[..., Any]
    channels: int | None
    side: int | None
    threads: int | None


MODELS: dict[str, Entry] = {}


def network(channels: int | None, side: int | None, threads: int | None = 1) -> Callable[[Make], Make]:
    """Enter a function that makes a network into ``MODELS``, by its own name.

    Args:
        channels, side: C, and H = W of its images; None where the function takes them as ``in_channels`` and
            ``image_size``.
        threads: of NumPy's BLAS in training. Small matrices gain nothing from a second one, and lose much where it has
            to wait; None leaves them as they are.
    """

    def enter(make: Make) -> Make:
        MODELS[make.__name__] = Entry(make, channels, side, threads)
        return make

    return enter
