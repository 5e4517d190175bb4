"""Parametrizations: a parameter of a module becomes a function of others, which are learned in its place.

``module.weight`` is computed from ``module.parametrizations.weight`` whenever it is read; for a repr, or for sizes that
follow from it, as in evaluation, so that nothing changes by being looked at. Names in the state dict are
those of ``torch.nn.utils.parametrize``: ``parametrizations.weight.original``, or ``original0``, ``original1``, ... if
the function has several arguments; its own parameters and buffers are below ``parametrizations.weight.0``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from ..core.annotations import explaining
from ..core.context import no_grad
from ..frontend.tensor import Tensor
from .looking import is_looking
from .modes import evaluating
from .module import Module
from .parameter import Parameter

if TYPE_CHECKING:
    from ..frontend.typing import TensorLike

M = TypeVar("M", bound=Module)


class ParametrizationList(Module):
    """What stands for one tensor of a module: the originals that are learned, and the functions that are applied.

    The first function takes all originals, each other one the result before it.
    """

    def __init__(self, function: Module, value: Tensor):
        super().__init__()
        originals: Any = value
        if hasattr(function, "right_inverse"):
            with suppress(NotImplementedError):  # it may have one with some settings, and none with others
                originals = function.right_inverse(value)
        self._several = isinstance(originals, (tuple, list))
        learned = isinstance(value, Parameter)
        for name, original in zip(self._names(originals), originals if self._several else [originals], strict=True):
            if learned:
                setattr(self, name, Parameter(original.detach(), value.requires_grad))
            else:
                self.register_buffer(name, original.detach())
        self.add_module("0", function)

    def _names(self, originals: Any) -> list[str]:
        return [f"original{i}" for i in range(len(originals))] if self._several else ["original"]

    def functions(self) -> list[Module]:
        """In the order in which they are applied."""
        return list(self.children())

    def originals(self) -> Iterator[tuple[str, Tensor]]:
        """What is learned, by name."""
        return ((name, value) for name, value in vars(self).items() if name.startswith("original"))

    def forward(self) -> Tensor:
        first, *others = self.functions()
        y: Tensor = first(*(value for _, value in self.originals()))
        for function in others:
            y = function(y)
        return y

    def right_inverse(self, value: Tensor) -> None:
        """Set the originals so that the functions make this value of them.

        Raises:
            NotImplementedError: one of the functions has no ``right_inverse``.
        """
        x: Any = value
        for function in reversed(self.functions()):
            if not hasattr(function, "right_inverse"):
                raise NotImplementedError(
                    f"{type(function).__name__} has no right_inverse, so the tensor that it makes cannot be set. "
                    "Define right_inverse(value), or set what it is made of."
                )
            x = function.right_inverse(x)
        with no_grad():
            for (_, original), new in zip(self.originals(), x if self._several else [x], strict=True):
                original.assign(new)


@explaining
def register_parametrization(module: M, tensor_name: str, parametrization: Module, *, unsafe: bool = False) -> M:
    """Let a parameter or buffer of a module be computed: ``module.weight`` becomes ``parametrization(original)``.

    The module gets a class of its own, derived from the one that it has. If ``parametrization.right_inverse`` exists,
    it makes the originals, one or several, of the value; otherwise the value is the original. Further functions of the
    same tensor take what the one before makes. The originals are among ``module.parameters()``, so an optimizer is made
    after this.

    Args:
        tensor_name: which parameter or buffer.
        parametrization: a module whose forward takes the originals and returns the tensor.
        unsafe: do not check that its shape and dtype stay.

    Raises:
        ValueError: there is no such tensor, or its shape or dtype would change.

    >>> import tinygrad_cv as tg
    >>> class Symmetric(tg.nn.Module):
    ...     def forward(self, x):
    ...         return (x + x.T) / 2
    >>> layer = tg.nn.parametrize.register_parametrization(tg.nn.Linear(3, 3), "weight", Symmetric())
    >>> (layer.weight == layer.weight.T).all().item(), list(layer.state_dict())
    (True, ['bias', 'parametrizations.weight.original'])
    """
    parametrization.train(module.training)
    value = _tensor(module, tensor_name)
    if is_parametrized(module, tensor_name):
        held: ParametrizationList = getattr(module.parametrizations, tensor_name)
        if not unsafe:
            with no_grad():
                _check(parametrization, tensor_name, value, parametrization(value))
        held.add_module(f"{len(held.functions())}", parametrization)
        return module
    made = ParametrizationList(parametrization, value)
    if not unsafe:
        with no_grad():
            _check(parametrization, tensor_name, value, made())
    if not is_parametrized(module):
        module.add_module("parametrizations", Module())
    delattr(module, tensor_name)
    module.parametrizations.add_module(tensor_name, made)
    return _of_class(module)


def _tensor(module: Module, name: str) -> Tensor:
    value = getattr(module, name, None)
    if not isinstance(value, Tensor):
        raise ValueError(
            f"register_parametrization: {type(module).__name__} has no parameter or buffer {name!r}; it has "
            f"{', '.join(key for key, x in vars(module).items() if isinstance(x, Tensor)) or 'none'}."
        )
    return value


def _check(function: Module, name: str, value: Tensor, found: Tensor) -> None:
    if found.shape != value.shape or found.dtype != value.dtype:
        raise ValueError(
            f"register_parametrization: {type(function).__name__} makes {name} of shape {found.shape}, {found.dtype}, "
            f"of one of shape {value.shape}, {value.dtype}; they must be the same, or unsafe=True."
        )


@explaining
def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether a tensor of the module, or any if none is named, is computed by parametrizations."""
    held = vars(module).get("parametrizations")
    if not isinstance(held, Module):
        return False
    return bool(list(held.children())) if tensor_name is None else tensor_name in vars(held)


