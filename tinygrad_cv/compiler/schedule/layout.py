"""How stored values lie in memory.

Inputs, outputs and what the host reads are row-major. Other values are stored with that axis innermost which whoever
reads or writes them most runs along with vectors: in blocks of a cache line, or whole and padded to whole vectors.
Around them is a border of zeros, as wide as the windows that read them reach over the edge, so that those need not ask.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ...ir.graph import INPUT, Value
from .affine import Affine, Var, combination
from .expr import Condition, Expr, Exprs, is_number, substitute
from .nest import Nest, sums_products

ALIGNMENT = 64  # bytes: a cache line, and the widest vector


@dataclass(frozen=True)
class Layout:
    """Where the elements of a stored value lie: row-major, at ``offset + Σ index · stride`` elements from its start.

    Attributes:
        low, high: the width of the border of zeros on each axis.
        padded: how many elements the innermost axis takes.
        size: elements in all, borders included.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    low: tuple[int, ...]
    high: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int
    size: int
    padded: int

    @property
    def border(self) -> bool:
        return any(self.low) or any(self.high)

    def flat(self, index: Sequence[Affine]) -> Affine:
        """The place of an element, counted from the start."""
        return combination(self.offset, zip(index, self.strides, strict=True))

    def __str__(self) -> str:
        border = f" border {max(self.low + self.high)}" if self.border else ""
        return f"{self.dtype}[{'x'.join(map(str, self.shape))}]{border}"


