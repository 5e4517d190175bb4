"""Sharing memory with other libraries through DLPack."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.errors import DTypeError, GraphError


def imported(data: Any, caller: str) -> np.ndarray:
    """Another library's array as a NumPy array that shares its memory where possible.

    Pending operations, such as PyTorch's lazy negation and conjugation, are carried out first.

    Raises:
        GraphError: it requires a gradient, which would be lost.
        DTypeError: it is not an array that NumPy can read.
    """
    kind = f"{type(data).__module__.partition('.')[0]}.{type(data).__name__}"
    if getattr(data, "requires_grad", False):
        raise GraphError(f"{caller} of a {kind} that requires grad: its gradient would be lost. Use .detach() on it.")
    for late in ("resolve_conj", "resolve_neg"):
        data = getattr(data, late, lambda same=data: same)()
    if isinstance(data, np.ndarray):  # np.from_dlpack refuses read-only arrays
        array = data.view(np.ndarray)
    else:
        try:
            array = np.from_dlpack(data)
        except (AttributeError, BufferError, RuntimeError, TypeError) as error:
            dtype = getattr(data, "dtype", None)
            of = f" of dtype {dtype}" if dtype is not None else ""
            raise DTypeError(f"{caller} of a {kind}{of}: NumPy cannot read it through DLPack ({error}).") from None
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return array if array.flags.aligned else array.copy()


def as_array(data: Any, caller: str) -> np.ndarray:
    """An array of any library as a NumPy array; raises as :func:`imported` does."""
    return imported(data, caller) if not isinstance(data, np.ndarray) and is_dlpack(data) else np.asarray(data)


def is_dlpack(data: Any) -> bool:
    """Whether it supports DLPack."""
    return hasattr(type(data), "__dlpack__")


def exported(value: np.ndarray) -> np.ndarray:
    """The array, or a copy if consumers cannot use its memory.

    They cannot if strides are negative or zero, or if the array is read-only.
    """
    plain = value.flags.writeable and all(step > 0 and step % value.itemsize == 0 for step in value.strides)
    return value if plain else value.copy()
