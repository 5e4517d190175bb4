"""Arguments and results of a jitted function: trees of tuples, lists and dicts, whose leaves are tensors and arrays."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from ..core.errors import DTypeError, GraphError, TraceError
from ..core.variable import Variable
from ..frontend.dlpack import as_array
from ..frontend.promotion import check_dtype

Leaf: TypeAlias = "Variable | np.ndarray"
Key: TypeAlias = tuple[Any, ...]  # the signature of a call

SCALARS = (type(None), bool, int, str, bytes, complex, type, type(Ellipsis), slice, range, np.dtype)
KINDS = frozenset(SCALARS)
CODES = frozenset(np.typecodes["AllInteger"] + "efd?")  # of the dtypes that tensors can have


def is_array(x: Any) -> bool:
    """Whether it is an array of NumPy or of another library."""
    kind = type(x)
    return isinstance(x, np.ndarray) or (
        (hasattr(kind, "__array__") or hasattr(kind, "__dlpack__") or hasattr(kind, "__array_interface__"))
        and not isinstance(x, np.generic)
    )


def numbers(x: Any) -> np.ndarray | None:
    """The array that becomes a tensor in the function; None for anything else."""
    if not is_array(x):
        return None
    try:
        return _read(x)
    except (DTypeError, GraphError):
        return None


def refusal(x: Any) -> DTypeError | GraphError | None:
    """Why an array cannot become a tensor; None if it can, and for anything else."""
    try:
        if is_array(x):
            _read(x)
    except (DTypeError, GraphError) as error:
        return error
    return None


def _read(x: Any) -> np.ndarray:
    array = as_array(x, "tensor")
    check_dtype(array.dtype)
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def signature(x: Any, leaves: list[Leaf], others: list[Any]) -> Hashable:
    """What a trace depends on, as a hashable value; leaves and objects of other kinds are appended to the lists.

    Of a tensor it holds shape, dtype and requires_grad, of a number the value, of any other object the identity.
    """
    kind = type(x)
    if isinstance(x, Variable):
        leaves.append(x)
        node = x.node
        return kind, x._value.shape, x._value.dtype, node is not None and (1 if x.is_leaf else 2)
    if kind is np.ndarray and x.dtype.isnative and x.dtype.char in CODES:
        leaves.append(x)
        return kind, x.shape, x.dtype
    if kind in (float, complex):
        return kind, repr(x)  # distinguishes -0.0 from 0.0; NaN equals itself
    if kind in KINDS:
        return kind, str(x) if kind is slice else x
    if kind in (tuple, list) or isinstance(x, tuple):
        return (kind, *[signature(item, leaves, others) for item in x])
    if kind is dict:
        return (kind, *x, *[signature(item, leaves, others) for item in x.values()])
    if isinstance(x, np.generic):
        return kind, x.tobytes()
    array = numbers(x) if is_array(x) else None
    if array is not None:
        leaves.append(array)
        return np.ndarray, array.shape, array.dtype
    if isinstance(x, (set, Iterator)):
        raise TypeError(
            f"jit: an argument is a {kind.__name__}; pass tensors, arrays, numbers, strings, and tuples, lists and "
            "dicts of them."
        )
    others.append(x)
    return kind, id(x)


def repeated(leaves: list[Leaf]) -> tuple[int, ...] | None:
    """For each leaf the index of the first that is the same object; None if all are different."""
    ids = list(map(id, leaves))
    return None if len(set(ids)) == len(ids) else tuple(map(ids.index, ids))


def describe(key: Any) -> str:
    """A signature in words."""
    if not key:
        return ""
    kind, *rest = key
    if issubclass(kind, (Variable, np.ndarray)):
        return f"{rest[1]}{list(rest[0])}" + (" (requires grad)" if rest[2:] and rest[2] else "")
    if issubclass(kind, dict):
        half = len(rest) // 2
        return ", ".join(f"{name}={describe(item)}" for name, item in zip(rest[:half], rest[half:], strict=True))
    if issubclass(kind, (tuple, list)):
        return f"({', '.join(filter(None, map(describe, rest)))})"
    return str(rest[0]) if kind in KINDS or kind is float else f"a {kind.__name__}"


def replaced(x: Any, new: Iterator[Variable]) -> Any:
    """The same tree with other leaves, in the order in which :func:`signature` finds them."""
    if isinstance(x, Variable) or numbers(x) is not None:
        return next(new)
    if type(x) in (tuple, list):
        return type(x)(replaced(item, new) for item in x)
    if isinstance(x, tuple):
        return type(x)(*[replaced(item, new) for item in x])
    if type(x) is dict:
        return {key: replaced(item, new) for key, item in x.items()}
    return x


def paths(x: Any, path: str) -> Iterator[str]:
    """Names for the leaves, in their order: how to get to each from the root."""
    if isinstance(x, Variable) or numbers(x) is not None:
        yield path
    elif isinstance(x, tuple) and hasattr(x, "_fields"):
        for name, item in zip(x._fields, x, strict=True):
            yield from paths(item, f"{path}.{name}")
    elif isinstance(x, (tuple, list)):
        for i, item in enumerate(x):
            yield from paths(item, f"{path}[{i}]")
    elif type(x) is dict:
        for key, item in x.items():
            yield from paths(item, f"{path}[{key!r}]")


class TensorIndex(int):
    """Stands for a tensor in a tree: its index in a list."""


def flatten(x: Any, tensors: list[Variable]) -> Any:
    """The tree that a function returned, with indices for its tensors, which are appended to the list.

    Raises:
        TraceError: an object of another kind, which may contain tensors.
    """
    if isinstance(x, Variable):
        tensors.append(x)
        return TensorIndex(len(tensors) - 1)
    if type(x) in (tuple, list):
        return type(x)(flatten(item, tensors) for item in x)
    if isinstance(x, tuple):
        return type(x)(*[flatten(item, tensors) for item in x])
    if type(x) is dict:
        return {key: flatten(item, tensors) for key, item in x.items()}
    if type(x) in KINDS or isinstance(x, (float, np.generic, np.ndarray)):
        return x
    raise TraceError(
        f"jit: the function returned a {type(x).__name__}; it can return tensors, arrays, numbers, strings, None, and "
        "tuples, lists and dicts of them."
    )


def unflatten(tree: Any, tensors: Sequence[Variable]) -> Any:
    """The tree with tensors for their indices; containers and arrays are new each time."""
    kind = type(tree)
    if kind is TensorIndex:
        return tensors[tree]
    if kind in (tuple, list):
        return kind([unflatten(item, tensors) for item in tree])
    if isinstance(tree, tuple):
        return kind(*[unflatten(item, tensors) for item in tree])
    if kind is dict:
        return {key: unflatten(item, tensors) for key, item in tree.items()}
    return tree.copy() if kind is np.ndarray else tree
