"""IDX files, the format of MNIST and of the data sets modelled on it."""

from __future__ import annotations

import gzip
import io
import math
import struct
import zlib
from os import PathLike
from pathlib import Path

import numpy as np

from ..core.annotations import explaining

# The third byte of a file names the type of its entries.
DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}

GZIP_MAGIC = b"\x1f\x8b"
MAX_RATIO = 1032  # of the sizes of a gzip file's content and the file (RFC 1951: two bits for 258 bytes)
# Beyond this many bytes of content the ratio is limited further, since images never compress so well.
LARGE, MAX_RATIO_OF_LARGE = 1 << 26, 250

# Files that are often taken for an IDX file, by their first bytes (in lower case): what each is, and what to do.
DOWNLOAD = "Download the data set's own file"
OTHERS = {
    b"<!doctype html": ("a web page (HTML)", DOWNLOAD),
    b"<html": ("a web page (HTML)", DOWNLOAD),
    b"<": ("a web page or a server's answer (HTML, XML)", DOWNLOAD),
    b"{": ("a server's answer (JSON)", DOWNLOAD),
    b"version https://git-lfs": ("a pointer of git-lfs", "Fetch the file that it points to: git lfs pull"),
    b"/annex/": ("a pointer of git-annex", "Fetch the file that it points to: git annex get"),
    GZIP_MAGIC: ("a file gzipped twice", "Unpack it once (gunzip), and give the result"),
    b"pk\x03\x04": ("a ZIP archive", "Unpack it, and give the IDX files in it"),
    b"\xfd7zxz": ("a file compressed by xz", "Unpack it: xz -d"),
    b"bzh": ("a file compressed by bzip2", "Unpack it: bunzip2"),
    b"\x28\xb5\x2f\xfd": ("a file compressed by Zstandard", "Unpack it: unzstd"),
    b"\x93numpy": ("a NumPy array (.npy)", "Read it with numpy.load, and train with a DataLoader"),
    b"\x89png": ("a PNG picture", "Give the data set's IDX files"),
}


@explaining
def read_idx(path: str | PathLike[str]) -> np.ndarray:
    """Read one IDX file, plain or gzip-compressed, into an array.

    Layout, every number big-endian::

        0  0  dtype  d  |  d dimensions, uint32 each  |  prod(dimensions) entries, the last axis fastest

    Compression is recognized by the content, not by the name. No more is unpacked than the header announces.

    Args:
        path: the file.

    Returns:
        A new array of the file's dimensions and type, in the machine's byte order.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not IDX, is damaged, or holds fewer or more bytes than its header says; or it unpacks
            to more than 64 MiB and 250 times its size, which no images do.

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
    if not path.exists():
        raise FileNotFoundError(f"read_idx: there is no file {path}. Check the path, or download the data set first.")
    if path.is_dir():
        raise ValueError(
            f"read_idx: {path} is a folder; read_idx takes one file. Use load_idx for a folder with the four files."
        )
    if not path.is_file():
        raise ValueError(f"read_idx: {path} is a pipe or a device; read_idx takes a file. Save the content first.")
    size = path.stat().st_size
    with path.open("rb") as file:
        packed = file.read(2) == GZIP_MAGIC
        file.seek(0)
        if not packed:
            return _read(file, path, size, packed=False)
        try:
            with gzip.GzipFile(fileobj=file) as unpacked:
                return _read(unpacked, path, size, packed=True)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(
                f"read_idx: {path} begins as a gzip file but does not unpack ({error}). "
                "A gzip file ends with the checksum of its content. The file is damaged: download or copy it again."
            ) from error


def _read(file: io.BufferedIOBase, path: Path, size: int, packed: bool) -> np.ndarray:
    """The array in a file of ``size`` bytes, gzip-compressed (``packed``) or not."""
    start = file.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in DTYPES:
        raise _not_idx(path, start + file.read(60), packed)
    dtype, ndim = np.dtype(DTYPES[start[2]]), start[3]
    header = 4 + 4 * ndim
    dimensions = file.read(4 * ndim)
    if len(dimensions) < 4 * ndim:
        raise ValueError(
            f"read_idx: {path} is truncated inside its header: {ndim} dimensions need 4 + 4 * {ndim} = {header} bytes, "
            f"the file has {4 + len(dimensions)}. Download or copy it again."
        )
    shape = struct.unpack(f">{ndim}I", dimensions)
    needed = math.prod(shape) * dtype.itemsize
    if not packed:
        _check_size(path, shape, dtype, size - header)
    elif needed > MAX_RATIO * size:
        _check_size(path, shape, dtype, MAX_RATIO * size, "at most ")
    elif needed > max(LARGE, MAX_RATIO_OF_LARGE * size):
        raise ValueError(
            f"read_idx: {path} would unpack from {size:,} to {needed:,} bytes, {needed // size} times its size; beyond "
            f"{LARGE:,} bytes at most {MAX_RATIO_OF_LARGE} times is unpacked, as images need far less. "
            "If it is what you want, unpack it yourself (gunzip) and give the result."
        )
    data = bytearray(needed)
    found = _fill(file, data)
    if found == needed:
        found += len(file.read(1))
    _check_size(path, shape, dtype, found, "at least " if found > needed else "")
    return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def _fill(file: io.BufferedIOBase, data: bytearray) -> int:
    """Fill a buffer from a file; the number of bytes read, which is smaller where the file ends."""
    view, found = memoryview(data), 0
    while found < len(view):
        count = file.readinto(view[found : found + (1 << 24)])
        if not count:
            break
        found += count
    return found


def _check_size(path: Path, shape: tuple[int, ...], dtype: np.dtype, found: int, about: str = "") -> None:
    needed = math.prod(shape) * dtype.itemsize
    if found == needed:
        return
    what, remedy = (
        ("is truncated", "Download or copy it again.")
        if found < needed
        else ("has too many bytes", "Remove what follows the entries, or correct the dimensions.")
    )
    dims = " x ".join(map(str, shape)) or "1 (no dimension)"
    raise ValueError(
        f"read_idx: {path} {what}: its header says {dims} entries of {dtype.name}, {needed} bytes in all; "
        f"after the header's {4 + 4 * len(shape)} bytes come {about}{found}. The two must be equal. {remedy}"
    )


def _not_idx(path: Path, start: bytes, packed: bool) -> ValueError:
    """The error for a file that begins with these bytes."""
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    kind, remedy = next((OTHERS[known] for known in OTHERS if text.startswith(known)), ("", ""))
    codes = ", ".join(f"{code:02x} = {np.dtype(name).name}" for code, name in DTYPES.items())
    return ValueError(
        f"read_idx: {path} is not an IDX file: it begins with {start[:4].hex(' ') or 'nothing (it is empty)'}"
        f"{', unpacked,' if packed else ''}{kind and f' as {kind} does'}. "
        f"The first four bytes must be 00 00, the type and the number of dimensions; the types are {codes}. "
        f"{remedy or 'Give an IDX file, plain or gzip-compressed'}."
    )
