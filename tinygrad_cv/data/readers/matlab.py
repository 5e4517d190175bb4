"""Arrays of numbers in MATLAB's files of version 5, which SciPy writes, too; read without trust in what they say.

Layout: 128 bytes, of which the last four are version and byte order; then elements, each with type and length before
it. An array is an element of elements: flags, dimensions, name, values. It may be compressed by zlib.

Source: The MathWorks, "MAT-File Format", version 5.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Callable, Collection
from pathlib import Path
from typing import IO

import numpy as np

from . import failure

HEADER, MATRIX, COMPRESSED = 128, 14, 15
ORDERS = {b"IM": "<", b"MI": ">"}
TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
COMPLEX = 0x800
DEFLATE = 1032  # no byte of a deflated stream stands for more
PIECE = 1 << 20
Exactly = Callable[[int], bytes]


class _Damaged(ValueError):
    """What is wrong with a file."""


def read_mat(reader: str, path: Path, names: Collection[str]) -> dict[str, np.ndarray]:
    """The arrays of these names that are in a file, as MATLAB indexes them.

    Raises:
        ValueError: the file is damaged, is of another version, or one of the arrays is not of real numbers.
    """
    size = path.stat().st_size
    found = {}
    with path.open("rb") as file:
        try:
            order = _order(file.read(HEADER))
            while (start := file.tell()) < size:
                kind, length = struct.unpack(f"{order}II", _plain(file, size)(8))
                end = file.tell() + length
                if end > size:
                    raise _Damaged(f"it ends after {size:,} bytes, and an array in it goes on to {end:,}")
                if kind not in (MATRIX, COMPRESSED):
                    raise _Damaged(f"an element of type {kind} at byte {start:,}")
                array = _packed(file, length, order, names) if kind == COMPRESSED else _array(
                    _plain(file, end), length, order, names
                )  # fmt: skip
                if array is not None:
                    found[array[0]] = array[1]
                file.seek(end)
        except (_Damaged, zlib.error, struct.error) as error:
            raise failure.wrong(reader, path, f"is damaged, or no file of MATLAB's version 5: {error}") from None
    return found


def _order(header: bytes) -> str:
    order = ORDERS.get(header[126:128])
    if order is None or struct.unpack(f"{order}H", header[124:126])[0] != 0x0100:
        raise _Damaged(f"its header of {len(header)} bytes has no version and byte order")
    return order


def _plain(file: IO[bytes], end: int) -> Exactly:
    def exactly(count: int) -> bytes:
        if count > end - file.tell():
            raise _Damaged(f"{count:,} bytes at {file.tell():,}, where {max(end - file.tell(), 0):,} are left")
        return file.read(count)

    return exactly


def _packed(file: IO[bytes], length: int, order: str, names: Collection[str]) -> tuple[str, np.ndarray] | None:
    """An array in the next bytes, which are compressed."""
    machine, left, most = zlib.decompressobj(), length, DEFLATE * length

    def exactly(count: int) -> bytes:
        nonlocal left
        if count > most:
            raise _Damaged(f"{count:,} bytes cannot be in {length:,} that are compressed")
        out = bytearray()
        while len(out) < count:
            packed = machine.unconsumed_tail
            if not packed and left:
                packed = file.read(min(PIECE, left))
                left -= len(packed)
            if not packed or machine.eof:
                raise _Damaged(f"what is compressed ends after {len(out):,} of {count:,} bytes")
            out += machine.decompress(packed, count - len(out))
        return bytes(out)

    kind, inner = struct.unpack(f"{order}II", exactly(8))
    if kind != MATRIX:
        raise _Damaged(f"what is compressed has the type {kind}")
    array = _array(exactly, inner, order, names)
    if array is not None:
        rest = machine.decompress(machine.unconsumed_tail + file.read(left), 1)  # what is left is the checksum
        if rest or not machine.eof:
            raise _Damaged(f"the compressed array {array[0]!r} does not end with its checksum")
    return array


def _array(exactly: Exactly, size: int, order: str, names: Collection[str]) -> tuple[str, np.ndarray] | None:
    """Name and values, if the name is one of these."""

    def element() -> tuple[int, bytes]:
        nonlocal size
        tag = exactly(8)
        kind, length = struct.unpack(f"{order}II", tag)
        size -= 8
        if kind >> 16:  # so short that it is in the place of its length
            kind, length = kind & 0xFFFF, kind >> 16
            if length > 4:
                raise _Damaged(f"a short element of {length} bytes")
            return kind, tag[4 : 4 + length]
        padded = -(-length // 8) * 8
        if length > size:
            raise _Damaged(f"an element of {length:,} bytes in one of {size:,}")
        data = exactly(length)
        exactly(min(padded, size) - length)
        size -= padded
        return kind, data

    flags, dimensions, name = (element()[1] for _ in range(3))
    text = name.decode("latin-1")
    if text not in names:
        return None
    if len(flags) < 4 or len(dimensions) % 4 or not dimensions:
        raise _Damaged(f"{text} has no flags or dimensions")
    bits = struct.unpack(f"{order}I", flags[:4])[0]
    shape = struct.unpack(f"{order}{len(dimensions) // 4}i", dimensions)
    kind, data = element()
    if bits & COMPLEX or (bits & 0xFF) not in CLASSES or kind not in TYPES:
        raise _Damaged(f"{text} is no array of real numbers")
    stored = np.dtype(order + TYPES[kind])
    if min(shape) < 0 or math.prod(shape) * stored.itemsize != len(data):
        raise _Damaged(f"{text} of shape {shape} and {stored.name} in {len(data):,} bytes")
    values = np.frombuffer(data, stored).reshape(shape, order="F")
    return text, values.astype(CLASSES[bits & 0xFF], copy=False)
