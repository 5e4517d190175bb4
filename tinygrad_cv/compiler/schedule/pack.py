"""The pass that makes kernels of nests, and packs operands of contractions in the order in which loops read them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ...ir.graph import Value
from .affine import Var, of
from .choose import choose
from .expr import Expr, Exprs, Load, Reduce, conditions_of, renamed, substitute, unguarded
from .kernel import HostKernel, Kernel, NestKernel
from .layout import Layout, layout_of
from .loop_schedule import LoopSchedule
from .nest import Nest, Store, is_contraction, products
from .settle import Nests
from .storage import Packed

if TYPE_CHECKING:
    from ..runtime.target import Target

REUSED = 64  # a contiguous operand is packed only if each element is read at least this often,
PACKED = 1 << 20  # if it has at most this many elements,
FAR = 128  # and if consecutive vectors are at least this many elements apart


def pack_operands(
    exprs: Exprs, nests: Nests, layouts: dict[Value, Layout], target: Target
) -> tuple[list[Kernel], dict[Value, Layout]]:
    """Each nest as a kernel, after the kernels that pack its operands; and all layouts."""
    kernels: list[Kernel] = []
    layouts = dict(layouts)
    packed: dict[object, Value] = {}
    for value, loops in nests.loops.items():
        if value in nests.materialized.hosted:
            kernels.append(HostKernel(value))
        for nest in loops:
            if nest.is_contraction:
                packs, nest = pack(exprs, nest, choose(nest, layouts, target), layouts, packed)
                kernels.extend(NestKernel(p, layouts, target) for p in packs)
            kernels.append(NestKernel(nest, layouts, target))
    return kernels, layouts


def pack(
    exprs: Exprs, nest: Nest, schedule: LoopSchedule, layouts: dict[Value, Layout], packed: dict[object, Value]
) -> tuple[list[Nest], Nest]:
    """Pack the operand along which a contraction's vectors run, unless its own layout will do."""
    vector = schedule.vector
    assert vector is not None
    if not any(_needs_packing(nest, vector, b, r, layouts) for r, _, _, b in _products(nest, vector)):
        return [], nest
    size = schedule.vectors * schedule.lanes
    if vector.extent % size == 0 and vector.extent > size:  # so that the vectors of a tile are contiguous
        block, inside = Var(vector.extent // size, "b"), Var(size, "i")
        nest, vector = _split(exprs, nest, vector, block, inside), inside
    packs: list[Nest] = []
    new: dict[Expr, Expr] = {}
    for reduction, body, a, b in _products(nest, vector):
        made, load = _packed(exprs, reduction, body, a, b, vector, layouts, packed, schedule.lanes)
        packs += made
        product = unguarded(body)
        new[product] = exprs.op("mul", (load, a) if product.args[0] is b else (a, load), product.dtype)
    stores = [Store(s.value, s.index, substitute(exprs, s.expr, new)) for s in nest.stores]
    return packs, Nest(nest.vars, stores, nest.bounds)


def _products(nest: Nest, vector: Var) -> list[tuple[Reduce, Expr, Load, Load]]:
    """The products that a nest sums, as (reduction, body, a, b), where the vector's variable is in b only."""
    found = []
    for reduction in filter(is_contraction, nest.reductions):
        for body, a, b in products(reduction):
            if vector in a.vars:
                a, b = b, a
            if vector not in a.vars and vector in b.vars:
                found.append((reduction, body, a, b))
    return found


def _needs_packing(nest: Nest, vector: Var, b: Load, reduction: Reduce, layouts: dict[Value, Layout]) -> bool:
    """Whether vectors are not contiguous, or those of consecutive steps so far apart that caches suffer."""
    offset = layouts[b.value].flat(b.index)
    if offset.coefficient(vector) != 1:
        return True
    rows = math.prod(v.extent for v in nest.vars if v not in b.vars)
    steps = [abs(offset.coefficient(v)) for v in reduction.variables if offset.coefficient(v)]
    return rows >= REUSED and b.value.size <= PACKED and min(steps, default=0) >= FAR


def _split(exprs: Exprs, nest: Nest, var: Var, block: Var, inside: Var) -> Nest:
    """The nest with one loop split in two."""
    new = {var: of(block) * inside.extent + of(inside)}
    variables = tuple(w for v in nest.vars for w in ((block, inside) if v is var else (v,)))
    return Nest(
        variables,
        [Store(s.value, tuple(a.substitute(new) for a in s.index), renamed(exprs, s.expr, new)) for s in nest.stores],
        [(a.substitute(new), low, high) for a, low, high in nest.bounds],
    )


def _packed(
    exprs: Exprs,
    reduction: Reduce,
    body: Expr,
    a: Load,
    b: Load,
    vector: Var,
    layouts: dict[Value, Layout],
    packed: dict[object, Value],
    lanes: int,
) -> tuple[list[Nest], Load]:
    """The nest that packs an operand (none if it is packed already), and the load of the packed operand."""
    a_map = layouts[a.value].flat(a.index)
    summed = [v for v in reduction.variables if v in b.vars]
    summed.sort(key=lambda v: -abs(a_map.coefficient(v)))
    free = sorted((v for v in b.vars if v is not vector and v not in summed), key=lambda v: v.number)
    variables = [*free, *summed, vector]
    fresh = [Var(v.extent, "k") for v in variables]
    new = {v: of(w) for v, w in zip(variables, fresh, strict=True)}
    conditions = [c for c in conditions_of(body) if {v for v, _ in c[0].terms} <= b.vars]
    element = exprs.guard(conditions, b, exprs.const(0, b.dtype))
    ranks = {v.number: i for i, v in enumerate(variables)}
    key = (
        b.value,
        tuple(v.extent for v in variables),
        tuple((x.const, tuple(sorted((ranks[v.number], c) for v, c in x.terms))) for x in b.index),
        tuple((x.const, tuple(sorted((ranks[v.number], c) for v, c in x.terms)), lo, hi) for x, lo, hi in conditions),
    )
    nests = []
    if key not in packed:
        shape = tuple(v.extent for v in variables)
        value = Packed(b.value, shape)
        packed[key] = value
        layouts[value] = layout_of(shape, b.dtype, multiple=lanes)
        nests = [
            Nest(
                tuple(v for v in fresh if v.extent > 1),
                [Store(value, tuple(map(of, fresh)), renamed(exprs, element, new))],
            )
        ]
    return nests, exprs.load(packed[key], [*map(of, variables)])
