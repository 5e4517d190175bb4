"""Parameters and their names, however they were given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol, runtime_checkable

from ..frontend.tensor import Tensor


@runtime_checkable
class Named(Protocol):
    """What has parameters with names: a module."""

    def named_parameters(self) -> Iterable[tuple[str, Tensor]]:
        """Paths and parameters."""


def named(caller: str, params: Any, first: int = 0) -> Iterator[tuple[str, Tensor]]:
    """Names and tensors of a module, of its ``named_parameters()``, or of tensors, which are named by their numbers.

    Raises:
        TypeError: something else.
    """
    if isinstance(params, Named):
        params = params.named_parameters()
    elif isinstance(params, Tensor):
        params = [params]
    elif isinstance(params, (str, dict)) or not isinstance(params, Iterable):
        raise TypeError(
            f"{caller}: parameters given as {type(params).__name__}; pass a module, its named_parameters(), or a "
            "list of tensors."
        )
    for i, item in enumerate(params, first):
        name, tensor = item if isinstance(item, tuple) and len(item) == 2 else (str(i), item)
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{caller}: parameter {name!r} is a {type(tensor).__name__}; it must be a tensor.")
        yield name, tensor
