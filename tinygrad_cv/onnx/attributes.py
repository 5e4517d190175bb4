"""The attributes of a node, by the schema of its operator's version: known names, the right types, all that must be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .elements import dtype_of
from .errors import OnnxError
from .registry import Operator

FLOAT, INT, STRING, TENSOR, GRAPH, FLOATS, INTS, STRINGS, TYPE = 1, 2, 3, 4, 5, 6, 7, 8, 13
TYPES = {FLOAT: "float", INT: "int", STRING: "str", TENSOR: "np.ndarray", GRAPH: "Body"}
TYPES |= {FLOATS: "Floats", INTS: "Integers", STRINGS: "Strings", TYPE: "bytes"}


def bound(
    node: Any, operator: Operator, schema: Any, array: Callable[[Any], Any], body: Callable[[str, Any], Any]
) -> dict[str, Any]:
    """The attributes of a NodeProto as keyword arguments of an operator's function.

    Args:
        array: what makes an array of a TensorProto.
        body: what makes a callable of the name and the GraphProto of an attribute.

    Raises:
        OnnxError: an attribute that the version does not have, or of another type; one that is missing.
    """
    values: dict[str, Any] = {}
    kinds = dict(operator.keywords)
    for attribute in node.attribute:
        formal = schema.attributes.get(attribute.name)
        if formal is None and kinds.get(attribute.name) == "Body":  # which is made for the operator
            values[attribute.name] = _value(attribute, array, body)
            continue
        if formal is None:
            names = ", ".join(schema.attributes) or "none"
            raise OnnxError(f"attribute {attribute.name!r}: version {schema.since_version} has {names}.")
        if attribute.type != formal.type.value:
            given, wanted = (TYPES.get(number, number) for number in (attribute.type, formal.type.value))
            raise OnnxError(f"attribute {attribute.name!r} is of type {given}; it must be {wanted}.")
        if attribute.name in values:
            raise OnnxError(f"attribute {attribute.name!r} is there twice.")
        values[attribute.name] = _value(attribute, array, body)
    for name, formal in schema.attributes.items():
        if name not in values:
            if formal.required:
                raise OnnxError(f"attribute {name!r} is missing.")
            if formal.default_value.type:
                values[name] = _value(formal.default_value, array, body)
    surplus = [name for name in values if name not in kinds]
    if surplus:
        raise OnnxError(f"attribute {surplus[0]!r}={values[surplus[0]]!r}: only its absence is supported.")
    return {name: _as(kinds[name], name, value) for name, value in values.items()}


def _value(attribute: Any, array: Callable[[Any], Any], body: Callable[[str, Any], Any]) -> Any:
    """The value of an AttributeProto."""
    kind = attribute.type
    if kind == FLOAT:
        return attribute.f
    if kind == INT:
        return attribute.i
    if kind == STRING:
        return _text(attribute.s)
    if kind == TENSOR:
        return array(attribute.t)
    if kind == GRAPH:
        return body(attribute.name, attribute.g)
    if kind == FLOATS:
        return tuple(attribute.floats)
    if kind == INTS:
        return tuple(attribute.ints)
    if kind == STRINGS:
        return tuple(map(_text, attribute.strings))
    if kind == TYPE:
        return attribute.tp.SerializeToString()
    raise OnnxError(f"attribute {attribute.name!r} of type {kind}: there are {', '.join(TYPES.values())}.")


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise OnnxError(f"text of {len(data)} bytes that is no UTF-8.") from None


def _as(kind: str, name: str, value: Any) -> Any:
    """The value as the function takes it: integers are booleans or dtypes where it wants one."""
    if kind == "DType":
        return dtype_of(value) if value else None  # 0 is none in particular
    if kind != "bool":
        return value
    if value not in (0, 1):
        raise OnnxError(f"{name}={value}: it must be 0 or 1.")
    return bool(value)
