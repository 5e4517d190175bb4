"""Modules and parameters by name, and parameters in order: ModuleDict, ParameterDict, ParameterList.

What they hold are attributes under its names, so that the module that holds them finds the parameters.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Generic, SupportsIndex, TypeVar, overload

from ..frontend.tensor import Tensor
from .module import STATE, Module, check_name
from .parameter import Parameter

V = TypeVar("V")
D = TypeVar("D", bound="_Dictionary[Any]")


class _Held(Module):
    """Values as attributes, in the order in which they were set."""

    def _held(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in STATE}

    def _hold(self, name: str, value: Any) -> None:
        """Set an attribute; a tensor becomes a parameter."""
        check_name(self, name)
        if name in vars(self) and not isinstance(value, Tensor):
            delattr(self, name)  # a parameter may be replaced by anything
        setattr(
            self, name, Parameter(value) if isinstance(value, Tensor) and not isinstance(value, Parameter) else value
        )

    def __len__(self) -> int:
        return len(self._held())


class _Dictionary(_Held, Generic[V]):
    """The methods of a dict."""

    def __getitem__(self, key: str) -> V:
        if key not in self:
            raise KeyError(f"{type(self).__name__} has no {key!r}; it has {', '.join(map(repr, self)) or 'nothing'}.")
        return vars(self)[key]

    def __setitem__(self, key: str, value: V) -> None:
        self._hold(key, value)

    def __delitem__(self, key: str) -> None:
        self[key]
        delattr(self, key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._held())

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._held())

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key in self._held()

    def keys(self) -> Iterable[str]:
        """The names, in order."""
        return self._held().keys()

    def values(self) -> Iterable[V]:
        """What is held, in order."""
        return self._held().values()

    def items(self) -> Iterable[tuple[str, V]]:
        """The names and what they stand for, in order."""
        return self._held().items()

    def update(self, other: Mapping[str, V] | _Dictionary[V] | Iterable[tuple[str, V]]) -> None:
        """Add or replace by name, from a mapping or from pairs."""
        pairs: Any = other.items() if isinstance(other, (Mapping, _Dictionary)) else other
        if isinstance(pairs, str) or not isinstance(pairs, Iterable):
            raise TypeError(
                f"{type(self).__name__} of type {type(other).__name__}: it takes a dict, or pairs of names and values."
            )
        for pair in pairs:
            if not isinstance(pair, (tuple, list)) or len(pair) != 2:
                raise ValueError(f"{type(self).__name__}: {pair!r} is no pair of a name and a value.")
            self[pair[0]] = pair[1]

    def pop(self, key: str) -> V:
        """Remove a name and return what it stood for."""
        value = self[key]
        del self[key]
        return value

    def clear(self) -> None:
        """Remove everything."""
        for key in self._held():
            delattr(self, key)


class ModuleDict(_Dictionary[Module]):
    """Submodules by name: their parameters are found by the module that holds it. It has no forward.

    Indexing, ``in``, ``len``, ``items`` and ``update`` work as for a dict.

    >>> import tinygrad_cv as tg
    >>> heads = tg.nn.ModuleDict({"labels": tg.nn.Linear(4, 10), "boxes": tg.nn.Linear(4, 2)})
    >>> heads["boxes"](tg.ones(3, 4)).shape, list(heads)
    ((3, 2), ['labels', 'boxes'])
    """

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None):
        super().__init__()
        if modules is not None:
            self.update(modules)

    def _hold(self, name: str, value: Any) -> None:
        self.add_module(name, value)


class ParameterDict(_Dictionary[Any]):
    """Parameters by name, found by the module that holds it; tensors become parameters, other values stay as they are.

    They stay in the order in which they were added; PyTorch sorts the names of a plain dict.

    >>> import tinygrad_cv as tg
    >>> scales = tg.nn.ParameterDict({"left": tg.ones(2), "right": tg.zeros(3)})
    >>> [(name, p.shape) for name, p in scales.named_parameters()]
    [('left', (2,)), ('right', (3,))]
    """

    def __init__(self, parameters: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None):
        super().__init__()
        if parameters is not None:
            self.update(parameters)

    def get(self, key: str, default: Any = None) -> Any:
        """What the name stands for, or the default."""
        return vars(self)[key] if key in self else default

    def setdefault(self, key: str, default: Any = None) -> Any:
        """What the name stands for, which is the default if it is new."""
        if key not in self:
            self[key] = default
        return self[key]

    def popitem(self) -> tuple[str, Any]:
        """Remove the last name, and return it and what it stood for."""
        if not len(self):
            raise KeyError("popitem of an empty ParameterDict.")
        key = next(reversed(self))
        return key, self.pop(key)

    def copy(self) -> ParameterDict:
        """Another one that holds the same parameters."""
        return ParameterDict(self._held())

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        """One value under several names."""
        if not isinstance(keys, Iterable):
            raise TypeError(f"ParameterDict: keys={keys!r}; it must be a list of names.")
        return ParameterDict((key, default) for key in keys)

    def __or__(self, other: Mapping[str, Any] | ParameterDict) -> ParameterDict:
        both = self.copy()
        both.update(other)
        return both

    def __ror__(self, other: Mapping[str, Any]) -> ParameterDict:
        return ParameterDict(other) | self

    def __ior__(self: D, other: Mapping[str, Any] | ParameterDict) -> D:
        self.update(other)
        return self

    def extra_repr(self) -> str:
        return _listed(self._held())


class ParameterList(_Held):
    """Parameters in order, found by the module that holds it; tensors become parameters, other values stay as they are.

    Indexing, slices, ``append``, ``extend``, ``+=`` and ``len`` work as for a list.

    >>> import tinygrad_cv as tg
    >>> weights = tg.nn.ParameterList([tg.ones(2, 3), tg.ones(3)])
    >>> [(name, p.shape) for name, p in weights.named_parameters()]
    [('0', (2, 3)), ('1', (3,))]
    """

    def __init__(self, values: Iterable[Any] | None = None):
        super().__init__()
        if values is not None:
            self.extend(values)

    @overload
    def __getitem__(self, index: slice) -> ParameterList: ...
    @overload
    def __getitem__(self, index: SupportsIndex) -> Any: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Any:
        """The value at an index; for a slice, a list of the same parameters."""
        if isinstance(index, slice):
            return ParameterList(list(self)[index])
        return vars(self)[self._name_at(index)]

    def __setitem__(self, index: SupportsIndex, value: Any) -> None:
        self._hold(self._name_at(index), value)

    def __iter__(self) -> Iterator[Any]:
        return iter([vars(self)[str(i)] for i in range(len(self))])

    def __iadd__(self, values: Iterable[Any]) -> ParameterList:
        return self.extend(values)

    def _name_at(self, index: SupportsIndex) -> str:
        try:
            return str(range(len(self))[operator.index(index)])
        except IndexError:
            raise IndexError(f"ParameterList[{index}]: it holds {len(self)} values.") from None

    def append(self, value: Any) -> ParameterList:
        """Add a value at the end."""
        self._hold(str(len(self)), value)
        return self

    def extend(self, values: Iterable[Any]) -> ParameterList:
        """Add values at the end."""
        if isinstance(values, (Tensor, str)) or not isinstance(values, Iterable):
            raise TypeError(f"ParameterList of type {type(values).__name__}: it takes a list of tensors.")
        for value in list(values):
            self.append(value)
        return self

    def extra_repr(self) -> str:
        return _listed(self._held())


def _listed(held: Mapping[str, Any]) -> str:
    """Names, with the shapes of parameters."""
    return ", ".join(f"{name}: {v.shape if isinstance(v, Tensor) else v!r}" for name, v in held.items())
