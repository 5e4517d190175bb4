"""The content of a drawing: nodes, edges and nested scopes, as plain data. Nothing here refers to a live graph.

Every graph becomes these records first, and every drawing is made from them alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from .statistics import Statistics

Shape = tuple[int, ...]


@dataclass(frozen=True)
class NodeView:
    """An operation, a tensor that was not computed, or an output."""

    number: int  # in order of computation, from 0
    kind: str  # op, group (of ops), parameter (of a module), leaf (requires grad), input, constant or output
    op: str = ""  # the primitive, or the composed function of a group
    label: str = ""
    formula: str = ""
    detail: str = ""  # the arguments of an operation, in short
    arguments: str = ""  # the arguments of a layer
    family: str = ""
    name: str = ""  # of the variable, parameter or layer
    scope: int | None = None  # the innermost that contains it
    module: str = ""  # the path of the module that contains it
    function: str = ""  # the composed functions it belongs to
    shape: Shape | None = None  # of its value; None if unknown
    dtype: str = ""
    value: str = ""  # if it is known and small
    source: str = ""  # the user's line, if it was recorded
    serial: int = 0  # on the tape
    part: str = ""  # "backward" in the backward pass
    origin: int | None = None  # the node whose derivative a node of the backward pass computes
    saved: int = 0  # bytes that stay in memory for the backward pass
    seconds: float = 0.0  # if it was timed
    statistics: Statistics | None = None  # of its value, on request
    gradient: Statistics | None = None  # of the gradient of the output with respect to it, on request
    colour: str = ""  # of a mark in the drawing
    note: str = ""  # the words of that mark


@dataclass(frozen=True)
class EdgeView:
    """A value that a node reads."""

    source: int
    target: int
    place: int = 0  # which input of the target
    role: str = ""  # its name in the target's formula
    shape: Shape | None = None
    name: str = ""
    value: str = ""
    derivative: str = ""  # what it adds to the source's cotangent; g is the target's
    colour: str = ""  # of a mark in the drawing
    note: str = ""  # the words of that mark


@dataclass(frozen=True)
class ScopeView:
    """One call of a module or a composed function."""

    number: int
    name: str
    kind: str  # module or function; kernel in compiled graphs
    parent: int | None
    colour: str = ""  # of a mark in the drawing
    arguments: str = ""  # of the layer
    result: int | None = None  # the node whose value it returns; backward, the gradient of its input


@dataclass(frozen=True)
class Records:
    """The content of a drawing. Numbers are positions in these tuples; a scope comes after its parent."""

    nodes: tuple[NodeView, ...]
    edges: tuple[EdgeView, ...]
    scopes: tuple[ScopeView, ...]


def chain(scopes: Sequence[ScopeView], scope: int | None) -> list[ScopeView]:
    """The scopes from the outermost to a given one."""
    found = []
    while scope is not None:
        found.append(scopes[scope])
        scope = found[-1].parent
    return found[::-1]


def renumbered(scope: ScopeView, numbers: Mapping[int, int]) -> ScopeView:
    """A scope under new node numbers; its result is dropped if that node is gone."""
    return scope if scope.result is None else replace(scope, result=numbers.get(scope.result))


def backward_scopes(nodes: Sequence[NodeView], scopes: Sequence[ScopeView]) -> set[int]:
    """The scopes around a whole backward pass: they are frames, not layers."""
    inside = {node.scope for node in nodes if node.part == "backward" and node.kind in ("op", "group")}
    return {chain(scopes, scope)[0].number for scope in inside if scope is not None}


def paths(chain: Sequence[ScopeView]) -> tuple[str, str]:
    """The names of the modules joined by dots, and those of the composed functions."""
    module = ".".join(scope.name for scope in chain if scope.kind == "module")
    function = ".".join(scope.name for scope in chain if scope.kind == "function")
    return module, function
