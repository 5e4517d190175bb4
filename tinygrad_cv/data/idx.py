"""IDX files, the format of MNIST and of the data sets made in its image."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# The third byte of a file names the type of its entries.
DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}

GZIP_MAGIC = b"\x1f\x8b"


def read_idx(path: str | PathLike[str]) -> NDArray[Any]:
    """Read one IDX file, plain or gzip-compressed, into an array.

    Layout, every number big-endian::

        0  0  dtype  d  |  d dimensions, uint32 each  |  prod(dimensions) entries, the last axis fastest

    Compression is recognized by the content, whatever the file is called.

    Args:
        path: the file.

    Returns:
        A new array of the file's dimensions and type, in the machine's byte order.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not IDX, is damaged, or holds fewer or more bytes than its header says.

    Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", section "the IDX file format".

    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "labels")
    ...     with open(path, "wb") as file:
    ...         _ = file.write(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1]))
    ...     read_idx(path)
    array([7, 2, 1], dtype=uint8)
    """
    path = Path(path)
    return _parse(_read_bytes(path), path)


def _read_bytes(path: Path) -> bytes:
    if not path.exists():
        raise FileNotFoundError(f"read_idx: there is no file {path}. Check the path, or download the data set first.")
    if path.is_dir():
        raise ValueError(
            f"read_idx: {path} is a folder; read_idx takes one file. Use load_idx for a folder with the four files."
        )
    data = path.read_bytes()
    if not data.startswith(GZIP_MAGIC):
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(
            f"read_idx: {path} begins as a gzip file but does not unpack ({error}). "
            "A gzip file ends with the checksum of its content. The file is damaged: download or copy it again."
        ) from error


def _parse(data: bytes, path: Path) -> NDArray[Any]:
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in DTYPES:
        codes = ", ".join(f"{code:02x} = {np.dtype(name).name}" for code, name in DTYPES.items())
        raise ValueError(
            f"read_idx: {path} is not an IDX file: it begins with {data[:4].hex(' ') or 'nothing (it is empty)'}. "
            "The first four bytes must be 00 00, the type and the number of dimensions; "
            f"the types are {codes}. Give an IDX file, plain or gzip-compressed."
        )
    dtype, ndim = np.dtype(DTYPES[data[2]]), data[3]
    header = 4 + 4 * ndim
    if len(data) < header:
        raise ValueError(
            f"read_idx: {path} is truncated inside its header: {ndim} dimensions need 4 + 4 * {ndim} = {header} bytes, "
            f"the file has {len(data)}. Download or copy it again."
        )
    shape = struct.unpack(f">{ndim}I", data[4:header])
    needed, found = math.prod(shape) * dtype.itemsize, len(data) - header
    if found != needed:
        what, remedy = (
            ("is truncated", "Download or copy it again.")
            if found < needed
            else ("has too many bytes", "Remove what follows the entries, or correct the dimensions.")
        )
        dims = " x ".join(map(str, shape)) or "1 (no dimension)"
        raise ValueError(
            f"read_idx: {path} {what}: its header says {dims} entries of {dtype.name}, {needed} bytes in all; "
            f"after the header's {header} bytes come {found}. The two must be equal. {remedy}"
        )
    return np.frombuffer(data, dtype, offset=header).reshape(shape).astype(dtype.newbyteorder("="))
