"""Memory that is shared with other libraries: what it must look like on its way in and out."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.errors import DTypeError, GraphError


def imported(data: Any, caller: str) -> np.ndarray:
    """Another library's array as NumPy's, on the same memory where that can be read as it lies.

    What the library has put off (PyTorch's lazy negation and conjugation are not written in the memory) is done first.

    Raises:
        GraphError: it requires a gradient, which would end here.
        DTypeError: it is no array, or not one that NumPy can read.
    """
    kind = f"{type(data).__module__.partition('.')[0]}.{type(data).__name__}"
    if getattr(data, "requires_grad", False):
        raise GraphError(f"{caller} of a {kind} that requires grad: its gradient would end here. Use .detach() on it.")
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
    """An array of any library as NumPy's; errors as :func:`imported` raises them."""
    return imported(data, caller) if not isinstance(data, np.ndarray) and is_dlpack(data) else np.asarray(data)


def is_dlpack(data: Any) -> bool:
    """Whether it offers its memory through DLPack."""
    return hasattr(type(data), "__dlpack__")


def exported(value: np.ndarray) -> np.ndarray:
    """The array, or a copy where a consumer could not take the memory as it lies.

    That is memory which runs backwards, holds one element in several places, or must not be written.
    """
    plain = value.flags.writeable and all(step > 0 and step % value.itemsize == 0 for step in value.strides)
    return value if plain else value.copy()
