"""The tape: a node for every recorded operation, and the backward pass over them.

A node refers to its parents only and saves just what its VJPs read, so reference counting frees graphs. The backward
pass visits nodes by decreasing serial number: the consumers of a node have higher numbers, so its cotangent is complete
when its turn comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from . import joint, memory
from .anomaly import check_backward, check_forward
from .context import Context, Scope, current, eager, quiet, read, using
from .errors import DTypeError, GraphError, ShapeError
from .position import describe, user_line
from .primitive import OUTPUT, Primitive

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from .variable import Variable

_serial = count(1).__next__
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
    hooks: list[Callable[[Tensor], Tensor | None]] | None
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
        self.serial = _serial()
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
                yield parent, vjp.function(g, *[self._read(source, i, g._result) for _, source in vjp.reads])

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
            raise _freed(self)
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

    def free(self) -> None:
        """Drop what was saved for the backward pass. A leaf saves nothing and can be used again."""
        if self.primitive is not None:
            self.saved = None


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
    result = inputs[0]._result(value, node)
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


def pull(
    roots: Sequence[tuple[Node, Tensor]],
    targets: Iterable[Node] | None = None,
    retain_graph: bool = False,
    create_graph: bool = False,
    raw: bool = False,
) -> dict[Node, Tensor]:
    """The backward pass: pull cotangents back through the graph.

    Without ``targets`` every leaf's gradient is added to its tensor's ``.grad``, at the end, so that a pass that fails
    changes none. With them ``.grad`` is left alone, only what leads to a target is computed, and the targets'
    cotangents are returned; with ``raw``, without their hooks.
    """
    cotangents: dict[Node, Tensor] = {}
    results: dict[Node, Tensor] = {}
    deposits: list[tuple[Variable, Tensor]] = []
    goals = None if targets is None else set(targets)
    needed = None if goals is None else _leading_to(goals, [node for node, _ in roots])
    newest = _serial()  # later nodes belong to a checkpoint that is being replayed
    queue: list[tuple[int, Node]] = []

    def wanted(node: Node) -> bool:
        return needed is None or node in needed or node.serial > newest

    def unseen(node: Node) -> bool:
        return not node.hooks and node.sink is None and (goals is None or node not in goals)

    def add(node: Node, g: Tensor) -> None:
        if node in cotangents:
            cotangents[node] = cotangents[node] + g
        else:
            cotangents[node] = g
            heappush(queue, (-node.serial, node))

    def propagate(node: Node, g: Tensor) -> None:
        if joining and node.primitive is not None and node.primitive.joins:
            shares = joint.shares(node, g, wanted, unseen, passed)
        else:
            shares = node.cotangents(g, wanted)
        for parent, share in shares:
            if context.anomaly:
                check_backward(node, g, share)
            add(parent, share)

    context = current()
    places: dict[int, Scope] = {}
    taken = {id(value): value for value in (read(g) for _, g in roots)}
    named = not context.anomaly and (context.trace is not None or context.operands)  # scopes name the forward layers
    joining = context.interpret is eager and not (create_graph or context.anomaly or named)
    passed: set[Node] = set()
    interpret = quiet if context.interpret is eager else context.interpret  # silence warnings once, not for each node
    with np.errstate(all="ignore"), using(recording=create_graph, interpret=interpret, anomaly=False):
        for node, g in roots:
            if wanted(node):
                add(node, g)
        while queue:
            _, node = heappop(queue)
            g = cotangents.pop(node)
            if node.saved is None:
                raise _freed(node)
            for hook in () if raw and goals and node in goals else node.hooks or ():
                if (replaced := hook(g)) is not None:
                    g = foreign("a hook", replaced, node)
            if goals is not None and node in goals:
                results[node] = g._result(own(read(g), taken), g.node)
            if goals is None and node.sink is not None and (tensor := node.sink()) is not None:
                deposits.append((tensor, g._result(own(read(g), taken), g.node)))
            if named:
                with using(scope=_backward(node.scope, places), origin=node):
                    propagate(node, g)
            else:
                propagate(node, g)
            if not retain_graph:
                node.free()
        if not retain_graph:
            for node in passed:
                node.free()
        for tensor, g in deposits:
            tensor.grad = g if tensor.grad is None else tensor.grad + g
    return results


def _backward(scope: Scope | None, known: dict[int, Scope]) -> Scope:
    """A scope's counterpart in the backward pass; ``known`` caches them by the scope's id."""
    if id(scope) not in known:
        place = Scope("backward", "module", None)
        known[id(scope)] = scope._replace(parent=_backward(scope.parent, known)) if scope else place
    return known[id(scope)]


def _leading_to(goals: set[Node], roots: Iterable[Node]) -> set[Node]:
    """The nodes on a path from a root to a goal."""
    needed = set(goals)
    for node in reachable(roots):
        if isinstance(node, Replayed) or any(parent in needed for parent in node.parents):
            needed.add(node)
    return needed


def reachable(roots: Iterable[Node]) -> list[Node]:
    """The nodes of the graph in order of computation."""
    found = set(roots)
    stack = list(found)
    while stack:
        for parent in stack.pop().parents:
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


def foreign(origin: str, g: Tensor, node: Node) -> Tensor:
    """A cotangent from user code, checked; as a view, since user code may keep and change its array."""
    if g._value.shape != node.shape:
        raise ShapeError(
            f"{origin} returned a gradient of shape {g._value.shape} for {describe(node)} of shape {node.shape}; "
            "they must be equal."
        )
    if g._value.dtype != node.dtype:
        raise DTypeError(
            f"{origin} returned a gradient of dtype {g._value.dtype} for {describe(node)} of dtype {node.dtype}. "
            f"Use .astype({str(node.dtype)!r})."
        )
    value = read(g)
    return g._result(value.view(), g.node) if isinstance(value, np.ndarray) else g


def own(value: Any, taken: dict[int, Any]) -> Any:
    """The array of a gradient for the user: neither a view nor an array already handed out; copied if it is."""
    if isinstance(value, np.ndarray):
        if value.base is not None or not value.flags.writeable or id(value) in taken:
            value = np.array(value, order="C")
        taken[id(value)] = value
    return value


def _freed(node: Node) -> GraphError:
    return GraphError(
        f"{describe(node)}: backward through a graph that an earlier backward has freed. "
        "Pass retain_graph=True to the earlier call, or run the forward pass again."
    )
