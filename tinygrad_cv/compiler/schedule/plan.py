"""From a graph to an ordered list of kernels, and where everything lies.

    store.py    which values are stored                nest.py     the loops that compute them
    layout.py   how they lie in memory                 tiling.py   how the loops run
    plan.py     this: puts these together, packs operands, joins nests, and orders kernels into steps

A step is what all threads do between two barriers. Within it, a chain is a row of kernels that share the range of one
variable, image by image: what one writes the next one reads while it is in the cache.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ...core.primitive import Aval
from ..ir import CONSTANT, INPUT, Graph, Value, users
from .affine import Affine, Var, of
from .define import Definition, NeedSplit, Storage, Unmappable, storage_of
from .expr import Expr, Exprs, loads, renamed, substitute, walk
from .layout import ALIGNMENT, Layout, borders, innermost_axes, layout_of, without_guards
from .nest import Nest, Store, copies_of, is_contraction, nests_of
from .store import contraction_roots, stored_values
from .tiling import Tiling, choose

if TYPE_CHECKING:
    from ..runtime.target import Target

COPIED = 1 << 10  # elements: smaller inputs are read where they lie
TASK = 1 << 14  # operations: less work is not worth sharing between threads
REUSED, PACKED, FAR = 64, 1 << 20, 128  # an operand is packed that is read so often, has so many elements, so far apart
PIECE = 1 << 17  # bytes that a chain writes before it goes back to its first kernel


@dataclass
class Kernel:
    """A nest and how it runs; or a value that the host computes."""

    nest: Nest | None
    tiling: Tiling | None
    host: Value | None = None

    @cached_property
    def writes(self) -> list[Value]:
        return [self.host] if self.host else list(dict.fromkeys(s.value for s in self.nest.stores))  # type: ignore

    @cached_property
    def reads(self) -> list[Value]:
        if self.host:
            return list(self.host.args)
        assert self.nest is not None
        return list(dict.fromkeys(load.par[0] for load in loads(self.nest.exprs)))

    @property
    def shared(self) -> Var | None:
        """The variable whose range threads share."""
        return self.tiling.outer[0] if self.tiling and self.tiling.outer else None

    @cached_property
    def work(self) -> int:
        """Operations, roughly."""
        if self.nest is None:
            return 0
        total = 0
        for expr in walk(self.nest.exprs):
            if expr.kind in ("op", "load"):
                total += math.prod(v.extent for v in expr.vars)
        return max(total, self.nest.places)

    @cached_property
    def signature(self) -> Any:
        """What kernels that could be one agree on: the places they run over, and how much is summed. None: alone."""
        nest = self.nest
        if nest is None or not nest.vars or any(map(is_contraction, reductions := nest.reductions)):
            return None
        sums = {tuple(v.extent for v in r.par[1]) for r in reductions[:1]}
        return tuple(v.extent for v in nest.vars), frozenset(sums), len({r.par[1] for r in reductions}) <= 1

    @property
    def kind(self) -> str:
        """What it is, for tables: "contraction", "reduction", "elementwise"; "host" for what NumPy computes."""
        if self.nest is None:
            return "host"
        return "contraction" if self.nest.is_contraction else "reduction" if self.nest.reductions else "elementwise"

    @property
    def ops(self) -> tuple[str, ...]:
        """What was fused into it: the primitives between what it reads and what it writes."""
        if self.host:
            return (self.host.op,)
        stop = {source(value.args[0] if value.op == "packed" else value) for value in self.reads}
        seen: dict[Value, None] = {}
        stack = [source(value) for value in self.writes]
        while stack:
            value = stack.pop()
            if value not in seen and value not in stop and value.op not in (INPUT, CONSTANT):
                seen[value] = None
                stack.extend(map(source, value.args))
        fused = tuple(dict.fromkeys(v.op for v in sorted(seen, key=lambda v: v.number)))
        return fused or ("copy",)

    @property
    def flops(self) -> int:
        """Operations on numbers; a multiply-add is two."""
        total = 0
        for expr in walk(self.nest.exprs) if self.nest else ():
            if expr.kind == "op" and expr.name != "cast":
                total += math.prod(v.extent for v in expr.vars)
            elif expr.kind == "reduce":
                total += sum(math.prod(v.extent for v in body.vars) for body in expr.args)
        return total


def source(value: Value) -> Value:
    """The graph's value behind a storage; a packed operand stands for itself."""
    return value.args[0] if value.op == "stored" else value


