"""The names of tensors: a parameter's is its module's, others are the user's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from ..core import memory
from ..core.tape import Node
from ..core.variable import Variable


@runtime_checkable
class Named(Protocol):
    """A module, as far as drawings use it."""

    def named_parameters(self) -> Iterator[tuple[str, Variable]]: ...
    def named_buffers(self) -> Iterator[tuple[str, Variable]]: ...
    def named_modules(self) -> Iterator[tuple[str, Named]]: ...


class Holder(NamedTuple):
    """A named array."""

    name: str
    kind: str
    array: np.ndarray


class Names:
    """The names of the tensors around a graph.

    Attributes:
        tensors: those that have a name.
        modules: those that the graph may run through.
    """

    def __init__(self) -> None:
        self.modules: list[Named] = []
        self.tensors: list[Variable] = []
        self._nodes: dict[Node, tuple[str, str]] = {}  # -> name, kind
        self._arrays: dict[int, Holder] = {}  # by id of the memory
        self._given: dict[str, object] = {}  # by the user
        self._names: dict[str, list[str]] = {}  # a name given by the user -> names of tensors
        self._seen: set[str] = set()  # names that are in the graph

    def take(self, names: Mapping[str, object]) -> None:
        """Add tensors and modules under the user's names; other values, as in ``locals()``, are ignored."""
        self._given.update(names)
        modules = {name: x for name, x in names.items() if isinstance(x, Named) and not isinstance(x, type)}
        for name, module in modules.items():
            self._names[name] = self.module(module, f"{name}." if len(modules) > 1 else "")
        for name, value in names.items():
            if isinstance(value, Variable) and not name.startswith("_"):
                self.add(name, value, "leaf" if value.node is not None else "input")
                self._names[name] = [self._name_of(value)]

    def module(self, module: object, prefix: str = "") -> list[str]:
        """Add the parameters and buffers of a module; their names."""
        if not isinstance(module, Named):
            return []
        self.modules.append(module)
        tensors = [*module.named_parameters(), *module.named_buffers()]
        for name, tensor in tensors:
            self.add(prefix + name, tensor, "parameter")
        return [self._name_of(tensor) for _, tensor in tensors]

    def missing(self) -> dict[str, str]:
        """The user's names that are not in the graph, and why."""
        return {
            name: _reason(value)
            for name, value in self._given.items()
            if self._names.get(name) and not self._seen.intersection(self._names[name])
        }

    def _name_of(self, tensor: Variable) -> str:
        """The name of a tensor: the first that it was given."""
        own = self._nodes.get(tensor.node, ("", ""))[0] if tensor.node is not None else ""
        return own or self._arrays[id(tensor.value)].name

    def closure(self, found: Mapping[str, object]) -> None:
        """Add what a function reads besides its inputs; earlier names stay."""
        modules = {name: x for name, x in found.items() if isinstance(x, Named)}
        new = {name: x for name, x in modules.items() if all(x is not known for known in self.modules)}
        for name, module in new.items():
            self.module(module, f"{name}." if len(modules) > 1 or self.modules else "")
        for name, tensor in found.items():
            if isinstance(tensor, Variable):
                self.add(name, tensor, "leaf" if tensor.node is not None else "input")

    def inputs(self, tensors: Mapping[str, Variable]) -> None:
        """Add the inputs of a function that is run to be drawn."""
        for name, tensor in tensors.items():
            self.add(name, tensor, "input")

    def add(self, name: str, tensor: Variable, kind: str) -> None:
        """Add a tensor. The first name stays."""
        self.tensors.append(tensor)
        if tensor.node is not None:
            self._nodes.setdefault(tensor.node, (name, kind))
        if isinstance(tensor.value, np.ndarray):
            holder = memory.owner(tensor.value)
            whole = isinstance(holder, np.ndarray) and holder.size == tensor.value.size
            known = Holder(name, kind, tensor.value)
            for memory_of in (tensor.value, *((holder,) if whole else ())):
                self._arrays.setdefault(id(memory_of), known)

    def of_node(self, node: Node) -> str:
        """A node's name, or nothing."""
        name = self._nodes.get(node, ("", ""))[0]
        self._seen.add(name)
        return name

    def kind_of(self, leaf: Node) -> str:
        """What a leaf is: parameter, input, or just a leaf."""
        return self._nodes.get(leaf, ("", "leaf"))[1]

    def of_array(self, array: object) -> Holder | None:
        """The named array that an array is, or is a view of all of."""
        if not isinstance(array, np.ndarray):
            return None
        for holder in (array, memory.owner(array)):
            known = self._arrays.get(id(holder))
            if known and array.size >= known.array.size:
                self._seen.add(known.name)
                return known
        return None

    def knows(self, array: object) -> bool:
        """Whether an array itself has a name."""
        return id(array) in self._arrays


def _reason(value: object) -> str:
    if isinstance(value, Named):
        return "the target was not computed from its parameters"
    if isinstance(value, Variable) and value.node is not None:
        return "the target was not computed from it"
    return (
        "it requires no gradient, so what was computed from it, if anything, was not recorded. Call requires_grad_() "
        "before it is used, or graph(f, x), which records all of f"
    )