@explaining
def remove_parametrizations(module: M, tensor_name: str, leave_parametrized: bool = True) -> M:
    """Make a tensor an ordinary parameter (or buffer) again.

    Args:
        leave_parametrized: keep the value that was computed; otherwise the original comes back, if there is one only.

    Raises:
        ValueError: it is not parametrized, or there are several originals to come back.

    >>> import tinygrad_cv as tg
    >>> layer = tg.nn.parametrizations.weight_norm(tg.nn.Linear(3, 2))
    >>> tg.nn.parametrize.remove_parametrizations(layer, "weight")
    Linear(in_features=3, out_features=2, bias=True)
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"remove_parametrizations: {type(module).__name__}.{tensor_name} is not parametrized.")
    held: ParametrizationList = getattr(module.parametrizations, tensor_name)
    originals = [value for _, value in held.originals()]
    if not leave_parametrized and len(originals) > 1:
        raise ValueError(
            f"remove_parametrizations: {tensor_name} is made of {len(originals)} originals, so none of them is what it "
            "was; leave_parametrized=True keeps the value that was computed."
        )
    with no_grad():
        value = held().detach() if leave_parametrized else originals[0].detach()
    delattr(module.parametrizations, tensor_name)
    if not is_parametrized(module):
        delattr(module, "parametrizations")
    _of_class(module)
    if isinstance(originals[0], Parameter):
        setattr(module, tensor_name, Parameter(value, any(x.requires_grad for x in originals)))
    else:
        module.register_buffer(tensor_name, value)
    return module


@explaining
def type_before_parametrizations(module: Module) -> type[Module]:
    """The class of a module without regard to parametrizations."""
    kind = type(module)
    return kind.__mro__[1] if issubclass(kind, _Parametrized) else kind


class _Parametrized:
    """A mark of classes that are made here."""


def _of_class(module: M) -> M:
    """The module, whose class has a property for each tensor that is parametrized."""
    base: Any = type_before_parametrizations(module)
    held = vars(module).get("parametrizations")
    names = tuple(name for name, value in vars(held).items() if isinstance(value, Module)) if held else ()
    object.__setattr__(module, "__class__", _class(base, names) if names else base)
    return module


@cache
def _class(base: Any, names: tuple[str, ...]) -> type[Module]:
    """A class derived from ``base`` in which the names are computed."""
    attributes: dict[str, Any] = {name: _computed(name) for name in names}
    attributes |= {"__reduce__": lambda self: (_restored, (base, names), vars(self)), "__module__": base.__module__}
    return type(f"Parametrized{base.__name__}", (base, _Parametrized), attributes)


def _computed(name: str) -> property:
    """The property of a tensor that is parametrized."""

    def read(module: Module) -> Tensor:
        held: ParametrizationList = vars(module.parametrizations)[name]
        if not is_looking():
            return held()
        with no_grad(), evaluating(held):
            return held()

    def write(module: Module, value: TensorLike) -> None:
        vars(module.parametrizations)[name].right_inverse(value)

    return property(read, write)


def _restored(base: Any, names: tuple[str, ...]) -> Module:
    """For pickle and deepcopy."""
    kind = _class(base, names)
    return kind.__new__(kind)
