"""A contraction over sliding windows as one for each point at which polynomials are multiplied.

    V = B x of each tile,   U = G w,   M = Σ over channels of V ∘ U,   y = Aᵀ M

Windows of m + r - 1 elements, m apart, are the tiles. The points are planes: an axis of V, U and M, the outermost one,
or the second one of V and M. Then kernels that share the images of the first can be a chain, in which planes of an
image are read while they are in the cache.
Axes whose tiles are 1 keep their windows, which slide over V.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

from ..graph import Builder, Value
from ..terms import combined, moved, padded, part, reshaped
from ..toom_cook import Matrix, Transforms, transforms
from .sliding import Sliding

Table = dict[tuple[int, ...], Value]  # values by their places in tiles, or by points
LETTERS = "zyxwvutsrqponmlkjihgfedcbaZYXWVUTSRQPONMLKJIHGFEDCBA"


def by_points(builder: Builder, s: Sliding, tiles: Mapping[str, int], at: int = 0) -> Value:
    """The same sums with fewer multiplications.

    Args:
        tiles: how many places a tile has along axes of the windows, by their letters.
        at: which axis the planes are.
    """
    return _ByPoints(builder, s, tiles, at).result()


def matrices(s: Sliding, place: str, tile: int) -> Transforms:
    """The matrices along one axis of the windows."""
    taps = s.size[s.taps[s.places.index(place)]]
    return transforms(taps, tile) if s.swapped else transforms(tile, taps)


class _ByPoints:
    """Letters of axes stand for axes: places of ``along`` for tiles, once there are tiles."""

    def __init__(self, builder: Builder, s: Sliding, tiles: Mapping[str, int], at: int):
        self.builder, self.s, self.tile, self.at = builder, s, tiles, at
        self.along = [i for i in s.places if i in tiles]
        self.rest = [i for i in s.places if i not in tiles]
        self.tap = dict(zip(s.places, s.taps, strict=True))
        self.count = {i: -(-s.size[i] // tiles[i]) for i in self.along}
        self.matrices = [matrices(s, i, tiles[i]) for i in self.along]
        self.plane = next(c for c in LETTERS if c not in s.lead + s.places + s.taps + s.term)

    def result(self) -> Value:
        s = self.s
        data, a = self.data()
        kernel, b = self.kernel()
        inside = {*s.result, *(() if s.swapped else self.along)}
        order = [i for i in dict.fromkeys([*a, *b]) if i in inside]
        made = [*order[: self.at], self.plane, *order[self.at :]]
        spec = f"{''.join(a)},{''.join(b)}->{''.join(made)}"
        return self.output(self.builder.make("contract", [data, kernel], {"spec": spec}), order)

    def data(self) -> tuple[Value, list[str]]:
        """V between the zeros of axes that keep their windows, and its letters."""
        s = self.s
        x, width = _borders(s)
        order = [*s.lead, *self.rest, *self.along]
        x = moved(self.builder, x, s.lead + s.places, order)
        sides = [(low, high + self.missing(i)) for i in self.along for low, high in [width[i]]]
        x = padded(self.builder, x, [(0, 0)] * (x.ndim - len(sides)) + sides)
        table = self.elements(x, [m.data for m in self.matrices], step=self.tile)
        first = [i for i in s.lead if (i in s.result) != s.swapped]
        final = [*first, *self.along, *(i for i in s.lead if i not in first), *self.rest]
        v = _joined(self.builder, {q: moved(self.builder, t, order, final) for q, t in table.items()}, self.at)
        letters = [*final[: self.at], self.plane, *final[self.at :]]
        if self.rest:
            v = padded(self.builder, v, [(0, 0)] * (v.ndim - len(self.rest)) + [width[i] for i in self.rest])
            taps = [self.tap[i] for i in self.rest]
            v = _windows(self.builder, v, [s.size[i] for i in taps], [1] * len(taps))
            letters += taps
        return v, letters

    def kernel(self) -> tuple[Value, list[str]]:
        """U and its letters. If places and taps are exchanged, it has tiles: w is the gradient of all places."""
        s, w = self.s, self.s.w
        inside = self.along if s.swapped else [self.tap[i] for i in self.along]
        others = [i for i in s.term if i not in inside]
        w = moved(self.builder, w, s.term, [*others, *inside])
        if s.swapped:
            w = padded(self.builder, w, [(0, 0)] * len(others) + [(0, self.missing(i)) for i in inside])
        table = self.elements(w, [m.kernel for m in self.matrices], step=self.tile if s.swapped else None)
        if s.swapped:  # what is summed comes before what stays
            order, others = [*others, *inside], sorted([*others, *inside], key=lambda i: i in s.result)
            table = {q: moved(self.builder, t, order, others) for q, t in table.items()}
        return _joined(self.builder, table, 0), [self.plane, *others]

    def output(self, sums: Value, order: list[str]) -> Value:
        """y: the results of each tile, which become places again, or the taps."""
        s = self.s
        points = product(*(range(len(m.data)) for m in self.matrices))
        table = {q: part(self.builder, sums, {self.at: number}) for number, q in enumerate(points)}
        table = _applied(self.builder, [m.output for m in self.matrices], table)
        for i in reversed(self.along):
            groups: dict[tuple[int, ...], Table] = {}
            for q, t in table.items():
                groups.setdefault(q[:-1], {})[q[-1:]] = t
            at = len(order) if s.swapped else order.index(i) + 1
            table = {q: _joined(self.builder, t, at) for q, t in groups.items()}
            if s.swapped:
                order = [*order, self.tap[i]]
            else:
                table = {q: self.placed(t, order, i) for q, t in table.items()}
        return moved(self.builder, table[()], order, s.result)

    def placed(self, y: Value, order: Sequence[str], place: str) -> Value:
        """Tiles, and the axis of the places in them that follows, as one axis without what was added at its end."""
        at = order.index(place)
        y = reshaped(self.builder, y, (*y.shape[:at], y.shape[at] * y.shape[at + 1], *y.shape[at + 2 :]))
        stop = (*y.shape[:at], self.s.size[place], *y.shape[at + 1 :])
        params = {"start": (0,) * y.ndim, "stop": stop, "step": (1,) * y.ndim}
        return y if stop == y.shape else self.builder.make("slice", [y], params)

    def missing(self, place: str) -> int:
        """How many places the last tile has beyond the end."""
        return self.count[place] * self.tile[place] - self.s.size[place]

    def elements(self, x: Value, matrices: Sequence[Matrix], step: Mapping[str, int] | None) -> Table:
        """The matrices applied to what lies along the last axes: all of it, or, with steps, windows of it."""
        sizes = [len(m[0]) for m in matrices]
        if step is not None:
            x = _windows(self.builder, x, sizes, [step[i] for i in self.along])
        lead = x.ndim - len(sizes)
        places = product(*map(range, sizes))
        return _applied(self.builder, matrices, {q: part(self.builder, x, dict(enumerate(q, lead))) for q in places})


def _borders(s: Sliding) -> tuple[Value, dict[str, tuple[int, int]]]:
    """x without zeros that only lie around the axes of the windows, and how many they are."""
    lead, x = len(s.lead), s.x
    if x.op == "pad" and x.params["value"] == 0.0 and not any(x.params["interior"]):
        width = x.params["width"]
        if not any(map(any, width[:lead])):
            return x.args[0], dict(zip(s.places, width[lead:], strict=True))
    return x, dict.fromkeys(s.places, (0, 0))


def _windows(builder: Builder, x: Value, kernel: Sequence[int], stride: Sequence[int]) -> Value:
    params = {"kernel": tuple(kernel), "stride": tuple(stride), "dilation": (1,) * len(kernel)}
    return builder.make("windows", [x], params)


def _applied(builder: Builder, matrices: Sequence[Matrix], table: Table) -> Table:
    """A matrix applied along each axis of a table."""
    for axis, matrix in enumerate(matrices):
        columns: dict[tuple[int, ...], list[Value]] = {}
        for q in sorted(table):
            columns.setdefault(q[:axis] + q[axis + 1 :], []).append(table[q])
        table = {
            (*q[:axis], i, *q[axis:]): combined(builder, row, column)
            for q, column in columns.items()
            for i, row in enumerate(matrix)
        }
    return table


def _joined(builder: Builder, table: Table, axis: int) -> Value:
    """The values of a table, in the order of their places, along a new axis."""
    parts = [reshaped(builder, t, (*t.shape[:axis], 1, *t.shape[axis:])) for _, t in sorted(table.items())]
    return builder.make("concatenate", parts, {"axis": axis})
