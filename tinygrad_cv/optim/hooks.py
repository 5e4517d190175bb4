"""Hooks of optimizers: functions that are called before and after steps, saving and loading."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from ..core.hooks import Hook, Hooks, RemovableHandle, checked, with_hook, without

F = TypeVar("F", bound=Callable[..., Any])


class HookedOptimizer:
    """The registrations. A traced step calls its hooks while it is traced, and is traced anew when they change."""

    _hooks: dict[str, Hooks]  # by moment

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` before :meth:`step`, whose arguments they are, the optimizer first.

        It may return other ``(args, kwargs)``. The handle that is returned removes the hook.

        >>> import tinygrad_cv as tg
        >>> x = tg.tensor([1.0], requires_grad=True)
        >>> sgd = tg.optim.SGD([x], lr=1.0)
        >>> clip = lambda optimizer, args, kwargs: tg.optim.clip_grad_value_(x, 0.25) and None
        >>> with sgd.register_step_pre_hook(clip): (x * x).sum().backward(); sgd.step()
        >>> x.tolist()
        [0.75]
        """
        return self._register("step_pre_hook", hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` after :meth:`step`. The handle that is returned removes the hook."""
        return self._register("step_post_hook", hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer)`` before :meth:`state_dict`; before the hooks there are if ``prepend``."""
        return self._register("state_dict_pre_hook", hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer, state)`` after :meth:`state_dict`; what it returns, if anything, replaces it."""
        return self._register("state_dict_post_hook", hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer, state)`` before :meth:`load_state_dict`; what it returns, if anything, is loaded."""
        return self._register("load_state_dict_pre_hook", hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer)`` after :meth:`load_state_dict`."""
        return self._register("load_state_dict_post_hook", hook, prepend)

    def _register(self, moment: str, hook: Hook, prepend: bool = False) -> RemovableHandle:
        new = checked(f"{type(self).__name__}.register_{moment}", hook)

        def change(hooks: Hooks) -> None:
            self._hooks = {**self._hooks, moment: hooks}

        change(with_hook(self._hooks.get(moment, ()), new, prepend))
        return RemovableHandle(lambda: change(without(self._hooks[moment], new)))

    def _call_hooks(self, moment: str, *args: Any) -> None:
        for hook in self._hooks.get(moment, ()):
            hook.function(self, *args)

    def _changed_by_hooks(self, moment: str, state: Any) -> Any:
        for hook in self._hooks.get(moment, ()):
            changed = hook.function(self, state)
            state = state if changed is None else changed
        return state


def hooked(step: F) -> F:
    """The method ``step`` between its hooks."""

    @wraps(step)
    def call(*args: Any, **kwargs: Any) -> Any:
        optimizer: HookedOptimizer = args[0]
        for hook in optimizer._hooks.get("step_pre_hook", ()):
            changed = hook.function(optimizer, args, kwargs)
            if changed is not None:
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    raise TypeError(
                        f"{type(optimizer).__name__}.step: a hook returned {changed!r}; it must be (args, kwargs), the "
                        "optimizer first in args, or None."
                    )
                args, kwargs = changed
        result = step(*args, **kwargs)
        optimizer._call_hooks("step_post_hook", args, kwargs)
        return result

    return cast(F, call)
