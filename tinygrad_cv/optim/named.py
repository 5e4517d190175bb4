"""The forms in which parameters may be passed, and the name of each parameter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

from ..frontend.tensor import Tensor


@runtime_checkable
class HasParameters(Protocol):
    """Anything with named parameters, such as a module."""

    def named_parameters(self) -> Iterable[tuple[str, Tensor]]:
        """Pairs of path and parameter."""


Parameters = HasParameters | Tensor | Iterable[Tensor | tuple[str, Tensor]]
# or groups of them: dicts with "params" and the settings in which the group differs from the defaults
ParametersOrGroups = HasParameters | Tensor | Iterable[Tensor | tuple[str, Tensor] | Mapping[str, Any]]


def named(caller: str, params: Parameters, first: int = 0) -> Iterator[tuple[str, Tensor]]:
    """Each parameter with its name. Tensors given without names are numbered, from ``first`` on.

    Raises:
        TypeError: params is none of :data:`Parameters`.
    """
    if isinstance(params, HasParameters):
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
