"""The container of checkpoints: a safetensors file whose metadata hold a checksum of all of it, and what JSON can say.

The file begins with the length of the header and ``{"__metadata__":{"tinygrad_cv.sha256":"``, and then come the 64
digits of the SHA-256 of the whole file, computed with zeros in their place. So no bit is out of its reach.

==========  ========================================================================================================
version     what it is
==========  ========================================================================================================
0           no checksum; ``tinygrad_cv`` in the metadata is what JSON can say
1           ``tinygrad_cv.sha256``, ``tinygrad_cv.version`` and ``tinygrad_cv.about``, which is what JSON can say
==========  ========================================================================================================
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from os import PathLike
from typing import Any, NamedTuple

import numpy as np

from . import safetensors
from .atomic import replacing
from .elements import octets
from .source import Source, reading

VERSION = 1
FIRST = "tinygrad_cv"  # the key of version 0
CHECKSUM, NUMBER, ABOUT = f"{FIRST}.sha256", f"{FIRST}.version", f"{FIRST}.about"
DIGITS = 64
PREFIX = f'{{"{safetensors.METADATA}":{{"{CHECKSUM}":"'.encode()
PLACE = slice(8 + len(PREFIX), 8 + len(PREFIX) + DIGITS)  # of the checksum in the file


class Contents(NamedTuple):
    """What a checkpoint holds."""

    arrays: dict[str, np.ndarray]
    about: dict[str, Any]


def write(path: str | PathLike[str], arrays: Mapping[str, np.ndarray], about: Mapping[str, Any] | None = None) -> None:
    """Write a checkpoint, all of it or nothing; every program that reads safetensors can read its arrays.

    Args:
        arrays: by name.
        about: anything that JSON can say, under names.

    Raises:
        DTypeError: an array's dtype is none of the format's.
        TypeError: ``about`` holds what JSON cannot say.
        ValueError: it holds a NaN or an infinity, of which JSON knows nothing.
        OSError: the file cannot be written; it is unchanged.

    >>> import tempfile, os
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(os.path.join(folder, "last"), {"weight": np.eye(2)}, {"epoch": 3})
    ...     read(os.path.join(folder, "last")).about
    {'epoch': 3}
    """
    text = json.dumps(dict(about or {}), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    header, ordered = safetensors.encode(arrays, {CHECKSUM: "0" * DIGITS, NUMBER: str(VERSION), ABOUT: text})
    checksum = hashlib.sha256(header)
    for array in ordered:
        checksum.update(octets(safetensors.stored(array)))
    with replacing(path) as file:
        file.write(header[: PLACE.start] + checksum.hexdigest().encode() + header[PLACE.stop :])
        for array in ordered:
            file.write(octets(safetensors.stored(array)))


def read(path: str | PathLike[str]) -> Contents:
    """Read a checkpoint that :func:`write` wrote, of this version or an older one.

    Sizes are held against the file before memory is allocated, and the checksum is verified. Arrays are the only
    memory that is used.

    Raises:
        FileNotFoundError: there is no such file.
        CheckpointError: a bit of it has changed, it is no checkpoint, or a newer version wrote it.
    """
    with reading(path) as source:
        header = safetensors.decode(source)
        if CHECKSUM in header.metadata:
            return verified(source, header)
        if FIRST in header.metadata and not any(key in header.metadata for key in (NUMBER, ABOUT)):
            about = _decoded(source, header.metadata[FIRST])
            return Contents(safetensors.read_arrays(source, header.entries, source.into), about)
        raise source.error(
            f"it is damaged, or no checkpoint: its metadata have no {CHECKSUM}. tg.load reads safetensors files of "
            "other programs."
        )


def is_of_this_kind(header: safetensors.Header) -> bool:
    """Whether a header belongs, or did belong before it was damaged, to a file with a checksum."""
    return any(key in header.metadata for key in (CHECKSUM, NUMBER, ABOUT))


def verified(source: Source, header: safetensors.Header) -> Contents:
    """The contents of a file with a checksum, if it is right."""
    version = header.metadata.get(NUMBER, "")
    if version.isdecimal() and int(version) > VERSION:
        raise source.error(
            f"it was written by a newer version of tinygrad_cv (format {version}, this one reads "
            f"{VERSION}). Upgrade tinygrad_cv."
        )
    if not header.text[8:].startswith(PREFIX):
        raise source.error("its checksum is not in its place: it is damaged, or another program wrote it anew")
    checksum = hashlib.sha256(header.text[: PLACE.start] + b"0" * DIGITS + header.text[PLACE.stop :])

    def hashing(buffer: memoryview) -> None:
        source.into(buffer)
        checksum.update(buffer)

    arrays = safetensors.read_arrays(source, header.entries, hashing)
    if checksum.hexdigest().encode() != header.text[PLACE]:
        raise source.error("it is damaged: its contents do not match its checksum. Copy it again, or use an older one.")
    return Contents(arrays, _decoded(source, header.metadata.get(ABOUT, "")))


def _decoded(source: Source, text: str) -> dict[str, Any]:
    try:
        about = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise source.error(f"it is damaged: what it says about itself is not valid JSON ({error})") from None
    if not isinstance(about, dict):
        raise source.error("it is damaged: what it says about itself is not a JSON object")
    return about
