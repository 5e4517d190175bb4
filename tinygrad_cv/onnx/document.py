"""A file, or its bytes, as a ModelProto. Nothing is computed, and nothing believed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from .elements import Place
from .errors import OnnxError
from .package import onnx
from .skeleton import NotAMessage, skeleton

OLDEST = 1
OWN = ("", "ai.onnx")  # two names of ONNX's own operators


class Document(NamedTuple):
    """A model, where it is, and the versions of the operators that it asks for, by domain."""

    model: Any
    place: Place
    opsets: dict[str, int]


def read(source: Any) -> Document:
    """The model of a path, of bytes, or of a ModelProto.

    Raises:
        OnnxError: no model, or versions that are not known.
        OSError: the file cannot be read.
    """
    proto = onnx().ModelProto
    if isinstance(source, proto):
        model, place = source, Place()
    elif isinstance(source, (str, os.PathLike)):
        path = os.path.abspath(source)
        place = Place(os.path.dirname(path), path)
        try:
            data = skeleton(path)
        except NotAMessage as error:
            raise OnnxError(f"the file {os.fspath(source)!r} can not be read as an ONNX model: {error}") from None
        model = _parsed(proto, data, f"the file {os.fspath(source)!r}")
    elif isinstance(source, (bytes, bytearray, memoryview)):
        model, place = _parsed(proto, bytes(source), f"{len(source)} bytes"), Place()
    else:
        raise OnnxError(f"{type(source).__name__}: it must be a path, bytes, or an onnx.ModelProto.")
    if not model.HasField("graph"):
        raise OnnxError("the model has no graph.")
    for text in _texts(model):
        if not isinstance(text, str):  # protobuf gives its bytes where they are no text
            raise OnnxError(f"the name {text!r} is no UTF-8.")
    return Document(model, place, opsets_of(model.opset_import))


def _texts(model: Any) -> Iterator[Any]:
    """All names in a model that are looked at."""
    yield from (entry.domain for entry in model.opset_import)
    yield from _names_in(model.graph)
    for function in model.functions:
        yield from (function.name, function.domain, *function.input, *function.output, *function.attribute)
        yield from (entry.domain for entry in function.opset_import)
        yield from _names_of(function.node)


def _names_in(graph: Any) -> Iterator[Any]:
    for entry in (*graph.initializer, *graph.input, *graph.output):
        yield entry.name
    for entry in graph.input:
        yield from (size.dim_param for size in entry.type.tensor_type.shape.dim)
    for tensor in graph.initializer:
        yield from (text for entry in tensor.external_data for text in (entry.key, entry.value))
    yield from _names_of(graph.node)


def _names_of(nodes: Iterable[Any]) -> Iterator[Any]:
    for node in nodes:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        for attribute in node.attribute:
            yield from (attribute.name, attribute.ref_attr_name)
            if attribute.HasField("g"):
                yield from _names_in(attribute.g)


def _parsed(proto: Any, data: bytes, what: str) -> Any:
    from google.protobuf.message import DecodeError

    model = proto()
    try:
        model.ParseFromString(data)
    except (DecodeError, ValueError, RecursionError) as error:
        raise OnnxError(f"{what} can not be read as an ONNX model: {error}") from None
    return model


def opsets_of(imports: Iterable[Any]) -> dict[str, int]:
    """The versions of operators by domain, from OperatorSetIdProtos.

    Raises:
        OnnxError: a version of ONNX's own operators that is not known.
    """
    opsets = {"" if entry.domain in OWN else entry.domain: entry.version for entry in imports}
    newest = onnx().defs.onnx_opset_version()
    version = opsets.get("", newest)
    if not OLDEST <= version <= newest:
        raise OnnxError(
            f"opset {version}: there are {OLDEST} to {newest}. onnx.version_converter changes a model's opset."
        )
    return opsets


def domain_of(node: Any) -> str:
    """The domain of a node's operator; empty for ONNX's own."""
    return "" if node.domain in OWN else node.domain
