"""From a graph to an ordered list of kernels, and where everything lies.

store.py    which values are stored                nest.py     the loops that compute them
layout.py   how they lie in memory                 tiling.py   how the loops run
pack.py     operands laid out for contractions     join.py     nests that become one
steps.py    which kernels run when                 kernel.py   the kernels, steps and layouts that are the plan
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from ...ir.graph import CONSTANT, INPUT, Graph, Value, users
from .define import Definition, NeedSplit, Storage, Unmappable, storage_of
from .expr import Exprs
from .join import join
from .kernel import Kernel, Plan
from .layout import ALIGNMENT, Layout, borders, innermost_axes, layout_of, without_guards
from .nest import Nest, copies_of, nests_of
from .pack import pack
from .steps import steps_of
from .store import contraction_roots, stored_values
from .tiling import choose

if TYPE_CHECKING:
    from ..runtime.target import Target

COPIED = 1 << 10  # elements: smaller inputs are read where they lie


def plan(graph: Graph, target: Target, on_host: Callable[[Value], bool]) -> Plan:
    """The plan of a graph whose rewrites are done."""
    exprs = Exprs()
    values, nests, aliases, storage = _nests(graph, exprs, on_host, target)
    flat = [nest for group in nests.values() for nest in group]
    layouts = _layouts(graph, values, flat, aliases, storage, target)
    for nest in flat:
        without_guards(exprs, nest, layouts)
    kernels: list[Kernel] = []
    packed: dict[object, Value] = {}
    for value in values:
        if value not in nests:
            kernels.append(Kernel(None, None, value))
            continue
        for nest in nests[value]:
            tiling = choose(nest, layouts, target)
            if nest.is_contraction:
                packs, nest = pack(exprs, nest, tiling, layouts, packed)
                kernels.extend(Kernel(p, choose(p, layouts, target)) for p in packs)
                tiling = choose(nest, layouts, target)
            kernels.append(Kernel(nest, tiling))
    kernels = join(exprs, kernels, aliases, layouts, target)
    return Plan(graph, steps_of(kernels, aliases), layouts, aliases)


def _nests(
    graph: Graph, exprs: Exprs, on_host: Callable[[Value], bool], target: Target
) -> tuple[list[Value], dict[Value, list[Nest]], dict[Value, Value], dict[Value, Storage]]:
    """The stored values in order; the loops of those that are not the host's; reshapes that are aliases; storages."""
    hosted = {value for value in graph.values() if on_host(value)}
    contractions = contraction_roots(graph)
    also: set[Value] = set()
    aliases: dict[Value, Value] = {}
    storage: dict[Value, Storage] | None = None  # not known before the loops are
    while True:
        stored = stored_values(graph, lambda value: value in hosted) | also
        copied = [v for v in storage or {} if v.op in (INPUT, CONSTANT) or v in graph.outputs]
        values = sorted(stored - set(aliases), key=lambda value: value.number)
        values = [*(v for v in copied if v not in stored), *values]
        kept = stored | set(aliases)
        definition = Definition(exprs, kept, storage or {})
        nests: dict[Value, list[Nest]] = {}
        wanted = contractions if storage is None else set(values)
        todo = [v for v in reversed(values) if v in wanted and v not in hosted]
        new = [] if storage is None else todo  # what it needs is found in this pass, not in one of its own
        fits, laid_out = True, storage is not None  # whether nothing had to change; whether storages may stay
        while todo:
            value = todo.pop()
            try:
                nests[value] = nests_of(value, definition, value in copied) if value in stored else []
                nests[value] += copies_of(value, definition) if value in copied else []
                continue
            except NeedSplit:
                need = None
            except Unmappable as unmappable:
                need = unmappable.value or value
            fits = False
            if need is None or (need is value and need.op == "reshape"):
                hosted.add(value)
                laid_out = False
                _keep(value.args, kept, stored, new)
                continue
            todo.append(value)
            if storage is not None and need in storage and storage[need].block:
                storage[need] = storage_of(need, storage[need].axis, 0)
                continue
            if need.op == "reshape":
                kept.add(need)
                aliases[need] = need = need.args[0]
                laid_out = False
            if need.op not in (INPUT, CONSTANT):
                also.add(need)
                _keep([need], kept, stored, new)
        if fits and storage is not None:
            return values, nests, {value: _base(value, aliases) for value in aliases}, storage
        if fits:
            storage = _storages(graph, values, nests, hosted, aliases, target)
        elif not laid_out:
            storage = None


def _keep(values: Iterable[Value], kept: set[Value], stored: set[Value], new: list[Value]) -> None:
    """Store values from now on."""
    for value in values:
        if value.op not in (INPUT, CONSTANT) and value not in kept:
            kept.add(value)
            stored.add(value)
            new.append(value)


def _base(value: Value, aliases: Mapping[Value, Value]) -> Value:
    """The value whose memory a value is."""
    while value in aliases:
        value = aliases[value]
    return value


def _storages(
    graph: Graph,
    values: list[Value],
    nests: Mapping[Value, list[Nest]],
    hosted: set[Value],
    aliases: Mapping[Value, Value],
    target: Target,
) -> dict[Value, Storage]:
    """Values that are not stored row-major, as what leaves the program and what the host or a flat place reads is.

    A large input or output that is read in another order is copied first.
    """
    everything = graph.values()
    fixed = set(aliases.values())
    for value in hosted:
        fixed.update((value, *value.args))
    fixed.update(value.args[0] for value in everything if value.op == "gather")
    axes = innermost_axes(everything, (nest for group in nests.values() for nest in group))
    read = users(everything)
    outside = {v for v in everything if v.op in (INPUT, CONSTANT)} | set(graph.outputs)
    fixed |= {v for v in outside if not axes.get(v) or v.ndim < 3 or v.size < COPIED or v not in read}
    storages = {}
    for value in dict.fromkeys([*(v for v in everything if v in outside), *values]):
        if value in fixed or value.ndim < 2:
            continue
        axis = axes.get(value, value.ndim - 1)
        n, line = value.shape[axis], max(ALIGNMENT, target.vector_bytes) // value.dtype.itemsize
        block = 0
        if value.ndim > 2 and n > line:
            block = next((b for b in (line, line // 2) if n % b == 0), 0)
        storages[value] = storage_of(value, axis, block)
    return storages


def _layouts(
    graph: Graph,
    values: list[Value],
    nests: list[Nest],
    aliases: Mapping[Value, Value],
    storage: Mapping[Value, Storage],
    target: Target,
) -> dict[Value, Layout]:
    layouts = {v: layout_of(v.shape, v.dtype) for v in graph.values() if v.op in (INPUT, CONSTANT)}
    layouts.update({v: layout_of(v.shape, v.dtype) for v in aliases})
    ours = {storage[value].value for value in storage}
    border = borders(nests, {v for v in ours if v.ndim > 2})
    layouts.update({v: layout_of(v.shape, v.dtype) for v in values})
    for value in values:
        stored = storage[value].value if value in storage else value
        multiple = max(1, target.vector_bytes // stored.dtype.itemsize) if stored in ours else 1
        if stored.shape and stored.shape[-1] * 2 <= multiple:
            multiple = 1
        low, high = border.get(stored, (None, None))
        layouts[stored] = layout_of(stored.shape, stored.dtype, low, high, multiple)
    return layouts


# ---------------------------------------------------------------- packed operands
