"""Layers and losses: one argument of the constructor spoiled, or the input."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

import tinygrad_cv as tg
from tests.misuse.walk import Call
from tests.nn.losses import LOSSES, inputs
from tests.nn.losses import OWN as OWN_LOSSES
from tests.nn.test_layers_against_torch import LAYERS, OWN
from tests.nn.test_lazy import CASES as LAZY
from tinygrad_cv import nn

RNG = np.random.default_rng(7)
IMAGE, VOLUME = (2, 3, 6, 6), (2, 3, 4, 4, 4)
WORDS = ("input", "axis", "dtype", "tensor", "boxes", "booleans")  # besides the names of parameters
WORDS += ("in_channels", "in_features", "num_features")  # of lazily sized layers
Arrays = dict[str, np.ndarray]  # by the parameters of forward


def _normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def _places(*shape: int) -> np.ndarray:
    """Of maxima of windows of two along each axis, for images twice as large."""
    rows = np.arange(np.prod(shape[2:])) * 2 % np.prod([2 * n for n in shape[2:]])
    return np.broadcast_to(rows.reshape(shape[2:]), shape).copy()


BOXES = np.float32([[0, 0, 0, 3, 3], [1, 1, 1, 4, 5]])
REST: list[tuple[str, dict[str, Any], Arrays]] = [  # that are compared with PyTorch's elsewhere
    ("Embedding", {"num_embeddings": 5, "embedding_dim": 3, "padding_idx": 1}, {"x": np.array([[1, 4], [0, 2]])}),
    ("FractionalMaxPool2d", {"kernel_size": 2, "output_size": 3}, {"x": _normal(*IMAGE)}),
    ("FractionalMaxPool3d", {"kernel_size": 2, "output_size": 2}, {"x": _normal(*VOLUME)}),
    *(
        (f"MaxUnpool{d}d", {"kernel_size": 2}, {"input": _normal(*shape), "indices": _places(*shape)})
        for d, shape in ((1, (2, 3, 4)), (2, (2, 3, 4, 4)), (3, (2, 3, 2, 2, 2)))
    ),
    (
        "RoIAlign",
        {"output_size": 2, "spatial_scale": 1.0, "sampling_ratio": 2},
        {"input": _normal(*IMAGE), "rois": BOXES},
    ),
    ("RoIPool", {"output_size": 2, "spatial_scale": 1.0}, {"input": _normal(*IMAGE), "rois": BOXES}),
]


def calls() -> Iterator[tuple[str, Call]]:
    fullest: dict[str, tuple[dict[str, Any], Arrays]] = {}  # of each class the row that gives most arguments
    for name, given, arrays in _rows():
        if name not in fullest or len(given) > len(fullest[name][0]):
            fullest[name] = given, arrays
    for name, (given, arrays) in fullest.items():
        kind = getattr(nn, name)
        inner = tuple(inspect.signature(kind.forward).parameters)
        outer = tuple(inspect.signature(kind).parameters)
        called = name.removeprefix("Lazy")
        yield f"nn.{name}", Call(_made_and_called(kind, arrays), partial(dict, given), called, (*inner, *WORDS))
        if name != "Identity":  # takes anything
            yield f"nn.{name}", Call(_called(kind, given), partial(dict, arrays), called, (*outer, *WORDS))


def _rows() -> Iterator[tuple[str, dict[str, Any], Arrays]]:
    for name, args, kwargs, shape in [*LAYERS, *OWN]:
        yield name, _bound(name, args, kwargs), {_first(name): _normal(*shape)}
    for name, kwargs, kind in [*LOSSES, *OWN_LOSSES]:
        arrays = {key: x.astype("f4") if x.dtype.kind == "f" else x for key, x in inputs(name, kind, RNG).items()}
        yield name, {k: np.ones(5, "f4") if k.endswith("weight") else value for k, value in kwargs.items()}, arrays
    for name, args, kwargs, _, shape in LAZY:
        yield f"Lazy{name}", _bound(f"Lazy{name}", args, kwargs), {_first(name): _normal(*shape)}
    yield from REST


def _bound(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    return dict(inspect.signature(getattr(nn, name)).bind(*args, **kwargs).arguments)


def _first(name: str) -> str:
    """What the layer calls its input."""
    return list(inspect.signature(getattr(nn, name).forward).parameters)[1]


def _made_and_called(kind: Callable[..., Any], arrays: Arrays) -> Callable[..., Any]:
    def function(*args: Any, **given: Any) -> None:
        kind(*args, **given)(**{key: tg.tensor(x) for key, x in arrays.items()})

    function.__signature__ = inspect.signature(kind)
    return function


def _called(kind: Any, given: dict[str, Any]) -> Callable[..., Any]:
    def function(*args: Any, **arrays: Any) -> None:
        kind(**given)(*args, **arrays)

    function.__signature__ = inspect.Signature(list(inspect.signature(kind.forward).parameters.values())[1:])
    return function
