"""The difference of two graphs, drawn as one: new nodes are green, removed ones red, changed ones amber."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from .labels import shape_text
from .records import EdgeView, NodeView, Records, renumbered

ADDED, REMOVED, CHANGED = "#2e9e5b", "#d62f2f", "#c77700"


def difference(before: Records, after: Records) -> Records:
    """The nodes of both, matched by kind, scope and order.

    A node's note says what changed. The scopes are those of ``after``: a removed node whose scope was removed as well
    has none.
    """
    old_keys, new_keys = ([_key(node) for node in records.nodes] for records in (before, after))
    matched: dict[int, int] = {}  # old -> new
    for a, b, size in SequenceMatcher(None, old_keys, new_keys, autojunk=False).get_matching_blocks():
        matched.update((a + i, b + i) for i in range(size))
    counterpart = {new: old for old, new in matched.items()}
    scopes = {(scope.name, scope.kind, _path(after, scope.number)): scope.number for scope in after.scopes}
    nodes: list[NodeView] = []
    numbers: dict[tuple[str, int], int] = {}
    for side, old_or_new in _in_order(before.nodes, after.nodes, matched):
        number = len(nodes)
        numbers[side, old_or_new] = number
        if side == "old":
            node = before.nodes[old_or_new]
            path = None if node.scope is None else _path(before, node.scope)
            here = next((n for (_, _, known), n in scopes.items() if known == path), None)
            nodes.append(replace(node, number=number, scope=here, origin=None, colour=REMOVED, note="gone"))
            continue
        node = after.nodes[old_or_new]
        if old_or_new not in counterpart:
            nodes.append(replace(node, number=number, origin=None, colour=ADDED, note="new"))
            continue
        numbers["old", counterpart[old_or_new]] = number
        note = _changes(before.nodes[counterpart[old_or_new]], node)
        nodes.append(replace(node, number=number, origin=None, colour=CHANGED if note else "", note=note))
    new = {number: at for (side, number), at in numbers.items() if side == "new"}
    return Records(
        tuple(nodes),
        tuple(_edges(before, after, numbers)),
        tuple(renumbered(scope, new) for scope in after.scopes),
    )


def _key(node: NodeView) -> tuple[str, ...]:
    return node.kind, node.op, node.module, node.function, node.name if node.kind != "op" else "", node.part


def _path(records: Records, scope: int) -> tuple[tuple[str, str], ...]:
    """Names and kinds, from the scope outwards."""
    names: list[tuple[str, str]] = []
    at: int | None = scope
    while at is not None:
        view = records.scopes[at]
        names.append((view.name, view.kind))
        at = view.parent
    return tuple(names)


def _in_order(old: Sequence[NodeView], new: Sequence[NodeView], matched: dict[int, int]) -> list[tuple[str, int]]:
    """All nodes, with each removed one before the next one that was kept."""
    order: list[tuple[str, int]] = []
    at = 0
    for i in range(len(old)):
        if i in matched:
            order += [("new", j) for j in range(at, matched[i] + 1)]
            at = matched[i] + 1
        else:
            order.append(("old", i))
    return order + [("new", j) for j in range(at, len(new))]


def _changes(old: NodeView, new: NodeView) -> str:
    pairs = [
        (shape_text(old.shape) or "scalar", shape_text(new.shape) or "scalar"),
        (old.dtype, new.dtype),
        (old.detail, new.detail),
    ]
    return ", ".join(f"{a or 'nothing'} → {b or 'nothing'}" for a, b in pairs if a != b)


def _edges(before: Records, after: Records, numbers: dict[tuple[str, int], int]) -> list[EdgeView]:
    def ends(side: str, edge: EdgeView) -> tuple[int, int, int]:
        return numbers[side, edge.source], numbers[side, edge.target], edge.place

    old = {ends("old", edge): edge for edge in before.edges}
    new = {ends("new", edge): edge for edge in after.edges}
    found = []
    for (source, target, place), edge in {**old, **new}.items():
        colour = "" if (source, target, place) in old and (source, target, place) in new else ADDED
        if (source, target, place) not in new:
            colour = REMOVED
        found.append(replace(edge, source=source, target=target, colour=colour))
    return found
