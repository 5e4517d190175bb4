"""Pickles of dicts that hold lists and arrays of integers, as CIFAR's. Nothing that they name is run."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ...core.errors import CheckpointError
from ...files.pickle_machine import Malformed, run
from . import failure

KINDS = ("u1", "i1", "i2", "i4", "i8")
LINE = 1 << 20  # bytes, of the longest
RECONSTRUCT = ("numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct")
FROM_BUFFER = ("numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer")
NAMES = (*RECONSTRUCT, *FROM_BUFFER, "numpy.ndarray", "numpy.dtype", "_codecs.encode")


class _Name(NamedTuple):
    text: str


class _Type:
    """A dtype while it is being described."""

    def __init__(self, kind: Any):
        if kind not in KINDS:
            raise Malformed(f"an array of dtype {str(kind)[:20]!r}, not of integers")
        self.kind, self.order = kind, "="

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(self.order + self.kind)


class _Array:
    """An array while it is being described; then ``value`` holds it."""

    value: np.ndarray | None = None


class _Arrays:
    """The world of such pickles: see :mod:`tinygrad_cv.files.pickle_machine`."""

    def named(self, name: str) -> Any:
        if name not in NAMES:
            raise Malformed(f"it names {name[:100]}, which data do not need; nothing was run")
        return _Name(name)

    def called(self, function: Any, args: tuple[Any, ...]) -> Any:
        name = function.text if type(function) is _Name else "what is no function"
        if name in RECONSTRUCT:
            return _Array()
        if name == "numpy.dtype":
            return _Type(args[0])
        if name == "_codecs.encode":
            return args[0].encode("latin-1")
        if name in FROM_BUFFER:
            data, kind, shape, order = args
            array = _Array()
            array.value = _array(shape, kind, order == "F", data)
            return array
        raise Malformed(f"a call of {name[:100]}")

    def built(self, target: Any, state: Any) -> None:
        if type(target) is _Type:
            target.order = {"|": "=", "<": "<", ">": ">", "=": "="}[state[1]]
        elif type(target) is _Array:
            _, shape, kind, fortran, data = state
            target.value = _array(shape, kind, fortran, data)
        else:
            raise Malformed(f"a state of a {type(target).__name__}")

    def persistent(self, key: Any) -> Any:
        raise Malformed("it has parts outside of it")


def _array(shape: Any, kind: Any, fortran: Any, data: Any) -> np.ndarray:
    octets = data.encode("latin-1") if type(data) is str else data  # Python 2 had one type for text and bytes
    if type(kind) is not _Type or type(octets) not in (bytes, bytearray) or type(shape) is not tuple:
        raise Malformed("an array without dtype, shape or data")
    if any(type(n) is not int or n < 0 for n in shape) or math.prod(shape) * kind.dtype.itemsize != len(octets):
        raise Malformed(f"an array of shape {shape} and {kind.dtype} in {len(octets):,} bytes")
    return np.frombuffer(octets, kind.dtype).reshape(shape, order="F" if fortran else "C")


class _Bounded:
    """A file from which no more is read than it has, whatever length a text claims to have."""

    def __init__(self, path: Path):
        self._file, self._size = path.open("rb"), path.stat().st_size

    def read(self, size: int, /) -> bytes:
        return self._file.read(min(size, self._size))

    def readline(self) -> bytes:
        return self._file.readline(LINE)

    def close(self) -> None:
        self._file.close()


def read_dict(reader: str, path: Path) -> dict[str, Any]:
    """The dict in a pickle, with texts as keys.

    Raises:
        ValueError: the file is damaged, holds something else, or names what such a dict does not need.
    """
    stream = _Bounded(path)
    try:
        found = run(stream, _Arrays())
    except (Malformed, CheckpointError) as error:
        raise failure.wrong(reader, path, f"is damaged, or no pickle of arrays: {error}") from None
    finally:
        stream.close()
    if type(found) is not dict:
        raise failure.wrong(reader, path, f"holds a {type(found).__name__}, and should hold a dict")
    return {_text(key): _plain(value) for key, value in found.items()}


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _plain(value: Any) -> Any:
    return value.value if type(value) is _Array else value
