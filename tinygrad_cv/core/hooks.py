"""Hooks: functions of the user's that are called at a certain moment, in order, until they are removed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

Hook = Callable[..., Any]


class Registered(NamedTuple):
    """A hook that is called; one function may be registered several times."""

    function: Hook
    with_kwargs: bool = False


Hooks = tuple[Registered, ...]


class RemovableHandle:
    """What a registration returns: ``remove()`` removes the hook, as does a call, or the end of a ``with`` block."""

    __slots__ = ("_remove",)

    def __init__(self, remove: Callable[[], object]):
        self._remove: Callable[[], object] | None = remove

    def remove(self) -> None:
        """Remove the hook; nothing happens if it is removed already."""
        remove, self._remove = self._remove, None
        if remove is not None:
            remove()

    __call__ = remove

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()


def checked(op: str, hook: Any, with_kwargs: bool = False) -> Registered:
    """A hook to be called.

    Raises:
        TypeError: it is no function.
    """
    if not callable(hook):
        raise TypeError(f"{op}: hook={hook!r}; it must be a function.")
    return Registered(hook, with_kwargs)


def with_hook(hooks: Hooks, new: Registered, prepend: bool) -> Hooks:
    """The hooks and another one, the last or the first."""
    return (new, *hooks) if prepend else (*hooks, new)


def without(hooks: Hooks, old: Registered) -> Hooks:
    """The hooks but one."""
    return tuple(hook for hook in hooks if hook is not old)


class SharedHook:
    """A hook of several leaves, called once: at the end of a backward pass, before the first ``.grad`` changes."""

    def deposit(self, gradients: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
        """Take the tensors that the pass has reached, and their gradients; return those that are to be added."""
        raise NotImplementedError
