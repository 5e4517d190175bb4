"""In which order the axes of stored values lie: which axis is innermost, as a whole or in blocks of a cache line.

Outputs, what updates are made of, what NumPy reads, and what is read or written by row numbers are row-major. Of other
values the innermost axis is the one along which the vectors of their largest contractions run.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ...ir.graph import CONSTANT, INPUT, Graph, Value, users
from .affine import Affine, Var
from .expr import Reduce
from .join import Regions, parts_of, root
from .layout import ALIGNMENT
from .materialize import Materialized, scatter_root
from .nest import Nest, products
from .storage import Storage, storage_of

if TYPE_CHECKING:
    from ..runtime.target import Target

COPIED = 1 << 10  # elements: smaller inputs and outputs are not copied into another order


def arrange(
    graph: Graph,
    materialized: Materialized,
    contractions: Mapping[Value, list[Nest]],
    unblocked: set[Value],
    target: Target,
) -> dict[Value, Storage]:
    """The storages of values that are not row-major.

    Contractions choose the axes; a large input or output is copied into the order that they choose. What lies in the
    memory of a concatenation is stored as it is.

    Args:
        contractions: the nests of contractions, row-major.
        unblocked: values that must not be in blocks.
    """
    everything = graph.values()
    fixed = set(materialized.aliases.values())
    for value in materialized.hosted:
        fixed.update((value, *value.args))
    fixed.update(value.args[0] for value in everything if value.op == "gather")
    read = users(everything)
    fixed.update(scatter_root(v, read, set(graph.outputs)) for v in everything if v.op == "scatter_add")
    regions = materialized.regions
    axes = innermost_axes(everything, (nest for group in contractions.values() for nest in group), regions)
    outside = {v for v in everything if v.op in (INPUT, CONSTANT)} | materialized.outputs
    fixed |= materialized.updates.plain
    fixed |= {v for v in outside if not axes.get(v) or v.ndim < 3 or v.size < COPIED or v not in read}
    whole, cuts = {root(value, regions) for value in unblocked}, _cuts(regions)
    storages: dict[Value, Storage] = {}
    for value in dict.fromkeys([*(v for v in everything if v in outside), *materialized.values]):
        if value in fixed or value.ndim < 2 or value in regions:
            continue
        axis = axes.get(value, value.ndim - 1)
        lanes = target.vector_bytes // value.dtype.itemsize
        n, line = value.shape[axis], max(ALIGNMENT // value.dtype.itemsize, lanes)
        block = 0
        if value.ndim > 2 and axis < value.ndim - 1 and n > line and value not in whole:
            begins = cuts[value, axis]
            sizes = (line, line // 2) if 2 * lanes <= line else (line,)  # a block is whole vectors
            block = next((b for b in sizes if n % b == 0 and all(begin % b == 0 for begin in begins)), 0)
        storages[value] = storage_of(value, axis, block)
    for value in regions:
        if (storage := storages.get(root(value, regions))) is not None:
            storages[value] = storage_of(value, storage.axis, storage.block)
    return storages


def _cuts(regions: Regions) -> dict[tuple[Value, int], set[int]]:
    """Where parts of concatenations begin, along each axis of the value whose memory holds them."""
    cuts: dict[tuple[Value, int], set[int]] = defaultdict(set)
    for whole in {region.whole for region in regions.values()}:
        for _, region in parts_of(whole):
            base, start = whole, region.start
            while base in regions:
                outer = regions[base]
                base, start = outer.whole, start + outer.start * (outer.axis == region.axis)
            cuts[base, region.axis].add(start)
    return cuts


def innermost_axes(values: Sequence[Value], contractions: Iterable[Nest], regions: Regions) -> dict[Value, int]:
    """The innermost axis of each value that a contraction touches, and of its neighbours that have the axis too.

    Values in the same memory vote as one.
    """
    votes: dict[Value, Counter[int]] = defaultdict(Counter)
    for nest in contractions:
        for reduction in nest.reductions:
            _vote(nest, reduction, votes)
    for value in regions:
        if value in votes:
            votes[root(value, regions)].update(votes.pop(value))
    chosen = {v: max(counts, key=lambda axis: (counts[axis], axis)) for v, counts in votes.items()}
    for value in regions:
        if (whole := root(value, regions)) in chosen:
            chosen[value] = chosen[whole]
    for value in values:
        for arg in value.args:
            if value not in chosen and arg in chosen and (axis := _axis_in(value, arg, chosen[arg])) is not None:
                chosen[value] = axis
    for value in reversed(values):
        for arg in value.args:
            if arg not in chosen and value in chosen and (axis := _axis_of(arg, value, chosen[value])) is not None:
                chosen[arg] = axis
    return {value: axis for value, axis in chosen.items() if value.shape[axis] > 1 or value.op == INPUT}


def _axis_in(value: Value, arg: Value, axis: int) -> int | None:
    """Where an axis of an argument is in the result; None if it is not there."""
    if value.op == "permute":
        return tuple(value.params["axes"]).index(axis)
    if value.op == "reshape":
        return _same_axis(arg.shape, value.shape, axis)
    return axis if _keeps(arg, value, axis) else None


def _axis_of(arg: Value, value: Value, axis: int) -> int | None:
    """Which axis of an argument an axis of the result is; None if it is none."""
    if value.op == "permute":
        return int(value.params["axes"][axis])
    if value.op == "reshape":
        return _same_axis(value.shape, arg.shape, axis)
    return axis if axis < arg.ndim and _keeps(arg, value, axis) else None


def _same_axis(shape: tuple[int, ...], other: tuple[int, ...], axis: int) -> int | None:
    """The axis of a reshaped value that has the elements of an axis in their order; None if none has."""
    inner, n = math.prod(shape[axis + 1 :]), shape[axis]
    found = (i for i, m in enumerate(other) if m == n and math.prod(other[i + 1 :]) == inner)
    return next(found, None) if n > 1 else None


def _keeps(arg: Value, value: Value, axis: int) -> bool:
    """Whether an axis of an argument is that axis of the result too."""
    if value.op in ("concatenate", "slice", "pad"):  # an axis of another extent is still that axis
        return True
    if value.op in ("contract", "expand", "gather", "scatter_add"):
        return False
    return axis < min(arg.ndim, value.ndim) and arg.shape[axis] == value.shape[axis]


def _vote(nest: Nest, reduction: Reduce, votes: dict[Value, Counter[int]]) -> None:
    """Vote for the axes along which a contraction reads and writes.

    Its vectors run along a variable of the result that only one operand has, the one with fewer variables. The other
    operand is read element by element, best along the one axis over which no windows slide.
    """
    for _, a, b in products(reduction):
        results = reduction.vars
        small, big = sorted((a, b), key=lambda x: len(x.vars & results) - (x is b) / 2)
        weight = max(1, a.value.size, b.value.size)
        along = [v for v in (small.vars - big.vars or small.vars) & results if _runs(nest, v)]
        if not along:  # the first axis, that of the examples, is never the innermost
            small, big = big, small
            along = [v for v in (small.vars - big.vars or small.vars) & results if _runs(nest, v)]
        vector = max(along, key=lambda v: (v.extent, -v.number), default=None)
        if vector is not None:
            for store in nest.stores:
                _vote_for(votes, store.value, store.index, vector, weight)
            for load in (small, big):
                _vote_for(votes, load.value, load.index, vector, weight)
        windows = [a for a in big.index if len(a.terms) > 1]
        moving = {v for a in windows for v, _ in a.terms}
        sliding = all(  # windows' positions are in the result, their elements are summed; not vice versa
            max((v.extent for v, _ in a.terms if v in results), default=0)
            >= max((v.extent for v, _ in a.terms if v not in results), default=0)
            for a in windows
        )
        inner = big.vars & small.vars - results if sliding else big.vars & results - small.vars
        still = [v for v in inner if v not in moving]
        if big.value.ndim > 2 and len(still) == 1 and _alone(big.index, still[0]):  # not the first axis
            _vote_for(votes, big.value, big.index, still[0], weight)
        elif windows and sliding and not still and vector not in big.vars:
            votes[big.value][big.value.ndim - 1] += weight


def _runs(nest: Nest, var: Var) -> bool:
    """Whether vectors may run along a variable: it is not the first axis of what is stored."""
    return all(store.value.ndim < 2 or _alone(store.index, var) != 0 for store in nest.stores)


def _alone(index: Sequence[Affine], var: Var) -> int | None:
    """The axis whose index depends on this variable alone."""
    return next((k for k, a in enumerate(index) if len(a.terms) == 1 and a.terms[0][0] is var), None)


def _vote_for(votes: dict[Value, Counter[int]], value: Value, index: Sequence[Affine], var: Var, weight: int) -> None:
    axis = _alone(index, var)
    if axis is not None and index[axis].terms[0][1] == 1:
        votes[value][axis] += weight
