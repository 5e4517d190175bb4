"""What processes compute together. All of them apply these primitives, in the same order, to arrays of one shape."""

from __future__ import annotations

import numpy as np

from ..core.primitive import Aval, define
from ..mpi import arrays
from ..mpi.world import members

Ranks = tuple[int, ...]  # the processes of a group; () for all


def _into(out: np.ndarray, x: np.ndarray, *before: np.ndarray, group: Ranks, ordered: bool) -> None:
    arrays.sum_into(members("all_reduce", group), out, x, ordered)


def _all_reduce(x: np.ndarray, *before: np.ndarray, group: Ranks, ordered: bool) -> np.ndarray:
    out = np.empty(x.shape, x.dtype)
    _into(out, x, group=group, ordered=ordered)
    return out


# The loss that everybody's gradients belong to is the sum of all losses. Each depends on every x through its own y.
all_reduce = define(
    "all_reduce",
    eval=_all_reduce,
    into=_into,
    aval=lambda x, *before, group, ordered: Aval(x.shape, x.dtype),
    inputs=("xs*",),
    vjps=[lambda g, group, ordered: g.all_reduce(group, ordered)],
    family="collective",
    formula="Σ x over the processes; x is the first input, and what they computed together before may be the second",
)
