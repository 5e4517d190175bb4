"""Module: named parameters, buffers and submodules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar

import numpy as np

from ..core.annotations import explaining
from ..core.context import scope
from ..frontend.creation import converted
from ..frontend.promotion import check_dtype
from ..frontend.tensor import Tensor
from .arguments import constructing
from .parameter import Parameter, UninitializedParameter, existing
from .state_dict import LoadResult, dotted, load, saved

if TYPE_CHECKING:
    from ..frontend.typing import DTypeLike, TensorLike

P = ParamSpec("P")
R = TypeVar("R", covariant=True)
M = TypeVar("M", bound="Module")
Hook = Callable[..., Any]

PACKAGE = __name__.partition(".")[0] + "."
STATE = ("training", "_buffers", "_hooks", "_name", "_path")  # the attributes that Module itself sets

_calling: ContextVar[Module | None] = ContextVar("tinygrad_cv.nn.calling", default=None)


class Callee(Protocol[P, R]):
    """A module by its forward: calling it takes the same arguments and returns the same."""

    def forward(self, *args: P.args, **kwargs: P.kwargs) -> R: ...


class Module:
    """The base of all layers and models: a function with parameters.

    A subclass calls ``super().__init__()``, sets attributes, and defines ``forward``. The type of an attribute decides
    its role: a :class:`Parameter` is learned, a :class:`Module` is a submodule; a tensor passed to
    :meth:`register_buffer` is saved but not learned. A path is the names of attributes, joined by dots.

    Attributes:
        training: training mode (batch statistics, dropout) or evaluation mode; see :meth:`train` and :meth:`eval`.

    >>> import tinygrad_cv as tg
    >>> class Scale(tg.nn.Module):
    ...     def __init__(self, features):
    ...         super().__init__()
    ...         self.weight = tg.nn.Parameter(tg.ones(features))
    ...     def forward(self, x):
    ...         return x * self.weight
    >>> model = tg.nn.Sequential(tg.nn.Flatten(), Scale(4))
    >>> [(name, p.shape) for name, p in model.named_parameters()]
    [('1.weight', (4,))]
    >>> model(tg.ones(2, 2, 2)).shape
    (2, 4)
    """

    volatile = ("_name", "_path")  # may change without changing what a call computes
    training: bool
    _not_negative: tuple[str, ...] = ()  # buffers of a subclass whose values are never negative
    _buffers: dict[str, bool]  # name -> whether it is saved in the state dict
    _hooks: tuple[tuple[Hook, ...], tuple[Hook, ...]]  # before and after forward
    _name: str  # the attribute of the parent that holds it; empty for a root
    _path: tuple[str, ...]  # its path in the module that last called it, if it is not a direct attribute there

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.__module__.startswith(PACKAGE) and "__init__" in vars(cls):
            cls.__init__ = constructing(cls.__init__)  # type: ignore[method-assign]

    def __init__(self) -> None:
        vars(self).update(training=True, _buffers={}, _hooks=((), ()), _name="", _path=())

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output. Defined by each module."""
        raise NotImplementedError(
            f"{type(self).__name__} has no forward(): define `def forward(self, x)`"
            + (", or call its submodules one by one." if any(self.children()) else ".")
        )

    def _call(self, *args: Any, **kwargs: Any) -> Any:
        """Run :meth:`forward` and the hooks. Error messages and drawings name this module."""
        caller = _calling.get()
        try:
            _calling.set(self)
            with scope(self._name_in(caller), "module"):
                before, after = self._hooks
                for hook in before:
                    changed = hook(self, args)
                    if changed is not None:
                        args = changed if isinstance(changed, tuple) else (changed,)
                output = self.forward(*args, **kwargs)
                for hook in after:
                    changed = hook(self, args, output)
                    output = output if changed is None else changed
                return output
        finally:
            _calling.set(caller)

    if TYPE_CHECKING:  # the same method with the types of the subclass's forward

        def __call__(self: Callee[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
            """Run :meth:`forward` and the hooks. Error messages and drawings name this module."""

    else:
        __call__ = _call

    def _name_in(self, caller: Module | None) -> str:
        """The path of this module in the calling module; the name of its class if it is a root."""
        if caller is not None and vars(caller).get(self._name) is not self:
            found: Any = caller
            for name in self._path:
                found = vars(found).get(name) if isinstance(found, Module) else None
            if found is not self or caller is self:  # not at the remembered path: search once
                path = next((path for path, module in caller.named_modules() if module is self), "")
                self._path = tuple(path.split(".")) if path else ()
            if self._path:
                return ".".join(self._path)
        return self._name or type(self).__name__

    def __setattr__(self, name: str, value: Any) -> None:
        own = vars(self)
        if isinstance(value, (Parameter, Module)) and "training" not in own:
            raise AttributeError(
                f"{type(self).__name__}.{name} is set before the module is ready: "
                "call super().__init__() first in its __init__."
            )
        if isinstance(own.get(name), Parameter) and not (value is None or isinstance(value, Parameter)):
            raise TypeError(
                f"{type(self).__name__}.{name} is a Parameter, but was set to a value of type {type(value).__name__}: "
                "wrap it as nn.Parameter(...), change its values by .assign() within no_grad(), or set it to None."
            )
        if name in own.get("_buffers", ()) and not (value is None or isinstance(value, Tensor)):
            raise TypeError(
                f"{type(self).__name__}.{name} is a buffer, but was set to a value of type {type(value).__name__}: "
                "it takes a tensor or None."
            )
        if isinstance(value, Module):
            vars(value)["_name"] = name
        object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:  # only names that are not found; Any: submodules have the names given them
        if name in STATE:
            raise AttributeError(
                f"{type(self).__name__} is not ready: call super().__init__() first in its __init__.",
                name=name,
                obj=self,
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        self._buffers.pop(name, None)

    def register_buffer(self, name: str, tensor: TensorLike | None, persistent: bool = True) -> None:
        """Add a tensor that is not learned (or None). The state dict holds it unless ``persistent`` is false."""
        if "training" not in vars(self):
            raise AttributeError(f"{type(self).__name__}: call super().__init__() before register_buffer({name!r}).")
        check_name(self, name)
        if isinstance(vars(self).get(name), (Parameter, Module)):
            raise ValueError(f"{type(self).__name__}: {name!r} is a parameter or a submodule already; rename one.")
        vars(self)[name] = None if tensor is None else converted(type(self).__name__, name, tensor)
        self._buffers[name] = persistent

    def add_module(self, name: str, module: Module) -> None:
        """Add a submodule. Its name need not be a Python identifier."""
        if not isinstance(module, Module):
            remedy = f"call it: {module.__name__}(...)" if isinstance(module, type) else "subclass nn.Module"
            raise TypeError(f"{type(self).__name__}: {name!r} is {module!r}, which is not a Module; {remedy}.")
        check_name(self, name)
        setattr(self, name, module)

    @explaining
    def register_forward_pre_hook(self: M, hook: Callable[[M, Any], Any]) -> Callable[[], None]:
        """Call ``hook(module, args)`` before forward; what it returns, if anything, replaces the arguments.

        Returns a function that removes the hook.
        """
        return self._add_hook(0, hook)

    @explaining
    def register_forward_hook(self: M, hook: Callable[[M, Any, Any], Any]) -> Callable[[], None]:
        """Call ``hook(module, args, output)`` after forward; what it returns, if anything, replaces the output.

        Returns a function that removes the hook.
        """
        return self._add_hook(1, hook)

    def _add_hook(self, place: int, hook: Hook) -> Callable[[], None]:
        def change(hooks: tuple[Hook, ...]) -> None:
            self._hooks = (hooks, self._hooks[1]) if place == 0 else (self._hooks[0], hooks)

        change((*self._hooks[place], hook))
        return lambda: change(tuple(kept for kept in self._hooks[place] if kept is not hook))

    # --- traversal ---

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The direct submodules and their names, each once."""
        seen = set()
        for name, value in vars(self).items():
            if isinstance(value, Module) and id(value) not in seen:
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
        yield path, self
        for name, value in vars(self).items():
            if isinstance(value, Module):
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

    # --- modes and conversions ---

    def train(self: M, mode: bool = True) -> M:
        """Set training mode (or evaluation mode) for this module and all its descendants."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self: M) -> M:
        """Set evaluation mode: running averages instead of batch statistics, no dropout."""
        return self.train(False)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Reset the gradients of all parameters: to None, or to zeros if ``set_to_none`` is false."""
        for parameter in self.parameters():
            if set_to_none or parameter.grad is None:
                parameter.grad = None
            else:
                parameter.grad = parameter.grad.detach() * 0

    def requires_grad_(self: M, flag: bool = True) -> M:
        """Let gradients be computed for all parameters, or freeze them."""
        for parameter in self.parameters():
            parameter.requires_grad_(flag)
        return self

    @explaining
    def apply(self: M, function: Callable[[Module], object]) -> M:
        """Call a function on this module and all its descendants, submodules first."""
        for child in self.children():
            child.apply(function)
        function(self)
        return self

    @explaining
    def to(self: M, dtype: DTypeLike) -> M:
        """Convert the parameters and the float buffers to another float dtype, in place. Gradients are dropped.

        >>> import tinygrad_cv as tg
        >>> tg.nn.Linear(2, 3).to("float64").weight.dtype
        dtype('float64')
        """
        dtype = check_dtype(dtype)
        if dtype.kind != "f":
            raise TypeError(f"{type(self).__name__}.to({str(dtype)!r}): parameters are floats; use float16, 32 or 64.")
        for module in self.modules():
            for name, value in vars(module).items():
                if isinstance(value, UninitializedParameter):
                    value.dtype = dtype
                elif isinstance(value, Parameter) or (name in module._buffers and value is not None):
                    _convert(value, dtype)
        return self

    # --- saving ---

    def make_parameters(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Of a lazily sized layer: make its parameters to fit the shapes of a state dict. Others have theirs."""

    def state_dict(self, prefix: str = "") -> dict[str, np.ndarray]:
        """Copies of all parameters and persistent buffers, as a dict from path to NumPy array.

        Names and order are PyTorch's, so ``tg.save(model.state_dict(), "model.safetensors")`` writes a file that both
        libraries load.

        >>> import tinygrad_cv as tg
        >>> {name: array.shape for name, array in tg.nn.Linear(2, 3).state_dict().items()}
        {'weight': (3, 2), 'bias': (3,)}
        """
        return {name: np.array(tensor.numpy(), order="C") for name, tensor in saved(self, prefix)}

    @explaining
    def load_state_dict(self, state: Mapping[str, TensorLike], strict: bool = True) -> LoadResult:
        """Load values saved by :meth:`state_dict`, or by PyTorch for the same architecture.

        Args:
            state: a dict from path to NumPy array, Tensor or PyTorch tensor. Floats are converted to the dtype of the
                target, as are integers; floats are not converted to integers, nor integers to floats.
            strict: raise for missing and unexpected names instead of returning them.

        Raises:
            CheckpointError: names are missing or unexpected, shapes, dtypes or ranges do not match, or a variance or a
                count is negative. The message lists every problem; nothing is loaded.
        """
        return load(self, state, strict)

    # --- printing ---

    def extra_repr(self) -> str:
        """The settings that ``repr`` shows in parentheses after the class name."""
        return ""

    def __repr__(self) -> str:
        children = [f"({name}): {module!r}" for name, module in self.named_children()]
        inside = self.extra_repr()
        if children:
            lines = "\n".join(filter(None, [inside, *children])).replace("\n", "\n  ")
            inside = f"\n  {lines}\n"
        return f"{type(self).__name__}({inside})"


def _convert(tensor: Tensor, dtype: np.dtype) -> None:
    """Floats to another dtype, in place, without the gradient."""
    if tensor.dtype.kind == "f" and tensor.dtype != dtype:
        requires_grad = tensor.requires_grad
        tensor.requires_grad_(False)
        tensor.value, tensor.grad = tensor.astype(dtype)._concrete("Module.to()"), None
        tensor.requires_grad_(requires_grad)


def check_name(module: Module, name: str) -> None:
    """Raise an error unless a module may have an attribute of that name."""
    if not isinstance(name, str) or not name or "." in name:
        raise ValueError(f"{type(module).__name__}: the name {name!r} must be a string without dots, and not empty.")
    if hasattr(type(module), name) or name in STATE:
        raise ValueError(f"{type(module).__name__}: the name {name!r} is taken by the class; choose another.")
