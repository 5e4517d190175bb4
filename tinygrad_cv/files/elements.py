"""The element types of files of tensors, and how their bytes become arrays."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

CHUNK = 1 << 20  # bytes that are read, and worked on, while they are in the cache

Read = Callable[[memoryview], None]  # fills a buffer with the next bytes of a file


class Elements(NamedTuple):
    """A type of elements: as it is in a file, with the least significant byte first, and as it is in memory."""

    stored: np.dtype
    kept: np.dtype

    @property
    def size(self) -> int:
        """Bytes of an element in the file."""
        return self.stored.itemsize


def _same(code: str) -> Elements:
    return Elements(np.dtype(code).newbyteorder("<"), np.dtype(code))


# By PyTorch's names. NumPy has no bfloat16; float32 holds all its values, so they are widened.
ELEMENTS = {
    "float64": _same("f8"),
    "float32": _same("f4"),
    "float16": _same("f2"),
    "bfloat16": Elements(np.dtype("<u2"), np.dtype("f4")),
    "complex64": _same("c8"),
    "complex128": _same("c16"),
    "int64": _same("i8"),
    "int32": _same("i4"),
    "int16": _same("i2"),
    "int8": _same("i1"),
    "uint64": _same("u8"),
    "uint32": _same("u4"),
    "uint16": _same("u2"),
    "uint8": _same("u1"),
    "bool": _same("?"),
}


def octets(array: np.ndarray) -> memoryview:
    """The memory of a contiguous array as bytes."""
    return memoryview(array.reshape(-1).view(np.uint8))  # type: ignore[arg-type]


def read_all(array: np.ndarray, read: Read) -> None:
    """Read the memory of a contiguous array, piece by piece: whatever else looks at one finds it in the cache."""
    target = octets(array)
    for start in range(0, len(target), CHUNK):
        read(target[start : start + CHUNK])
    if array.dtype.kind == "b":
        np.not_equal(array.view(np.uint8), 0, out=array)  # NumPy relies on 0 and 1


def fill(array: np.ndarray, elements: Elements, read: Read, byte_order: str = "little") -> None:
    """Read the elements of a contiguous array of the kept type."""
    if elements.stored.itemsize != elements.kept.itemsize:
        _fill_widened(array.reshape(-1), read, byte_order)
        return
    read_all(array, read)
    if byte_order != sys.byteorder:
        array.byteswap(inplace=True)


def _fill_widened(array: np.ndarray, read: Read, byte_order: str) -> None:
    """bfloat16 is the first half of a float32."""
    words = array.view(np.uint32)
    for start in range(0, words.size, CHUNK // 2):
        part = words[start : start + CHUNK // 2]
        stored = np.empty(part.size, "<u2" if byte_order == "little" else ">u2")
        read(octets(stored))
        np.left_shift(stored, np.uint32(16), out=part, dtype=np.uint32)
