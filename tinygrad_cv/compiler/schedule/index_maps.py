"""One element of a value as an expression of elements of stored values: a row for each primitive.

A movement substitutes the index; so do windows. ``fold``, the adjoint of windows, gathers: its element at p = s Q + a
sums the taps u with s h + d u = p, which needs a to be a number. If an index does not have the form that is needed,
:class:`NeedSplit` asks whoever made the loop variable to split it, and the expression is built again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from ...core.primitive import PRIMITIVES
from ...core.stackless import Steps, run
from ...ir.graph import CONSTANT, INPUT, Value
from ...ops.contraction import parse
from .affine import Affine, Indices, Var, of
from .expr import Const, Expr, Exprs, Guard, Reduce, factors, is_number, unguarded
from .indirect import gather, scatter_add
from .moves import MOVES, moved
from .reshape import NeedSplit, Unmappable, divided, multiple
from .storage import Storage

FEW = 4  # products: a sum of no more is written out
PHASES = 4  # elements: windows side by side that are longer than that are loops, and not a store for each place
TINY = 16  # elements: a reduction of no more is written out, and fuses like an elementwise operation
BOOL = np.dtype(bool)

Row = Callable[["IndexMaps", Value, Indices], Steps]
ROWS: dict[str, Row] = {}  # of every primitive but the elementwise ones, which share one. Rows yield d.at(...)


def row(*names: str) -> Callable[[Row], Row]:
    def register(function: Row) -> Row:
        ROWS.update(dict.fromkeys(names, function))
        return function

    return register


class IndexMaps:
    """Builds the expressions of elements, down to loads of ``stored`` values; some are not row-major: ``storage``."""

    def __init__(self, exprs: Exprs, stored: Container[Value], storage: Mapping[Value, Storage]):
        self.exprs, self.stored, self.storage = exprs, stored, storage
        self._memo: dict[Any, Expr] = {}

    def at(self, value: Value, index: Sequence[Affine]) -> Expr | Steps:
        """The element of a value at an index, or the steps that build it; a load if the value is stored."""
        while value not in self.stored:
            if value.op in (INPUT, CONSTANT):
                break
            if value.op not in MOVES:
                key = (value, tuple([a.key for a in index]))
                made = self._memo.get(key)
                return self._steps(key, value, tuple(index)) if made is None else made
            value, index = moved(value, index)
        if value.op == CONSTANT and value.size == 1:
            return self.exprs.const(value.params["array"].reshape(()), value.dtype)
        return self.load(value, index)

    def load(self, value: Value, index: Sequence[Affine], row: Expr | None = None, axis: int = 0) -> Expr:
        """The element of a stored value at an index, in the order of its storage; ``row``: the index on an axis."""
        if value not in self.storage:
            return self.exprs.load(value, index, row, axis)
        storage = self.storage[value]
        if row is not None and storage.block and axis == storage.axis:
            raise Unmappable(value)
        place = storage.place_of(axis)
        return self.exprs.load(storage.value, storage.stored_index(index), row, place)

    def of(self, value: Value, index: Sequence[Affine]) -> Expr:
        """The element of a value at an index, computed by its own operation even if the value is stored."""
        self._memo.clear()  # no other loops have these variables
        if value.op in MOVES:
            return run(self.at(*moved(value, index)))
        return run(self._steps((value, tuple([a.key for a in index])), value, tuple(index)))

    def _steps(self, key: Any, value: Value, index: Indices) -> Steps:
        made = self._memo[key] = yield from ROWS.get(value.op, _elementwise)(self, value, index)
        return made

    def op(self, name: str, args: Sequence[Expr], dtype: np.dtype) -> Expr:
        """An elementwise operation; of constants, the constant."""
        primitive = PRIMITIVES.get(name)
        if name == "where" and isinstance(args[0], Const):
            return args[1] if args[0].number else args[2]
        if name == "cast" and args[0].dtype == dtype:
            return args[0]
        constants = [arg for arg in args if isinstance(arg, Const)]
        if primitive and len(constants) == len(args):
            numbers = [np.asarray(arg.number) for arg in constants]
            params = {"dtype": dtype} if name == "cast" else {}
            with np.errstate(all="ignore"):
                return self.exprs.const(primitive.eval(*numbers, **params), dtype)
        return self.exprs.op(name, args, dtype)

    def product(self, a: Expr, b: Expr) -> Expr:
        """a · b, in a contraction. Guards with zeros outside are moved from the factors to the product."""
        guards = []
        while guarded := next((x for x in (a, b) if isinstance(x, Guard) and is_number(x.other, 0)), None):
            guards.append(guarded)
            a, b = (guarded.body, b) if guarded is a else (a, guarded.body)
        made = self.op("mul", (a, b), a.dtype)
        for guarded in reversed(guards):
            made = self.exprs.guard(guarded.conditions, made, guarded.other)
        return made

    def reduce(
        self, kind: str, axes: Sequence[tuple[Any, int]], body: Callable[[dict[Any, Affine]], Steps], dtype: np.dtype
    ) -> Steps:
        """A reduction over new loop variables, which are split as the body needs."""
        variables = {axis: Var(n, "r") for axis, n in axes}
        live = [v for v in variables.values() if v.extent > 1]
        maps = [{axis: of(v) for axis, v in variables.items()}]
        sizes = dict(axes)
        while True:
            try:
                bodies = []
                for m in maps:
                    bodies.append((yield from (self._inside(m, sizes, body) if kind == "sum" else body(m))))
                return self.exprs.reduce(kind, live, bodies, dtype)
            except NeedSplit as need:
                if need.var not in live:
                    raise
                n, factor = need.var.extent, need.factor
                if (n % factor and not (kind == "sum" and need.phases)) or (kind == "argmax" and need.phases):
                    raise
                outer = Var(-(-n // factor), "r")
                live[live.index(need.var)] = outer
                if need.phases:
                    parts = [Affine(r) + of(outer) * factor for r in range(factor)]
                else:
                    inner = Var(factor, "r")
                    live.insert(live.index(outer) + 1, inner)
                    parts = [of(outer) * factor + of(inner)]
                live = [v for v in live if v.extent > 1]
                maps = [{k: a.substitute({need.var: part}) for k, a in m.items()} for m in maps for part in parts]

    def _inside(self, index: dict[Any, Affine], sizes: dict[Any, int], body: Callable[..., Steps]) -> Steps:
        """The body; 0 where a phase of a range that does not divide evenly is beyond its end."""
        conditions = [(affine, 0, sizes[axis]) for axis, affine in index.items()]
        inner = yield from body(index)
        return self.exprs.guard(conditions, inner, self.exprs.const(0, inner.dtype))


def _elementwise(d: IndexMaps, value: Value, index: Indices) -> Steps:
    args = []
    for arg in value.args:
        made = d.at(arg, index)
        args.append(made if isinstance(made, Expr) else (yield made))  # most are there already
    return d.op(value.op, args, value.dtype)


# ---------------------------------------------------------------- parts


@row("pad")
def _pad(d: IndexMaps, value: Value, index: Indices) -> Steps:
    (x,) = value.args
    fill = d.exprs.const(value.params["value"], value.dtype)
    own, conditions = [], []
    for a, n, (low, _), gap in zip(index, x.shape, value.params["width"], value.params["interior"], strict=True):
        inner = a - low
        if gap:
            inner = multiple(inner, gap + 1)
            if inner.const % (gap + 1):
                return fill
            inner = Affine(inner.const // (gap + 1), [(v, c // (gap + 1)) for v, c in inner.terms])
        own.append(inner)
        conditions.append((inner, 0, n))
    return d.exprs.guard(conditions, (yield d.at(x, own)), fill)


@row("concatenate")
def _concatenate(d: IndexMaps, value: Value, index: Indices) -> Steps:
    axis = value.params["axis"]
    for v, c in index[axis].terms:
        if c == 1 and v.extent == len(value.args) == value.shape[axis] <= TINY:  # parts that take turns: a phase each
            raise NeedSplit(v, v.extent, phases=True)
    joined: Expr = d.exprs.const(0, value.dtype)
    end = value.shape[axis]
    for x in reversed(value.args):
        start = end - x.shape[axis]
        if x.shape[axis]:
            own = (*index[:axis], index[axis] - start, *index[axis + 1 :])
            if index[axis].range()[1] >= start and index[axis].range()[0] < end:
                joined = d.exprs.guard([(index[axis], start, end)], (yield d.at(x, own)), joined)
        end = start
    return joined


# ---------------------------------------------------------------- windows


@row("fold")
def _fold(d: IndexMaps, value: Value, index: Indices) -> Steps:
    (w,) = value.args
    stride, dilation, size = (value.params[key] for key in ("stride", "dilation", "size"))
    k = len(size)
    lead = len(index) - k
    counts, kernel = w.shape[lead : lead + k], w.shape[lead + k :]
    # Q + constant, its step per tap, first tap, step between taps, number of taps, of windows
    axes: list[tuple[Affine, int, Affine | int, int, int, int]] = []
    conditions = []
    for p, s, t, taps, n in zip(index[lead:], stride, dilation, kernel, counts, strict=True):
        if t == 1 and taps <= s and s > PHASES and (apart := divided(p, s)):
            q, tap = apart
            axes.append((q, 0, tap, 0, 1, n))
            conditions.append((tap, 0, taps))
            continue
        p = multiple(p, s)
        residue, quotient = p.const % s, Affine(p.const // s, [(v, c // s) for v, c in p.terms])
        g = math.gcd(s, t)
        first = next((u for u in range(taps) if (residue - t * u) % s == 0), taps)
        count = len(range(first, taps, s // g))
        axes.append((quotient + (residue - t * first) // s, t // g, first, s // g, count, n))
    zero = d.exprs.const(0, value.dtype)
    if any(count == 0 for *_, count, _ in axes):
        return zero

    def body(taps: Sequence[Affine]) -> Steps:
        back = [t * -1 + (count - 1) for t, (*_, count, _) in zip(taps, axes, strict=True)]  # so that windows rise
        windows = [q - t * step for (q, step, *_), t in zip(axes, back, strict=True)]
        kernels = [t * step + first for (_, _, first, step, _, _), t in zip(axes, back, strict=True)]
        inside = [*conditions, *((h, 0, n) for h, (*_, n) in zip(windows, axes, strict=True))]
        return d.exprs.guard(inside, (yield d.at(w, [*index[:lead], *windows, *kernels])), zero)

    variables = [Var(count, "t") for *_, count, _ in axes]
    inner = yield from body([*map(of, variables)])
    core = unguarded(inner)
    if isinstance(core, Reduce) and core.kind == "sum" and len(core.args) == 1:  # a sum of a sum is a sum
        total = core.args[0]
        if isinstance(inner, Guard):
            total = d.exprs.guard(inner.conditions, total, zero)
        return d.exprs.reduce("sum", [*(v for v in variables if v.extent > 1), *core.variables], [total], value.dtype)
    taps = math.prod(v.extent for v in variables)
    if taps > TINY or (taps > FEW and factors(inner)):  # a sum of products, whose operands may have halos
        return d.exprs.reduce("sum", [v for v in variables if v.extent > 1], [inner], value.dtype)
    terms = []
    for each in product(*(range(v.extent) for v in variables)):
        terms.append((yield from body([*map(Affine, each)])))
    return _sum_of(d, [term for term in terms if not is_number(term, 0)] or [zero], value.dtype)


def _sum_of(d: IndexMaps, terms: Sequence[Expr], dtype: np.dtype) -> Expr:
    total = terms[0]
    for term in terms[1:]:
        total = d.op("add", (total, term), dtype)
    return total


# ---------------------------------------------------------------- reductions


@row("sum", "max", "argmax")
def _reduction(d: IndexMaps, value: Value, index: Indices) -> Steps:
    (x,) = value.args
    axes = value.params["axis"]
    extents = [x.shape[axis] for axis in axes]

    def element(own: dict[Any, Affine]) -> Steps:
        found = yield d.at(x, [own.get(i, a) for i, a in enumerate(index)])
        return d.op("cast", (found,), value.dtype) if value.op == "sum" else found

    if math.prod(extents) <= TINY:
        terms = []
        for each in product(*map(range, extents)):
            terms.append((yield from element(dict(zip(axes, map(Affine, each), strict=True)))))
        return _tiny(d, value, terms)
    return (yield from d.reduce(value.op, list(zip(axes, extents, strict=True)), element, value.dtype))


def _tiny(d: IndexMaps, value: Value, xs: list[Expr]) -> Expr:
    if value.op == "sum":
        return _sum_of(d, xs, value.dtype)
    best: Expr = xs[0]
    first: Expr = d.exprs.const(0, value.dtype)  # the index of the first maximum
    for k, x in enumerate(xs[1:], 1):
        if value.op == "argmax":  # greater, or the first NaN
            not_less = d.exprs.op("not", [d.op("less_equal", (x, best), BOOL)], BOOL)
            better = d.exprs.op("and", [not_less, d.op("equal", (best, best), BOOL)], BOOL)
            first = d.op("where", (better, d.exprs.const(k, value.dtype), first), value.dtype)
        best = d.op("maximum", (best, x), best.dtype)
    return first if value.op == "argmax" else best


@row("contract")
def _contract(d: IndexMaps, value: Value, index: Indices) -> Steps:
    groups = parse(value.params["spec"])
    a, b = value.args
    extents = {**dict(zip(groups.a, a.shape, strict=True)), **dict(zip(groups.b, b.shape, strict=True))}
    free = dict(zip(groups.y, index, strict=True))

    def body(contracted: dict[str, Affine]) -> Steps:
        maps = {**free, **contracted}
        x = yield d.at(a, [maps[i] for i in groups.a])
        y = yield d.at(b, [maps[i] for i in groups.b])
        return d.product(x, y)

    return (yield from d.reduce("sum", [(i, extents[i]) for i in groups.contracted], body, value.dtype))


# ---------------------------------------------------------------- indexing


@row("iota")
def _iota(d: IndexMaps, value: Value, index: Indices) -> Steps:
    flat = Affine(0)
    for axis in value.params["axis"]:
        flat = flat * value.shape[axis] + index[axis]
    whole = value.dtype if value.dtype.kind in "iu" else np.dtype(np.int64)
    return d.op("cast", ((yield d.exprs.index(flat, whole)),), value.dtype)


@row("random_bits")
def _random_bits(d: IndexMaps, value: Value, index: Indices) -> Steps:
    (state,) = value.args
    seed, counter = (yield d.at(state, (Affine(0),))), (yield d.at(state, (Affine(1),)))
    place = Affine(0)
    for n, a in zip(value.shape, index, strict=True):
        place = place * n + a
    return d.op(f"draw_{value.params['bits']}", (seed, counter, d.exprs.index(place, state.dtype)), value.dtype)


row("gather")(gather)
row("scatter_add")(scatter_add)
