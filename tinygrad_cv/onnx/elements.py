"""The arrays of a file: what it says of their sizes is believed only where the data agree."""

from __future__ import annotations

import math
import os
from typing import Any, NamedTuple

import numpy as np

from .errors import OnnxError
from .skeleton import INSIDE

STRING, FLOAT16 = 8, 10
DTYPES = {  # TensorProto.DataType, the dtype, and the field that holds the elements where raw_data does not
    1: ("float32", "float_data"),
    2: ("uint8", "int32_data"),
    3: ("int8", "int32_data"),
    4: ("uint16", "int32_data"),
    5: ("int16", "int32_data"),
    6: ("int32", "int32_data"),
    7: ("int64", "int64_data"),
    9: ("bool", "int32_data"),
    FLOAT16: ("float16", "int32_data"),
    11: ("float64", "double_data"),
    12: ("uint32", "uint64_data"),
    13: ("uint64", "uint64_data"),
}
OTHERS = {
    STRING: "string",
    14: "complex64",
    15: "complex128",
    16: "bfloat16",
    17: "float8e4m3fn",
    18: "float8e4m3fnuz",
    19: "float8e5m2",
    20: "float8e5m2fnuz",
    21: "uint4",
    22: "int4",
    23: "float4e2m1",
    24: "float8e8m0",
    25: "uint2",
    26: "int2",
}


def fixed(array: Any) -> Any:
    """The same numbers in memory that nobody can change, so that compiled calls need not compare them; lists stay."""
    if not isinstance(array, np.ndarray) or array.dtype.hasobject or not array.size:
        return array
    return np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape)


def dtype_of(number: int) -> np.dtype:
    """The dtype of TensorProto's number for it.

    Raises:
        OnnxError: there are no tensors of it.
    """
    if number not in DTYPES:
        raise OnnxError(
            f"elements of type {OTHERS.get(number, number)}, which tensors do not have; they are booleans, integers of "
            "8 to 64 bits, float16, float32 and float64."
        )
    return np.dtype(DTYPES[number][0])


def number_of(dtype: np.dtype) -> int:
    """TensorProto's number of a dtype."""
    return next(number for number, (name, _) in DTYPES.items() if name == dtype.name)


class Place(NamedTuple):
    """The folder of a model, where its external data are, and its file; None if they are unknown."""

    folder: str | None = None
    file: str | None = None


def array_of(tensor: Any, place: Place) -> np.ndarray:
    """The array of a TensorProto, read-only if it is a view of the file's bytes.

    Raises:
        OnnxError: an element type that is not there, or data of another size than the tensor says.
    """
    try:
        return _array_of(tensor, place)
    except OnnxError as error:
        raise OnnxError(f"tensor {tensor.name!r}: {error}") from None


def _array_of(tensor: Any, place: Place) -> np.ndarray:
    shape = tuple(tensor.dims)
    if tensor.data_type == STRING:
        return _text(tensor.string_data, shape)
    dtype = dtype_of(tensor.data_type)
    if any(n < 0 for n in shape):
        raise OnnxError(f"shape {shape}: no size may be below 0.")
    count = math.prod(shape)
    if tensor.data_location == 1:
        return _checked(_external(tensor, place, count * dtype.itemsize, shape, dtype), dtype, shape)
    if tensor.HasField("raw_data"):
        data = tensor.raw_data
        _check_size(len(data), count * dtype.itemsize, shape, dtype)
        return _checked(np.frombuffer(data, np.uint8), dtype, shape)
    values = getattr(tensor, DTYPES[tensor.data_type][1])
    if len(values) != count:
        raise OnnxError(f"shape {shape} takes {count} elements, but there are {len(values)}.")
    wide = np.array(values, np.uint64 if dtype.kind == "u" and dtype.itemsize > 2 else None)
    if tensor.data_type == FLOAT16:
        return wide.astype(np.uint16).view(dtype).reshape(shape)  # bits
    if dtype.kind in "iu" and count and (wide.min() < np.iinfo(dtype).min or wide.max() > np.iinfo(dtype).max):
        raise OnnxError(f"elements from {wide.min()} to {wide.max()} do not fit {dtype}.")
    return wide.astype(dtype).reshape(shape)


def _text(data: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Python's strings."""
    if any(n < 0 for n in shape) or len(data) != math.prod(shape):
        raise OnnxError(f"shape {shape} takes {math.prod(shape)} elements, but there are {len(data)}.")
    try:
        return np.array([word.decode() for word in data], object).reshape(shape)
    except UnicodeDecodeError:
        raise OnnxError("text that is no UTF-8.") from None


def _check_size(given: int, size: int, shape: tuple[int, ...], dtype: np.dtype) -> None:
    if given != size:
        raise OnnxError(f"shape {shape} of {dtype} takes {size} bytes, but there are {given}.")


def _checked(data: np.ndarray, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    """Bytes as elements, which are stored with the lowest byte first."""
    if dtype.kind == "b" and (data > 1).any():
        raise OnnxError("a bool is neither 0 nor 1.")
    return data.view(dtype.newbyteorder("<")).astype(dtype, copy=False).reshape(shape)


def _external(tensor: Any, place: Place, size: int, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """The bytes of a tensor that are in a file beside the model or below its folder; or in the model's own."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    name = entries.get("location", "")
    if name == INSIDE and place.file is not None:
        _check_size(int(entries["length"]), size, shape, dtype)
        return np.fromfile(place.file, np.uint8, size, offset=int(entries["offset"]))
    if place.folder is None:
        raise OnnxError(f"its data are in the file {name!r}, beside the model; give the path of the model.")
    root = os.path.realpath(place.folder)
    path = os.path.realpath(os.path.join(root, name))
    if not name or os.path.isabs(name) or os.path.commonpath([root, path]) != root:
        raise OnnxError(f"its data are in {name!r}, which is not in the folder of the model.")
    if not os.path.isfile(path):
        raise OnnxError(f"its data are in the file {name!r}, which is missing.")
    try:
        offset = int(entries.get("offset", 0))
        length = int(entries.get("length", size))
    except ValueError:
        raise OnnxError(f"external data with {entries}: offset and length must be integers.") from None
    there = os.path.getsize(path)
    if length != size or offset < 0 or offset + size > there:
        raise OnnxError(
            f"it takes {size} bytes; of {name!r}, a file of {there}, it is given {length} from byte {offset} on."
        )
    return np.fromfile(path, np.uint8, size, offset=offset)
