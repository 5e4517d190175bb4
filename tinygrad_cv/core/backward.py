"""The backward pass: cotangents are pulled back along the tape.

Nodes are visited by decreasing serial number: the consumers of a node have higher numbers, so its cotangent is complete
when its turn comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

import numpy as np

from . import joint
from .anomaly import check_backward
from .context import Scope, current, eager, quiet, read, using
from .errors import DTypeError, ShapeError
from .hooks import SharedHook
from .position import describe
from .tape import Node, Replayed, as_recorded, freed, next_serial, reachable

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from .variable import Variable


def pull(
    roots: Sequence[tuple[Node, Tensor]],
    targets: Iterable[Node] | None = None,
    retain_graph: bool = False,
    create_graph: bool = False,
    raw: bool = False,
) -> dict[Node, Tensor]:
    """Pull cotangents back through the graph.

    Without ``targets`` every leaf's gradient is added to its tensor's ``.grad``, at the end, so that a pass that fails
    changes none. With them ``.grad`` is left alone, only what leads to a target is computed, and the targets'
    cotangents are returned; with ``raw``, without their hooks.
    """
    cotangents: dict[Node, Tensor] = {}
    results: dict[Node, Tensor] = {}
    deposits: list[tuple[Variable, Tensor]] = []
    shared: dict[SharedHook, list[tuple[Variable, Tensor]]] = {}
    goals = None if targets is None else set(targets)
    context = current()
    named = not context.anomaly and (context.trace is not None or context.operands)  # scopes name the forward layers
    each = create_graph or context.anomaly or named  # somebody sees each operation
    if each:
        reachable(node for node, _ in roots)  # opens composite nodes
    needed = None if goals is None else _leading_to(goals, [node for node, _ in roots])
    newest = next_serial()  # later nodes belong to a checkpoint that is being replayed
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

    places: dict[int, Scope] = {}
    taken = {id(value): value for value in (read(g) for _, g in roots)}
    joining = context.interpret is eager and not each
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
                raise freed(node)
            if each:
                node.open()
            place = deposits
            for hook in () if raw and goals and node in goals else node.hooks or ():
                if isinstance(hook, SharedHook):
                    place = shared.setdefault(hook, [])
                elif (replaced := hook(g)) is not None:
                    g = foreign("a hook", replaced, node)
            if goals is not None and node in goals:
                results[node] = g._new(own(read(g), taken), g.node)
            if goals is None and node.sink is not None and (tensor := node.sink()) is not None:
                place.append((tensor, g))
            if named:
                with using(scope=_in_backward(node.scope, places), origin=node):
                    propagate(node, g)
            else:
                propagate(node, g)
            if not retain_graph:
                node.free()
        if not retain_graph:
            for node in passed:
                node.free()
        for hook, gradients in shared.items():
            deposits += hook.deposit(gradients)
        for tensor, g in [(tensor, g._new(own(read(g), taken), g.node)) for tensor, g in deposits]:
            tensor.grad = g if tensor.grad is None else tensor.grad + g
    return results


def _in_backward(scope: Scope | None, known: dict[int, Scope]) -> Scope:
    """A scope's counterpart in the backward pass; ``known`` caches them by the scope's id."""
    if id(scope) not in known:
        place = Scope("backward", "module", None)
        known[id(scope)] = scope._replace(parent=_in_backward(scope.parent, known)) if scope else place
    return known[id(scope)]


def _leading_to(goals: set[Node], roots: Iterable[Node]) -> set[Node]:
    """The nodes on a path from a root to a goal."""
    needed = set(goals)
    for node in reachable(roots, opened=False):
        if isinstance(node, Replayed) or any(parent in needed for parent in as_recorded(node)):
            needed.add(node)
    return needed


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
    return g._new(value.view(), g.node) if isinstance(value, np.ndarray) else g


def own(value: Any, taken: dict[int, Any]) -> Any:
    """The array of a gradient for the user: neither a view nor an array already handed out; copied if it is."""
    if isinstance(value, np.ndarray):
        if value.base is not None or not value.flags.writeable or id(value) in taken:
            value = np.array(value, order="C")
        taken[id(value)] = value
    return value
