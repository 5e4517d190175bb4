"""The derivative of a recorded graph: one node on the tape, whose pullback is a jitted function itself.

The pullback computes the graph again and pulls the cotangent back through it, so nothing but the inputs is kept. When
it is recorded (``create_graph``) it is a jitted function called on tensors that require grad: so every order follows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..core.context import current
from ..core.primitive import PRIMITIVES, Primitive
from ..core.tape import Node, apply, watched
from ..frontend.autodiff import vjp
from ..frontend.tensor import Tensor
from .ir import CONSTANT, Graph, topological


class Derivative:
    """How one output of a graph depends on some of its inputs."""

    guarded = ()  # it never changes

    def __init__(self, name: str, graph: Graph, output: int, sources: tuple[int, ...]):
        self.graph, self.output, self.sources = graph, output, sources
        self.primitive = Primitive(f"jit({name})", _refused, _refused, family="custom", formula="a jitted function")
        self._pullbacks: dict[tuple[int, ...], Callable[..., Any]] = {}

    def node(self, arrays: list[np.ndarray], nodes: dict[int, Node | None], value: np.ndarray) -> Node | None:
        """The tape's node of the output."""
        parents = tuple(nodes[index] for index in self.sources)
        if not any(parents):
            return None
        saved: dict[Any, Any] = watched({(i, "value"): array for i, array in enumerate(arrays)})
        node = CompiledNode(self.primitive, {}, parents, saved, value, current())
        node.derivative = self
        return node

    def pullback(self, wanted: tuple[int, ...]) -> Callable[..., Any]:
        """(inputs, cotangent) -> the shares of the wanted inputs; compiled at its first use."""
        if wanted not in self._pullbacks:
            from .api import Jitted

            def pull_back(*tensors: Any) -> Any:
                inputs, g = tensors[:-1], tensors[-1]

                def forward(*xs: Any) -> Any:
                    given = list(inputs)
                    for index, x in zip(wanted, xs, strict=True):
                        given[index] = x
                    return replay(self.graph, given, self.output)

                return vjp(forward, tuple(inputs[i] for i in wanted), g, create_graph=current().recording)[1]

            self._pullbacks[wanted] = Jitted(pull_back)
        return self._pullbacks[wanted]


class CompiledNode(Node):
    """The application of a compiled graph."""

    __slots__ = ("derivative",)
    derivative: Derivative

    def cotangents(self, g: Any, wanted: Callable[[Node], bool]) -> Iterator[tuple[Node, Any]]:
        """The shares of the parents that want one."""
        assert self.saved is not None
        self._check_saved()
        sources = dict(zip(self.derivative.sources, self.parents, strict=True))
        asked = {index: node for index, node in sources.items() if node is not None and wanted(node)}
        if not asked:
            return
        recording = current().recording
        inputs = [
            Tensor._new(self.saved[i, "value"], sources.get(i) if recording else None)
            for i in range(len(self.derivative.graph.inputs))
        ]
        shares = self.derivative.pullback(tuple(asked))(*inputs, g)
        yield from zip(asked.values(), shares, strict=True)


def replay(graph: Graph, inputs: list[Any], output: int) -> Any:
    """Apply the primitives of a graph to tensors; one of its outputs."""
    known: dict[Any, Any] = dict(zip(graph.inputs, inputs, strict=True))
    for value in topological([graph.outputs[output]]):
        if value in known:
            continue
        if value.op == CONSTANT:
            known[value] = inputs[0]._result(value.params["array"])
        else:
            args = [known[a] for a in value.args]
            known[value] = apply(PRIMITIVES[value.op], *args, **value.params) if args else _made(value, inputs[0])
    return known[graph.outputs[output]]


def _made(value: Any, like: Any) -> Any:
    """A primitive without inputs."""
    return like._result(current().interpret(PRIMITIVES[value.op], [], value.params))


def _refused(*args: Any, **params: Any) -> Any:
    raise NotImplementedError("a jitted function has no rule of its own")
