"""Which values are materialized, and which NumPy computes. All others are computed where they are read.

Materialized are outputs; what NumPy computes or reads; large reductions; contractions, with the elementwise operations
that follow and read little else; operands of contractions, without the movements before them; places of maxima, which
all elements of a window ask for when its gradient is computed; values that are much smaller than their reader; and
values that would be computed again and again.

Decides from the graph alone; knows no loops and no memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass, field
from functools import cached_property

from ...ir.graph import CONSTANT, INPUT, Graph, Value, is_elementwise, users
from .index_maps import TINY
from .join import Region, join
from .updates import Updates, updates_of

SMALL = 32  # a value that is this many times smaller than its reader is materialized
REPEATED = 16  # operations: a value that costs more is materialized if each element is computed twice or more
OVERLAP = 1.5  # elements of all windows, for each one that they slide over: then these are materialized
ROW = 4  # elements: for rows of as many, vectors run along rows that are gathered or scattered
DRAW = 100  # operations that drawing a number counts for: it takes more, but is better not stored by itself
COSTLY = 64  # operations: a value that costs more is materialized if it has several readers
MAX_OPERATIONS = 256  # operations in an expression, at most
TRANSCENDENTAL = frozenset({"exp", "log", "sin", "cos", "tanh", "erf", "pow"})
MOVEMENT = frozenset({"reshape", "permute", "expand", "pad", "slice", "flip", "windows"})
FOLLOWED = frozenset({"reshape", "permute", "slice"})  # movements that may lie between a contraction and its root


@dataclass
class Needs:
    """What building nests has shown to be needed."""

    hosted: set[Value] = field(default_factory=set)  # NumPy computes them
    materialized: set[Value] = field(default_factory=set)
    aliases: set[Value] = field(default_factory=set)  # reshapes that are read as the memory of what they reshape
    unblocked: set[Value] = field(default_factory=set)  # stored, but not in blocks

    def __bool__(self) -> bool:
        return bool(self.hosted or self.materialized or self.aliases or self.unblocked)

    def __or__(self, other: Needs) -> Needs:
        return Needs(
            self.hosted | other.hosted,
            self.materialized | other.materialized,
            self.aliases | other.aliases,
            self.unblocked | other.unblocked,
        )


@dataclass
class Materialized:
    """The values that get memory of their own, except inputs and constants.

    Attributes:
        values: in the order of the graph.
        hosted: those of them that NumPy computes.
        aliases: reshapes, each with the value whose memory it is.
        contractions: those of the values that a contraction is part of: it is computed with them.
        outputs: the outputs of the graph.
        regions: values that are stored in the memory of a concatenation, each with its place there.
        views: those of them that are not computed, since other values are their parts.
        updates: the outputs that are computed last, over the values that they replace.
    """

    values: list[Value]
    hosted: set[Value]
    aliases: dict[Value, Value]
    contractions: list[Value]
    outputs: set[Value]
    regions: dict[Value, Region]
    views: set[Value]
    updates: Updates

    @cached_property
    def wholes(self) -> set[Value]:
        """The concatenations in whose memory their parts are stored."""
        return {region.whole for region in self.regions.values()}

    @property
    def everything(self) -> set[Value]:
        """What has memory of its own, or is the memory of another value, or a part of it."""
        return {*self.values, *self.aliases, *self.views}


def materialize(graph: Graph, needs: Needs) -> Materialized:
    """The values that the rules below choose, and those that are needed."""
    updates = updates_of(graph)
    stored = materialized_values(graph, needs.hosted.__contains__, updates.ends) | needs.materialized
    stored -= needs.aliases
    aliases = {value: _base(value, needs.aliases) for value in needs.aliases}
    apart = _apart(graph, needs.hosted) | aliases.keys() | set(aliases.values())
    regions, views = join(graph.values(), stored, apart)
    stored = (stored | regions.keys() | {region.whole for region in regions.values()}) - views
    values = sorted(stored, key=lambda value: value.number)
    roots = contraction_roots(graph, updates.ends)
    contractions = [value for value in values if value in roots]
    return Materialized(values, needs.hosted, aliases, contractions, set(graph.outputs), regions, views, updates)


def _apart(graph: Graph, hosted: set[Value]) -> set[Value]:
    """The values that must have memory of their own: others read them as plain arrays."""
    values = graph.values()
    apart, readers = set(graph.outputs), users(values)
    for value in values:
        if value in hosted or value.op in ("gather", "scatter_add"):
            apart.update((value, *value.args))
        if value.op == "gather":
            apart.add(gathered_from(value))
        if value.op == "scatter_add":
            apart.add(scatter_root(value, readers, set(graph.outputs)))
    return apart


def _base(value: Value, aliases: set[Value]) -> Value:
    """The value whose memory an alias is."""
    while value in aliases:
        value = value.args[0]
    return value


def strip(value: Value) -> Value:
    """The value that a chain of movements starts from."""
    while value.op in MOVEMENT:
        value = value.args[0]
    return value


def _without_borders(value: Value) -> Value:
    """What a value was before it was padded: borders are constants, which cost nothing."""
    while value.op == "pad":
        value = value.args[0]
    return value


def reduced(value: Value) -> int:
    """How many elements each result of a reduction is made of."""
    return math.prod(value.args[0].shape[axis] for axis in value.params["axis"])


def is_large_reduction(value: Value) -> bool:
    """Whether it is a reduction that needs a loop."""
    return value.op in ("sum", "max", "argmax") and reduced(value) > TINY


def _adds_products(fold: Value, readers: dict[Value, list[Value]], outputs: set[Value]) -> bool:
    """Whether the fold alone reads a contraction: then the two are one sum."""
    value = fold.args[0]
    while value.op in ("reshape", "permute") and len(readers[value]) == 1 and value not in outputs:
        value = value.args[0]
    return value.op == "contract" and len(readers[value]) == 1 and value not in outputs


def _taps(fold: Value) -> int:
    """The largest number of windows that one element is in."""
    k = len(fold.params["stride"])
    axes = zip(fold.args[0].shape[-k:], fold.params["stride"], fold.params["dilation"], strict=True)
    return math.prod(-(-n // (s // math.gcd(s, d))) for n, s, d in axes)


def _joined_again(value: Value, readers: dict[Value, list[Value]]) -> bool:
    """Whether several concatenations would compute a value again, or what it is a movement of."""
    joined = sum(reader.op == "concatenate" for reader in readers[value])
    return joined > 1 and strip(value).op not in (INPUT, CONSTANT)


def _keeps_more(joined: Value, readers: dict[Value, list[Value]]) -> bool:
    """Whether all that is joined is computed from one contraction, which is larger, and is read several times."""
    last = joined
    while len(readers.get(last, ())) == 1 and readers[last][0].op in FOLLOWED:
        (last,) = readers[last]
    if len(readers.get(last, ())) < 2:
        return False
    seen, stack, found = {joined}, [joined], set[Value]()
    while stack:
        value = stack.pop()
        if value.op == "contract":
            found.add(value)
        elif value is joined or value.op in FOLLOWED or value.op == "concatenate" or is_elementwise(value):
            stack.extend(a for a in value.args if a not in seen)
            seen.update(value.args)
        elif value.op not in ("expand", CONSTANT):
            return False
    return len(found) == 1 and found.pop().size > joined.size


def _folds_in(value: Value, stored: set[Value]) -> set[Value]:
    """What a fold of the value would compute once for each of its windows: the folds in its expression.

    Where several folds meet, it is the value in which they do: the sum of gradients, instead of each of them.
    """
    below: dict[Value, set[Value]] = {}  # what is to be stored, in the expression of each value
    stack = [value]
    while stack:
        current = stack[-1]
        args = () if current.op == "fold" or (current in stored and current is not value) else current.args
        if missing := [a for a in args if a not in below]:
            stack.extend(missing)
            continue
        stack.pop()
        found = {current} if current.op == "fold" else set().union(*(below[a] for a in args))
        below[current] = {current} if len(found) > 1 and is_elementwise(current) else found
    return below[value]


def materialized_values(graph: Graph, on_host: Callable[[Value], bool], ends: Set[Value] = frozenset()) -> set[Value]:
    """The values that get memory of their own, except inputs and constants; ``ends``: of contractions."""
    values = graph.values()
    readers = users(values)
    outputs = set(graph.outputs)
    last = {*outputs, *ends}
    stored = set(outputs)
    reshaped = {value for value in values if value.op == "reshape" and is_gathered(value, readers)}
    gathered = {value for value in reshaped if not _is_squeezed(value, readers, outputs)}
    for value in values:
        if value.op in (INPUT, CONSTANT):
            continue
        if on_host(value):
            stored.add(value)
            stored.update(value.args)
        elif value.op == "contract":
            stored.update(map(strip, value.args))
            stored.add(root_of(value, readers, last))
        elif is_large_reduction(value):
            stored.add(value)
        elif value.op == "expand":
            base = value.args[0]
            while base.op == "reshape":
                base = base.args[0]
            if value.size >= SMALL * base.size:
                stored.add(base)
        elif value.op == "windows" and value.size >= OVERLAP * _without_borders(value.args[0]).size:
            stored.add(strip(value.args[0]))
        elif value.op == "fold" and not _adds_products(value, readers, outputs):
            if _taps(value) > TINY:
                stored.add(value)
            elif _taps(value) > 1:
                stored.update(_folds_in(value.args[0], stored))
        elif value.op == "gather":
            stored.add(_base(gathered_from(value), gathered))
            if value.size >= ROW * value.args[1].size:
                stored.update(_of_rows(value.args[1], readers.get(value, ())))
        elif value.op == "scatter_add":
            stored.add(scatter_root(value, readers, outputs))
            if value.args[0].size >= ROW * value.args[1].size:
                stored.update(_of_rows(value.args[1], value.args[:1]))
        elif value.op == "argmax" and reduced(value) > 1:
            stored.add(value)
        elif value.op == "concatenate":
            stored.update(arg for arg in value.args if _joined_again(arg, readers))
            if _keeps_more(value, readers):
                stored.add(value)
    _limit_cost(values, readers, outputs, stored)
    return {value for value in stored if value.op not in (INPUT, CONSTANT)}


def scatter_root(scatter: Value, readers: dict[Value, list[Value]], outputs: set[Value]) -> Value:
    """The value that a scattered sum is stored as: a reshape of it, if nothing else reads it."""
    value = scatter
    while value not in outputs and [user.op for user in readers[value]] == ["reshape"]:
        (shaped,) = readers[value]
        if is_gathered(shaped, readers):  # then it is an alias
            break
        value = shaped
    return value


def _of_rows(numbers: Value, elements: Iterable[Value]) -> set[Value]:
    """What is computed for each row, and not for each element: the rows' numbers, and what elements have in common.

    Vectors run along the rows, so it would be computed number by number.
    """
    found, seen, stack = {strip(numbers)}, set[Value](), [v for v in elements if is_elementwise(v)]
    while stack:
        value = stack.pop()
        if value.op == "expand" and value.size >= ROW * value.args[0].size:
            found.add(strip(value))
        elif is_elementwise(value) or value.op in MOVEMENT:
            stack.extend(a for a in value.args if a not in seen)
            seen.update(value.args)
    return {value for value in found if is_elementwise(value)}


def gathered_from(gather: Value) -> Value:
    """The value whose elements a gather reads: its rows, or what these are a permutation of."""
    rows = gather.args[0]
    return rows.args[0] if rows.op == "permute" else rows


def _is_squeezed(shaped: Value, readers: dict[Value, list[Value]], outputs: set[Value]) -> bool:
    """Whether a reshape leaves out axes of length 1, of what is computed for it alone: so it is computed itself."""
    (value,) = shaped.args
    alike = [n for n in value.shape if n > 1] == [n for n in shaped.shape if n > 1]
    return alike and readers[value] == [shaped] and value not in outputs and value.op not in (INPUT, CONSTANT)


def is_gathered(value: Value, readers: dict[Value, list[Value]]) -> bool:
    """Whether rows of a value are read by numbers: then it is stored, or if it is a reshape, what it reshapes."""
    users = readers.get(value, ())
    users = [*users, *(reader for user in users if user.op == "permute" for reader in readers.get(user, ()))]
    return any(user.op == "gather" and gathered_from(user) is value for user in users)


def contraction_roots(graph: Graph, ends: Set[Value] = frozenset()) -> set[Value]:
    """The values that contractions are computed with: outputs and ``ends`` are the last of their operations."""
    values = graph.values()
    readers, last = users(values), {*ends, *graph.outputs}
    return {root_of(value, readers, last) for value in values if value.op == "contract"}


def root_of(contraction: Value, readers: dict[Value, list[Value]], outputs: set[Value]) -> Value:
    """The value that a contraction is computed with: the last of the operations that follow it and read little else.

    It is none that is permuted: vectors would not be contiguous where they are stored. Readers permute.
    """
    current = contraction
    chain = readers.get(current, [])
    while len(chain) == 1 and current not in outputs and chain[0].op in ("reshape", "permute", "fold"):
        current = chain[0]
        if current.op == "fold":
            break
        chain = readers.get(current, [])
    if current.op != "fold":
        current = contraction
    region, root, large = {current}, current, 0
    in_order = current  # the last root that is not a movement
    while len(region) < MAX_OPERATIONS:
        following = [user for member in region for user in readers.get(member, ()) if user not in region]
        if not following or region & outputs:
            return root
        user = min(following, key=lambda value: value.number)
        if user.op in FOLLOWED:
            if len(following) > 1 or (user.op == "slice" and set(user.params["step"]) != {1}):
                return root
            if user.op == "permute":
                root = in_order
        elif is_elementwise(user) and user.size == root.size:
            for arg in user.args:
                if arg in region or _is_small(arg, user):
                    continue
                large += 1
                if user.op not in ("add", "sub") or large > 1 or _holds_later_contraction(arg, contraction, readers):
                    return root
        else:
            return root
        region.add(user)
        if all(reader in region for member in region - {user} for reader in readers.get(member, ())):
            if user.op not in FOLLOWED:
                root = in_order = user
            elif not _is_permuted(user, in_order):
                root = user
    return root


def _is_permuted(value: Value, start: Value) -> bool:
    """Whether one of the movements from ``start`` to a value permutes axes."""
    while value is not start:
        if value.op == "permute":
            return True
        value = value.args[0]
    return False


def _is_small(value: Value, user: Value) -> bool:
    return strip(value).size * SMALL <= user.size or strip(value).op == CONSTANT


def _holds_later_contraction(value: Value, contraction: Value, readers: dict[Value, list[Value]]) -> bool:
    """Whether the value is computed with a later contraction, which then takes the operations that follow both."""
    seen: set[Value] = set()
    stack = [value]
    while stack:
        value = stack.pop()
        if value.op == "contract" and value.number > contraction.number:
            return True
        if value.op in MOVEMENT or value.op == "fold" or is_elementwise(value):
            stack.extend(a for a in value.args if len(readers[a]) == 1 and a not in seen)
            seen.update(value.args)
    return False


def _limit_cost(
    values: Iterable[Value], readers: dict[Value, list[Value]], outputs: set[Value], stored: set[Value]
) -> None:
    """Materialize what would make an expression too long, and what is costly and has several readers."""
    cost: dict[Value, int] = {}
    for value in values:
        if value.op in (INPUT, CONSTANT):
            cost[value] = 0
            continue
        if value.op in ("expand", "windows"):
            base = strip(value)
            if value.size >= 2 * base.size and cost[base] > REPEATED and base not in stored:
                stored.add(base)
                cost.update({value.args[0]: 0, base: 0})
        factor = _repeats(value, readers, outputs)
        total = _operations(value) + factor * sum(0 if a in stored else cost[a] for a in dict.fromkeys(value.args))
        several = len(readers.get(value, ())) > 1
        moved = value.op in MOVEMENT and value.op != "pad"
        if value not in stored and total > (COSTLY if several else MAX_OPERATIONS) and not (moved and not several):
            stored.add(strip(value) if moved else value)  # as it was before it was moved
            total = 0 if moved else total
        cost[value] = total


def _operations(value: Value) -> int:
    """The cost of an element, without that of its arguments."""
    if value.op in ("sum", "max", "argmax"):
        return reduced(value)
    if value.op in ("pad", "concatenate"):
        return len(value.args)  # conditions
    if value.op == "random_bits":
        return DRAW
    return (10 if value.op in TRANSCENDENTAL else 1) if is_elementwise(value) else 0


def _repeats(value: Value, readers: dict[Value, list[Value]], outputs: set[Value]) -> int:
    """How often an element computes each argument, as its expression is written out."""
    if value.op in ("sum", "max", "argmax") and not is_large_reduction(value):
        return reduced(value)
    if value.op == "fold" and not _adds_products(value, readers, outputs):
        return max(1, _taps(value))
    return 1
