"""What is below a module: submodules, parameters, buffers, and their paths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeGuard, cast

from ..frontend.tensor import Tensor
from .parameter import Parameter, existing
from .state_dict import dotted

if TYPE_CHECKING:
    from .module import Module


class Traversal:
    """The methods of :class:`Module` that find what it is made of."""

    _buffers: dict[str, bool]  # name -> whether it is saved in the state dict

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The direct submodules and their names, each once."""
        seen = set()
        for name, value in vars(self).items():
            if is_module(value) and id(value) not in seen:
                seen.add(id(value))
                yield name, value

    def children(self) -> Iterator[Module]:
        """The direct submodules, each once."""
        return (module for _, module in self.named_children())

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """This module and all its descendants with their paths, each once; ``prefix`` is the path of this one."""
        seen = set()
        for path, module in self._walk(prefix):
            if id(module) not in seen:
                seen.add(id(module))
                yield path, module

    def _walk(self, path: str = "") -> Iterator[tuple[str, Module]]:
        """This module and all its descendants, depth first; a shared one once for each of its paths."""
        yield path, cast("Module", self)
        for name, value in vars(self).items():
            if is_module(value):
                yield from value._walk(dotted(path, name))

    def modules(self) -> Iterator[Module]:
        """This module and all its descendants, each once."""
        return (module for _, module in self.named_modules())

    def named_parameters(self, prefix: str = "") -> Iterator[tuple[str, Parameter]]:
        """The parameters with their paths; a shared one appears once, under its first path."""
        seen = set()
        for path, module in self.named_modules(prefix):
            for name, attribute in vars(module).items():
                value = existing(dotted(path, name), attribute)
                if isinstance(value, Parameter) and id(value) not in seen:
                    seen.add(id(value))
                    yield dotted(path, name), value

    def own_parameters(self) -> Iterator[Parameter]:
        """The parameters of this module itself, without those of its submodules."""
        values = (existing(name, value) for name, value in vars(self).items())
        return (value for value in values if isinstance(value, Parameter))

    def parameters(self) -> Iterator[Parameter]:
        """The parameters, each once."""
        return (parameter for _, parameter in self.named_parameters())

    def named_buffers(self, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
        """The buffers with their paths, each once."""
        seen = set()
        for path, module in self.named_modules(prefix):
            for name in module._buffers:
                value = existing(dotted(path, name), vars(module)[name])
                if value is not None and id(value) not in seen:
                    seen.add(id(value))
                    yield dotted(path, name), value

    def buffers(self) -> Iterator[Tensor]:
        """The buffers, each once."""
        return (buffer for _, buffer in self.named_buffers())


def is_module(value: object) -> TypeGuard[Module]:
    """Whether an attribute is a submodule."""
    return isinstance(value, Traversal)
