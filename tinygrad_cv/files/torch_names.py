"""What PyTorch's state dicts name in their pickles, and what it means here. Every other name is refused."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .elements import ELEMENTS, Elements
from .pickle_machine import Malformed, checked_key
from .source import Source


class Storage(NamedTuple):
    """The memory of one or several tensors."""

    array: np.ndarray  # of one axis
    elements: Elements
    byte_order: str = "little"  # of a storage of bytes, which is as it was in the file


class StorageType(NamedTuple):
    """A class of storages: of elements, or of bytes (None), which each tensor reads as its own dtype."""

    elements: Elements | None


class Function(NamedTuple):
    """Something that may be called."""

    call: Callable[..., Any]


class NumpyType:
    """A dtype of NumPy while it is being described."""

    def __init__(self, code: str, *_: Any):
        if not re.fullmatch("[biufc][0-9]{1,2}", code):
            raise Malformed(f"a number of dtype {code[:20]!r}")
        self.code, self.order = code, "<"


def tensor(storage: Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any) -> np.ndarray:
    """The part of a storage that a tensor is: a view, as it is in PyTorch. Where places overlap it is read-only."""
    if type(storage) is not Storage or not all(map(_are_counts, (shape, strides, (offset,)))):
        raise Malformed("a tensor whose description is not valid")
    if len(shape) != len(strides):
        raise Malformed(f"a tensor of shape {shape} with the strides {strides}")
    if 0 in shape:
        return np.empty(shape, storage.array.dtype)
    last = offset + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
    if last >= storage.array.size:
        raise Malformed(f"a tensor of shape {shape} reaches beyond the {storage.array.size:,} elements of its storage")
    place, size = storage.array[offset:], storage.array.itemsize
    steps = tuple(stride * size for stride in strides)
    return np.lib.stride_tricks.as_strided(place, shape, steps, writeable=not _overlap(shape, strides))


def tensor_of_bytes(
    storage: Storage,
    offset: int,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    requires_grad: bool,
    hooks: Any,
    dtype: str,
    metadata: Any = None,
) -> np.ndarray:
    """A tensor in a storage of bytes, as PyTorch writes those of unsigned integers."""
    elements = ELEMENTS[dtype]
    if type(storage) is not Storage or storage.elements != ELEMENTS["uint8"] or elements.kept.itemsize != elements.size:
        raise Malformed("a tensor whose description is not valid")
    whole = storage.array[: storage.array.size // elements.size * elements.size].view(elements.kept)
    if storage.byte_order != sys.byteorder:
        whole = whole.byteswap()
    return tensor(Storage(whole, elements), offset, shape, strides)


def _plain(*args: Any) -> np.ndarray:
    """A tensor without the lazy negation or conjugation that its metadata ask for."""
    if len(args) > 6 and args[6]:
        raise Malformed("a tensor that is negated or conjugated only when it is read; save x.resolve_neg()")
    return tensor(*args)


def _overlap(shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    reach = 0
    for stride, n in sorted(zip(strides, shape, strict=True)):
        if n > 1:
            if stride <= reach:
                return True
            reach += (n - 1) * stride
    return False


def _are_counts(values: Any) -> bool:
    return type(values) in (tuple, list) and all(type(value) is int and value >= 0 for value in values)


def _dict(pairs: Any = ()) -> dict[Any, Any]:
    items = pairs.items() if type(pairs) is dict else pairs
    return {checked_key(key): value for key, value in items}


def _size(values: Any = ()) -> tuple[int, ...]:
    if not _are_counts(values):
        raise Malformed("a shape whose sizes are no numbers")
    return tuple(values)


def _parameter(data: Any, *_: Any) -> np.ndarray:
    if type(data) is not np.ndarray:
        raise Malformed(f"a parameter that is a {type(data).__name__}")
    return data


def _encoded(text: str, encoding: str) -> bytes:
    if encoding not in ("latin1", "latin-1"):
        raise Malformed(f"text in the encoding {encoding[:20]!r}")
    return text.encode("latin1")


def _number(dtype: NumpyType, data: bytes | str) -> Any:
    known = np.dtype(f"{dtype.order}{dtype.code}")
    octets = data.encode("latin1") if isinstance(data, str) else data
    if len(octets) != known.itemsize:
        raise Malformed(f"a number of {len(octets)} bytes with dtype {known}")
    return np.frombuffer(octets, known).astype(known.newbyteorder("="))[0]


STORAGES = {
    **{"Double": "float64", "Float": "float32", "Half": "float16", "BFloat16": "bfloat16", "Long": "int64"},
    **{"Int": "int32", "Short": "int16", "Char": "int8", "Byte": "uint8", "Bool": "bool"},
    **{"ComplexFloat": "complex64", "ComplexDouble": "complex128"},
}
NAMES: dict[str, Any] = {
    "collections.OrderedDict": Function(_dict),
    "collections.Counter": Function(_dict),  # in MultiStepLR
    "torch.Size": Function(_size),
    "torch.device": Function(lambda *names: ":".join(map(str, names))),
    "torch._utils._rebuild_tensor": Function(tensor),
    "torch._utils._rebuild_tensor_v2": Function(_plain),
    "torch._utils._rebuild_tensor_v3": Function(tensor_of_bytes),
    "torch._utils._rebuild_parameter": Function(_parameter),
    **{f"torch.{name}Storage": StorageType(ELEMENTS[elements]) for name, elements in STORAGES.items()},
    "torch.storage.UntypedStorage": StorageType(None),
    **{f"torch.{name}": name for name in ELEMENTS},
    # numbers of NumPy, such as the best accuracy so far
    "_codecs.encode": Function(_encoded),
    "numpy.dtype": Function(NumpyType),
    "numpy.core.multiarray.scalar": Function(_number),
    "numpy._core.multiarray.scalar": Function(_number),
}


class StateDicts:
    """The world of the pickles of PyTorch's state dicts.

    Args:
        source: the file, for messages.
        storage: the storage of a type, under a key, with a number of elements.
    """

    def __init__(self, source: Source, storage: Callable[[StorageType, str, int], Storage]):
        self._source, self._storage = source, storage

    def named(self, name: str) -> Any:
        if name not in NAMES:
            raise self._source.error(
                f"its pickle names {name[:100]}, which no state dict needs, and a pickle may run what it names; "
                "nothing was run. Save a state_dict() alone, or read it with torch.load if you trust who made it."
            )
        return NAMES[name]

    def called(self, function: Any, args: tuple[Any, ...]) -> Any:
        if type(function) is not Function:
            raise Malformed(f"a call of a {type(function).__name__}")
        return function.call(*args)

    def built(self, target: Any, state: Any) -> None:
        if type(target) is NumpyType and type(state) is tuple and len(state) > 1 and state[1] in ("<", ">", "|", "="):
            target.order = state[1]
        elif type(target) is not dict:  # of a state dict it is _metadata, versions of modules
            raise Malformed(f"the attributes of a {type(target).__name__}")

    def persistent(self, key: Any) -> Any:
        if type(key) is not tuple or not key or key[0] != "storage":
            what = "a module" if type(key) is tuple and key[:1] == ("module",) else "objects outside of its pickle"
            raise self._source.error(
                f"it holds {what}, not tensors alone. Save the state_dict() of the module instead."
            )
        _, kind, name, _, count, *view = key
        if type(kind) is not StorageType or type(name) not in (str, int) or type(count) is not int or count < 0:
            raise Malformed("a storage whose description is not valid")
        storage = self._storage(kind, str(name), count)
        if not view or view[0] is None:
            return storage
        _, offset, size = view[0]  # a part of it, in files of PyTorch before 0.4
        if not _are_counts((offset, size)) or offset + size > storage.array.size:
            raise Malformed("a part of a storage that reaches beyond it")
        return Storage(storage.array[offset : offset + size], storage.elements)
