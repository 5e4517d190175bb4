"""Layers that learn the size of their input from their first call, or from a state dict, and are usual ones then."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..core.context import current, location
from ..core.errors import TraceError
from ..frontend.creation import asarray
from ..frontend.random import default_generator
from .arguments import derived
from .module import Module
from .parameter import Parameter, UninitializedParameter

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor

Shapes = Mapping[str, tuple[int, ...]]  # of a layer's parameters and buffers


class Lazy(Module):
    """A call of the constructor of ``layer`` that waits for its first argument, the size of the input.

    Until that is known, an :class:`UninitializedParameter` stands for each parameter and buffer.
    """

    layer: ClassVar[Any]  # the class that the module becomes
    size_name: ClassVar[str]  # the first argument of its constructor
    _arguments: tuple[Any, ...]  # the others
    _options: dict[str, Any]  # those that are passed by name

    def _wait(self, any_size: int, *arguments: Any, **options: Any) -> None:
        """Check the arguments by making the layer for any size; keep all of it but its parameters and buffers."""
        with default_generator.rewound():
            self.layer.__init__(self, any_size, *arguments, **options)
        self._arguments, self._options = arguments, options
        for name, value in vars(self).items():
            if isinstance(value, Parameter) or (name in self._buffers and value is not None):
                vars(self)[name] = UninitializedParameter()

    def _size_of(self, x: Tensor) -> int:
        """The size, by an input."""
        raise NotImplementedError

    def _size_by(self, shapes: Shapes) -> int | None:
        """The size, by the shapes of a state dict; None if they do not say it."""
        raise NotImplementedError

    def forward(self, x: Any, *arguments: Any, **options: Any) -> Any:
        """Make the layer for this input and call it; if all goes well, be that layer from now on."""
        x = asarray(x)
        if current().trace is not None:
            raise TraceError(
                f"{type(self).__name__}{location()}: its parameters are made at its first call, which jit cannot "
                "record. Call the model once with an example before a jitted function calls it, or load a state dict."
            )
        made = self._made(self._size_of(x))
        y = made.forward(x, *arguments, **options)
        self._become(made)
        return y

    def make_parameters(self, shapes: Shapes) -> None:
        size = self._size_by(shapes)
        if size is not None:
            self._become(self._made(size))

    def _made(self, size: int) -> Module:
        """The layer for a size, with the attributes that this module has now."""
        fresh = vars(self.layer(size, *self._arguments, **self._options))
        attributes = {name: value for name, value in vars(self).items() if name not in ("_arguments", "_options")}
        dtypes: set[np.dtype] = set()
        for name, value in attributes.items():
            if isinstance(value, UninitializedParameter):
                dtypes.update(() if value.dtype is None else (value.dtype,))
                attributes[name] = fresh[name]
            elif name == self.size_name:
                attributes[name] = fresh[name]
        made: Module = object.__new__(self.layer)
        vars(made).update(attributes)
        for dtype in dtypes:
            made.to(dtype)
        return made

    def _become(self, made: Module) -> None:
        """Be the layer that was made."""
        vars(self).clear()
        vars(self).update(vars(made))
        self.__class__ = self.layer

    def __getattr__(self, name: str) -> Any:
        if isinstance(getattr(type(self), name, None), derived):
            raise AttributeError(
                f"{type(self).__name__}.{name} is not known yet: call the model once with an example.",
                name=name,
                obj=self,
            )
        return super().__getattr__(name)

    def extra_repr(self) -> str:
        """The arguments that differ from their defaults."""
        parameters = list(inspect.signature(type(self)).parameters.values())
        given = zip(parameters, (*self._arguments, *self._options.values()), strict=True)
        return ", ".join(
            f"{value}" if p.default is p.empty else f"{p.name}={value}" for p, value in given if value != p.default
        )
