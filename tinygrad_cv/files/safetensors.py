"""Safetensors: a header in JSON with the name, dtype, shape and place of each array, and then the bytes of them all.

The format is https://huggingface.co/docs/safetensors, "Format"; all numbers have their least significant byte first.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ..core.errors import DTypeError
from .elements import ELEMENTS, Elements, Read, fill
from .source import Source

METADATA = "__metadata__"
ALIGNMENT = 8  # of the data, so that they can be mapped into memory
LARGEST = 100_000_000  # bytes of a header, as the format says
NAMES = {
    **{"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "C64": "complex64"},
    **{f"{letter}{8 * n}": f"{kind}{8 * n}" for letter, kind in (("I", "int"), ("U", "uint")) for n in (8, 4, 2, 1)},
    "BOOL": "bool",
}
CODES = {ELEMENTS[name].kept: code for code, name in NAMES.items() if name != "bfloat16"}


class Entry(NamedTuple):
    """What a header says of an array."""

    elements: Elements
    shape: tuple[int, ...]
    start: int  # in the data
    stop: int


class Header(NamedTuple):
    """A header that was read and checked."""

    text: bytes  # with its length before it
    metadata: dict[str, str]
    entries: dict[str, Entry]


# --- writing ---


def encode(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> tuple[bytes, list[np.ndarray]]:
    """The header, and the arrays in the order in which their bytes follow it.

    The header has the order of the arrays. Their data go by the size of their elements, largest first, so that each is
    aligned to its own.

    Raises:
        DTypeError: an array has a dtype that the format does not know.
    """
    place, order = 0, sorted(arrays, key=lambda name: -arrays[name].itemsize)
    offsets = {}
    for name in order:
        offsets[name] = [place, place + arrays[name].nbytes]
        place += arrays[name].nbytes
    header: dict[str, Any] = {METADATA: dict(metadata)} if metadata else {}
    for name, array in arrays.items():
        code = CODES.get(array.dtype.newbyteorder("="))
        if code is None:
            raise DTypeError(
                f"save: {name} has dtype {array.dtype}; safetensors holds {', '.join(map(str, CODES))}. Convert it, or "
                "save to an .npz."
            )
        header[name] = {"dtype": code, "shape": list(array.shape), "data_offsets": offsets[name]}
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    return len(text).to_bytes(8, "little") + text, [arrays[name] for name in order]


def stored(array: np.ndarray) -> np.ndarray:
    """An array as it lies in the file: contiguous, the least significant byte first; a copy only where it must be."""
    return np.asarray(array, array.dtype.newbyteorder("<"), order="C")


# --- reading ---


def decode(source: Source) -> Header:
    """Read the header, and hold it against the size of the file.

    Raises:
        CheckpointError: it is damaged, or has element types that NumPy does not.
    """
    length = int.from_bytes(source.exactly(8), "little")
    if length > min(LARGEST, source.size - 8):
        raise source.error(
            f"it is damaged, or no safetensors file: a header of {length:,} bytes cannot be in a file of "
            f"{source.size:,}"
        )
    text = source.exactly(length)
    try:
        header = json.loads(text.decode(), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:  # among them UnicodeDecodeError
        raise source.error(f"it is damaged: its header is not valid ({error})") from None
    if not isinstance(header, dict):
        raise source.error("it is damaged: its header is not a JSON object")
    metadata = header.pop(METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise source.error(f"it is damaged: {METADATA} of its header is not a JSON object of strings")
    entries = {name: _entry(source, name, about) for name, about in header.items()}
    _check_places(source, entries, source.size - 8 - length)
    return Header(length.to_bytes(8, "little") + text, metadata, entries)


def read_arrays(source: Source, entries: Mapping[str, Entry], read: Read) -> dict[str, np.ndarray]:
    """The arrays, in the order of the header; ``read`` gives the bytes that follow it."""
    arrays = {}
    for name, entry in entries.items():
        try:
            arrays[name] = np.empty(entry.shape, entry.elements.kept)
        except ValueError as error:
            raise source.error(f"it is damaged: {name!r} has the shape {entry.shape} ({error})") from None
    for name in sorted(entries, key=lambda name: entries[name].start):
        fill(arrays[name], entries[name].elements, read)
    return arrays


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{key!r} is there twice")
        found[key] = value
    return found


def _entry(source: Source, name: str, about: Any) -> Entry:
    wrong = source.error(f"it is damaged: its header says of {name!r} {str(about)[:100]}")
    if not isinstance(about, dict) or about.keys() != {"dtype", "shape", "data_offsets"}:
        raise wrong
    code, shape, offsets = about["dtype"], about["shape"], about["data_offsets"]
    if not (_counts(shape) and _counts(offsets) and len(offsets) == 2 and isinstance(code, str)):
        raise wrong
    if code not in NAMES:
        raise source.error(f"{name!r} has elements of type {code!r}; those that can be read are {', '.join(NAMES)}")
    elements = ELEMENTS[NAMES[code]]
    if offsets[1] - offsets[0] != math.prod(shape) * elements.size:
        raise wrong
    return Entry(elements, tuple(shape), *offsets)


def _counts(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int and value >= 0 for value in values)


def _check_places(source: Source, entries: Mapping[str, Entry], length: int) -> None:
    place = 0
    for name, entry in sorted(entries.items(), key=lambda item: item[1][2:]):
        if entry.start != place:
            raise source.error(f"it is damaged: the data of {name!r} begin at {entry.start:,} instead of {place:,}")
        place = entry.stop
    if place != length:
        raise source.error(f"it is damaged: its header describes {place:,} bytes of data, and {length:,} are there")
