"""From primitives to layers: records in which each layer, or each composed function, is one node.

Levels are counted from the outside: a layer is level 1, the functions that its formula composes are level 2, and so on.
A layer that only calls one function, as Conv2d calls conv2d, shares a level with it. Modules that hold modules are not
counted: they stay as frames, so that residual connections and operations between layers remain visible.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from heapq import heappop, heappush

from .records import EdgeView, NodeView, Records, ScopeView, backward_scopes, chain, paths, renumbered


def collapse(records: Records, depth: int | None) -> Records:
    """The records down to a depth; None keeps all primitives.

    Raises:
        ValueError: a depth below 1.
    """
    if depth is None:
        return records
    if isinstance(depth, bool) or not isinstance(depth, int) or depth < 1:
        raise ValueError(f"graph: depth={depth!r}: it must be 1 (layers), 2, ... or None (primitives).")
    inner = inner_functions(records)
    frames = backward_scopes(records.nodes, records.scopes)
    units = _units(records.scopes, {*frames, *(function.number for function in inner.values())}, depth)
    if not any(unit is not None for unit in units):
        return records
    member = [None if node.scope is None else units[node.scope] for node in records.nodes]
    for node, users in zip(records.nodes, _users(records), strict=True):
        if node.kind != "op":
            inside = {member[user] for user in users if records.nodes[user].part == node.part}
            absorbed = node.kind in ("parameter", "constant") and len(inside) == 1
            member[node.number] = inside.pop() if absorbed else None
    return _merged(records, member, inner)


def _units(scopes: Sequence[ScopeView], inner: set[int], depth: int) -> list[int | None]:
    """For each scope, the scope drawn as one node that contains its operations; None if they are drawn one by one."""
    passed = inner | _holds_modules(scopes)
    units: list[int | None] = []
    for scope in scopes:
        levels = [step.number for step in chain(scopes, scope.number) if step.number not in passed]
        units.append(levels[depth - 1] if len(levels) >= depth else None)
    return units


def _holds_modules(scopes: Sequence[ScopeView]) -> set[int]:
    holders: set[int] = set()
    for scope in scopes:
        around = scope.parent
        while scope.kind == "module" and around is not None and around not in holders:
            holders.add(around)
            around = scopes[around].parent
    return holders


def inner_functions(records: Records) -> dict[int, ScopeView]:
    """Layers that only call one function, and that function."""
    inside: dict[int, list[ScopeView]] = {}
    for scope in records.scopes:
        if scope.parent is not None:
            inside.setdefault(scope.parent, []).append(scope)
    frames = backward_scopes(records.nodes, records.scopes)
    busy = {node.scope for node in records.nodes if node.kind == "op"}  # scopes with operations of their own
    return {
        parent: children[0]
        for parent, children in inside.items()
        if len(children) == 1
        and children[0].kind == "function"
        and records.scopes[parent].kind == "module"
        and parent not in busy
        and parent not in frames
    }


def _users(records: Records) -> list[list[int]]:
    users: list[list[int]] = [[] for _ in records.nodes]
    for edge in records.edges:
        users[edge.source].append(edge.target)
    return users


def _merged(records: Records, member: Sequence[int | None], inner: dict[int, ScopeView]) -> Records:
    """One node for each unit, at the position of its first operation."""
    groups: dict[int, list[NodeView]] = {}
    for node, unit in zip(records.nodes, member, strict=True):
        if unit is not None:
            groups.setdefault(unit, []).append(node)
    ends = [(edge, member[edge.source], member[edge.target]) for edge in records.edges]
    outer = [(edge, source, target) for edge, source, target in ends if source is None or source != target]
    made: dict[int, int] = {}  # unit -> new node
    numbers: dict[int, int] = {}  # old node -> new node
    nodes: list[NodeView] = []
    for node, unit in zip(records.nodes, member, strict=True):
        if unit is None:
            numbers[node.number] = len(nodes)
            nodes.append(replace(node, number=len(nodes)))
        elif node.kind == "op" and unit not in made:
            made[unit] = len(nodes)
            function = inner.get(unit, records.scopes[unit])
            result = _result(records, unit, groups[unit])
            nodes.append(_group(chain(records.scopes, unit), function, groups[unit], result, len(nodes)))
    numbers.update((node.number, made[unit]) for unit, members in groups.items() for node in members)
    edges: dict[tuple[int, int, int], EdgeView] = {}
    for edge, _, target in outer:
        place, role = (edge.place, edge.role) if target is None else (0, "")
        key = edge.source, numbers[edge.target], place
        edges.setdefault(key, replace(edge, source=numbers[edge.source], target=key[1], place=place, role=role))
    order = _in_order(len(nodes), edges.values())
    new_place = {old: new for new, old in enumerate(order)}
    numbers = {old: new_place[new] for old, new in numbers.items()}
    nodes = [replace(nodes[old], number=new) for new, old in enumerate(order)]
    moved = tuple(
        replace(edge, source=new_place[edge.source], target=new_place[edge.target]) for edge in edges.values()
    )
    nodes = [node if node.origin is None else replace(node, origin=numbers[node.origin]) for node in nodes]
    scopes = [renumbered(scope, numbers) for scope in records.scopes]
    return _without_empty_scopes(nodes, moved, scopes)


def _in_order(count: int, edges: Iterable[EdgeView]) -> list[int]:
    """A topological order that otherwise keeps the order: a layer comes where its first operation was."""
    waiting = [0] * count
    users: list[list[int]] = [[] for _ in range(count)]
    for edge in edges:
        waiting[edge.target] += 1
        users[edge.source].append(edge.target)
    ready = [number for number in range(count) if not waiting[number]]
    order: list[int] = []
    while ready:
        order.append(heappop(ready))
        for user in users[order[-1]]:
            waiting[user] -= 1
            if not waiting[user]:
                heappush(ready, user)
    return order + [number for number in range(count) if waiting[number]]  # nodes that read one another


def _result(records: Records, unit: int, members: Sequence[NodeView]) -> NodeView:
    """The node whose value a unit returns: its last operation if that is not known."""
    known = records.scopes[unit].result
    return records.nodes[known] if known is not None else [node for node in members if node.kind == "op"][-1]


def _group(
    around: Sequence[ScopeView], function: ScopeView, members: Sequence[NodeView], result: NodeView, number: int
) -> NodeView:
    """The node drawn for a layer or a composed function."""
    scope = around[-1]
    operations = [node for node in members if node.kind == "op"]
    does = function.name if function.kind == "function" else operations[0].label if len(operations) == 1 else ""
    module, functions = paths(around)
    count = sum(_size(node) for node in members if node.kind == "parameter")
    return NodeView(
        number=number,
        kind="group",
        op=does,
        label=does or scope.name,
        detail=f"{count:,} parameters" if count else "",
        arguments=scope.arguments,
        family=_family(operations, does or scope.name),
        name=scope.name if scope.kind == "module" and does else "",
        scope=scope.parent,
        module=module,
        function=functions,
        shape=result.shape,
        dtype=result.dtype,
        value=result.value,
        source=operations[0].source,
        serial=operations[0].serial,
        part=operations[0].part,
        origin=next((node.origin for node in operations if node.origin is not None), None),
        saved=sum(node.saved for node in members),
        seconds=sum(node.seconds for node in members),
        statistics=result.statistics,
        gradient=result.gradient,
    )


def _size(node: NodeView) -> int:
    return math.prod(node.shape or ())


def _family(operations: Sequence[NodeView], name: str) -> str:
    """The family whose colour a group has: that of its heaviest operation; pooling has one colour, global or not."""
    present = {node.family for node in operations}
    if "pool" in name.lower() and "custom" not in present:
        return "window"
    heavy = "custom", "contraction", "window", "reduction", "elementwise"
    return next((family for family in heavy if family in present), operations[0].family)


def _without_empty_scopes(
    nodes: Sequence[NodeView], edges: tuple[EdgeView, ...], scopes: Sequence[ScopeView]
) -> Records:
    used: set[int] = set()
    for node in nodes:
        scope = node.scope
        while scope is not None and scope not in used:
            used.add(scope)
            scope = scopes[scope].parent
    order = {old: new for new, old in enumerate(sorted(used))}

    def place(scope: int | None) -> int | None:
        return None if scope is None else order[scope]

    moved = (replace(scopes[old], number=new, parent=place(scopes[old].parent)) for old, new in order.items())
    return Records(tuple(replace(node, scope=place(node.scope)) for node in nodes), edges, tuple(moved))
