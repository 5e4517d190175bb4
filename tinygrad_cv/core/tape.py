"""The tape: a node for every recorded operation.

A node refers to its parents only and saves just what its VJPs read, so reference counting frees graphs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import count
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from . import memory
from .anomaly import check_forward
from .context import Context, Scope, current
from .errors import GraphError
from .position import describe, user_line
from .primitive import OUTPUT, Primitive

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from .hooks import SharedHook
    from .variable import Variable

Hook: TypeAlias = (
    "Callable[[Tensor], Tensor | None] | SharedHook"  # what it returns, if anything, replaces the gradient
)
SPACE = 1 << 12  # between two serial numbers, for the operations of a composite node
next_serial = count(SPACE, SPACE).__next__
_NOTHING: dict[Any, Any] = {}


class Node:
    """One recorded application of a primitive; or, with no primitive, a leaf."""

    __slots__ = (
        "__weakref__",
        "dtype",
        "epoch",
        "hooks",
        "operands",
        "origin",
        "params",
        "parents",
        "primitive",
        "saved",
        "scope",
        "serial",
        "shape",
        "sink",
        "source",
    )
    primitive: Primitive | None
    params: dict[str, Any]
    parents: tuple[Node | None, ...]
    saved: dict[Any, Any] | None  # what the VJPs read, by Source; None once freed
    shape: tuple[int, ...]
    dtype: np.dtype
    serial: int
    scope: Scope | None
    epoch: int
    hooks: list[Hook] | None
    sink: Callable[[], Variable | None] | None  # weak reference to the tensor whose .grad receives the cotangent
    source: str | None  # the user's line, if Context.sources
    operands: list[Any] | None  # the inputs' values, if Context.operands
    origin: Node | None  # in a backward pass, if Context.operands: the node being differentiated

    def __init__(
        self,
        primitive: Primitive | None,
        params: dict[str, Any],
        parents: tuple[Node | None, ...],
        saved: dict[Any, Any],
        value: Any,
        context: Context,
    ):
        self.primitive = primitive
        self.params = params
        self.parents = parents
        self.saved = saved
        self.shape = value.shape
        self.dtype = value.dtype
        self.serial = next_serial()
        self.scope = context.scope
        self.epoch = memory.epoch
        self.hooks = self.sink = self.operands = None
        self.source = user_line() if context.sources else None

    @property
    def name(self) -> str:
        """The primitive's name; ``leaf`` for a leaf."""
        return self.primitive.name if self.primitive else "leaf"

    def cotangents(self, g: Tensor, wanted: Callable[[Node], bool]) -> Iterator[tuple[Node, Tensor]]:
        """What this node's cotangent contributes to those of its parents."""
        if self.primitive is None:
            return
        if self.saved:
            self._check_saved()
        for i, parent in enumerate(self.parents):
            if parent is None or not wanted(parent):
                continue
            vjp = self.primitive.vjp(i)
            if vjp is not None:
                yield parent, vjp.function(g, *[self._read(source, i, g._new) for _, source in vjp.reads])

    def arguments(self, index: int) -> list[Any]:
        """What the VJP of one input reads, as arrays."""
        if self.saved:
            self._check_saved()
        assert self.primitive is not None
        vjp = self.primitive.vjp(index)
        assert vjp is not None
        return [self._read(source, index, lambda value, node: value) for _, source in vjp.reads]

    def _read(self, source: Any, index: int, wrap: Callable[[Any, Any], Any]) -> Any:
        if source is OUTPUT:
            return wrap(self._kept(OUTPUT), self)
        if type(source) is str:
            return self.params[source]
        at, attribute = source
        if at == "variadic":
            return index if attribute == "index" else self._kept(source)
        return wrap(self._kept(source), self.parents[at]) if attribute == "value" else self._kept(source)

    def _kept(self, source: Any) -> Any:
        if self.saved is None:
            raise freed(self)
        return self.saved[source]

    def _check_saved(self) -> None:
        assert self.saved is not None
        prints = self.saved.get("fingerprints", _NOTHING)
        for source, value in self.saved.items():
            if source is not OUTPUT and not (type(source) is tuple and source[1] == "value"):
                continue
            known = prints.get(source)
            if memory.changed_since(value, self.epoch) or (known is not None and known != memory.fingerprint(value)):
                raise GraphError(
                    f"{describe(self)}: the array of shape {value.shape} that it saved for the backward pass was "
                    "changed in place after the forward pass. Change a copy, or change it after backward()."
                )

    def open(self) -> None:
        """Put the operations on the tape that this node stands for, where it is a composite one (core/composite.py)."""

    def free(self) -> None:
        """Drop what was saved for the backward pass. A leaf saves nothing and can be used again."""
        if self.primitive is not None:
            self.saved = None


