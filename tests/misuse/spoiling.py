"""Wrong values in the place of a right one, by what the right one is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import tinygrad_cv as tg
from tinygrad_cv import nn

NEVER = (object(), {"a": 1})  # no parameter takes these


def wrong_values(value: Any) -> Iterator[Any]:
    """Values that are wrong, or might be, where this one is right."""
    if isinstance(value, (np.ndarray, tg.Tensor)):
        yield from _tensors(np.asarray(value.numpy() if isinstance(value, tg.Tensor) else value))
    elif isinstance(value, bool):
        pass  # anything is true or false
    elif isinstance(value, str):
        yield from ("unheard-of", "", 3, None, ("mean",))
    elif isinstance(value, (int, float, np.number)):
        yield from (-1, 0, 1.5, float("nan"), float("inf"), 10**30, "2", "", None, (), (2, -1), (1, 1.5), ("2",), 1j)
        yield from ((1,) * 7, [[1, 2]], np.ones((2, 2)))
    elif isinstance(value, (tuple, list)):
        yield from ("12", -1, 0, 1.5, None, (), (1,) * 7, (-1,) * len(value), (0,) * len(value), (1.5,) * len(value))
        yield from (("2",) * len(value), (None,) * len(value), [list(value)], (*value, *value))
        for wrong in (-1, 1.5, "2", None):
            yield type(value)((*value[:-1], wrong)) if value else (wrong,)
    elif isinstance(value, dict):
        yield from (None, 3, "path", [1], {3: 4}, {"": 1.0}, {"unheard-of": object()})
        yield from ({**value, key: None} for key in value)
    elif isinstance(value, np.dtype):
        yield from ("float33", "complex64", "U3", object, 3, 1.5)
    elif isinstance(value, Path):
        yield from (None, 1.5, "", "no/such/place", [value])
    elif isinstance(value, nn.Module):
        yield from (None, 3, "Linear", type(value), [value], np.ones((2, 2)))
    elif callable(value):
        yield from (None, 3, "relu", [value])
    elif value is None:
        yield from (-1, 0, 1.5, "2", "unheard-of", (1,) * 7, np.ones((2, 2)), np.ones((1, 2, 3, 4, 5, 6)))
    yield from NEVER


def _tensors(x: np.ndarray) -> Iterator[Any]:
    yield np.float64(1.0).reshape(()).astype(x.dtype) if x.dtype.kind == "f" else np.array(0, x.dtype)
    yield x[None]
    yield np.stack([x] * 2, -1)
    if x.ndim:
        yield x[0]
        yield x[:0]
        yield x[..., :0]
        yield np.concatenate([x, x[-1:]])  # one more along the first axis
        yield np.concatenate([x, x[..., -1:]], -1)
    if x.ndim > 1:
        yield np.concatenate([x, x[:, -1:]], 1)
        yield x[:, :0]
    yield from (x.astype(dtype) for dtype in ("float32", "int64", "bool", "complex64", "float16") if dtype != x.dtype)
    yield x.astype(object)
    yield from ("abc", None, [[1.0], [1.0, 2.0]])
    yield -abs(x) - 1 if x.dtype.kind in "fi" else x


def shown(value: Any) -> str:
    """A value for a message."""
    return f"array{value.shape} of {value.dtype}" if isinstance(value, np.ndarray) else repr(value)
