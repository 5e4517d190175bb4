"""NumPy's files: .npy holds one array, .npz is a zip archive of them. Arrays of Python objects are refused."""

from __future__ import annotations

import ast
import io
import math
import re
import zipfile
from collections.abc import Callable, Mapping
from typing import IO

import numpy as np

from .archive import Archive
from .elements import Read, read_all
from .pickle_machine import names_in
from .source import Source

MAGIC = b"\x93NUMPY"
SUFFIX = ".npy"
LARGEST = 10_000  # bytes of a header, as for np.load
LENGTHS = {(1, 0): 2, (2, 0): 4}  # version -> the bytes of the header's length
DTYPE = r"[<>|=]?(?:[biufc]\d{1,2}|[SU]\d+|[mM]8(?:\[\w+\])?)"  # no aliases, of which some are deprecated
KINDS = "biufcSUmM"
OBJECTS = "|O"
OWN = ("numpy.", "_codecs.encode")  # names in every pickle of an array


def write_npy(file: IO[bytes], array: np.ndarray) -> None:
    """Write one array."""
    np.lib.format.write_array(file, array, allow_pickle=False)


def write_npz(file: IO[bytes], arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays under their names, not compressed, as np.savez does."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, array in arrays.items():
            with archive.open(name + SUFFIX, "w", force_zip64=True) as member:
                write_npy(member, array)


def read_npy(source: Source) -> np.ndarray:
    """The array of an .npy file."""
    return _read(source, "the array", source.size, source.into)


def read_npz(source: Source, archive: Archive) -> dict[str, np.ndarray]:
    """The arrays of an .npz file by name."""
    arrays = {}
    for member in archive.names:
        name = member.removesuffix(SUFFIX)
        with archive.opened(member) as read:
            arrays[name] = _read(source, repr(name), archive.size(member), read)
    return arrays


def _read(source: Source, what: str, size: int, read: Read) -> np.ndarray:
    """An array from its header and its bytes, which must be all that there is."""

    def exactly(count: int) -> bytes:
        nonlocal size
        if count > size:
            raise source.error(f"it is damaged: {what} ends too early")
        size -= count
        data = bytearray(count)
        read(memoryview(data))
        return bytes(data)

    shape, fortran, descr = _header(source, what, exactly)
    if descr == OBJECTS:
        raise _objects(source, what, exactly(size))
    try:
        dtype = np.dtype(descr)
    except TypeError as error:
        raise source.error(f"it is damaged: {what} has the dtype {descr!r} ({error})") from None
    if math.prod(shape) * dtype.itemsize != size:
        raise source.error(f"it is damaged: {what} of shape {shape} and dtype {dtype} cannot have {size:,} bytes")
    try:
        array = np.empty(shape[::-1] if fortran else shape, dtype)
    except ValueError as error:
        raise source.error(f"it is damaged: {what} has the shape {shape} ({error})") from None
    if dtype.itemsize:
        read_all(array, read)
    if not dtype.isnative:
        array = array.byteswap(inplace=True).view(dtype.newbyteorder("="))
    return array.T if fortran else array


def _header(source: Source, what: str, exactly: Callable[[int], bytes]) -> tuple[tuple[int, ...], bool, str]:
    """Shape, whether the first axis varies fastest, and dtype."""
    magic = exactly(len(MAGIC) + 2)
    version = magic[-2], magic[-1]
    if magic[:-2] != MAGIC or version not in LENGTHS:
        raise source.error(f"it is damaged: {what} does not begin as an .npy file of version 1 or 2")
    length = int.from_bytes(exactly(LENGTHS[version]), "little")
    if length > LARGEST:
        raise source.error(f"it is damaged: {what} has a header of {length:,} bytes; {LARGEST:,} are the most")
    text = exactly(length).decode("latin1")
    wrong = source.error(f"it is damaged: {what} has a header that is not valid, {text[:200].strip()}")
    if "\\" in text:  # an escape sequence that is none is a warning
        raise wrong
    try:
        about = ast.literal_eval(re.sub(r"(\d)L\b", r"\1", text.strip()))  # Python 2 wrote 3L
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        raise wrong from None
    if not isinstance(about, dict) or about.keys() != {"descr", "fortran_order", "shape"}:
        raise wrong
    shape, fortran, descr = about["shape"], about["fortran_order"], about["descr"]
    if not (isinstance(shape, tuple) and all(type(n) is int and n >= 0 for n in shape) and type(fortran) is bool):
        raise wrong
    if descr != OBJECTS and not (isinstance(descr, str) and re.fullmatch(DTYPE, descr)):
        raise source.error(f"{what} has the dtype {str(descr)[:100]}, which is none of numbers or text")
    return shape, fortran, descr


def _objects(source: Source, what: str, pickled: bytes) -> Exception:
    named = [name for name in names_in(io.BytesIO(pickled)) if not name.startswith(OWN)]
    return source.error(
        f"{what} holds Python objects in a pickle, which may run what it names"
        + (f" (here {', '.join(named)[:200]})" if named else "")
        + "; nothing was run. Save arrays of numbers, or read it with np.load if you trust who made it."
    )
