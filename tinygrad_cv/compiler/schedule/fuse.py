"""The pass that fuses kernels whose loops have the same ranges, and stores no more what only they have read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...ir.graph import Graph, Value
from .affine import of
from .aliases import Aliases
from .expr import Expr, Exprs, loads, substitute
from .kernel import HostKernel, Kernel, NestKernel
from .late import EARLY, LATE, Times
from .layout import Layout
from .nest import Nest, Store, over
from .updates import Updates

if TYPE_CHECKING:
    from ..runtime.target import Target

MAX_STORES = 6  # stores of a kernel, at most
MAX_EXPRESSIONS = 600  # expressions of a kernel, at most: LLVM's time grows faster than the kernel


def fuse(
    exprs: Exprs,
    graph: Graph,
    kernels: list[Kernel],
    aliases: Aliases,
    layouts: dict[Value, Layout],
    target: Target,
    updates: Updates,
) -> tuple[list[Kernel], Times]:
    """Fuse kernels of equal signature that read the same values, or of which one reads what the other writes.

    One that is late is not fused with one that is early; how this came out is returned, too.
    """
    fused: list[Kernel] = []
    writer: dict[Value, int] = {}  # the last kernel that writes a value
    times = Times(updates)
    for kernel in kernels:
        at = _partner(kernel, fused, writer, aliases, times)
        if at is None:
            fused.append(kernel)
            at = len(fused) - 1
        else:
            fused[at] = _merged(exprs, fused[at], kernel, layouts, target)
        times.keep(fused[at])
        for value in kernel.writes:
            writer[value] = max(at, writer.get(value, at))
    return _without_unread(fused, graph, aliases, layouts, target), times


def _without_unread(
    kernels: list[Kernel], graph: Graph, aliases: Aliases, layouts: dict[Value, Layout], target: Target
) -> list[Kernel]:
    """The kernels without stores that nothing reads: each reader was fused with the kernel that made the value, or
    does not depend on it.
    """
    read = [v for kernel in kernels for v in kernel.reads]
    needed = {part for v in (*graph.outputs, *aliases.reshapes, *read) for part in aliases.makers(v)}
    left: list[Kernel] = []
    for kernel in kernels:
        if isinstance(kernel, NestKernel) and not needed.issuperset(kernel.writes):
            stores = [store for store in kernel.nest.stores if store.value in needed]
            if not stores:
                continue
            nest = Nest(kernel.nest.vars, stores, kernel.nest.bounds)
            kernel = NestKernel(nest, layouts, target)
        left.append(kernel)
    return left


def _partner(
    kernel: Kernel, fused: list[Kernel], writer: dict[Value, int], aliases: Aliases, times: Times
) -> int | None:
    """The number of the kernel that this one is fused into; None if it stays alone."""
    if isinstance(kernel, HostKernel) or kernel.signature is None:
        return None
    nest, time = kernel.nest, times.of(kernel)
    parts = [(v, part) for v in kernel.reads for part in aliases.makers(v)]
    after = max((writer[part] for _, part in parts if part in writer), default=-1)
    reads = {v for v in kernel.reads if v.size * 4 >= nest.num_points}
    for at in range(len(fused) - 1, max(after - 1, len(fused) - 24, -1), -1):
        other = fused[at]
        if isinstance(other, HostKernel) or other.signature != kernel.signature:
            continue
        if {time, times.of(other)} == {EARLY, LATE}:
            continue
        if len(other.nest.stores) >= MAX_STORES or len(other.nest.parts) + len(nest.parts) > MAX_EXPRESSIONS:
            continue
        writes = {v for v in other.writes if v in kernel.reads}
        if at == after:
            indirect = any(v is not part and part in other.writes for v, part in parts)
            if indirect or nest.reductions or not all(_pointwise(kernel, other.nest, v) for v in writes):
                continue
            return at
        if reads & set(other.reads):
            return at
    return None


def _pointwise(kernel: NestKernel, other: Nest, value: Value) -> bool:
    """Whether a kernel reads a value only at the index where the other stores it, and unconditionally."""
    stores = [s for s in other.stores if s.value is value]
    if len(stores) != 1:
        return False
    nest = kernel.nest
    reads = [load for load in nest.loads if load.value is value]
    new = dict(zip(nest.vars, map(of, other.vars), strict=True))
    if any(load.args or tuple(a.substitute(new) for a in load.index) != stores[0].index for load in reads):
        return False
    return kernel.guarded.isdisjoint(reads)  # under a guard the stored expression would be computed a second time


def _merged(exprs: Exprs, first: Kernel, second: Kernel, layouts: dict[Value, Layout], target: Target) -> Kernel:
    assert isinstance(first, NestKernel) and isinstance(second, NestKernel)
    a, b = first.nest, second.nest
    new = dict(zip(b.vars, map(of, a.vars), strict=True))
    if a.reductions and b.reductions:
        new.update(zip(b.reductions[0].variables, map(of, a.reductions[0].variables), strict=True))
    stores = list(a.stores)
    for store in b.stores:
        moved = over(exprs, store, new)
        values = {s.value: s.expr for s in a.stores}
        known: dict[Expr, Expr] = {load: values[load.value] for load in loads([moved.expr]) if load.value in values}
        stores.append(Store(moved.value, moved.index, substitute(exprs, moved.expr, known)))
    nest = Nest(a.vars, stores)
    return NestKernel(nest, layouts, target)
