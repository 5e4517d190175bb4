"""Words and numbers as they appear in a drawing: shapes, values, arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np

SMALL = 6  # elements of an array whose numbers fit into a box
DIGITS = 4

Params: TypeAlias = Mapping[str, Any]  # of a primitive: axes, shapes, dtypes, ..., by name


def shape_text(shape: tuple[int, ...] | None) -> str:
    """``2×3×8×8``; nothing for a scalar, ``?`` where it is not known."""
    return "?" if shape is None else "×".join(map(str, shape))


def value_text(array: object) -> str:
    """The numbers of a small array, or the one number that all elements are; else nothing."""
    if not isinstance(array, np.ndarray) or array.size == 0:
        return ""
    if array.size == 1 or not any(array.strides):
        return number_text(array[(0,) * array.ndim])
    if array.size > SMALL or array.ndim > 2:
        return ""
    return np.array2string(array, precision=DIGITS, separator=", ", formatter={"all": number_text}).replace("\n", "")


def number_text(number: object) -> str:
    """Four digits; integers and booleans as they are."""
    kind = np.asarray(number).dtype.kind
    return f"{number:.{DIGITS}g}" if kind == "f" else str(number)


def detail_text(params: Params) -> str:
    """The arguments of an operation that its shapes do not show, in short."""
    return ", ".join(filter(None, (write(params) for name, write in ARGUMENTS.items() if name in params)))


def _list(numbers: Iterable[object]) -> str:
    return ", ".join(map(str, numbers))


def _axes(params: Params) -> str:
    axis = params["axis"]
    axes = axis if isinstance(axis, tuple) else (axis,)
    return f"{'axes' if len(axes) > 1 else 'axis'} {_list(axes)}" if axes else ""


def _spec(params: Params) -> str:
    spec: str = params["spec"]
    return spec.replace(",", ", ").replace("->", " → ")


def _unless_one(name: str) -> Callable[[Params], str]:
    def write(params: Params) -> str:
        numbers = params[name]
        if set(numbers) <= {1}:
            return ""
        return f"{name} {numbers[0] if len(set(numbers)) == 1 else shape_text(numbers)}"

    return write


def _width(params: Params) -> str:
    borders = {border for border in params["width"] if any(border)}
    if not borders:
        return ""
    same = {n for border in borders for n in border}
    text = str(same.pop()) if len(same) == 1 else _list(params["width"])
    return f"border {text}" + (f" of {number_text(np.float64(value))}" if (value := params["value"]) else "")


def _slices(params: Params) -> str:
    parts = zip(params["start"], params["stop"], params["step"], strict=True)
    return f"[{_list(f'{a}:{b}' if step == 1 else f'{a}:{b}:{step}' for a, b, step in parts)}]"


ARGUMENTS: dict[str, Callable[[Params], str]] = {
    "spec": _spec,
    "kernel": lambda params: shape_text(params["kernel"]),
    "stride": _unless_one("stride"),
    "dilation": _unless_one("dilation"),
    "width": _width,
    "interior": lambda params: f"gaps {_list(params['interior'])}" if any(params["interior"]) else "",
    "axes": lambda params: f"axes {_list(params['axes'])}",
    "axis": _axes,
    "start": _slices,
    "dtype": lambda params: str(params["dtype"]),
}
