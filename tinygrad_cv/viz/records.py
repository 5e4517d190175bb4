"""What a drawing is made of: nodes, edges and nested scopes, as plain data. Nothing here refers to a live graph.

Whatever is drawn becomes these records first; whatever draws reads nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from .statistics import Statistics

Shape = tuple[int, ...]


@dataclass(frozen=True)
class NodeView:
    """An operation, a tensor that no operation made, or an output."""

    number: int  # in order of computation, from 0
    kind: str  # op, group (of ops), parameter (of a module), leaf (requires grad), input, constant or output
    op: str = ""  # the primitive, or the composed function of a group
    label: str = ""
    formula: str = ""
    detail: str = ""  # arguments in short
    arguments: str = ""  # what a layer was made with
    family: str = ""
    name: str = ""  # of the variable, parameter or layer
    scope: int | None = None  # the innermost
    module: str = ""  # the path of the module that contains it
    function: str = ""  # the composed functions it belongs to
    shape: Shape | None = None  # of its value; None where nobody knows
    dtype: str = ""
    value: str = ""  # where it is known, and small
    source: str = ""  # the user's line, where sources were kept
    serial: int = 0  # on the tape
    part: str = ""  # "backward" in the backward pass
    origin: int | None = None  # the node whose derivative a node of the backward pass computes
    kept: int = 0  # bytes that stay in memory for the backward pass
    seconds: float = 0.0  # where it was timed
    statistics: Statistics | None = None  # of its value, where asked for
    gradient: Statistics | None = None  # of the gradient of the output by it
    colour: str = ""  # where the drawing marks it
    note: str = ""  # what the drawing says about it


@dataclass(frozen=True)
class EdgeView:
    """A value on its way to where it is used."""

    source: int
    target: int
    place: int = 0  # which input of the target
    role: str = ""  # what the target's formula calls it
    shape: Shape | None = None
    name: str = ""
    value: str = ""
    derivative: str = ""  # what the source's cotangent gets, g being the target's
    colour: str = ""  # where the drawing marks it
    note: str = ""  # what the drawing says about it


@dataclass(frozen=True)
class ScopeView:
    """A module or a composed function, at one call."""

    number: int
    name: str
    kind: str  # module or function; kernel, of what was compiled
    parent: int | None
    colour: str = ""  # where the drawing marks it
    arguments: str = ""  # what the layer was made with
    result: int | None = None  # the node whose value it hands on: its output, or backward its input's gradient


@dataclass(frozen=True)
class Records:
    """A drawing's content. Numbers are places in these tuples; a scope comes after its parent."""

    nodes: tuple[NodeView, ...]
    edges: tuple[EdgeView, ...]
    scopes: tuple[ScopeView, ...]


def chain(scopes: Sequence[ScopeView], scope: int | None) -> list[ScopeView]:
    """The scopes from the outermost to this one."""
    found = []
    while scope is not None:
        found.append(scopes[scope])
        scope = found[-1].parent
    return found[::-1]


def renumbered(scope: ScopeView, numbers: Mapping[int, int]) -> ScopeView:
    """The scope where nodes have other numbers; without a result that is gone."""
    return scope if scope.result is None else replace(scope, result=numbers.get(scope.result))


def backward_scopes(nodes: Sequence[NodeView], scopes: Sequence[ScopeView]) -> set[int]:
    """The scopes around a whole backward pass: they are frames, and no layers."""
    inside = {node.scope for node in nodes if node.part == "backward" and node.kind in ("op", "group")}
    return {chain(scopes, scope)[0].number for scope in inside if scope is not None}


def paths(chain: Sequence[ScopeView]) -> tuple[str, str]:
    """The names of the modules joined by dots, and those of the composed functions."""
    module = ".".join(scope.name for scope in chain if scope.kind == "module")
    function = ".".join(scope.name for scope in chain if scope.kind == "function")
    return module, function
