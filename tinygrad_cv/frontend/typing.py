"""Types of arguments, for annotations only: nothing imports this module when the library runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, SupportsIndex, TypeAlias

if TYPE_CHECKING:
    from types import EllipsisType

    import numpy as np
    from numpy.typing import DTypeLike

    from .tensor import Tensor

__all__ = ["Accepted", "Axis", "DTypeLike", "Index", "Inputs", "Number", "Shape", "TensorLike"]


class SupportsDLPack(Protocol):
    """An array of any library that shares memory through DLPack."""

    def __dlpack__(self) -> Any: ...


class SupportsArray(Protocol):
    """What NumPy can make an array of: a series of pandas, an image of Pillow."""

    def __array__(self) -> np.ndarray: ...


class Nested(Protocol):
    """A list or tuple of what a tensor can be made of. Not a str, whose ``in`` does not take every object."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> TensorLike: ...
    def __contains__(self, item: object, /) -> bool: ...


Number: TypeAlias = "float | np.generic"  # float includes int and bool
TensorLike: TypeAlias = "Tensor | np.ndarray | Number | Nested | SupportsArray | SupportsDLPack"  # what asarray takes
Inputs: TypeAlias = "Tensor | Sequence[Tensor]"  # one tensor, or several
Axis: TypeAlias = "SupportsIndex | Sequence[SupportsIndex] | None"  # one axis, several, or all
Shape: TypeAlias = "SupportsIndex | Sequence[SupportsIndex]"  # of *shape: sizes one by one, or all at once
Index: TypeAlias = "SupportsIndex | slice | EllipsisType | Tensor | np.ndarray | Nested | None"  # of x[index]

# A parameter that the decorators of frontend/functions.py make a tensor of: TensorLike to a caller, Tensor in the body.
# No annotation says both, so Any is what a caller may pass.
Accepted: TypeAlias = "Tensor | Any"
