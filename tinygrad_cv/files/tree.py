"""Arrays inside of dicts, lists and tuples, as arrays by name and a skeleton that JSON can say; and back.

In the skeleton everything is itself, except for what JSON does not have: ``{"$array": name}``, ``{"$tuple": [...]}``,
``{"$float": "nan"}``, and ``{"$dict": [[key, value], ...]}`` for a dict whose keys are not all strings.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

MARK = "$"
SCALARS = (str, bool, int, float, type(None))


def as_array(value: Any) -> np.ndarray | None:
    """A tensor or an array as an array; None for anything else."""
    if isinstance(value, (np.ndarray, np.generic)):
        return np.asarray(value)
    return np.asarray(value.detach()) if hasattr(value, "detach") else None


def pack(tree: Any, name: str = "") -> tuple[dict[str, np.ndarray], Any]:
    """The arrays of a tree, named by their paths with slashes, and its skeleton.

    Raises:
        TypeError: something in it is none of dict, list, tuple, str, bool, int, float, None, array and tensor.

    >>> pack({"epoch": 3, "state": {"weight": np.ones(2)}, "betas": (0.9, 0.99)})[1]
    {'epoch': 3, 'state': {'weight': {'$array': 'state/weight'}}, 'betas': {'$tuple': [0.9, 0.99]}}
    """
    arrays: dict[str, np.ndarray] = {}
    try:
        return arrays, _packed(tree, name, arrays)
    except RecursionError:
        raise TypeError("save: dicts and lists are nested too deep, or hold themselves.") from None


def unpack(arrays: Mapping[str, np.ndarray], skeleton: Any) -> Any:
    """The tree that :func:`pack` took apart.

    Raises:
        ValueError: it is no skeleton.
        KeyError: an array is missing.
    """
    if isinstance(skeleton, list):
        return [unpack(arrays, item) for item in skeleton]
    if not isinstance(skeleton, dict):
        return skeleton
    if len(skeleton) == 1 and (kind := next(iter(skeleton))).startswith(MARK):
        if kind not in _MARKED:
            raise ValueError(f"{kind!r} means nothing")
        return _MARKED[kind](arrays, skeleton[kind])
    return {key: unpack(arrays, value) for key, value in skeleton.items()}


def _packed(tree: Any, path: str, arrays: dict[str, np.ndarray]) -> Any:
    if (array := as_array(tree)) is not None:
        name = path or "array"
        while name in arrays:  # {"a": {"b": x}, "a/b": y}
            name += "'"
        arrays[name] = array
        return {"$array": name}
    if type(tree) is float and not math.isfinite(tree):
        return {"$float": repr(tree)}
    if type(tree) in SCALARS:
        return tree
    inside: Callable[[Any, Any], Any] = lambda key, value: _packed(value, f"{path}/{key}" if path else f"{key}", arrays)  # noqa: E731
    if isinstance(tree, Mapping):
        return _packed_dict(tree, path, inside)
    if type(tree) in (list, tuple):
        items = [inside(i, item) for i, item in enumerate(tree)]
        return items if type(tree) is list else {"$tuple": items}
    raise TypeError(
        f"save: {path or 'the object'} is a {type(tree).__name__}; what can be saved is made of dicts, lists, tuples, "
        "strings, numbers, None, arrays and tensors. Save the state_dict() of a module or an optimizer."
    )


def _packed_dict(tree: Mapping[Any, Any], path: str, inside: Callable[[Any, Any], Any]) -> Any:
    for key in tree:
        if type(key) not in SCALARS:
            raise TypeError(
                f"save: {path or 'the object'} has a key of type {type(key).__name__}; keys are strings or numbers."
            )
    values = {key: inside(key, value) for key, value in tree.items()}
    if all(type(key) is str and not key.startswith(MARK) for key in values):
        return values
    return {"$dict": [[key, value] for key, value in values.items()]}


_MARKED: dict[str, Callable[[Mapping[str, np.ndarray], Any], Any]] = {
    "$array": lambda arrays, name: arrays[name],
    "$float": lambda arrays, text: float(text),
    "$tuple": lambda arrays, items: tuple(unpack(arrays, items)),
    "$dict": lambda arrays, items: {key: unpack(arrays, value) for key, value in items},
}
