"""Softmax and its kin: along one axis, or, before opset 13, over all axes from one on."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ... import functional as F
from ...frontend.tensor import Tensor
from ..registry import operator


def hardmax(x: Tensor, axis: int) -> Tensor:
    """1 at the first largest element, otherwise 0."""
    axis %= x.ndim
    places = x.detach().argmax(axis, keepdims=True)
    return (x.iota((axis,), np.dtype(np.int64)) == places).astype(x.dtype)


def _register(name: str, function: Callable[[Tensor, int], Tensor]) -> None:
    @operator(name, since=1)
    def of_rows(x: Tensor, *, axis: int) -> Tensor:
        axis = axis + x.ndim if axis < 0 else axis
        rows = x.reshape(math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))
        return function(rows, 1).reshape(x.shape)

    @operator(name, since=13)
    def along(x: Tensor, *, axis: int) -> Tensor:
        return function(x, axis)


_register("Softmax", lambda x, axis: F.softmax(x, axis))
_register("LogSoftmax", lambda x, axis: F.log_softmax(x, axis))
_register("Hardmax", hardmax)
