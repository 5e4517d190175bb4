"""The loop nests that compute materialized values.

Building a nest may show that earlier decisions do not work: an index map is not affine, so another value must be
materialized; only NumPy can compute a value; a storage must not be in blocks. These needs are returned, and the
decisions are made again with them (settle.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from ...core.stackless import run
from ...ir.graph import CONSTANT, INPUT, Value
from .affine import Affine, Indices, Var, of
from .expr import Const, Expr, Exprs, Guard, Op, Reduce, conditions_of, walk
from .index_maps import IndexMaps
from .join import Region, unplaced
from .materialize import Materialized, Needs
from .nest import Nest, Store
from .reshape import NeedSplit, Unmappable
from .storage import Storage, storage_of

LONG = 32  # steps: a shorter loop is not cut into pieces
PARTS = 4  # parts, and places where a loop is cut, at most
MANY = 16  # places where a loop over a sum is cut, at most, if half of the addends or more are zero
ZERO = 8  # of as many addends one must be zero, on the average over a loop: otherwise it is not cut for that
PIECES = 4  # of the loops over a sum: if there are as many, they are not cut again


def build_nests(
    exprs: Exprs, materialized: Materialized, values: Iterable[Value], storages: dict[Value, Storage]
) -> tuple[dict[Value, list[Nest]], Needs]:
    """The nests of these values, and what they need beyond what was decided; with needs, some are missing.

    An output that is not row-major is computed row-major and copied; an input or a constant is copied. An update reads
    them row-major: it may be written over one.
    """
    stored, storages = materialized.everything, dict(storages)
    outside = {value for value in storages if value.op in (INPUT, CONSTANT) or value in materialized.outputs}
    arranged = IndexMaps(exprs, stored, storages)
    inside = {value: storage for value, storage in storages.items() if value not in outside}
    plain = IndexMaps(exprs, stored, inside)
    nests: dict[Value, list[Nest]] = {}
    needs = Needs()
    todo = [value for value in values if value not in materialized.hosted][::-1]

    def need_memory(value: Value) -> None:
        if value.op not in (INPUT, CONSTANT) and value not in stored:
            stored.add(value)
            needs.materialized.add(value)
            todo.append(value)

    while todo:
        value = todo.pop()
        maps = plain if value in materialized.updates.late else arranged
        copied = value in storages and (value.op in (INPUT, CONSTANT) or value in materialized.outputs)
        try:
            nests[value] = [] if value.op in (INPUT, CONSTANT) else nests_of(value, maps, materialized, copied)
            nests[value] += copies_of(value, maps) if copied else []
            continue
        except NeedSplit:
            need = None
        except Unmappable as unmappable:
            need = unmappable.value or value
        blocked = need in storages and storages[need].block
        if need is None or (need is value and need.op == "reshape" and not blocked):
            needs.hosted.add(value)
            for arg in value.args:
                need_memory(arg)
            continue
        todo.append(value)
        if blocked:
            needs.unblocked.add(need)
            storages[need] = storage_of(need, storages[need].axis, 0)
            if need in inside:
                inside[need] = storages[need]
        elif need.op == "reshape" and not (need.args[0].op == "permute" and _computes(need, maps, materialized)):
            needs.aliases.add(need)
            stored.add(need)
            need_memory(need.args[0])
        else:
            need_memory(need)
    return nests, needs


def _computes(value: Value, maps: IndexMaps, materialized: Materialized) -> bool:
    """Whether loops over a value have an index map of what it is a reshape of."""
    try:
        nests_of(value, maps, materialized)
    except Unmappable as unmappable:
        return unmappable.value is not value
    return True


def nests_of(value: Value, maps: IndexMaps, materialized: Materialized, row_major: bool = False) -> list[Nest]:
    """The nests that compute a value. They store it in the order of its storage, or row-major if it is copied there.

    Of a concatenation in place they copy the parts that lie elsewhere.

    Raises:
        Unmappable: another value must be materialized.
    """
    storage = None if row_major else maps.storage.get(value)
    target = storage.value if storage else value
    if value not in materialized.wholes:
        return _nests(
            target, target.shape, lambda i: maps.of(value, storage.source_index(i) if storage else i), lambda i: i
        )
    return [
        nest
        for part, region in unplaced(value, materialized.regions)
        for nest in _copies_of_part(part, region, target, storage, maps)
    ]


def _copies_of_part(part: Value, region: Region, target: Value, storage: Storage | None, maps: IndexMaps) -> list[Nest]:
    """The nests that copy a part to its place in a concatenation."""
    own = storage_of(part, storage.axis, storage.block) if storage else None

    def source(index: Indices) -> Sequence[Affine]:
        return own.source_index(index) if own else index

    def place(index: Indices) -> Sequence[Affine]:
        inside = list(source(index))
        inside[region.axis] = inside[region.axis] + region.start
        return storage.stored_index(inside) if storage else inside

    shape = own.value.shape if own else part.shape
    return _nests(target, shape, lambda index: run(maps.at(part, source(index))), place)


def _nests(
    target: Value,
    shape: tuple[int, ...],
    element: Callable[[Indices], Expr],
    place: Callable[[Indices], Sequence[Affine]],
) -> list[Nest]:
    """The nests that store elements of a value: one, or one for each set of phases with the same loops.

    Args:
        shape: the extents of the loops.
        element: the expression at a point of the loops.
        place: the index in the value at a point.
    """
    first = tuple(Var(n, "i") for n in shape)
    pieces = 1
    todo: list[tuple[tuple[Var, ...], Indices]] = [(first, tuple(map(of, first)))]
    nests: dict[tuple[Var, ...], Nest] = {}
    shared: dict[tuple[Var, int, int, bool], Var] = {}

    def part(var: Var, factor: int, extent: int, inner: bool) -> Var:
        """A loop variable of a phase. Phases of equal extent share it, so that they are one nest."""
        return shared.setdefault((var, factor, extent, inner), Var(extent, "p"))

    while todo:
        variables, index = todo.pop(0)
        try:
            expr = element(index)
        except NeedSplit as need:
            if need.var not in variables:
                raise
            n, factor = need.var.extent, need.factor
            at = variables.index(need.var)
            if need.phases:
                for r in range(min(factor, n)):
                    q = part(need.var, factor, len(range(r, n, factor)), False)
                    new = {need.var: of(q) * factor + r}
                    todo.append(((*variables[:at], q, *variables[at + 1 :]), tuple(a.substitute(new) for a in index)))
            else:
                q, inner = part(need.var, factor, n // factor, False), part(need.var, factor, factor, True)
                new = {need.var: of(q) * factor + of(inner)}
                todo.append(
                    ((*variables[:at], q, inner, *variables[at + 1 :]), tuple(a.substitute(new) for a in index))
                )
            continue
        cut = _cut(expr, variables)
        if cut is None and pieces < PIECES and (cut := _cut_sum(expr, variables)) is not None:
            pieces += len(cut[1])
        if cut is not None:
            var, bounds = cut
            at = variables.index(var)
            for low, high in pairwise((0, *bounds, var.extent)):
                piece = Var(high - low, "p")
                new = {var: of(piece) + low}
                todo.append(((*variables[:at], piece, *variables[at + 1 :]), tuple(a.substitute(new) for a in index)))
            continue
        nests.setdefault(variables, Nest(variables)).stores.append(Store(target, tuple(place(index)), expr))
    return [Nest(tuple(v for v in nest.vars if v.extent > 1), nest.stores) for nest in nests.values()]


def _cut(expr: Expr, variables: Sequence[Var]) -> tuple[Var, list[int]] | None:
    """Where to cut the range of a loop, so that what is stored is made of one part in each piece; None: nowhere."""
    if not isinstance(expr, Guard) or isinstance(expr.other, Const):
        return None
    parts = 0
    rest: Expr = expr
    while isinstance(rest, Guard):
        parts, rest = parts + 1, rest.other
    for affine, low, high in expr.conditions if parts <= PARTS else ():
        if len(affine.terms) == 1 and affine.terms[0][1] == 1 and affine.terms[0][0] in variables:
            var = affine.terms[0][0]
            bounds = [b - affine.const for b in (low, high) if 0 < b - affine.const < var.extent]
            if bounds and var.extent >= LONG:
                return var, bounds
    return None


def _cut_sum(expr: Expr, variables: Sequence[Var]) -> tuple[Var, list[int]] | None:
    """Where to cut the range of a loop, so that addends that are zero in a piece are left out; None: nowhere."""
    addends, stack = [], [expr]
    while stack:
        part = stack.pop()
        if isinstance(part, Op) and part.name == "add":
            stack.extend(part.args)
        else:
            addends.append(part)
    found: dict[Var, set[int]] = {}
    zero: dict[Var, float] = {}  # how many addends are zero, on the average over the loop
    for affine, low, high in (c for part in addends for c in conditions_of(part)):
        if len(affine.terms) == 1 and abs(affine.terms[0][1]) == 1 and affine.terms[0][0] in variables:
            ((var, sign),) = affine.terms
            bounds = (
                (low - affine.const, high - affine.const)
                if sign == 1
                else (affine.const - high + 1, affine.const - low + 1)
            )
            found.setdefault(var, set()).update(b for b in bounds if 0 < b < var.extent)
            zero[var] = zero.get(var, 0.0) + 1 - (min(bounds[1], var.extent) - max(bounds[0], 0)) / var.extent
    possible = {v: sorted(b) for v, b in found.items() if b and v.extent >= LONG}
    possible = {v: b for v, b in possible.items() if len(b) <= PARTS or _are_worth_while(v, b, zero[v] / len(addends))}
    possible = {v: b for v, b in possible.items() if zero[v] * ZERO >= len(addends)}
    if len(addends) < 2 or not possible or any(isinstance(part, Reduce) for part in walk([expr])):
        return None
    var = min(possible, key=lambda v: (len(possible[v]), variables.index(v)))
    return var, possible[var]


def _are_worth_while(var: Var, bounds: Sequence[int], zero: float) -> bool:
    """Whether a loop is cut in many places, ``zero``: the part of the addends that is left out."""
    return len(bounds) <= MANY and var.extent >= LONG * len(bounds) and 2 * zero >= 1


def copies_of(value: Value, maps: IndexMaps) -> list[Nest]:
    """The nest that copies a row-major value into the order of its storage."""
    storage = maps.storage[value]
    variables = tuple(Var(n, "i") for n in storage.value.shape)
    index = tuple(map(of, variables))
    element = maps.exprs.load(value, storage.source_index(index))
    return [Nest(tuple(v for v in variables if v.extent > 1), [Store(storage.value, index, element)])]
