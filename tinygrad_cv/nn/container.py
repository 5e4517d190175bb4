"""Modules in a row: Sequential runs them, ModuleList only holds them."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from typing import Any

from .module import Module


class _Row(Module):
    """Submodules in order, under the names "0", "1", ... unless others are given."""

    def _items(self) -> list[tuple[str, Module]]:
        return [(name, value) for name, value in vars(self).items() if isinstance(value, Module)]

    def __len__(self) -> int:
        return len(self._items())

    def __iter__(self) -> Iterator[Module]:
        return iter([module for _, module in self._items()])

    def _name_at(self, index: Any) -> str:
        names = [name for name, _ in self._items()]
        try:
            return names[operator.index(index)]
        except IndexError:
            raise IndexError(f"{type(self).__name__}[{index}]: it holds {len(names)} modules.") from None

    def __getitem__(self, index: Any) -> Any:
        """One module by its place; a slice is a container of the same modules, under their own names."""
        if isinstance(index, slice):
            part = Sequential() if isinstance(self, Sequential) else ModuleList()
            vars(part).update(self._items()[index])
            return part
        return vars(self)[self._name_at(index)]

    def __setitem__(self, index: int, module: Module) -> None:
        name = self._name_at(index)
        self.add_module(name, module)

    def __delitem__(self, index: int) -> None:
        name = self._name_at(index)
        delattr(self, name)
        if name.isdigit():
            rest = [(key, module) for key, module in self._items()]
            for key, _ in rest:
                delattr(self, key)
            for i, (key, module) in enumerate(rest):
                self.add_module(str(i) if key.isdigit() else key, module)

    def append(self, module: Module) -> Any:
        """Put a module behind the last."""
        number = len(self)
        while str(number) in vars(self):  # a slice may begin at another number
            number += 1
        self.add_module(str(number), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Any:
        """Put modules behind the last."""
        for module in modules:
            self.append(module)
        return self


class Sequential(_Row):
    """Each module applied to the output of the one before.

    ``Sequential(a, b)`` names them "0", "1"; ``Sequential(OrderedDict(conv=a, relu=b))`` as given. Places, slices,
    ``append`` and ``len`` work as in a list.

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

    def __init__(self, *modules: Any):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], dict):
            for name, module in modules[0].items():
                self.add_module(name, module)
        else:
            if len(modules) == 1 and isinstance(modules[0], (list, tuple, Iterator)):
                kind = type(modules[0]).__name__
                raise TypeError(f"Sequential of a {kind}: it takes modules one by one. Write Sequential(*layers).")
            self.extend(modules)

    def forward(self, x: Any) -> Any:
        for module in self:
            x = module(x)
        return x


class ModuleList(_Row):
    """Modules in a list, whose parameters belong to the module that holds the list. It has no forward.

    >>> import tinygrad_cv as tg
    >>> len(list(tg.nn.ModuleList([tg.nn.Linear(2, 2), tg.nn.Linear(2, 2)]).parameters()))
    4
    """

    def __init__(self, modules: Iterable[Module] = (), *others: Module):
        super().__init__()
        if others or isinstance(modules, Module):
            raise TypeError("ModuleList takes one list of modules. Write ModuleList([a, b]).")
        self.extend(modules)
