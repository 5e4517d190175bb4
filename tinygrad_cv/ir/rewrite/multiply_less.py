"""Contractions over sliding windows by fewer multiplications, where that is faster and rounds well enough.

    Σ_u x[i + u] w[u]  =  Aᵀ ((G w) ∘ (B x))      for tiles of results, with the matrices of Toom and Cook

It is an identity of ordinary values, so what follows sees slices, sums of few terms, and a contraction.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, product
from typing import Literal, NamedTuple

import numpy as np

from ..graph import Builder, Graph, Value, rebuild, users
from ..toom_cook import rounding
from .by_points import by_points
from .sliding import Sliding, sliding, unfolded
from .split import MIN_PRODUCTS

Precision = Literal["default", "fast", "exact"]
# How many times the rounding errors of the sums as they stand; None: nothing is rewritten.
PRECISIONS: dict[Precision, float | None] = {"default": 1.6, "fast": 2.5, "exact": None}
KERNEL = 3  # elements of a kernel, along an axis of tiles
TILES = range(2, 5)  # results of a tile, along such an axis
AXES = 2  # with tiles, at most
MOVE = {1: 24.0, 2: 40.0}  # multiplications that take as long as transforming an element, by the number of axes
LONG = 4096  # terms: longer sums as they stand are made in parts, one for each row of the kernel, which round less
STORE = 400.0  # multiplications that take as long as storing an element of the kernel's gradient, in its order
STREAMED = 1 << 23  # elements: planes of more do not stay in a cache from one kernel to the next
AGAIN = 2  # times as many elements as an image's planes the transformed kernel has, at most, to be read for each image
WORTH = 85  # percent of the cost as it stands: what is cheaper is taken


class Taken(NamedTuple):
    """A contraction that is done with fewer multiplications.

    Attributes:
        share: the multiplications that are left.
        rounding: how many times as large rounding errors are.
        tile: how many results a tile has along each axis; 1 where there are no tiles.
    """

    share: float
    rounding: float
    tile: tuple[int, ...]


def multiply_less(graph: Graph, precision: Precision = "default", threads: int = 1) -> tuple[Graph, tuple[Taken, ...]]:
    """The graph with fewer multiplications, and where they were saved."""
    most = PRECISIONS[precision]
    if most is None:
        return graph, ()
    readers, outputs = users(graph.values()), set(graph.outputs)
    taken: list[Taken] = []

    def alone(value: Value) -> bool:
        return len(readers.get(value, ())) == 1 and value not in outputs

    def rule(builder: Builder, value: Value, args: tuple[Value, ...]) -> Value | None:
        if value.dtype != np.float32 or value.op not in ("contract", "fold", "slice"):
            return None
        found: Value | None = value if args == value.args else builder.make(value.op, args, value.params)
        assert found is not None
        if value.op == "fold":
            sliced = alone(value) and readers[value][0].op == "slice"
            found = unfolded(builder, found) if alone(value.args[0]) and not sliced else None
        elif value.op == "slice":
            (fold,) = value.args
            inside = fold.op == "fold" and alone(fold) and alone(fold.args[0])
            found = unfolded(builder, args[0], value) if inside else None
        if found is None or (s := sliding(found)) is None or (choice := chosen(s, most, threads)) is None:
            return None
        taken.append(Taken(choice.share, choice.rounding, tuple(choice.tiles.get(i, 1) for i in s.places)))
        return by_points(builder, s, choice.tiles, at=int(choice.chained))

    return rebuild(graph, rule), tuple(taken)


class Cost(NamedTuple):
    """What a contraction over windows costs for each result, in multiplications: those of its sums, and moving data.

    Attributes:
        channels, results: how many of them there are at each place of x, and at each of the result.
        images: that results are computed of, or that are summed.
        places: of all images.
        taps: elements of the kernel.
        swapped: whether the kernel's gradient is made: it is as large as the kernel, however few places there are.
    """

    channels: int
    results: int
    images: int
    places: int
    taps: int
    swapped: bool

    @staticmethod
    def of(s: Sliding) -> Cost:
        """Channels are summed, and images have results of their own; or the other way round, as places and taps are."""

        def count(letters: Iterable[str]) -> int:
            return math.prod(s.size[i] for i in letters)

        summed = count(i for i in s.lead if i in s.term and i not in s.result)
        own = count(i for i in s.lead if i in s.result and i not in s.term)
        images, channels = (summed, own) if s.swapped else (own, summed)
        results = count(i for i in s.term if i in s.result and i not in s.lead)
        return Cost(channels, results, images, images * count(s.places), count(s.taps), s.swapped)

    @property
    def plain(self) -> float:
        """As it stands."""
        return self.channels * self.results * self.taps

    def by_points(self, axes: int, points: float, taps: float, planes: int) -> float:
        """By points, of which there are so many for each place.

        Args:
            axes: how many have tiles.
            taps: elements of the kernel along the others.
            planes: points of a tile.
        """
        kernel = self.channels * self.results * taps * planes / self.places
        moved = points * (self.channels + self.results) + kernel
        stored = STORE * self.plain / self.places if self.swapped else 0.0
        return self.channels * self.results * taps * points + MOVE[axes] * moved + stored

    def chained(self, points: float, kernel: float) -> bool:
        """Whether the planes of one image are made, read, and done with before the next one's.

        Args:
            kernel: elements of the transformed kernel, which each image reads then.
        """
        moved = points * (self.channels + self.results) * self.places
        return not self.swapped and moved > STREAMED and kernel * self.images <= AGAIN * moved


class Choice(NamedTuple):
    """How multiplications are saved.

    Attributes:
        tiles: along axes, by the letters of their places.
        share: what share of multiplications they leave.
        rounding: how many times as large rounding errors are.
        chained: whether planes lie image by image.
    """

    tiles: dict[str, int]
    share: float
    rounding: float
    chained: bool


def chosen(s: Sliding, most: float, threads: int = 1) -> Choice | None:
    """The tiles that cost least; None where it stays as it is.

    Args:
        most: how many times as large rounding errors may be.
        threads: long sums of images are made in as many parts, which round less.
    """
    cost, best, least = Cost.of(s), None, math.inf
    for tiles in _candidates(s):
        kernel = {i: s.size[s.taps[s.places.index(i)]] for i in tiles}
        errors = math.prod(rounding(kernel[i], m) if s.swapped else rounding(m, kernel[i]) for i, m in tiles.items())
        if s.swapped:
            terms = cost.places, cost.places / math.prod(tiles.values())
            errors *= math.sqrt(threads) if terms[0] >= MIN_PRODUCTS > terms[1] else 1.0
        elif cost.channels * cost.taps > LONG:
            errors *= math.sqrt(KERNEL)
        if errors > most:
            continue
        planes = math.prod(m + kernel[i] - 1 for i, m in tiles.items())
        points = planes * math.prod(-(-s.size[i] // m) / s.size[i] for i, m in tiles.items())
        taps = cost.taps / math.prod(kernel.values())
        found = cost.by_points(len(tiles), points, taps, planes)
        if 100 * found < WORTH * cost.plain and found < least:
            chained = s.lead[:1] == s.result[:1] and cost.chained(points, cost.channels * cost.results * taps * planes)
            best, least = Choice(tiles, points * taps / cost.taps, errors, chained), found
    return best


def _candidates(s: Sliding) -> Iterator[dict[str, int]]:
    """Tiles along one axis or more."""
    axes = [i for i, tap in zip(s.places, s.taps, strict=True) if s.size[tap] == KERNEL]
    for count in range(1, AXES + 1):
        for along in combinations(axes, count):
            for tiles in product(TILES, repeat=count):
                yield dict(zip(along, tiles, strict=True))


def summary(taken: Sequence[Taken]) -> list[str]:
    """What a user should know of it, in words."""
    if not taken:
        return []
    low, high = min(t.share for t in taken), max(t.share for t in taken)
    shares = f"{low:.0%}" if f"{low:.0%}" == f"{high:.0%}" else f"{low:.0%} to {high:.0%}"
    many = len(taken) > 1
    return [
        f"{len(taken)} contraction{'s' if many else ''} over windows with {shares} of the multiplications: rounding "
        f"errors about {max(t.rounding for t in taken):.1f} times those of all, relative to all results; where one is "
        "infinite or NaN, those of the same tile may be NaN"
    ]
