"""The derivative of a recorded graph: a node on the tape whose pullback is compiled when a cotangent first arrives.

The pullback is a graph of the inputs and the cotangent, so nothing but the inputs is kept. It is a recording like any
other: its results have derivatives in turn, and so on to every order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..core.context import current
from ..core.primitive import Primitive
from ..core.tape import Node, watched
from ..frontend.tensor import Tensor
from .recording import Recording, TracedOutputs, pulled_back
from .trace import TRACING

if TYPE_CHECKING:
    from .tree import Leaf


class Callee(Protocol):
    """A compiled recording."""

    def call(self, leaves: list[Leaf]) -> Any:
        """The results."""


class Derivative:
    """The derivative of one result of a recording with respect to some of its inputs, the ``sources``.

    ``compiled`` compiles a recording under a name.
    """

    def __init__(
        self,
        name: str,
        traced: TracedOutputs,
        number: int,
        sources: tuple[int, ...],
        compiled: Callable[[str, Recording], Callee],
    ):
        self.name, self.traced, self.number, self.sources, self._compiled = name, traced, number, sources, compiled
        self.primitive = Primitive(f"jit({name})", _refused, _refused, family="custom", formula="a jitted function")
        self._pullbacks: dict[tuple[int, ...], Callee] = {}

    def node(self, arrays: list[np.ndarray], nodes: dict[int, Node | None], value: np.ndarray) -> Node | None:
        """The node of the result; None if no input has one."""
        parents = tuple(nodes[index] for index in self.sources)
        if not any(parents):
            return None
        saved: dict[Any, Any] = watched({(i, "value"): array for i, array in enumerate(arrays)})
        node = CompiledNode(self.primitive, {}, parents, saved, value, current())
        node.derivative = self
        return node

    def pullback(self, wanted: tuple[int, ...]) -> Callee:
        """The compiled function (inputs, cotangent) -> cotangents of the wanted inputs."""
        with TRACING:
            if wanted not in self._pullbacks:
                recording = pulled_back(self.traced, self.number, wanted)
                self._pullbacks[wanted] = self._compiled(f"backward of {self.name}", recording)
            return self._pullbacks[wanted]


class CompiledNode(Node):
    """The application of a compiled graph."""

    __slots__ = ("derivative",)
    derivative: Derivative

    def cotangents(self, g: Tensor, wanted: Callable[[Node], bool]) -> Iterator[tuple[Node, Tensor]]:
        """The cotangents of the parents that want one."""
        assert self.saved is not None
        self._check_saved()
        sources = dict(zip(self.derivative.sources, self.parents, strict=True))
        asked = {index: node for index, node in sources.items() if node is not None and wanted(node)}
        if not asked:
            return
        count = len(self.derivative.traced.inputs)
        inputs = [Tensor._new(self.saved[i, "value"], sources.get(i)) for i in range(count)]
        cotangents = self.derivative.pullback(tuple(asked)).call([*inputs, g])
        for node, cotangent in zip(asked.values(), cotangents, strict=True):
            if cotangent is not None:
                yield node, cotangent


def _refused(*args: Any, **params: Any) -> Any:
    raise NotImplementedError("a jitted function has no rule of its own")
