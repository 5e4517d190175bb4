"""How stored values are arranged: which axis lies innermost, whole or in blocks of a cache line.

What leaves the program and what the host or a flat place reads is row-major. Other values are stored with that axis
innermost which whoever reads or writes them most runs along with vectors.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ...ir.graph import CONSTANT, INPUT, Graph, Value, users
from .affine import Affine, Var
from .expr import Reduce
from .layout import ALIGNMENT
from .materialize import Materialized
from .nest import Nest, products
from .storage import Storage, storage_of

if TYPE_CHECKING:
    from ..runtime.target import Target

COPIED = 1 << 10  # elements: smaller inputs are read where they lie


def arrange(
    graph: Graph,
    materialized: Materialized,
    contractions: Mapping[Value, list[Nest]],
    whole: set[Value],
    target: Target,
) -> dict[Value, Storage]:
    """Storages of values that are not row-major, as the contractions' loops would have them; ``whole``: without blocks.

    A large input or output that is read in another order is copied first.
    """
    everything = graph.values()
    fixed = set(materialized.aliases.values())
    for value in materialized.hosted:
        fixed.update((value, *value.args))
    fixed.update(value.args[0] for value in everything if value.op == "gather")
    axes = innermost_axes(everything, (nest for group in contractions.values() for nest in group))
    read = users(everything)
    outside = {v for v in everything if v.op in (INPUT, CONSTANT)} | materialized.outputs
    fixed |= {v for v in outside if not axes.get(v) or v.ndim < 3 or v.size < COPIED or v not in read}
    storages = {}
    for value in dict.fromkeys([*(v for v in everything if v in outside), *materialized.values]):
        if value in fixed or value.ndim < 2:
            continue
        axis = axes.get(value, value.ndim - 1)
        n, line = value.shape[axis], max(ALIGNMENT, target.vector_bytes) // value.dtype.itemsize
        block = 0
        if value.ndim > 2 and n > line and value not in whole:
            block = next((b for b in (line, line // 2) if n % b == 0), 0)
        storages[value] = storage_of(value, axis, block)
    return storages


def innermost_axes(values: Sequence[Value], contractions: Iterable[Nest]) -> dict[Value, int]:
    """For each value the axis that should lie innermost, where contractions have a wish; neighbours follow."""
    votes: dict[Value, Counter[int]] = defaultdict(Counter)
    for nest in contractions:
        for reduction in nest.reductions:
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


def _vote(nest: Nest, reduction: Reduce, votes: dict[Value, Counter[int]]) -> None:
    """A contraction's vector runs along a variable of the result that one operand alone has: the one with fewer.

    The other operand is read element by element, best along the one axis over which no windows slide.
    """
    for _, a, b in products(reduction):
        results = reduction.vars
        small, big = sorted((a, b), key=lambda x: len(x.vars & results) - (x is b) / 2)
        weight = max(1, a.value.size, b.value.size)
        along = [v for v in (small.vars - big.vars or small.vars) & results if _runs(nest, v)]
        if not along:  # what runs over the examples does not lie innermost
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
        sliding = all(  # the result's places slide, and the kernel's are summed over; not the other way round
            max((v.extent for v, _ in a.terms if v in results), default=0)
            >= max((v.extent for v, _ in a.terms if v not in results), default=0)
            for a in windows
        )
        whole = big.vars & small.vars - results if sliding else big.vars & results - small.vars
        summed = [v for v in whole if v not in moving]
        if big.value.ndim > 2 and len(summed) == 1 and _alone(big.index, summed[0]):  # not the first axis
            _vote_for(votes, big.value, big.index, summed[0], weight)
        elif windows and sliding and not summed and vector not in big.vars:
            votes[big.value][big.value.ndim - 1] += weight


def _runs(nest: Nest, var: Var) -> bool:
    """Whether a variable is not the first axis of what is materialized."""
    return all(store.value.ndim < 2 or _alone(store.index, var) != 0 for store in nest.stores)


def _alone(index: Sequence[Affine], var: Var) -> int | None:
    """The axis that a variable has to itself."""
    return next((k for k, a in enumerate(index) if len(a.terms) == 1 and a.terms[0][0] is var), None)


def _vote_for(votes: dict[Value, Counter[int]], value: Value, index: Sequence[Affine], var: Var, weight: int) -> None:
    axis = _alone(index, var)
    if axis is not None and index[axis].terms[0][1] == 1:
        votes[value][axis] += weight