def layout_of(
    shape: Sequence[int],
    dtype: np.dtype,
    low: Sequence[int] | None = None,
    high: Sequence[int] | None = None,
    multiple: int = 1,
) -> Layout:
    """A row-major layout with a border; the innermost axis takes a multiple of so many elements."""
    n = len(shape)
    low, high = tuple(low or (0,) * n), tuple(high or (0,) * n)
    strides, step, padded = [0] * n, 1, 1
    for axis in reversed(range(n)):
        strides[axis] = step
        extent = low[axis] + shape[axis] + high[axis]
        if axis == n - 1:
            extent = padded = -(-extent // multiple) * multiple
        step *= extent
    offset = sum(before * stride for before, stride in zip(low, strides, strict=True))
    return Layout(tuple(shape), np.dtype(dtype), low, high, tuple(strides), offset, step, padded)


def innermost_axes(values: Sequence[Value], contractions: Iterable[Nest]) -> dict[Value, int]:
    """For each value the axis that should lie innermost, where contractions have a wish; neighbours follow."""
    votes: dict[Value, Counter[int]] = defaultdict(Counter)
    for nest in contractions:
        for reduction in filter(sums_products, nest.reductions):
            _vote(nest, reduction, votes)
    chosen = {v: max(counts, key=lambda axis: (counts[axis], axis)) for v, counts in votes.items()}
    for value in values:
        for arg in value.args:
            if value not in chosen and arg in chosen and _keeps(arg, value, chosen[arg]):
                chosen[value] = chosen[arg]
    for value in reversed(values):
        for arg in value.args:
            if arg not in chosen and value in chosen and _keeps(arg, value, chosen[value]):
                chosen[arg] = chosen[value]
    return {value: axis for value, axis in chosen.items() if value.shape[axis] > 1 or value.op == INPUT}


def _keeps(arg: Value, value: Value, axis: int) -> bool:
    """Whether an axis of an argument is the same axis of the result."""
    if value.op in ("reshape", "permute", "contract", "expand", "gather", "scatter_add"):
        return False
    return axis < min(arg.ndim, value.ndim) and arg.shape[axis] == value.shape[axis]


def _vote(nest: Nest, reduction: Expr, votes: dict[Value, Counter[int]]) -> None:
    """A contraction's vector runs along a variable of the result that one operand alone has: the one with fewer.

    The other operand is read element by element, best along the one axis over which no windows slide.
    """
    for body in reduction.args:
        core = body.args[0] if body.kind == "guard" else body
        a, b = core.args
        results = reduction.vars
        small, big = sorted((a, b), key=lambda x: len(x.vars & results) - (x is b) / 2)
        weight = max(1, a.par[0].size, b.par[0].size)
        along = [v for v in (small.vars - big.vars or small.vars) & results if _runs(nest, v)]
        if not along:  # what runs over the examples does not lie innermost
            small, big = big, small
            along = [v for v in (small.vars - big.vars or small.vars) & results if _runs(nest, v)]
        vector = max(along, key=lambda v: (v.extent, -v.number), default=None)
        if vector is not None:
            for store in nest.stores:
                _vote_for(votes, store.value, store.index, vector, weight)
            for load in (small, big):
                _vote_for(votes, load.par[0], load.par[1], vector, weight)
        windows = [a for a in big.par[1] if len(a.terms) > 1]
        moving = {v for a in windows for v, _ in a.terms}
        sliding = all(  # the result's places slide, and the kernel's are summed over; not the other way round
            max((v.extent for v, _ in a.terms if v in results), default=0)
            >= max((v.extent for v, _ in a.terms if v not in results), default=0)
            for a in windows
        )
        whole = big.vars & small.vars - results if sliding else big.vars & results - small.vars
        summed = [v for v in whole if v not in moving]
        if big.par[0].ndim > 2 and len(summed) == 1 and _alone(big.par[1], summed[0]):  # not the first axis
            _vote_for(votes, big.par[0], big.par[1], summed[0], weight)
        elif windows and sliding and not summed and vector not in big.vars:
            votes[big.par[0]][big.par[0].ndim - 1] += weight


def _runs(nest: Nest, var: Var) -> bool:
    """Whether a variable is not the first axis of what is stored."""
    return all(store.value.ndim < 2 or _alone(store.index, var) != 0 for store in nest.stores)


def _alone(index: Sequence[Affine], var: Var) -> int | None:
    """The axis that a variable has to itself."""
    return next((k for k, a in enumerate(index) if len(a.terms) == 1 and a.terms[0][0] is var), None)


def _vote_for(votes: dict[Value, Counter[int]], value: Value, index: Sequence[Affine], var: Var, weight: int) -> None:
    axis = _alone(index, var)
    if axis is not None and index[axis].terms[0][1] == 1:
        votes[value][axis] += weight


def borders(nests: Iterable[Nest], free: set[Value]) -> dict[Value, tuple[list[int], list[int]]]:
    """How far the windows that products are summed over reach over the edges of each value."""
    found: dict[Value, tuple[list[int], list[int]]] = {}
    for nest in nests:
        for reduction in filter(sums_products, nest.reductions):
            for body in reduction.args:
                if body.kind != "guard" or not is_number(body.args[1], 0):
                    continue
                for load in body.args[0].args:
                    value, index = load.par
                    for axis, a in enumerate(index):
                        if value in free and a.terms and (a, 0, value.shape[axis]) in body.par:
                            low, high = found.setdefault(value, ([0] * value.ndim, [0] * value.ndim))
                            least, most = a.range()
                            low[axis] = max(low[axis], -least)
                            high[axis] = max(high[axis], most - value.shape[axis] + 1)
    return found


def without_guards(exprs: Exprs, nest: Nest, layouts: dict[Value, Layout]) -> None:
    """Drop the conditions of sums of products that a border of zeros makes needless."""
    new: dict[Expr, Expr] = {}
    for reduction in filter(sums_products, nest.reductions):
        bodies = []
        for body in reduction.args:
            if body.kind == "guard" and is_number(body.args[1], 0):
                kept = [c for c in body.par if not _needless(layouts, body.args[0].args, c)]
                if len(nest.reductions) == len(reduction.args) == 1:
                    nest.bounds = [c for c in body.par if c not in kept]
                body = exprs.guard(kept, *body.args)
            bodies.append(body)
        if tuple(bodies) != reduction.args:
            kind, variables = reduction.par
            new[reduction] = exprs.reduce(kind, variables, bodies, reduction.dtype)
    if new:
        for store in nest.stores:
            store.expr = substitute(exprs, store.expr, new)


def _needless(layouts: dict[Value, Layout], factors: Iterable[Expr], condition: Condition) -> bool:
    """Whether one factor is zero where a condition fails, and the others have an element there."""
    moving = {v for v, _ in condition[0].terms}
    pairs = [(layouts[x.par[0]], x) for x in factors]
    covered = any(_covers(layout, x, condition) for layout, x in pairs)
    return covered and all(_stays_inside(layout, x, moving) for layout, x in pairs)


def _stays_inside(layout: Layout, load: Expr, moving: set[Var]) -> bool:
    for a, n, before, after in zip(load.par[1], layout.shape, layout.low, layout.high, strict=True):
        least, most = a.range()
        if (least < -before or most >= n + after) and not moving.isdisjoint(v for v, _ in a.terms):
            return False
    return True


def _covers(layout: Layout, load: Expr, condition: Condition) -> bool:
    affine, low, high = condition
    least, most = affine.range()
    return any(
        a == affine and (low, high) == (0, n) and -least <= before and most - n < after
        for a, n, before, after in zip(load.par[1], layout.shape, layout.low, layout.high, strict=True)
    )
