"""Equal blocks in a row, shown once: ``layer1.1 × 2``.

Two blocks are equal if their operations, shapes and wiring are. They are in a row if the second one reads only from
the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .records import EdgeView, NodeView, Records, ScopeView, Shape, renumbered

Wiring = tuple[tuple[int, int, Shape | None], ...]  # of a node: its inputs' places in the block, and their shapes
Signature = tuple[tuple[str, str, str, str, Shape | None, str, Wiring], ...]


@dataclass
class _Block:
    """A scope with everything in it."""

    scope: ScopeView
    nodes: list[NodeView]
    signature: Signature  # equal for equal blocks
    sources: set[int]  # nodes outside of it, other than constants and parameters, that it reads


def once(records: Records) -> Records:
    """The records with each run of equal blocks reduced to its first."""
    members = _members(records)
    incoming: dict[int, list[EdgeView]] = {}
    for edge in records.edges:
        incoming.setdefault(edge.target, []).append(edge)
    gone: set[int] = set()
    moved: dict[int, int] = {}  # nodes of a run's last block -> the same nodes of its first
    names: dict[int, str] = {}
    for siblings in _siblings(records, members):
        blocks = [_block(records, scope, members[scope.number], incoming) for scope in siblings]
        for run in _runs(blocks, gone):
            first, last = run[0], run[-1]
            names[first.scope.number] = f"{first.scope.name} × {len(run)}"
            moved.update((b.number, a.number) for a, b in zip(first.nodes, last.nodes, strict=True))
            gone.update(node.number for block in run[1:] for node in block.nodes)
    return _without(records, gone, moved, names) if gone else records


def _members(records: Records) -> dict[int, list[NodeView]]:
    """The nodes in each scope, inner scopes included."""
    found: dict[int, list[NodeView]] = {scope.number: [] for scope in records.scopes}
    for node in records.nodes:
        scope = node.scope
        while scope is not None:
            found[scope].append(node)
            scope = records.scopes[scope].parent
    return found


def _siblings(records: Records, members: dict[int, list[NodeView]]) -> list[list[ScopeView]]:
    """Modules with the same parent, the outermost first; in order of computation."""
    groups: dict[int | None, list[ScopeView]] = {}
    for scope in records.scopes:
        if scope.kind == "module" and members[scope.number]:
            groups.setdefault(scope.parent, []).append(scope)
    return [sorted(group, key=lambda scope: members[scope.number][0].number) for group in groups.values()]


def _block(records: Records, scope: ScopeView, nodes: list[NodeView], incoming: dict[int, list[EdgeView]]) -> _Block:
    place = {node.number: i for i, node in enumerate(nodes)}
    sources: set[int] = set()
    parts = []
    for node in nodes:
        ends = []
        for edge in incoming.get(node.number, ()):
            if edge.source not in place and records.nodes[edge.source].kind in ("op", "group", "input"):
                sources.add(edge.source)
            ends.append((place.get(edge.source, -1), edge.place, edge.shape))
        parts.append((node.kind, node.op, node.label, node.detail, node.shape, node.dtype, tuple(ends)))
    return _Block(scope, nodes, tuple(parts), sources)


def _runs(blocks: Sequence[_Block], gone: set[int]) -> list[list[_Block]]:
    """Neighbours that are equal and feed one another."""
    runs: list[list[_Block]] = []
    for block in blocks:
        if any(node.number in gone for node in block.nodes):
            continue
        before = runs[-1][-1] if runs else None
        inside = {node.number for node in before.nodes} if before else set()
        if before is not None and block.signature == before.signature and block.sources and block.sources <= inside:
            runs[-1].append(block)
        else:
            runs.append([block])
    return [run for run in runs if len(run) > 1]


def _without(records: Records, gone: set[int], moved: dict[int, int], names: dict[int, str]) -> Records:
    remaining = [node for node in records.nodes if node.number not in gone]
    numbers = {node.number: i for i, node in enumerate(remaining)}
    for old in moved:
        new = moved[old]
        while new in moved and new in gone:
            new = moved[new]
        numbers[old] = numbers[new]
    edges = [
        replace(edge, source=numbers[edge.source], target=numbers[edge.target])
        for edge in records.edges
        if edge.target not in gone and edge.source in numbers
    ]
    nodes = [
        replace(node, number=numbers[node.number], origin=numbers.get(node.origin) if node.origin is not None else None)
        for node in remaining
    ]
    scopes = [renumbered(replace(scope, name=names.get(scope.number, scope.name)), numbers) for scope in records.scopes]
    return Records(tuple(nodes), tuple(edges), tuple(scopes))
