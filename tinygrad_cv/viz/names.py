"""What tensors are called: parameters as their module names them, others as the user does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np

from ..core import memory
from ..core.tape import Node
from ..core.variable import Variable


@runtime_checkable
class Named(Protocol):
    """What a module offers."""

    def named_parameters(self) -> Iterator[tuple[str, Any]]: ...
    def named_buffers(self) -> Iterator[tuple[str, Any]]: ...


class Names:
    """The names of the tensors around a graph."""

    def __init__(self) -> None:
        self.tensors: list[Variable] = []
        self._nodes: dict[Node, tuple[str, str]] = {}  # -> name, kind
        self._arrays: dict[int, tuple[int, str, str]] = {}  # id of the memory -> size, name, kind

    def take(self, names: Mapping[str, Any]) -> None:
        """Tensors and modules under the user's names; whatever else is there, as in ``locals()``, is passed over."""
        modules = {name: x for name, x in names.items() if isinstance(x, Named) and not isinstance(x, type)}
        for name, module in modules.items():
            self.module(module, f"{name}." if len(modules) > 1 else "")
        for name, value in names.items():
            if isinstance(value, Variable) and not name.startswith("_"):
                self.add(name, value, "leaf" if value.node is not None else "input")

    def module(self, module: Any, prefix: str = "") -> None:
        """The parameters and buffers of a module."""
        if isinstance(module, Named):
            for name, tensor in (*module.named_parameters(), *module.named_buffers()):
                self.add(prefix + name, tensor, "parameter")

    def inputs(self, tensors: Mapping[str, Variable]) -> None:
        """The inputs of a function that is run for the drawing."""
        for name, tensor in tensors.items():
            self.add(name, tensor, "input")

    def add(self, name: str, tensor: Variable, kind: str) -> None:
        """One tensor. The first name stays."""
        self.tensors.append(tensor)
        if tensor.node is not None:
            self._nodes.setdefault(tensor.node, (name, kind))
        if isinstance(tensor.value, np.ndarray):
            holder = memory.owner(tensor.value)
            whole = isinstance(holder, np.ndarray) and holder.size == tensor.value.size
            self._arrays.setdefault(id(holder if whole else tensor.value), (tensor.value.size, name, kind))

    def of_node(self, node: Node) -> str:
        """A node's name, or nothing."""
        return self._nodes.get(node, ("", ""))[0]

    def kind_of(self, leaf: Node) -> str:
        """What a leaf is: parameter, input, or just a leaf."""
        return self._nodes.get(leaf, ("", "leaf"))[1]

    def of_array(self, array: Any) -> tuple[str, str]:
        """Name and kind of an input that is not on the tape: a named array, or another view of all its memory."""
        if isinstance(array, np.ndarray):
            for holder in (array, memory.owner(array)):
                size, name, kind = self._arrays.get(id(holder), (0, "", ""))
                if name and array.size >= size:
                    return name, kind
        return "", "constant"
