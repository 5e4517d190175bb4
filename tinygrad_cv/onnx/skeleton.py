"""A model's bytes without the data of its large tensors, which stay in the file until they are read one by one.

A protobuf message is a sequence of fields: a number and a wire type, then a varint, 4 or 8 bytes, or a length and as
many bytes. A message inside is such bytes again. Only the fields on the way from a ModelProto to the raw data of a
TensorProto are looked into; where the data were it says from which byte on they are in the file.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator

INSIDE = "tinygrad_cv.inside"  # the key of external data that are in the model's own file
LONG = 4096  # bytes: shorter data stay where they are
MESSAGES: dict[str, dict[int, str]] = {  # fields that hold messages on the way, by their numbers in onnx.proto
    "model": {7: "graph"},
    "graph": {1: "node", 5: "tensor"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph"},
    "tensor": {},
}
RAW_DATA, EXTERNAL_DATA, DATA_LOCATION = 9, 13, 14  # fields of a TensorProto
KEY, VALUE = 1, 2  # fields of an entry of external_data
VARINT, FIXED_64, BYTES, FIXED_32 = 0, 1, 2, 5  # wire types


class NotAMessage(ValueError):
    """Bytes that are no fields one after the other."""


def skeleton(path: str) -> bytes:
    """The bytes of a model's file without long raw data.

    Raises:
        NotAMessage: the file is no message, or is cut off.
        OSError: it cannot be read.
    """
    with open(path, "rb") as file:
        try:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:  # an empty file
            return b""
        with data:
            return b"".join(_fields(data, 0, len(data), "model", 0))


def _fields(data: mmap.mmap, start: int, end: int, kind: str, depth: int) -> Iterator[bytes]:
    """The bytes of a message's fields, in which long raw data are replaced by the place where they are."""
    if depth > 100:
        raise NotAMessage("messages inside of messages.")
    at = start
    while at < end:
        field = at
        tag, at = _varint(data, at, end)
        number, wire = tag >> 3, tag & 7
        if wire == VARINT:
            _, at = _varint(data, at, end)
        elif wire in (FIXED_64, FIXED_32):
            at += 8 if wire == FIXED_64 else 4
        elif wire == BYTES:
            length, at = _varint(data, at, end)
            body, at = at, at + length
            if at <= end and length >= LONG:
                inner = MESSAGES[kind].get(number)
                if inner is not None:
                    yield _message(number, b"".join(_fields(data, body, at, inner, depth + 1)))
                    continue
                if (kind, number) == ("tensor", RAW_DATA):
                    yield _place(body, length)
                    continue
        else:
            raise NotAMessage(f"wire type {wire}.")
        if at > end:
            raise NotAMessage("a field is longer than its message.")
        yield data[field:at]


def _varint(data: mmap.mmap, at: int, end: int) -> tuple[int, int]:
    """A number in 7 bits a byte, the lowest first, and where it ends."""
    value = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
    raise NotAMessage("a number without an end.")


def _number(value: int) -> bytes:
    """A varint."""
    result = bytearray()
    while value > 127:
        result.append(value & 127 | 128)
        value >>= 7
    return bytes([*result, value])


def _message(number: int, body: bytes) -> bytes:
    """A field that holds bytes."""
    return _number(number << 3 | BYTES) + _number(len(body)) + body


def _place(offset: int, length: int) -> bytes:
    """The fields of a tensor that say where its data are."""
    entries = {"location": INSIDE, "offset": str(offset), "length": str(length)}
    pairs = [_message(KEY, key.encode()) + _message(VALUE, value.encode()) for key, value in entries.items()]
    location = _number(DATA_LOCATION << 3 | VARINT) + _number(1)  # EXTERNAL
    return b"".join(_message(EXTERNAL_DATA, pair) for pair in pairs) + location
