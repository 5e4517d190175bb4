"""NumPy's functions that rearrange elements: shapes, axes, joined and taken apart, diagonals, borders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...core.errors import ShapeError
from ..arrangement import meshgrid
from ..forward import Tensor
from ..movement import axis_of, concatenate, shape_of, stack, whole
from ..promotion import broadcast_shape, given, operand
from .operands import holds_tensor, like_of, method, tensors


def reshape(a: Tensor, shape: Any = None, order: str = "C", *, newshape: Any = None) -> Tensor:
    sizes = shape_of("np.reshape", (shape if newshape is None else newshape,))
    return a.T.reshape(*reversed(sizes)).T if order == "F" else a.reshape(*sizes)


def ravel(a: Tensor, order: str = "C") -> Tensor:
    return a.T.reshape(-1) if order == "F" else a.reshape(-1)


def transpose(a: Tensor, axes: Any = None) -> Tensor:
    return a.transpose() if axes is None else a.permute(*axes)


def rollaxis(a: Tensor, axis: int, start: int = 0) -> Tensor:
    axis = axis_of("rollaxis", axis, a.ndim)
    start = axis_of("rollaxis: start", start, a.ndim + 1)
    order = [i for i in range(a.ndim) if i != axis]
    order.insert(start - (start > axis), axis)
    return a.permute(*order)


def repeat(a: Tensor, repeats: Any, axis: int | None = None) -> Tensor:
    """By one number; by several, it is a gather by the numbers of the elements."""
    if axis is None:
        a, axis = a.reshape(-1), 0
    counts = np.asarray(repeats._concrete("np.repeat: repeats") if isinstance(repeats, Tensor) else repeats)
    if counts.size == 1:
        return a.repeat(int(counts.reshape(())), axis)
    axis = axis_of("repeat", axis, a.ndim)
    if counts.shape != (a.shape[axis],) or counts.dtype.kind not in "iu" or (counts < 0).any():
        raise ShapeError(
            f"np.repeat by {counts.tolist()} along an axis of size {a.shape[axis]}: one number for each element, "
            "none negative."
        )
    places = np.repeat(np.arange(a.shape[axis]), counts)
    return a.moveaxis(axis, 0)[places].moveaxis(0, axis)


# ---------------------------------------------------------------- joined


def joined(join: Callable[..., Tensor], whole: Callable[[Tensor], Tensor] = lambda x: x) -> Callable[..., Tensor]:
    """np.concatenate and its kin, along an axis that is given."""

    def call(arrays: Sequence[Any], axis: Any = 0, dtype: Any = None) -> Tensor:
        items = tensors("np." + join.__name__, *arrays)
        if axis is None:
            items, axis = [x.reshape(-1) for x in items], 0
        y = join(items, axis)
        return y if dtype is None else y.astype(dtype)

    return call


def _side_by_side(name: str, ready: Callable[[Tensor], Tensor], axis: Callable[[Tensor], int]) -> Callable[..., Tensor]:
    """np.hstack and its kin, along an axis that follows from the tensors."""

    def call(tup: Sequence[Any], dtype: Any = None) -> Tensor:
        items = [ready(x) for x in tensors(f"np.{name}", *tup)]
        y = concatenate(items, axis(items[0]))
        return y if dtype is None else y.astype(dtype)

    return call


def at_least(n: int) -> Callable[[Tensor], Tensor]:
    """A tensor with at least n axes, as np.atleast_1d, 2d and 3d have it."""

    def call(x: Tensor) -> Tensor:
        if n == 3 and x.ndim in (1, 2):
            return x.reshape(*((1, *x.shape) if x.ndim == 1 else x.shape), 1)
        return x.reshape((1,) * max(n - x.ndim, 0) + x.shape)

    return call


def _each_at_least(n: int) -> Callable[..., Any]:
    def call(*arys: Any) -> Any:
        found = tuple(at_least(n)(x) for x in tensors(f"np.atleast_{n}d", *arys))
        return found[0] if len(found) == 1 else found

    return call


def append(arr: Any, values: Any, axis: int | None = None) -> Tensor:
    a, b = tensors("np.append", arr, values)
    return concatenate([a.reshape(-1), b.reshape(-1)] if axis is None else [a, b], 0 if axis is None else axis)


def block(arrays: Any) -> Tensor:
    """Blocks in nested lists: the innermost are joined along the last axis, those around them along the one before."""
    like = like_of([arrays])

    def depth(x: Any) -> int:
        return 1 + max(map(depth, x), default=0) if isinstance(x, list) else 0

    def leaves(x: Any) -> list[Any]:
        return [leaf for item in x for leaf in leaves(item)] if isinstance(x, list) else [given("np.block", x, like)]

    ndim = max(depth(arrays), *(leaf.ndim for leaf in leaves(arrays)))

    def assembled(x: Any, level: int) -> Tensor:
        if not isinstance(x, list):
            x = given("np.block", x, like)
            return x.reshape((1,) * (ndim - x.ndim) + x.shape)
        if not x:
            raise ShapeError("np.block of an empty list: every list must hold a block.")
        return concatenate([assembled(item, level - 1) for item in x], -level)

    return assembled(arrays, depth(arrays))


# ---------------------------------------------------------------- taken apart


def array_split(ary: Tensor, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    """As np.split, with parts that may differ by one element."""
    if np.ndim(indices_or_sections):
        return ary.split(indices_or_sections, axis)
    axis = axis_of("array_split", axis, ary.ndim)
    parts = whole("np.array_split", "sections", indices_or_sections)
    if parts < 1:
        raise ShapeError(f"np.array_split into {parts} parts: it must be at least one.")
    size, longer = divmod(ary.shape[axis], parts)
    ends = [i * size + min(i, longer) for i in range(1, parts)]
    return ary.split(ends, axis)


def _split_along(name: str, axis: int) -> Callable[..., list[Tensor]]:
    def call(ary: Tensor, indices_or_sections: Any) -> list[Tensor]:
        least = 1 if name == "hsplit" else max(axis + 1, 2)
        if ary.ndim < least:
            raise ShapeError(f"np.{name} of shape {ary.shape}: it takes at least {least} axes.")
        return ary.split(indices_or_sections, 0 if name == "hsplit" and ary.ndim == 1 else axis)

    return call


# ---------------------------------------------------------------- several at once


def broadcast_arrays(*args: Any) -> tuple[Tensor, ...]:
    items = tensors("np.broadcast_arrays", *args)
    shape = broadcast_shape("np.broadcast_arrays", *items)
    return tuple(x.expand(shape) for x in items)


def numpys_meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Tensor, ...]:
    return meshgrid(*tensors("np.meshgrid", *xi), indexing=indexing, sparse=sparse)


def squares(v: Tensor, k: int = 0) -> Tensor:
    return v.reshape(-1).diag(k)


def lower(m: Tensor, k: int = 0) -> Tensor:
    return (m if m.ndim > 1 else m.expand(m.size, m.size)).tril(k)


def upper(m: Tensor, k: int = 0) -> Tensor:
    return (m if m.ndim > 1 else m.expand(m.size, m.size)).triu(k)


FUNCTIONS: dict[str, Any] = {
    "reshape": reshape,
    "ravel": ravel,
    "transpose": transpose,
    **dict.fromkeys(("matrix_transpose", "linalg.matrix_transpose"), lambda x: x.mT),
    "squeeze": method("squeeze", "axis"),
    "expand_dims": method("expand_dims", "axis"),
    "swapaxes": method("swapaxes", "axis1", "axis2"),
    "moveaxis": method("moveaxis", "source", "destination"),
    "rollaxis": rollaxis,
    "flip": method("flip", "axis"),
    "flipud": lambda m: m.flipud(),
    "fliplr": lambda m: m.fliplr(),
    "rot90": lambda m, k=1, axes=(0, 1): m.rot90(k, axes),
    "roll": lambda a, shift, axis=None: a.roll(shift, axis),
    "broadcast_to": method("broadcast_to", "shape"),
    "broadcast_arrays": broadcast_arrays,
    "tile": lambda A, reps: A.tile(reps),
    "repeat": repeat,
    "concatenate": joined(concatenate),
    "stack": joined(stack),
    "hstack": _side_by_side("hstack", at_least(1), lambda x: 0 if x.ndim == 1 else 1),
    "vstack": _side_by_side("vstack", at_least(2), lambda x: 0),
    "dstack": _side_by_side("dstack", at_least(3), lambda x: 2),
    "column_stack": _side_by_side("column_stack", lambda x: x if x.ndim > 1 else x.reshape(-1, 1), lambda x: 1),
    "append": append,
    "block": block,
    "split": lambda ary, indices_or_sections, axis=0: ary.split(indices_or_sections, axis),
    "array_split": array_split,
    "hsplit": _split_along("hsplit", 1),
    "vsplit": _split_along("vsplit", 0),
    "dsplit": _split_along("dsplit", 2),
    "unstack": lambda x, axis=0: x.unbind(axis),
    "atleast_1d": _each_at_least(1),
    "atleast_2d": _each_at_least(2),
    "atleast_3d": _each_at_least(3),
    "meshgrid": numpys_meshgrid,
    "diag": lambda v, k=0: v.diag(k),
    "diagflat": squares,
    "diagonal": lambda a, offset=0, axis1=0, axis2=1: a.diagonal(offset, axis1, axis2),
    "linalg.diagonal": lambda x, offset=0: x.diagonal(offset, -2, -1),
    "tril": lower,
    "triu": upper,
    "shape": lambda a: a.shape,
    "ndim": lambda a: a.ndim,
}


# ---------------------------------------------------------------- by the numbers of the elements

# Functions that only move elements, or insert 0: run on element numbers, they tell where each element goes.
MOVES: dict[str, tuple[str, ...]] = {  # and the parameters that hold elements, if not just the first
    **dict.fromkeys(("delete", "resize", "pad", "fft.fftshift", "fft.ifftshift"), ()),
    "compress": ("a",),
    "extract": ("arr",),
    "insert": ("arr", "values"),
}
PADS = ("constant", "edge", "reflect", "symmetric", "wrap", "empty")


def move(function: Any, name: str, bound: Any) -> Any:
    """Run a function that only moves elements on their numbers, and gather the elements accordingly."""
    if bound.arguments.get("mode", "constant") not in PADS:
        return NotImplemented
    data = MOVES[name] or tuple(bound.arguments)[:1]
    if any(holds_tensor(value) for key, value in bound.arguments.items() if key not in data):
        return NotImplemented
    if "constant_values" in bound.arguments.get("kwargs", {}):
        return NotImplemented
    like: Any = like_of(bound.arguments[key] for key in data)
    pieces: list[Any] = []

    def numbered(x: Any) -> Any:
        x = operand(x, like)
        start = 1 + sum(piece.size for piece in pieces)
        pieces.append(x.reshape(-1))
        return np.arange(start, start + pieces[-1].size).reshape(x.shape)

    for key in data:
        bound.arguments[key] = numbered(bound.arguments[key])
    pool = concatenate([like._new(np.zeros(1, like.dtype)), *pieces])
    return pool.gather(like._new(np.array(function(*bound.args, **bound.kwargs))))
