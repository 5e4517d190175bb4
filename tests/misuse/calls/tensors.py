"""Methods of Tensor."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

import tinygrad_cv as tg
from tests.misuse.public import public
from tests.misuse.walk import Call

X = np.arange(1.0, 7.0).reshape(2, 3).astype(np.float32) / 7
PLACES = np.array([[1, 0, 2], [0, 2, 1]])
OTHER = {"other": X + 1}

# The arguments of methods that need some; of others those that are not their defaults. "self" is X unless it is given.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "all_reduce": {"group": (0,)},
    "argmax_kept": {"axis": (0,), "dtype": np.dtype("int64")},
    "assign": {"other": X},
    "astype": {"dtype": "float64"},
    "backward": {"self": tg.tensor(X, requires_grad=True), "gradient": X},
    "broadcast_to": {"shape": (4, 2, 3)},
    "chunk": {"chunks": 2},
    "clip": {"low": 0.1, "high": 0.5},
    "contract": {"other": X, "spec": "ij,kj->ik"},
    "cumprod": {"axis": 0},
    "cumsum": {"axis": 0},
    "diagonal": {"axis1": 0, "axis2": 1},
    "dot": {"other": X.T},
    "expand": {"shape": (4, 2, 3)},
    "expand_dims": {"axis": 1},
    "fold": {"self": tg.tensor(X.reshape(1, 1, 3, 2)), "stride": (1, 1), "dilation": (1, 1), "size": (3, 2)},
    "gather": {"index": PLACES[0] % 2},
    "hypot": OTHER,
    "iota": {"axis": (0,), "dtype": np.dtype("int64")},
    "logaddexp": OTHER,
    "masked_fill": {"mask": X > 0.4, "value": 1.0},
    "matmul": {"other": X.T},
    "maximum": OTHER,
    "minimum": OTHER,
    "moveaxis": {"source": 0, "destination": 1},
    "nan_to_num": {"posinf": 1.0, "neginf": -1.0},
    "outer": {"self": tg.tensor(X[0]), "other": X[1]},
    "pad": {"width": ((1, 0), (0, 2)), "value": 0.0, "interior": (0, 1)},
    "permute": {"axes": (1, 0)},
    "quantile": {"q": 0.5, "axis": 0},
    "register_hook": {"self": tg.tensor(X, requires_grad=True), "hook": lambda g: g},
    "repeat": {"repeats": 2, "axis": 0},
    "reshape": {"shape": (3, 2)},
    "roll": {"shift": 1, "axis": 0},
    "scatter_add": {"index": np.array([1, 0]), "size": 3},
    "slice": {"start": (0, 1), "stop": (2, 3), "step": (1, 2)},
    "split": {"sections": (1, 1), "axis": 0},
    "sum_to": {"shape": (1, 3)},
    "swapaxes": {"first": 0, "second": 1},
    "take_along_axis": {"index": PLACES},
    "tile": {"reps": (2, 1)},
    "times": OTHER,
    "topk": {"k": 2},
    "transpose": {"axes": (1, 0)},
    "view": {"shape": (3, 2)},
    "where": {"self": tg.tensor(X > 0.4), "a": X, "b": 0.0},
    "windows": {"self": tg.tensor(X.reshape(1, 1, 2, 3)), "kernel": (2, 2), "stride": (1, 1), "dilation": (1, 1)},
}


def calls() -> Iterator[tuple[str, Call]]:
    for name, method in public().items():
        kind, _, short = name.partition(".")
        if kind == "Tensor":
            arguments = ARGUMENTS.get(short) or ARGUMENTS.get(method.__name__, {})
            yield name, Call(method, partial(given, arguments), method.__name__, ("",))


def given(arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments in which every tensor is a new one."""
    made = {"self": tg.tensor(X), **arguments}
    return {
        key: tg.tensor(x, requires_grad=x.requires_grad) if isinstance(x, tg.Tensor) else x for key, x in made.items()
    }
