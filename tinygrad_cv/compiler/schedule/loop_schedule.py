"""Loop schedules: the order of a nest's loops, the one that vectors run along, and the tile that registers hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ...ir.graph import CONSTANT, Value
from .affine import Affine, Var
from .collapse import extent
from .expr import Load, Op
from .layout import Layout
from .nest import Nest

ANYWHERE = 1 << 30  # a stride: of elements that are gathered
LARGEST = 1 << 16  # elements of a table: a larger one is not looked through
NEAR = 8  # elements: a vector of elements that are no farther apart is read or written as the range they lie in


@dataclass
class LoopSchedule:
    """How the loops of a nest run.

    Attributes:
        vector: the variable that vectors run along; None if there are none.
        lanes: the length of a vector.
        vectors: how many vectors a tile has.
        rows: the size of a tile along other variables of the result, where it is not 1.
        outer: the variables of the result, outermost first.
        shared: of how many of these threads share the ranges; if of more than one, as one loop over all of them.
        split: reduction variables whose loops run outside the tile, each with the part of its range that still runs
            inside. Partial sums are added to memory.
        inner: reduction variables whose loops run inside the tile, outermost first.
        unroll: how many partial results the innermost reduction loop has, each in an accumulator of its own.
        collapsed: variables whose loops run over the next outer ones too, each with those: possible where memory is
            contiguous across them.
        within: of a scattered sum, variables of the result whose loops run inside those of the sum; all its places are
            summed at once.
        overlaps: whether the last vectors begin earlier where they would not be whole, so that some elements are
            computed twice.
    """

    vector: Var | None
    lanes: int
    vectors: int = 1
    rows: dict[Var, int] = field(default_factory=dict)
    outer: list[Var] = field(default_factory=list)
    split: dict[Var, int] = field(default_factory=dict)
    inner: list[Var] = field(default_factory=list)
    unroll: int = 1
    collapsed: dict[Var, tuple[Var, ...]] = field(default_factory=dict)
    within: list[Var] = field(default_factory=list)
    overlaps: bool = False
    shared: int = 1

    @property
    def result_lanes(self) -> int:
        """The lanes of the result: 1 if vectors run along a reduction variable."""
        return self.lanes if self.vector in self.outer else 1

    def extent(self, var: Var) -> int:
        """The range of a variable's loop."""
        return extent(var, self.collapsed.get(var, ()))

    @property
    def absorbed(self) -> list[Var]:
        """The variables that were collapsed into the loop of another one: they have no loop, and stay 0."""
        return [v for replaced in self.collapsed.values() for v in replaced]

    def cuts(self, affine: Affine, var: Var) -> bool:
        """Whether bounds of an index map are bounds of a variable's loop.

        Not if the map also depends on the vector's variable, whose lanes would have different bounds, or on a variable
        of collapsed loops.
        """
        collapsed = {*self.collapsed, *self.absorbed}
        differs = any(v in collapsed or (v is self.vector and v is not var) for v, _ in affine.terms)
        return abs(affine.coefficient(var)) == 1 and not differs


def widths(extent: int, size: int) -> list[tuple[int, int]]:
    """A range cut into tiles of at most ``size``, as equal as possible: (tile size, how many)."""
    tiles = -(-extent // size)
    small, larger = divmod(extent, tiles)
    return [(n, k) for n, k in ((small + 1, larger), (small, tiles - larger)) if k]


class Strides:
    """The strides of all loads and stores of a nest along its variables.

    Attributes:
        shares: how often each of them is done, as a fraction of the points of all loops.
        gathers: whether some of the loads are of rows whose numbers are computed.
    """

    def __init__(self, nest: Nest, layouts: Mapping[Value, Layout]):
        self.loads = nest.loads
        self.gathers = any(x.args for x in self.loads)
        self.load_maps = [layouts[x.value].flat(x.index) for x in self.loads]
        self.store_maps = [layouts[s.value].flat(s.index) for s in nest.stores]
        everything = set(nest.vars).union(*(x.vars for x in self.loads))
        points = math.prod(v.extent for v in everything)
        touched = [x.vars for x in self.loads] + [set(nest.vars)] * len(nest.stores)
        self.shares = [math.prod(v.extent for v in variables) / points for variables in touched]

    def all(self, var: Var) -> list[int]:
        """The strides along one variable; where a gather's row depends on it, ``ANYWHERE``."""
        found = [
            ANYWHERE if x.args and var in x.args[0].vars else m.coefficient(var)
            for x, m in zip(self.loads, self.load_maps, strict=True)
        ]
        return found + [m.coefficient(var) for m in self.store_maps]


def _table(load: Load) -> Load | None:
    """The element of a constant that is a load's computed index; None if it is something else."""
    number = load.args[0] if load.args else None
    while isinstance(number, Op) and number.name == "cast":
        number = number.args[0]
    known = isinstance(number, Load) and number.value.op == CONSTANT and not number.args
    return number if known else None  # type: ignore[return-value]


def in_range(load: Load) -> bool:
    """Whether a load's computed index is known to be in range."""
    number = _table(load)
    if number is None:
        return False
    table = number.value.params["array"]
    return bool((table >= 0).all() and (table < load.value.shape[load.axis]).all())


def reach(load: Load, schedule: LoopSchedule) -> int:
    """How many elements side by side hold those that a vector's lanes read, if their indices are those of a table."""
    number, vector = _table(load), schedule.vector
    if number is None or vector is None or vector in schedule.collapsed or number.value.size > LARGEST:
        return ANYWHERE
    along = [axis for axis, a in enumerate(number.index) if a.coefficient(vector)]
    if len(along) != 1 or number.index[along[0]].coefficient(vector) != 1:
        return ANYWHERE
    table = np.moveaxis(number.value.params["array"], along[0], -1).astype(np.int64)
    lanes = np.lib.stride_tricks.sliding_window_view(table, min(schedule.lanes, table.shape[-1]), -1)
    return int(np.ptp(lanes, -1).max()) + 1


def in_memory_order(variables: list[Var], flat: Affine) -> list[Var]:
    """Variables with the largest strides first; those with none come last."""
    return sorted(variables, key=lambda v: -abs(flat.coefficient(v)) or 1)
