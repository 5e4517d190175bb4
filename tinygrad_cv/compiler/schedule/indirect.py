"""One element of a gather, or of its adjoint, the scattered sum: their row numbers are computed, and no index maps.

A gather is a load with one index that is an expression: the first, or where the rows are those of a permuted array,
that of the axis which comes first there. A scattered sum over i, in which rows[i] says where x[i] goes, is
taken in parts that are known to have rows of their own (partition.py): its loops run over the parts, and inside of each
over its i.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...core.stackless import Steps
from ...ir.graph import CONSTANT, INPUT, Value
from .affine import Affine, Indices, Var, of
from .partition import parts_of
from .reshape import NeedSplit, Unmappable, digits, reshaped

if TYPE_CHECKING:
    from .index_maps import IndexMaps

INT, WORD = np.dtype(np.int64), np.dtype(np.int32)


def gather(d: IndexMaps, value: Value, index: Indices) -> Steps:
    """y[i, ...] = x[rows[i], ...]"""
    x, rows = value.args
    own, axis = [Affine(0), *index[rows.ndim :]], 0
    if x.op == "permute" and x not in d.stored:
        axes = x.params["axes"]
        own, axis, x = [own[axes.index(i)] for i in range(x.ndim)], axes[axis], x.args[0]
    if x not in d.stored and x.op not in (INPUT, CONSTANT):
        raise Unmappable(x)
    number = yield d.at(rows, index[: rows.ndim])
    if not (rows.op == CONSTANT and rows.dtype == WORD):
        number = d.op("cast", (number,), INT)
    return d.load(x, own, number, axis)


def scatter_add(d: IndexMaps, value: Value, index: Indices) -> Steps:
    """y[k, ...] = Σ x[i, ...] over rows[i] = k"""
    x, rows = value.args
    parts = parts_of(value)
    size = value.shape[0] // parts
    place, *rest = index
    part, _ = digits(place, (parts, size))
    shape = (parts, math.prod(rows.shape) // parts) if parts > 1 else (1, *rows.shape)
    variables = [Var(n, "r") for n in shape[1:]]
    at = [part, *map(of, variables)]
    while True:
        try:
            own = reshaped(at, shape, rows.shape)
            row = yield from _element(d, rows, own)
            term = yield from _element(d, x, [*own, *rest])
            break
        except NeedSplit as need:
            if need.var not in variables:
                raise
            outer, inner = Var(need.var.extent // need.factor, "r"), Var(need.factor, "r")
            k = variables.index(need.var)
            variables[k : k + 1] = [outer, inner]
            at = [a.substitute({need.var: of(outer) * need.factor + of(inner)}) for a in at]
    variables = [v for v in variables if v.extent > 1]
    return d.exprs.scatter(variables, d.op("cast", (row,), INT), term, place, part * size, size, value.shape[0])


def _element(d: IndexMaps, value: Value, index: Sequence[Affine]) -> Steps:
    """An element of what is scattered. Loops are not split into phases for it, since the order of the terms counts."""
    try:
        return (yield d.at(value, index))
    except NeedSplit as need:
        if need.phases or need.var.extent % need.factor:
            raise Unmappable(value) from None
        raise