as_recorded: Callable[[Node], tuple[Node | None, ...]] = vars(Node)[
    "parents"
].__get__  # also of a composite node, without opening it


def leaf(tensor: Variable, sink: Callable[[], Variable | None]) -> Node:
    """The node of a tensor that no recorded operation made."""
    node = Node(None, {}, (), _NOTHING, tensor._value, current())
    node.sink = sink
    return node


def apply(primitive: Primitive, *inputs: Variable, **params: Any) -> Tensor:
    """Apply a primitive to tensors: the current interpreter computes the value, and what a gradient needs is saved."""
    context = current()
    trace = context.trace
    values = [tensor._value for tensor in inputs] if trace is None else [trace.read(tensor) for tensor in inputs]
    value = context.interpret(primitive, values, params)
    node = None
    if context.recording and primitive.differentiable:
        parents = tuple([tensor.node for tensor in inputs])
        if any(parents) and value.dtype.kind == "f":
            node = Node(primitive, params, parents, _save(primitive, parents, values, value), value, context)
            if context.operands:
                node.operands, node.origin = values, context.origin
    if context.anomaly:
        check_forward(primitive, values, value)
    result = inputs[0]._new(value, node)
    if trace is not None:
        trace.moved(result, inputs[0], primitive, params)
    return result


def _save(primitive: Primitive, parents: tuple[Node | None, ...], values: list[Any], value: Any) -> dict[Any, Any]:
    if primitive.keeps_nothing:
        return _NOTHING
    sources = primitive.keeps(tuple([parent is not None for parent in parents]))
    if not sources:
        return _NOTHING
    saved: dict[Any, Any] = {}
    for source in sources:
        if source is OUTPUT:
            saved[source] = value
        elif source[0] == "variadic":
            saved[source] = [v.shape for v in values]
        else:
            at, attribute = source
            saved[source] = values[at] if attribute == "value" else getattr(values[at], attribute)
    return watched(saved)


def watched(saved: dict[Any, Any]) -> dict[Any, Any]:
    """Saved values, with fingerprints of those whose memory other libraries can change."""
    if memory._borrowed:
        saved["fingerprints"] = {source: memory.fingerprint(kept) for source, kept in saved.items()}
    return saved


def reachable(roots: Iterable[Node], opened: bool = True) -> list[Node]:
    """The nodes of the graph in order of computation; composite ones are opened, if they shall be."""
    found = set(roots)
    stack = list(found)
    parents_of = attrgetter("parents") if opened else as_recorded
    while stack:
        for parent in parents_of(stack.pop()):
            if parent is not None and parent not in found:
                found.add(parent)
                stack.append(parent)
    return sorted(found, key=lambda node: node.serial)


class Replayed(Node):
    """A checkpoint: ``replay`` runs the function again, recorded, when its output's cotangent is complete."""

    __slots__ = ("replay",)
    replay: Callable[[tuple[Node | None, ...]], Tensor]

    @property
    def name(self) -> str:
        """The name in messages and drawings."""
        return "checkpoint"

    def cotangents(self, g: Tensor, wanted: Callable[[Node], bool]) -> Iterator[tuple[Node, Tensor]]:
        """The cotangent, for the replayed output."""
        self._check_saved()
        output = self.replay(self.parents)
        if output.node is not None:
            yield output.node, g

    def free(self) -> None:
        """Drop the inputs and the function."""
        self.saved = None
        del self.replay


def freed(node: Node) -> GraphError:
    """The error for a second backward pass."""
    return GraphError(
        f"{describe(node)}: backward through a graph that an earlier backward has freed. "
        "Pass retain_graph=True to the earlier call, or run the forward pass again."
    )
