"""Module: parameters, buffers and submodules under names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, NamedTuple, TypeVar

import numpy as np

from ..core.context import no_grad, scope
from ..core.errors import CheckpointError, check_state_dict
from ..frontend.creation import asarray
from ..frontend.promotion import check_dtype
from ..frontend.tensor import Tensor
from .parameter import Parameter

M = TypeVar("M", bound="Module")
Hook = Callable[..., Any]

STATE = ("training", "_buffers", "_hooks", "_name", "_path")  # attributes of the module's own

_calling: ContextVar[Module | None] = ContextVar("tinygrad_cv.nn.calling", default=None)


class LoadResult(NamedTuple):
    """What :meth:`Module.load_state_dict` passed over with ``strict=False``."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class Module:
    """The base of all layers and models: a function with parameters.

    A subclass calls ``super().__init__()``, sets attributes, and defines ``forward``. Attributes are what their type
    says: a :class:`Parameter` is learned, a :class:`Module` is a submodule, a tensor given to :meth:`register_buffer`
    is saved but not learned. Names are the attributes' names, joined by dots.

    Attributes:
        training: whether the module trains (batch statistics, dropout) or is used; see :meth:`train` and :meth:`eval`.

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

    volatile = ("_name", "_path")  # what changes without changing what a call computes
    training: bool
    _not_negative: tuple[str, ...] = ()  # buffers of a subclass that never are
    _buffers: dict[str, bool]  # the names of the buffers, and whether each is saved
    _hooks: tuple[tuple[Hook, ...], tuple[Hook, ...]]  # before and after forward
    _name: str  # under which a parent took it; empty for a root
    _path: tuple[str, ...]  # where the last caller found it, if not among its own attributes

    def __init__(self) -> None:
        vars(self).update(training=True, _buffers={}, _hooks=((), ()), _name="", _path=())

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output. Defined by each module."""
        raise NotImplementedError(
            f"{type(self).__name__} has no forward(): define `def forward(self, x)`"
            + (", or call its submodules one by one." if any(self.children()) else ".")
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run :meth:`forward` between the hooks, with this module's name in error messages and drawings."""
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

    def _name_in(self, caller: Module | None) -> str:
        """The path of attributes by which the calling module holds this one; the class's name for a root."""
        if caller is not None and vars(caller).get(self._name) is not self:
            found: Any = caller
            for name in self._path:
                found = vars(found).get(name) if isinstance(found, Module) else None
            if found is not self or caller is self:  # not where it was: look for it, once
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

    def __getattr__(self, name: str) -> Any:  # only for names that are not there
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

    def register_buffer(self, name: str, tensor: Any, persistent: bool = True) -> None:
        """Keep a tensor (or None) that is not learned; it is saved in the state dict unless ``persistent`` is false."""
        if "training" not in vars(self):
            raise AttributeError(f"{type(self).__name__}: call super().__init__() before register_buffer({name!r}).")
        _check_name(self, name)
        if isinstance(vars(self).get(name), (Parameter, Module)):
            raise ValueError(f"{type(self).__name__}: {name!r} is a parameter or a submodule already; rename one.")
        vars(self)[name] = None if tensor is None else asarray(tensor)
        self._buffers[name] = persistent

    def add_module(self, name: str, module: Module) -> None:
        """Set a submodule under a name that need not be a Python identifier."""
        if not isinstance(module, Module):
            remedy = f"call it: {module.__name__}(...)" if isinstance(module, type) else "subclass nn.Module"
            raise TypeError(f"{type(self).__name__}: {name!r} is {module!r}, which is not a Module; {remedy}.")
        _check_name(self, name)
        setattr(self, name, module)

    def register_forward_pre_hook(self, hook: Hook) -> Callable[[], None]:
        """Call ``hook(module, args)`` before forward; what it returns, if anything, replaces the arguments.

        Returns a function that removes the hook.
        """
        return self._add_hook(0, hook)

    def register_forward_hook(self, hook: Hook) -> Callable[[], None]:
        """Call ``hook(module, args, output)`` after forward; what it returns, if anything, replaces the output.

        Returns a function that removes the hook.
        """
        return self._add_hook(1, hook)

    def _add_hook(self, place: int, hook: Hook) -> Callable[[], None]:
        def change(hooks: tuple[Hook, ...]) -> None:
            self._hooks = (hooks, self._hooks[1]) if place == 0 else (self._hooks[0], hooks)

        change((*self._hooks[place], hook))
        return lambda: change(tuple(kept for kept in self._hooks[place] if kept is not hook))

    # --- what is inside ---

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
        """This module and all below it with their paths, each once; this one's path is the prefix."""
        seen = set()
        for path, module in _walk(self, prefix):
            if id(module) not in seen:
                seen.add(id(module))
                yield path, module

    def modules(self) -> Iterator[Module]:
        """This module and all below it, each once."""
        return (module for _, module in self.named_modules())

    def named_parameters(self, prefix: str = "") -> Iterator[tuple[str, Parameter]]:
        """The parameters and their paths; a shared one appears once, under its first name."""
        seen = set()
        for path, module in self.named_modules(prefix):
            for name, value in vars(module).items():
                if isinstance(value, Parameter) and id(value) not in seen:
                    seen.add(id(value))
                    yield _join(path, name), value

    def own_parameters(self) -> Iterator[Parameter]:
        """The parameters that are attributes of this module itself."""
        return (value for value in vars(self).values() if isinstance(value, Parameter))

    def parameters(self) -> Iterator[Parameter]:
        """The parameters, each once."""
        return (parameter for _, parameter in self.named_parameters())

    def named_buffers(self, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
        """The buffers and their paths, each once."""
        seen = set()
        for path, module in self.named_modules(prefix):
            for name in module._buffers:
                value = vars(module)[name]
                if value is not None and id(value) not in seen:
                    seen.add(id(value))
                    yield _join(path, name), value

    def buffers(self) -> Iterator[Tensor]:
        """The buffers, each once."""
        return (buffer for _, buffer in self.named_buffers())

    # --- changing all of it ---

    def train(self: M, mode: bool = True) -> M:
        """Switch this module and all below it to training, or to use."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self: M) -> M:
        """Switch to use: running averages instead of the batch's, no dropout."""
        return self.train(False)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the parameters' gradients; or make them zeros."""
        for parameter in self.parameters():
            if set_to_none or parameter.grad is None:
                parameter.grad = None
            else:
                parameter.grad = parameter.grad.detach() * 0

    def requires_grad_(self: M, flag: bool = True) -> M:
        """Learn all parameters, or hold them fixed."""
        for parameter in self.parameters():
            parameter.requires_grad_(flag)
        return self

    def apply(self: M, function: Callable[[Module], Any]) -> M:
        """Call a function on every module, submodules first."""
        for child in self.children():
            child.apply(function)
        function(self)
        return self

    def to(self: M, dtype: Any) -> M:
        """Convert the parameters and the float buffers to another float dtype, in place. Gradients are dropped.

        >>> import tinygrad_cv as tg
        >>> tg.nn.Linear(2, 3).to("float64").weight.dtype
        dtype('float64')
        """
        dtype = check_dtype(dtype)
        if dtype.kind != "f":
            raise TypeError(f"{type(self).__name__}.to({str(dtype)!r}): parameters are floats; use float16, 32 or 64.")
        for tensor in (*self.parameters(), *self.buffers()):
            if tensor.dtype.kind == "f" and tensor.dtype != dtype:
                learned = tensor.requires_grad
                tensor.requires_grad_(False)
                tensor.value, tensor.grad = tensor.astype(dtype)._concrete("Module.to()"), None
                tensor.requires_grad_(learned)
        return self

    # --- saving ---

    def state_dict(self, prefix: str = "") -> dict[str, np.ndarray]:
        """All parameters and saved buffers: path to a NumPy array, a copy of its own.

        Names and order are PyTorch's, so ``np.savez(path, **model.state_dict())`` and
        ``safetensors.numpy.save_file(model.state_dict(), path)`` write files that fit both libraries.

        >>> import tinygrad_cv as tg
        >>> {name: array.shape for name, array in tg.nn.Linear(2, 3).state_dict().items()}
        {'weight': (3, 2), 'bias': (3,)}
        """
        return {name: np.array(tensor.numpy(), order="C") for name, tensor in self._saved(prefix)}

    def _saved(self, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
        """Everything that is saved, shared tensors under each of their names."""
        for path, module in _walk(self, prefix):
            for name, value in vars(module).items():
                if isinstance(value, Parameter):
                    yield _join(path, name), value
            for name, persistent in module._buffers.items():
                if persistent and vars(module)[name] is not None:
                    yield _join(path, name), vars(module)[name]

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> LoadResult:
        """Take values saved by :meth:`state_dict`, or by PyTorch for the same architecture.

        Args:
            state: path to NumPy array, Tensor or PyTorch tensor. Floats are converted to the dtype of the tensor they
                go to, and integers to other integers; floats and integers do not mix.
            strict: also raise for missing and unexpected names; otherwise they are returned.

        Raises:
            CheckpointError: names are missing or unexpected, shapes, dtypes or ranges do not fit, or a variance or a
                count is negative. The message lists all of
                them, and nothing has changed.
        """
        check_state_dict(type(self).__name__, state)
        own = dict(self._saved())
        missing = [name for name in own if name not in state]
        unexpected = [name for name in state if name not in own]
        positive = {_join(path, name) for path, module in _walk(self, "") for name in module._not_negative}
        arrays: dict[str, np.ndarray] = {}
        problems = []
        for name, tensor in own.items():
            problem = _fit(tensor, state[name], name, arrays, name in positive) if name in state else None
            if problem:
                problems.append(problem)
        if strict:
            problems = [
                *(f"missing {name} of shape {own[name].shape}" for name in missing),
                *(f"unexpected {name} of shape {tuple(np.shape(state[name]))}" for name in unexpected),
                *problems,
            ]
        if problems:
            lines = "".join(f"\n  {problem}" for problem in problems)
            raise CheckpointError(
                f"load_state_dict into {type(self).__name__}: {len(problems)} problem(s):{lines}\nNothing was loaded. "
                "Build the model with the sizes and names of the saved one"
                + ("; strict=False passes over missing and unexpected names." if missing or unexpected else ".")
            )
        with no_grad():
            for name, array in arrays.items():
                own[name].assign(array)
        return LoadResult(missing, unexpected)

    # --- printing ---

    def extra_repr(self) -> str:
        """What stands in the parentheses behind the class's name."""
        return ""

    def __repr__(self) -> str:
        children = [f"({name}): {module!r}" for name, module in self.named_children()]
        inside = self.extra_repr()
        if children:
            lines = "\n".join(filter(None, [inside, *children])).replace("\n", "\n  ")
            inside = f"\n  {lines}\n"
        return f"{type(self).__name__}({inside})"


def _walk(module: Module, path: str) -> Iterator[tuple[str, Module]]:
    """A module and all below it, depth first; shared ones as often as they are held."""
    yield path, module
    for name, value in vars(module).items():
        if isinstance(value, Module):
            yield from _walk(value, _join(path, name))


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _check_name(module: Module, name: str) -> None:
    if not isinstance(name, str) or not name or "." in name:
        raise ValueError(f"{type(module).__name__}: the name {name!r} must be a string without dots, and not empty.")
    if hasattr(type(module), name) or name in STATE:
        raise ValueError(f"{type(module).__name__}: the name {name!r} is taken by the class; choose another.")


def _fit(tensor: Tensor, value: Any, name: str, arrays: dict[str, np.ndarray], positive: bool) -> str | None:
    """Put the value, ready for the tensor, among the arrays; or say why it does not fit."""
    try:
        array = np.asarray(value.detach() if hasattr(value, "detach") else value)
    except (TypeError, ValueError) as error:
        return f"{name}: {error}"
    if array.shape != tensor.shape:
        return f"{name} has shape {array.shape}, the model needs {tensor.shape}"
    kinds = "f" if tensor.dtype.kind == "f" else "iu"
    if array.dtype.kind not in kinds:
        return f"{name} has dtype {array.dtype}, the model needs {tensor.dtype}"
    with np.errstate(all="ignore"):
        arrays[name] = fitted = array.astype(tensor.dtype)
    if not np.array_equal(np.isfinite(fitted), np.isfinite(array)) or (kinds == "iu" and (fitted != array).any()):
        return f"{name} has values up to {abs(array).max()}, too large for {tensor.dtype}"
    if positive and (fitted < 0).any():
        return f"{name} has the value {fitted.min()}; it must not be negative"
    return None
