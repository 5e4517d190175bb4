"""What a user's function calls its arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class HasForward(Protocol):
    """A callable that passes its arguments on to ``forward``, as modules do."""

    def forward(self, *args: Any, **kwargs: Any) -> Any: ...


def signature(function: Callable[..., Any]) -> inspect.Signature:
    """The parameters of a function; of a module, those of its ``forward``.

    Raises:
        TypeError, ValueError: it is not known, as for some functions written in C.
    """
    return inspect.signature(function.forward if isinstance(function, HasForward) else function)
