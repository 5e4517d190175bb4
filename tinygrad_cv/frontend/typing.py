"""Types of arguments, for annotations only: nothing imports this module when the library runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import DTypeLike

    from .tensor import Tensor

__all__ = ["Array", "Axis", "DTypeLike", "Inputs", "Number", "Shape", "TensorLike"]


class SupportsDLPack(Protocol):
    """An array of any library that shares memory through DLPack."""

    def __dlpack__(self) -> Any: ...


class SupportsArray(Protocol):
    """What NumPy can make an array of: a series of pandas, an image of Pillow."""

    def __array__(self) -> Array: ...


class Nested(Protocol):
    """A list or tuple of what a tensor can be made of. Not a str, whose ``in`` does not take every object."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> TensorLike: ...
    def __contains__(self, item: object, /) -> bool: ...


Array: TypeAlias = "np.ndarray[Any, Any]"
Number: TypeAlias = "float | np.number[Any] | np.bool_"  # float includes int and bool
TensorLike: TypeAlias = "Tensor | Array | Number | Nested | SupportsArray | SupportsDLPack"  # what asarray takes
Inputs: TypeAlias = "Tensor | Sequence[Tensor]"  # one tensor, or several
Axis: TypeAlias = "int | Sequence[int] | None"  # one axis, several, or all
Shape: TypeAlias = "int | Sequence[int]"  # of *shape: sizes one by one, or all at once