@dataclass
class Step:
    """What happens between two barriers: chains that threads share, or one thread's, or work of the host."""

    kind: str  # "parallel", "serial" or "host"
    chains: list[list[Kernel]] = field(default_factory=list)


@dataclass
class Plan:
    """Kernels in order, and the layout of everything they touch."""

    graph: Graph
    steps: list[Step]
    layouts: dict[Value, Layout]
    aliases: dict[Value, Value]  # reshapes that are another value's memory

    @property
    def kernels(self) -> list[Kernel]:
        return [kernel for step in self.steps for chain in step.chains for kernel in chain]


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
                packs, nest = _pack(exprs, nest, tiling, layouts, packed)
                kernels.extend(Kernel(p, choose(p, layouts, target)) for p in packs)
                tiling = choose(nest, layouts, target)
            kernels.append(Kernel(nest, tiling))
    kernels = _join(exprs, kernels, aliases, layouts, target)
    return Plan(graph, _steps(kernels, aliases), layouts, aliases)


def _nests(
    graph: Graph, exprs: Exprs, on_host: Callable[[Value], bool], target: Target
) -> tuple[list[Value], dict[Value, list[Nest]], dict[Value, Value], dict[Value, Storage]]:
    """The stored values in order; the loops of those that are not the host's; reshapes that are aliases; storages."""
    hosted = {value for value in graph.values() if on_host(value)}
    also: set[Value] = set()
    aliases: dict[Value, Value] = {}
    storage: dict[Value, Storage] | None = None  # not known before the loops are
    while True:
        stored = stored_values(graph, lambda value: value in hosted) | also
        contractions = contraction_roots(graph)
        values = sorted(stored - set(aliases), key=lambda value: value.number)
        definition = Definition(exprs, stored | set(aliases), storage or {})
        nests: dict[Value, list[Nest]] = {}
        try:
            copied = [v for v in storage or {} if v.op in (INPUT, CONSTANT) or v in graph.outputs]
            values = [*(v for v in copied if v not in stored), *values]
            for value in values:
                if value not in hosted and (storage is not None or value in contractions):
                    current = value
                    nests[value] = nests_of(value, definition, value in copied) if value in stored else []
                    nests[value] += copies_of(value, definition) if value in copied else []
        except Unmappable as need:
            value = need.value or current
            if storage is not None and value in storage and storage[value].block:
                storage[value] = storage_of(value, storage[value].axis, 0)
            elif value.op == "reshape" and value is not current:
                aliases[value] = value.args[0]
                also |= {value.args[0]} if value.args[0].op not in (INPUT, CONSTANT) else set()
                storage = None
            elif value.op == "reshape":
                hosted.add(current)
                storage = None
            else:
                also.add(value)
            continue
        except NeedSplit:
            hosted.add(current)
            storage = None
            continue
        if storage is not None:
            return values, nests, {value: _base(value, aliases) for value in aliases}, storage
        storage = _storages(graph, values, nests, hosted, aliases, target)


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


