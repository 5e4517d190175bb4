"""Module: named parameters, buffers and submodules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar

import numpy as np

from ..core.annotations import explaining
from ..core.context import scope
from ..core.hooks import Hooks, Registered, RemovableHandle, checked, with_hook, without
from ..frontend.creation import converted
from ..frontend.tensor import Tensor
from ..frontend.vocabulary import MODULE_REMEDIES
from .arguments import constructing
from .looking import looking
from .parameter import Parameter
from .settable import Settable
from .state_dict import LoadResult, load, saved

if TYPE_CHECKING:
    from ..frontend.typing import TensorLike

P = ParamSpec("P")
R = TypeVar("R", covariant=True)
M = TypeVar("M", bound="Module")

PACKAGE = __name__.partition(".")[0] + "."
STATE = ("training", "_buffers", "_hooks", "_name", "_path")  # the attributes that Module itself sets

_calling: ContextVar[Module | None] = ContextVar("tinygrad_cv.nn.calling", default=None)


class Callee(Protocol[P, R]):
    """A module by its forward: calling it takes the same arguments and returns the same."""

    def forward(self, *args: P.args, **kwargs: P.kwargs) -> R: ...


class Module(Settable):
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
    _hooks: tuple[Hooks, Hooks]  # before and after forward
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
                    args, kwargs = self._changed_by(hook, args, kwargs)
                output = self.forward(*args, **kwargs)
                for hook in after:
                    given = (args, kwargs) if hook.with_kwargs else (args,)
                    changed = hook.function(self, *given, output)
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
        remedy = MODULE_REMEDIES.get(name)
        message = f"{type(self).__name__!r} object has no attribute {name!r}" + (f": {remedy}." if remedy else "")
        raise AttributeError(message, name=name, obj=self)

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

    def register_module(self, name: str, module: Module) -> None:
        """The same as :meth:`add_module`."""
        self.add_module(name, module)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter, or None for one that is not used."""
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"{type(self).__name__}.register_parameter: param of {name!r} is of type {type(param).__name__}; "
                "wrap it as nn.Parameter(...)."
            )
        check_name(self, name)
        setattr(self, name, param)

    @explaining
    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put a module at a path, in place of the one there.

        Args:
            strict: there must be one; otherwise it may also be a new one of a module that is there.

        Raises:
            AttributeError: the path leads to no module.
            ValueError: the path is empty, or names what a class defines.

        >>> import tinygrad_cv as tg
        >>> model = tg.nn.Sequential(tg.nn.Linear(3, 2), tg.nn.ReLU())
        >>> model.set_submodule("1", tg.nn.GELU())
        >>> model(tg.zeros(1, 3)).shape, type(model[1]).__name__
        ((1, 2), 'GELU')
        """
        if not isinstance(module, Module):
            raise TypeError(
                f"{type(self).__name__}.set_submodule: module={module!r} at target={target!r}; it must be a module."
            )
        path, _, name = target.rpartition(".")
        owner = self.get_submodule(path)
        if strict:
            owner.get_submodule(name)
        if not isinstance(vars(owner).get(name), Module):
            check_name(owner, name)
        setattr(owner, name, module)

    @explaining
    def register_forward_pre_hook(
        self: M,
        hook: Callable[[M, Any], Any] | Callable[[M, Any, Any], Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
    ) -> RemovableHandle:
        """Call ``hook(module, args)`` before forward; what it returns, if anything, replaces the arguments.

        Args:
            prepend: call it before the hooks there are, instead of after them.
            with_kwargs: call ``hook(module, args, kwargs)``, which may return other ``(args, kwargs)``.

        The handle that is returned removes the hook: ``handle.remove()``.
        """
        return self._add_hook("register_forward_pre_hook", 0, hook, prepend, with_kwargs)

    @explaining
    def register_forward_hook(
        self: M,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Call ``hook(module, args, output)`` after forward; what it returns, if anything, replaces the output.

        Args:
            prepend: call it before the hooks there are, instead of after them.
            with_kwargs: call ``hook(module, args, kwargs, output)``.
            always_call: PyTorch's; False: where forward raises, there is no output to call it with.

        The handle that is returned removes the hook: ``handle.remove()``.
        """
        op = "register_forward_hook"
        if always_call is not False:
            raise ValueError(
                f"{type(self).__name__}.{op}: always_call={always_call!r}; where forward raises there is no output to "
                "call the hook with. Leave it out."
            )
        return self._add_hook(op, 1, hook, prepend, with_kwargs)

    def _add_hook(self, op: str, place: int, hook: Any, prepend: bool, with_kwargs: bool) -> RemovableHandle:
        new = checked(f"{type(self).__name__}.{op}", hook, with_kwargs)

        def change(hooks: Hooks) -> None:
            self._hooks = (hooks, self._hooks[1]) if place == 0 else (self._hooks[0], hooks)

        change(with_hook(self._hooks[place], new, prepend))
        return RemovableHandle(lambda: change(without(self._hooks[place], new)))

    def _changed_by(self, hook: Registered, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The arguments of forward after a hook before it."""
        if not hook.with_kwargs:
            changed = hook.function(self, args)
            return (args if changed is None else changed if isinstance(changed, tuple) else (changed,)), kwargs
        changed = hook.function(self, args, kwargs)
        if changed is not None and not (isinstance(changed, tuple) and len(changed) == 2):
            raise TypeError(
                f"{type(self).__name__}: a hook before forward returned {changed!r}; with_kwargs=True, it must be "
                "(args, kwargs), or None."
            )
        return (args, kwargs) if changed is None else changed

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
    def load_state_dict(
        self, state_dict: Mapping[str, TensorLike], strict: bool = True, assign: bool = False
    ) -> LoadResult:
        """Load values saved by :meth:`state_dict`, or by PyTorch for the same architecture.

        Args:
            state_dict: a dict from path to NumPy array, Tensor or PyTorch tensor. Floats are converted to the dtype of
                the target, as are integers; floats are not converted to integers, nor integers to floats.
            strict: raise for missing and unexpected names instead of returning them.
            assign: PyTorch's; False: values are copied into the tensors of the module.

        Raises:
            ValueError: ``assign``.
            CheckpointError: names are missing or unexpected, shapes, dtypes or ranges do not match, or a variance or a
                count is negative. The message lists every problem; nothing is loaded.
        """
        if assign is not False:
            raise ValueError(
                f"{type(self).__name__}.load_state_dict: assign={assign!r}; values are copied into the tensors "
                "that the module has, which optimizers and compiled functions know. Leave it out."
            )
        return load(self, state_dict, strict)

    # --- printing ---

    def extra_repr(self) -> str:
        """The settings that ``repr`` shows in parentheses after the class name."""
        return ""

    def __repr__(self) -> str:
        children = [f"({name}): {module!r}" for name, module in self.named_children()]
        with looking():
            inside = self.extra_repr()
        if children:
            lines = "\n".join(filter(None, [inside, *children])).replace("\n", "\n  ")
            inside = f"\n  {lines}\n"
        return f"{type(self).__name__}({inside})"


def check_name(module: Module, name: str) -> None:
    """Raise an error unless a module may have an attribute of that name."""
    if not isinstance(name, str) or not name or "." in name:
        raise ValueError(f"{type(module).__name__}: the name {name!r} must be a string without dots, and not empty.")
    if hasattr(type(module), name) or name in STATE:
        raise ValueError(f"{type(module).__name__}: the name {name!r} is taken by the class; choose another.")
