"""Which values are materialized, and which the host computes. All others are computed where they are read.

Materialized are: outputs; what the host computes, and what it reads; large reductions; contractions, together with the
elementwise work behind them that needs little else; operands of contractions, stripped of movement; values that are
much smaller than what reads them; and values that would otherwise be computed again and again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ...ir.graph import CONSTANT, INPUT, Graph, Value, is_elementwise, users
from .index_maps import TINY

SMALL = 32  # a value this many times smaller than its reader is computed once, on its own
COSTLY = 64  # operations: a value that costs more is stored where several read it
MAX_OPERATIONS = 256  # operations: no expression grows longer
TRANSCENDENTAL = frozenset({"exp", "log", "sin", "cos", "tanh", "erf", "pow"})
MOVEMENT = frozenset({"reshape", "permute", "expand", "pad", "slice", "flip", "windows"})
FOLLOWED = frozenset({"reshape", "permute", "slice"})  # a contraction is stored in the last shape of such a chain


@dataclass
class Needs:
    """What definitions have asked for."""

    hosted: set[Value] = field(default_factory=set)  # NumPy computes them
    stored: set[Value] = field(default_factory=set)
    aliases: set[Value] = field(default_factory=set)  # reshapes, read by their flat place in what they reshape
    whole: set[Value] = field(default_factory=set)  # stored without blocks

    def __bool__(self) -> bool:
        return bool(self.hosted or self.stored or self.aliases or self.whole)

    def __or__(self, other: Needs) -> Needs:
        return Needs(
            self.hosted | other.hosted,
            self.stored | other.stored,
            self.aliases | other.aliases,
            self.whole | other.whole,
        )


@dataclass
class Materialized:
    """What gets memory of its own, inputs and constants aside.

    Attributes:
        values: in order; those of them in ``hosted`` NumPy computes.
        aliases: reshapes that are the memory of another value.
        contractions: those of the values that are stored in the place of a contraction.
        outputs: of the graph.
    """

    values: list[Value]
    hosted: set[Value]
    aliases: dict[Value, Value]
    contractions: list[Value]
    outputs: set[Value]

    @property
    def everything(self) -> set[Value]:
        """What has memory of its own, or shares that of another value."""
        return {*self.values, *self.aliases}


def materialize(graph: Graph, needs: Needs) -> Materialized:
    """What the rules below say, and what definitions have asked for."""
    stored = (materialized_values(graph, needs.hosted.__contains__) | needs.stored) - needs.aliases
    values = sorted(stored, key=lambda value: value.number)
    roots = contraction_roots(graph)
    aliases = {value: _base(value, needs.aliases) for value in needs.aliases}
    return Materialized(values, needs.hosted, aliases, [v for v in values if v in roots], set(graph.outputs))


def _base(value: Value, aliases: set[Value]) -> Value:
    """The value whose memory a value is."""
    while value in aliases:
        value = value.args[0]
    return value


def strip(value: Value) -> Value:
    """The value that a chain of movements starts from."""
    while value.op in MOVEMENT:
        value = value.args[0]
    return value


def reduced(value: Value) -> int:
    """How many elements a reduction adds up for each of its results."""
    return math.prod(value.args[0].shape[axis] for axis in value.params["axis"])


def is_large_reduction(value: Value) -> bool:
    """Whether it is a reduction with a loop of its own."""
    return value.op in ("sum", "max", "argmax") and reduced(value) > TINY


def _adds_products(fold: Value, readers: dict[Value, list[Value]], outputs: set[Value]) -> bool:
    """Whether it adds up a contraction that nobody else reads: then the two are one sum."""
    value = fold.args[0]
    while value.op in ("reshape", "permute") and len(readers[value]) == 1 and value not in outputs:
        value = value.args[0]
    return value.op == "contract" and len(readers[value]) == 1 and value not in outputs


def _taps(fold: Value) -> int:
    """How many windows hold an element, at most."""
    k = len(fold.params["stride"])
    axes = zip(fold.args[0].shape[-k:], fold.params["stride"], fold.params["dilation"], strict=True)
    return math.prod(-(-n // (s // math.gcd(s, d))) for n, s, d in axes)


def materialized_values(graph: Graph, on_host: Callable[[Value], bool]) -> set[Value]:
    """The values that get memory of their own, inputs and constants aside."""
    values = graph.values()
    readers = users(values)
    outputs = set(graph.outputs)
    stored = set(outputs)
    for value in values:
        if value.op in (INPUT, CONSTANT):
            continue
        if on_host(value):
            stored.add(value)
            stored.update(value.args)
        elif value.op == "contract":
            stored.update(map(strip, value.args))
            stored.add(root_of(value, readers, outputs))
        elif is_large_reduction(value):
            stored.add(value)
        elif value.op == "expand":
            base = value.args[0]
            while base.op == "reshape":
                base = base.args[0]
            if value.size >= SMALL * base.size:
                stored.add(base)
        elif value.op == "windows" and value.size > 1.5 * value.args[0].size:
            stored.add(strip(value.args[0]))
        elif value.op == "fold" and _taps(value) > TINY and not _adds_products(value, readers, outputs):
            stored.add(value)
        elif value.op == "gather":
            stored.add(value.args[0])
    _limit_cost(values, readers, outputs, stored)
    return {value for value in stored if value.op not in (INPUT, CONSTANT)}


def contraction_roots(graph: Graph) -> set[Value]:
    """The values that are stored in the contractions' places."""
    values = graph.values()
    readers, outputs = users(values), set(graph.outputs)
    return {root_of(value, readers, outputs) for value in values if value.op == "contract"}


