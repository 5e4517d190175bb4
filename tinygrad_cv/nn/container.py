"""Containers of modules in order: Sequential applies one after the other, ModuleList only holds them."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Generic, SupportsIndex, TypeVar, overload

from .module import Module

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike

C = TypeVar("C", bound="_Container[Any]")
S = TypeVar("S")  # the type of a slice


class _Container(Module, Generic[S]):
    """Submodules in order, named "0", "1", ... unless names are given."""

    def _items(self) -> list[tuple[str, Module]]:
        return [(name, value) for name, value in vars(self).items() if isinstance(value, Module)]

    def __len__(self) -> int:
        return len(self._items())

    def __iter__(self) -> Iterator[Module]:
        return iter([module for _, module in self._items()])

    def _name_at(self, index: SupportsIndex) -> str:
        names = [name for name, _ in self._items()]
        try:
            return names[operator.index(index)]
        except IndexError:
            raise IndexError(f"{type(self).__name__}[{index}]: it holds {len(names)} modules.") from None

    @overload
    def __getitem__(self, index: slice) -> S: ...
    @overload
    def __getitem__(self, index: SupportsIndex) -> Module: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Any:
        """The module at an index; for a slice, a container of the same modules, which keep their names."""
        if isinstance(index, slice):
            part: Module = Sequential() if isinstance(self, Sequential) else ModuleList()
            vars(part).update(self._items()[index])
            return part
        return vars(self)[self._name_at(index)]

    def __setitem__(self, index: SupportsIndex, module: Module) -> None:
        name = self._name_at(index)
        self.add_module(name, module)

    def __delitem__(self, index: SupportsIndex) -> None:
        name = self._name_at(index)
        delattr(self, name)
        if name.isdigit():
            rest = [(key, module) for key, module in self._items()]
            for key, _ in rest:
                delattr(self, key)
            for i, (key, module) in enumerate(rest):
                self.add_module(str(i) if key.isdigit() else key, module)

    def append(self: C, module: Module) -> C:
        """Add a module at the end."""
        number = len(self)
        while str(number) in vars(self):  # names in a slice need not start at "0"
            number += 1
        self.add_module(str(number), module)
        return self

    def extend(self: C, modules: Iterable[Module]) -> C:
        """Add modules at the end."""
        if not isinstance(modules, Iterable):
            raise TypeError(f"{type(self).__name__} of type {type(modules).__name__}: it takes a list of modules.")
        for module in modules:
            self.append(module)
        return self


class Sequential(_Container["Sequential"]):
    """Applies each module to the output of the previous one.

    ``Sequential(a, b)`` names them "0", "1"; ``Sequential({"conv": a, "relu": b})`` uses the names given. Indexing,
    slices, ``append`` and ``len`` work as for a list.

    >>> import tinygrad_cv as tg
    >>> model = tg.nn.Sequential(tg.nn.Linear(4, 3), tg.nn.ReLU(), tg.nn.Linear(3, 2))
    >>> model
    Sequential(
      (0): Linear(in_features=4, out_features=3, bias=True)
      (1): ReLU()
      (2): Linear(in_features=3, out_features=2, bias=True)
    )
    >>> model(tg.ones(5, 4)).shape, len(model[:2])
    ((5, 2), 2)
    """

    @overload
    def __init__(self, *modules: Module): ...
    @overload
    def __init__(self, modules: dict[str, Module], /): ...
    def __init__(self, *modules: Any):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], dict):
            for name, module in modules[0].items():
                self.add_module(name, module)
        else:
            if len(modules) == 1 and isinstance(modules[0], (list, tuple, Iterator)):
                kind = type(modules[0]).__name__
                raise TypeError(
                    f"Sequential of a {kind}: it takes the modules as separate arguments. Write Sequential(*layers)."
                )
            self.extend(modules)

    def forward(self, x: TensorLike) -> Tensor:
        y: Any = x  # what the modules return
        for module in self:
            y = module(y)
        return y


class ModuleList(_Container["ModuleList"]):
    """A list of submodules: their parameters are found by the module that holds the list. It has no forward.

    >>> import tinygrad_cv as tg
    >>> len(list(tg.nn.ModuleList([tg.nn.Linear(2, 2), tg.nn.Linear(2, 2)]).parameters()))
    4
    """

    def __init__(self, modules: Iterable[Module] = (), *others: Module):
        super().__init__()
        if others or isinstance(modules, Module):
            raise TypeError("ModuleList takes one list of modules. Write ModuleList([a, b]).")
        self.extend(modules)
