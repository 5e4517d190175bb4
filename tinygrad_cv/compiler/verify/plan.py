"""Verifies plans: layouts, kernels, and their order: everything is stored before it is read."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from ...ir.graph import CONSTANT, INPUT, Value
from ..schedule.affine import Affine, Indices, Var, of
from ..schedule.aliases import Aliases
from ..schedule.collapse import runs_on
from ..schedule.expr import Load, loads, walk
from ..schedule.kernel import HostKernel, Kernel, NestKernel, Plan, Step
from ..schedule.layout import Layout
from ..schedule.loop_schedule import LoopSchedule
from ..schedule.nest import Nest
from .again import verify_again
from .kept import verify_kept
from .nests import names_of, verify_cover, verify_nest
from .rule import check
from .updates import verify_updates


def verify_layouts(layouts: Mapping[Value, Layout], aliases: Aliases, stage: str) -> None:
    """Layouts are row-major, and no two elements share memory; a reshape's memory is dense, a part's is in range.

    Raises:
        VerificationError: naming the value, and what is wrong.
    """
    for value, layout in layouts.items():
        if value not in aliases.regions:
            _verify_layout(value, layout, f"{stage}: layout of {value!r}")
    for value, (whole, axis, start) in aliases.regions.items():
        where, extent = f"{stage}: {value!r}, which is a part of {whole!r}", value.shape[axis]
        check(0 <= start <= whole.shape[axis] - extent, where, f"it begins at {start} of {whole.shape[axis]}")
        check(layouts[value] == layouts[whole].part(axis, start, extent), where, "its layout is not that of the part")
        check(layouts[value].shape == value.shape, where, f"the layout is one of {layouts[value]}")
    for value, base in aliases.reshapes.items():
        where = f"{stage}: {value!r}, which is the memory of {base!r}"
        check(base not in aliases and base not in aliases.parts, where, "that is no memory of its own")
        check(value.size == base.size and value.dtype == base.dtype, where, "sizes and dtypes differ")
        check(_is_dense(layouts[base]), where, "that is not row-major and dense")


def verify_kernels(kernels: Sequence[Kernel], layouts: Mapping[Value, Layout], aliases: Aliases, stage: str) -> None:
    """Nests are right, and their loops run over every point once; what NumPy reads and writes is dense.

    Raises:
        VerificationError: naming the kernel, what it stores, and what is wrong.
    """
    for number, kernel in enumerate(kernels):
        _verify_kernel(kernel, layouts, aliases, f"{stage}: kernel {number}, of {_names(kernel.writes)}")
    verify_cover([kernel.nest for kernel in kernels if isinstance(kernel, NestKernel)], aliases, stage, layouts)


def verify_plan(plan: Plan, stage: str = "plan") -> None:
    """Layouts and kernels are right; every element is stored before it is read; the outputs are stored, updates last.

    Raises:
        VerificationError: naming the kernel, what it stores, and what is wrong.
    """
    verify_layouts(plan.layouts, plan.aliases, stage)
    verify_kernels(plan.kernels, plan.layouts, plan.aliases, stage)
    _verify_order(plan, stage)
    verify_updates(plan, stage)
    _verify_handed(plan, stage)
    verify_again(plan, stage)
    verify_kept(plan, stage)
    stored = {plan.memory_of(value) for kernel in plan.kernels if kernel.kind == "halo" for value in kernel.writes}
    check(stored == plan.cleared, f"{stage}: halos", "others are stored than those that are cleared")
    written = {value for kernel in plan.kernels for value in kernel.writes}
    for output in plan.graph.outputs:
        base = plan.memory_of(output)
        made = written.issuperset(plan.aliases.makers(output)) or base.op in (INPUT, CONSTANT)
        check(made, f"{stage}: output {output!r}", "no kernel stores it")


def _verify_handed(plan: Plan, stage: str) -> None:
    """What a thread stores over what it stored for earlier steps is read by the same chain alone, a step at a time."""
    for value in plan.handed:
        where = f"{stage}: {value!r}, which is handed on"
        users = [
            (step.kind, chain)
            for step in plan.steps
            for chain in step.chains
            if any(value in (*kernel.reads, *kernel.writes) for kernel in chain)
        ]
        check([kind for kind, _ in users] == ["parallel"], where, "several chains read it, or one by one thread")
        alone = plan.memory_of(value) is value and value not in (*plan.graph.outputs, *plan.aliases.parts)
        check(alone and value not in plan.aliases.reshapes.values(), where, "others read its memory")
        layout = plan.layouts[value]
        check(not layout.halo, where, "it has a halo")
        for kernel in users[0][1]:
            assert isinstance(kernel, NestKernel)
            nest, ranges = kernel.nest, kernel.ranges
            scattered = nest.scatter is not None and value in kernel.writes
            check(not scattered, where, "it is a scattered sum")
            stores = [store.index for store in nest.stores if store.value is value]
            for index in (*(load.index for load in nest.loads if load.value is value), *stores):
                strides = [layout.flat(index).coefficient(var) for var in ranges]
                steps = math.prod(var.extent for var in ranges)
                even = all(strides[k - 1] == strides[k] * ranges[k].extent for k in range(1, len(ranges)))
                check(even and 0 < strides[-1] * steps <= layout.size, where, "its steps are not one after the other")


def _names(values: Iterable[Value]) -> str:
    return " ".join(map(repr, values))


def _verify_layout(value: Value, layout: Layout, where: str) -> None:
    """It is row-major, and no two elements share memory, halos included."""
    check((layout.shape, layout.dtype) == (value.shape, value.dtype), where, f"the layout is one of {layout}")
    step = 1
    for axis in reversed(range(len(layout.shape))):
        check(layout.strides[axis] == step, where, f"the stride of axis {axis} is not {step}")
        extent = layout.low[axis] + layout.shape[axis] + layout.high[axis]
        if axis == len(layout.shape) - 1:
            check(layout.padded >= extent, where, f"it is padded to {layout.padded} elements, less than {extent}")
            extent = layout.padded
        step *= extent
    check(layout.size == step, where, f"it has {layout.size} elements, not {step}")
    first = sum(low * stride for low, stride in zip(layout.low, layout.strides, strict=True))
    check(layout.offset == first, where, f"it starts at {layout.offset}, not at {first}")


def _is_dense(layout: Layout) -> bool:
    return layout.size == math.prod(layout.shape) and not layout.offset


def _verify_kernel(kernel: Kernel, layouts: Mapping[Value, Layout], aliases: Aliases, where: str) -> None:
    if isinstance(kernel, HostKernel):
        for value in (*kernel.reads, *kernel.writes):
            dense = value not in aliases.regions and _is_dense(layouts[aliases.base(value)])
            check(dense, where, f"NumPy computes it, but {value!r} is not dense")
        return
    nest, schedule = kernel.nest, kernel.schedule
    loaded = {load.value for load in loads(nest.exprs)}
    stored = {store.value for store in nest.stores}
    known = set(kernel.reads) == loaded and set(kernel.writes) == stored
    check(known, where, "what it reads and writes is out of date")
    verify_nest(nest, layouts, where)
    _verify_schedule(nest, schedule, where)
    _verify_collapsed(nest, schedule, layouts, where)


def _verify_schedule(nest: Nest, schedule: LoopSchedule, where: str) -> None:
    """The loops run over every point of the result, and of each reduction, once."""
    outer = Counter([*schedule.outer, *(v for v in schedule.absorbed if v in nest.vars)])
    check(outer == Counter(nest.vars), where, f"loops over {schedule.outer}, variables {nest.vars}")
    check(set(schedule.rows) <= set(nest.vars) - {schedule.vector}, where, f"rows of {names_of(schedule.rows)}")
    if schedule.shared > 1:
        cut = {*schedule.rows, *schedule.collapsed, schedule.vector}
        whole = len(schedule.outer) >= schedule.shared and cut.isdisjoint(schedule.outer[: schedule.shared])
        check(whole and nest.scatter is None and not schedule.split, where, "one of several shared ranges is cut")
    check(schedule.lanes & (schedule.lanes - 1) == 0, where, f"vectors of {schedule.lanes} lanes")
    enough = all(0 < n <= schedule.extent(v) for v, n in schedule.rows.items())
    check(enough, where, "a tile with more rows than there are")
    check(
        all(v.extent % n == 0 for v, n in schedule.split.items()),
        where,
        "a reduction is split into unequal parts",
    )
    if schedule.split:
        bare = len(nest.stores) == 1 and nest.exprs == nest.reductions
        check(bare, where, "a split reduction whose result is used in its own nest")
    reduced = {v for r in nest.reductions for v in r.variables}
    vector = schedule.vector
    if nest.scatter is not None:
        _verify_scattered(nest, schedule, where)
    check(vector is None or vector in reduced or vector in nest.vars, where, f"vectors along {vector!r}")
    for reduction in nest.reductions:
        variables = set(reduction.variables)
        inner = [v for v in schedule.inner if v in variables]
        if inner:
            left = variables - {*inner, *schedule.split, *schedule.absorbed}
            check(not left, where, f"no loop runs over {names_of(left)}")
        check(vector not in reduced or vector in variables, where, f"vectors along {vector!r} in some reductions only")


def _verify_collapsed(nest: Nest, schedule: LoopSchedule, layouts: Mapping[Value, Layout], where: str) -> None:
    """A loop that runs over other variables too is at the same place as their own loops would be, one after another."""
    stored = [layouts[store.value].flat(store.index) for store in nest.stores]
    maps = [*(layouts[load.value].flat(load.index) for load in loads(nest.exprs)), *stored, *nest.maps]
    groups = [set(nest.vars), *(set(r.variables) for r in nest.reductions)]
    for var, replaced in schedule.collapsed.items():
        alone = not {*replaced} & {*schedule.outer, *schedule.inner, *schedule.split}
        check(alone, where, f"{names_of(replaced)} are collapsed, and have loops")
        together = all({var, *replaced} <= group for group in groups if var in group)
        check(together, where, f"{names_of((var, *replaced))} are collapsed, but not reduced together")
        for i, outer in enumerate(replaced):
            there = all(runs_on(m, outer, var, replaced[i + 1 :]) for m in maps)
            check(there, where, f"{outer!r} is collapsed into {var!r}, where memory is not contiguous")


def _verify_scattered(nest: Nest, schedule: LoopSchedule, where: str) -> None:
    """All places of a part are summed at once, by one thread, in the order of the terms."""
    scatter = nest.scatter
    assert scatter is not None
    places = {v for v, _ in (scatter.place - scatter.first).terms}
    shared = places & set(schedule.outer[:1])
    check(all(schedule.rows.get(v) == v.extent for v in shared), where, "threads share the places of a scattered sum")
    check(schedule.vector not in places, where, "vectors run along the places of a scattered sum")
    along = schedule.vector not in scatter.variables or schedule.vector is scatter.variables[-1]
    check(along, where, "vectors do not run along the innermost terms of a scattered sum")
    check(schedule.inner == list(scatter.variables), where, "the terms of a scattered sum are in another order")
    parts = {v for v, _ in scatter.first.terms}
    check(parts.isdisjoint(schedule.within), where, "parts of a scattered sum run inside of it")


def _verify_order(plan: Plan, stage: str) -> None:
    """What is read was stored in an earlier step, or on the same part of a chain by an earlier kernel."""
    left = Counter(value for kernel in plan.kernels for value in kernel.writes)
    for number, step in enumerate(plan.steps):
        where = f"{stage}: step {number}"
        before = dict(left)
        for chain in step.chains:
            earlier: list[Kernel] = []
            for kernel in chain:
                for value in kernel.reads:
                    _verify_read(kernel, value, earlier, step, before, plan, where)
                earlier.append(kernel)
                left.subtract(kernel.writes)
            if step.kind == "parallel" and len(chain) > 1:
                _verify_chain(chain, where)


def _verify_chain(chain: Sequence[Kernel], where: str) -> None:
    """The shared ranges of a chain are equal, and not cut into tiles."""
    steps = set()
    for kernel in chain:
        shared = _shared(kernel)
        schedule = kernel.schedule if isinstance(kernel, NestKernel) else None
        cut = {*schedule.rows, *schedule.collapsed, schedule.vector} if schedule else set()
        whole = bool(shared) and cut.isdisjoint(shared)
        check(whole, where, f"the range that {_names(kernel.writes)} shares is cut into tiles")
        steps.add(tuple(var.extent for var in shared))
    check(len(steps) == 1, where, f"the ranges of a chain are {steps}")


def _verify_read(
    kernel: Kernel, value: Value, earlier: list[Kernel], step: Step, before: dict[Value, int], plan: Plan, where: str
) -> None:
    base = plan.memory_of(value)
    if base.op in (INPUT, CONSTANT):
        return
    where = f"{where}: {_names(kernel.writes)}"
    for part in plan.aliases.makers(value):
        makers = [other for other in earlier if part in other.writes]
        check(part in before, where, f"it reads {part!r}, which no kernel stores")
        check(before[part] == len(makers), where, f"it reads {part!r}, which is not stored yet")
        if step.kind == "parallel":
            for maker in makers:
                local = value not in plan.aliases.reshapes and _is_local(kernel, maker, value, part, plan.aliases)
                check(local, where, f"{value!r} may be stored by another thread")


def _is_local(kernel: Kernel, maker: Kernel, value: Value, part: Value, aliases: Aliases) -> bool:
    """Whether at each step of the shared ranges a kernel reads only what its maker stored at the same step.

    The maker stores ``part``, whose indices along some axes are not those of the value in which it lies.
    """
    if isinstance(kernel, HostKernel) or isinstance(maker, HostKernel):
        return False
    ours, theirs = _shared(kernel), _shared(maker)
    if not ours or [v.extent for v in ours] != [v.extent for v in theirs]:
        return False

    stores = [s.index for s in maker.nest.stores if s.value is part]
    same = set(range(value.ndim)) - (aliases.shifted(part) if part is not value else set())
    reads: list[Indices] = [x.index for x in walk(kernel.nest.exprs) if isinstance(x, Load) and x.value is value]
    return all(
        any(_follows([x[axis] for x in reads], our, [x[axis] for x in stores], their) for axis in same)
        for our, their in zip(ours, theirs, strict=True)
    )


def _shared(kernel: Kernel) -> list[Var]:
    """The variables whose ranges threads share."""
    return kernel.ranges if isinstance(kernel, NestKernel) else []


def _follows(reads: Sequence[Affine], our: Var, stores: Sequence[Affine], their: Var) -> bool:
    """Whether indices on an axis are in one range, the same for reads and stores, at each value of a variable.

    They are the variable itself, or a multiple of it and what is less than that: the axis is cut into equal ranges.
    """
    width = stores[0].coefficient(their)
    for indices, var in ((stores, their), (reads, our)):
        for affine in indices:
            rest = affine - of(var) * width
            low, high = rest.range()
            if width < 1 or rest.coefficient(var) or low < 0 or high >= width:
                return False
    return True