def root_of(contraction: Value, readers: dict[Value, list[Value]], outputs: set[Value]) -> Value:
    """The value that is stored in a contraction's place: what follows and reads little else is computed with it."""
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
    while len(region) < MAX_OPERATIONS:
        following = [user for member in region for user in readers.get(member, ()) if user not in region]
        if not following or region & outputs:
            return root
        user = min(following, key=lambda value: value.number)
        if user.op in FOLLOWED:
            if len(following) > 1 or (user.op == "slice" and set(user.params["step"]) != {1}):
                return root
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
            root = user
    return root


def _is_small(value: Value, user: Value) -> bool:
    return strip(value).size * SMALL <= user.size or strip(value).op == CONSTANT


def _holds_later_contraction(value: Value, contraction: Value, readers: dict[Value, list[Value]]) -> bool:
    """Whether the value is itself computed with a contraction: then only the later of the two goes on."""
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
    """Store what would make an expression too long, or is costly and read by several."""
    cost: dict[Value, int] = {}
    for value in values:
        if value.op in (INPUT, CONSTANT):
            cost[value] = 0
            continue
        factor = _repeats(value, readers, outputs)
        total = _operations(value) + factor * sum(0 if a in stored else cost[a] for a in dict.fromkeys(value.args))
        several = len(readers.get(value, ())) > 1
        movable = value.op not in MOVEMENT or value.op == "pad"
        if value not in stored and movable and (total > MAX_OPERATIONS or (total > COSTLY and several)):
            stored.add(value)
        cost[value] = total


def _operations(value: Value) -> int:
    """What an element costs, not counting its arguments."""
    if value.op in ("sum", "max", "argmax"):
        return reduced(value)
    if value.op in ("pad", "concatenate"):
        return len(value.args)  # questions which one it is
    return (10 if value.op in TRANSCENDENTAL else 1) if is_elementwise(value) else 0


def _repeats(value: Value, readers: dict[Value, list[Value]], outputs: set[Value]) -> int:
    """How often it computes an argument for one element, written out."""
    if value.op in ("sum", "max", "argmax") and not is_large_reduction(value):
        return reduced(value)
    if value.op == "fold" and not _adds_products(value, readers, outputs):
        return max(1, _taps(value))
    return 1