def _pack(
    exprs: Exprs, nest: Nest, tiling: Tiling, layouts: dict[Value, Layout], packed: dict[object, Value]
) -> tuple[list[Nest], Nest]:
    """Lay the vector operand of a contraction out as its loops read it, where it does not lie so already."""
    vector = tiling.vector
    assert vector is not None
    if not any(_needs_packing(nest, vector, b, r, layouts) for r, _, _, b in _products(nest, vector)):
        return [], nest
    size = tiling.vectors * tiling.lanes
    if vector.extent % size == 0 and vector.extent > size:  # so that a tile's vectors lie side by side
        block, inside = Var(vector.extent // size, "b"), Var(size, "i")
        nest, vector = _split(exprs, nest, vector, block, inside), inside
    packs: list[Nest] = []
    new: dict[Expr, Expr] = {}
    for reduction, body, a, b in _products(nest, vector):
        made, load = _packed(exprs, reduction, body, a, b, vector, layouts, packed, tiling.lanes)
        packs += made
        core = body.args[0] if body.kind == "guard" else body
        new[core] = exprs.op("mul", (load, a) if core.args[0] is b else (a, load), core.dtype)
    stores = [Store(s.value, s.index, substitute(exprs, s.expr, new)) for s in nest.stores]
    return packs, Nest(nest.vars, stores, nest.bounds)


def _products(nest: Nest, vector: Var) -> list[tuple[Expr, Expr, Expr, Expr]]:
    """The products that a nest sums, as (reduction, body, a, b) with vectors along b alone."""
    found = []
    for reduction in filter(is_contraction, nest.reductions):
        for body in reduction.args:
            core = body.args[0] if body.kind == "guard" else body
            a, b = core.args if vector not in core.args[0].vars else core.args[::-1]
            if vector not in a.vars and vector in b.vars:
                found.append((reduction, body, a, b))
    return found


def _needs_packing(nest: Nest, vector: Var, b: Expr, reduction: Expr, layouts: dict[Value, Layout]) -> bool:
    """Whether vectors do not lie side by side; or those of neighbouring steps so far apart that caches suffer."""
    place = layouts[b.par[0]].flat(b.par[1])
    if place.coefficient(vector) != 1:
        return True
    rows = math.prod(v.extent for v in nest.vars if v not in b.vars)
    steps = [abs(place.coefficient(v)) for v in reduction.par[1] if place.coefficient(v)]
    return rows >= REUSED and b.par[0].size <= PACKED and min(steps, default=0) >= FAR


def _split(exprs: Exprs, nest: Nest, var: Var, block: Var, inside: Var) -> Nest:
    new = {var: of(block) * inside.extent + of(inside)}
    variables = tuple(w for v in nest.vars for w in ((block, inside) if v is var else (v,)))
    return Nest(
        variables,
        [Store(s.value, tuple(a.substitute(new) for a in s.index), renamed(exprs, s.expr, new)) for s in nest.stores],
        [(a.substitute(new), low, high) for a, low, high in nest.bounds],
    )


def _packed(
    exprs: Exprs,
    reduction: Expr,
    body: Expr,
    a: Expr,
    b: Expr,
    vector: Var,
    layouts: dict[Value, Layout],
    packed: dict[object, Value],
    lanes: int,
) -> tuple[list[Nest], Expr]:
    """The nest that packs an operand (none, where it was packed before), and the load of what it packs."""
    a_map = layouts[a.par[0]].flat(a.par[1])
    summed = [v for v in reduction.par[1] if v in b.vars]
    summed.sort(key=lambda v: -abs(a_map.coefficient(v)))
    free = sorted((v for v in b.vars if v is not vector and v not in summed), key=lambda v: v.number)
    variables = [*free, *summed, vector]
    fresh = [Var(v.extent, "k") for v in variables]
    new = {v: of(w) for v, w in zip(variables, fresh, strict=True)}
    conditions = [c for c in (body.par if body.kind == "guard" else ()) if {v for v, _ in c[0].terms} <= b.vars]
    element = exprs.guard(conditions, b, exprs.const(0, b.dtype))
    ranks = {v.number: i for i, v in enumerate(variables)}
    key = (
        b.par[0],
        tuple(v.extent for v in variables),
        tuple((x.const, tuple(sorted((ranks[v.number], c) for v, c in x.terms))) for x in b.par[1]),
        tuple((x.const, tuple(sorted((ranks[v.number], c) for v, c in x.terms)), lo, hi) for x, lo, hi in conditions),
    )
    nests = []
    if key not in packed:
        shape = tuple(v.extent for v in variables)
        value = Value("packed", (b.par[0],), {}, Aval(shape, b.dtype), b.par[0].number, None)
        packed[key] = value
        layouts[value] = layout_of(shape, b.dtype, multiple=lanes)
        nests = [
            Nest(
                tuple(v for v in fresh if v.extent > 1),
                [Store(value, tuple(map(of, fresh)), renamed(exprs, element, new))],
            )
        ]
    return nests, exprs.load(packed[key], [*map(of, variables)])


# ---------------------------------------------------------------- joining nests, ordering kernels


def _join(
    exprs: Exprs,
    kernels: list[Kernel],
    aliases: Mapping[Value, Value],
    layouts: dict[Value, Layout],
    target: Target,
) -> list[Kernel]:
    """Nests that run over the same places and read the same values become one; a reader joins its writer."""
    joined: list[Kernel] = []
    where: dict[Value, int] = {}
    for kernel in kernels:
        at = _partner(kernel, joined, where, aliases)
        if at is None:
            joined.append(kernel)
            at = len(joined) - 1
        else:
            joined[at] = _merged(exprs, joined[at], kernel, layouts, target)
        for value in kernel.writes:  # in several nests, perhaps: the last of them counts
            where[value] = max(at, where.get(value, at))
    return joined


def _partner(
    kernel: Kernel, joined: list[Kernel], where: dict[Value, int], aliases: Mapping[Value, Value]
) -> int | None:
    nest = kernel.nest
    if nest is None or kernel.signature is None:
        return None
    bases = [aliases.get(v, v) for v in kernel.reads]
    after = max((where[v] for v in bases if v in where), default=-1)
    reads = {v for v in kernel.reads if v.size * 4 >= nest.places}
    for at in range(len(joined) - 1, max(after - 1, len(joined) - 24, -1), -1):
        other = joined[at].nest
        if other is None or joined[at].signature != kernel.signature or len(other.stores) >= 6:
            continue
        writes = {v for v in joined[at].writes if v in kernel.reads}
        if at == after and writes:
            if nest.reductions or not all(_pointwise(nest, other, v) for v in writes):
                continue
            return at
        if not writes and reads & set(joined[at].reads):
            return at
    return None


def _pointwise(nest: Nest, other: Nest, value: Value) -> bool:
    """Whether a nest reads a value only at the place to which the other stores it."""
    stores = [s for s in other.stores if s.value is value]
    if len(stores) != 1:
        return False
    new = dict(zip(nest.vars, map(of, other.vars), strict=True))
    return all(
        not load.args and tuple(a.substitute(new) for a in load.par[1]) == stores[0].index
        for load in loads(nest.exprs)
        if load.par[0] is value
    )


def _merged(exprs: Exprs, first: Kernel, second: Kernel, layouts: dict[Value, Layout], target: Target) -> Kernel:
    a, b = first.nest, second.nest
    assert a is not None and b is not None
    new = dict(zip(b.vars, map(of, a.vars), strict=True))
    if a.reductions and b.reductions:
        new.update(zip(b.reductions[0].par[1], map(of, a.reductions[0].par[1]), strict=True))
    stores = list(a.stores)
    for store in b.stores:
        expr = _over(exprs, store.expr, new)
        values = {s.value: s.expr for s in a.stores}
        known = {load: values[load.par[0]] for load in loads([expr]) if load.par[0] in values}
        stores.append(Store(store.value, tuple(x.substitute(new) for x in store.index), substitute(exprs, expr, known)))
    nest = Nest(a.vars, stores)
    return Kernel(nest, choose(nest, layouts, target))


def _over(exprs: Exprs, expr: Expr, new: dict[Var, Affine]) -> Expr:
    """The expression over other variables, those of its reductions included."""
    done: dict[Expr, Expr] = {}
    for part in walk([expr]):
        if part.kind == "reduce":
            variables = [new[v].terms[0][0] if v in new else v for v in part.par[1]]
            done[part] = exprs.reduce(part.par[0], variables, [done[a] for a in part.args], part.dtype)
        elif part.args:
            inner = substitute(exprs, part, {a: done[a] for a in part.args})
            done[part] = _renamed_one(exprs, inner, part, new, [done[a] for a in part.args])
        else:
            done[part] = renamed(exprs, part, new)
    return done[expr]


def _renamed_one(exprs: Exprs, inner: Expr, part: Expr, new: dict[Var, Affine], args: list[Expr]) -> Expr:
    if part.kind == "guard":
        return exprs.guard([(a.substitute(new), lo, hi) for a, lo, hi in part.par], *args)
    if part.kind == "load":
        return exprs.load(part.par[0], [a.substitute(new) for a in part.par[1]], *args)
    return inner


def _steps(kernels: list[Kernel], aliases: Mapping[Value, Value]) -> list[Step]:
    """Kernels in steps, as early as what they read allows."""
    steps: list[Step] = []
    made: dict[Value, list[tuple[int, Kernel]]] = {}
    for kernel in kernels:
        sources = [(value, aliases.get(value, value)) for value in kernel.reads]
        needs = [(value, at, maker) for value, base in sources for at, maker in made.get(base, ())]
        latest = max((at for _, at, _ in needs), default=-1)
        kind = "host" if kernel.host else "serial" if _is_small(kernel) else "parallel"
        at = _place(kernel, kind, steps, latest, [(v, m) for v, at, m in needs if at == latest])
        for value in kernel.writes:
            made.setdefault(value, []).append((at, kernel))
    return steps


def _is_small(kernel: Kernel) -> bool:
    return kernel.work < TASK or kernel.shared is None


def _place(kernel: Kernel, kind: str, steps: list[Step], latest: int, needs: list[tuple[Value, Kernel]]) -> int:
    if kind == "serial":
        for at in range(len(steps) - 1, max(latest, 0) - 1, -1):
            if steps[at].kind == "serial":
                steps[at].chains[0].append(kernel)
                return at
    if kind == "parallel":
        if latest >= 0 and steps[latest].kind == "parallel":
            chains = [chain for chain in steps[latest].chains if any(m in chain for _, m in needs)]
            if len(chains) == 1 and all(_in_step(kernel, value, maker) for value, maker in needs):
                chains[0].append(kernel)
                return latest
        for at in range(latest + 1, len(steps)):
            if steps[at].kind == "parallel":
                steps[at].chains.append([kernel])
                return at
    steps.append(Step(kind, [[kernel]]))
    return len(steps) - 1


def _in_step(kernel: Kernel, value: Value, maker: Kernel) -> bool:
    """Whether a kernel reads of a value only what the maker's same share of the range has written."""
    if maker.nest is None or kernel.nest is None:
        return False
    ours, theirs = kernel.shared, maker.shared
    if ours is None or theirs is None or ours.extent != theirs.extent:
        return False
    if kernel.tiling.vector is ours or maker.tiling.vector is theirs:  # type: ignore[union-attr]
        return False
    if ours in kernel.tiling.rows or theirs in maker.tiling.rows:  # type: ignore[union-attr]
        return False
    axes = {i for s in maker.nest.stores if s.value is value for i, a in enumerate(s.index) if a == of(theirs)}
    places = [load.par[1] for load in loads(kernel.nest.exprs) if load.par[0] is value and not load.args]
    return bool(axes) and bool(places) and all(any(index[i] == of(ours) for i in axes) for index in places)
