"""Reductions along axes, which are an attribute, or, in later versions, an input."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...frontend.tensor import Tensor
from ..registry import Integers, Numbers, operator

Reduction = Callable[[Tensor, tuple[int, ...], bool], Tensor]


def _sum(x: Tensor, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    return x.sum(axes, keepdims).astype(x.dtype)


def _mean(x: Tensor, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    if x.dtype == np.float16:  # a sum of float16 may be beyond its range
        return x.astype(np.float32).mean(axes, keepdims).astype(x.dtype)
    return x.mean(axes, keepdims).astype(x.dtype)


def _norm(x: Tensor, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    return x.norm(axes, keepdims).astype(x.dtype)


def _logarithm(x: Tensor, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    return x.sum(axes, keepdims).log().astype(x.dtype)


def _logarithm_of_exponentials(x: Tensor, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    return x.logsumexp(axes, keepdims).astype(x.dtype) if x.size else _logarithm(x, axes, keepdims)


def _largest(x: Tensor, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    """The maximum; of nothing the smallest number there is."""
    if x.size:
        return (x.astype(np.uint8).max(axes, keepdims) if x.dtype == bool else x.max(axes, keepdims)).astype(x.dtype)
    lowest = -np.inf if x.dtype.kind == "f" else 0 if x.dtype == bool else np.iinfo(x.dtype).min
    shape = [1 if i in axes else n for i, n in enumerate(x.shape) if keepdims or i not in axes]
    return x._new(np.full(shape, lowest, x.dtype))


def _smallest(x: Tensor, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    if x.dtype == bool:
        return ~_largest(~x, axes, keepdims)
    if x.size:
        return x.min(axes, keepdims)
    y = _largest(x, axes, keepdims)
    highest = np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).max
    return x._new(np.full(y.shape, highest, x.dtype))


REDUCTIONS: dict[str, tuple[int, Reduction]] = {  # the version from which on the axes are an input
    "ReduceSum": (13, _sum),
    "ReduceMean": (18, _mean),
    "ReduceMax": (18, _largest),
    "ReduceMin": (18, _smallest),
    "ReduceProd": (18, lambda x, axes, keepdims: x.prod(axes, keepdims).astype(x.dtype)),
    "ReduceL1": (18, lambda x, axes, keepdims: _sum(abs(x), axes, keepdims)),
    "ReduceL2": (18, _norm),
    "ReduceSumSquare": (18, lambda x, axes, keepdims: _sum(x.square(), axes, keepdims)),
    "ReduceLogSum": (18, _logarithm),
    "ReduceLogSumExp": (18, _logarithm_of_exponentials),
}


def _register(name: str, since: int, function: Reduction) -> None:
    def reduced(x: Tensor, axes: tuple[int, ...], keepdims: bool) -> Tensor:
        return function(x, tuple(axis % x.ndim if x.ndim else axis for axis in axes), keepdims)

    @operator(name, since=1)
    def over_attribute(x: Tensor, *, axes: Integers | None = None, keepdims: bool) -> Tensor:
        return reduced(x, axes or tuple(range(x.ndim)), keepdims)

    @operator(name, since=since)
    def over_input(x: Tensor, axes: Numbers | None = None, *, keepdims: bool, noop_with_empty_axes: bool) -> Tensor:
        if axes is not None and axes.size:
            return reduced(x, tuple(map(int, axes.reshape(-1))), keepdims)
        return reduced(x, () if noop_with_empty_axes else tuple(range(x.ndim)), keepdims)


for _name, (_since, _function) in REDUCTIONS.items():
    _register(_name, _since, _function)


def _arg(x: Tensor, axis: int, keepdims: bool, last: bool) -> Tensor:
    """The place of the largest element, the first or the last of equals."""
    axis %= x.ndim
    if not last:
        return x.argmax(axis, keepdims)
    return x.shape[axis] - 1 - x.flip(axis).argmax(axis, keepdims)


@operator("ArgMax", since=1)
def argmax(x: Tensor, *, axis: int, keepdims: bool, select_last_index: bool = False) -> Tensor:
    return _arg(x.detach(), axis, keepdims, select_last_index)


@operator("ArgMin", since=1)
def argmin(x: Tensor, *, axis: int, keepdims: bool, select_last_index: bool = False) -> Tensor:
    x = x.detach()
    return _arg(
        -x if x.dtype.kind == "f" else ~x if x.dtype.kind == "b" else _mirrored(x), axis, keepdims, select_last_index
    )


def _mirrored(x: Tensor) -> Tensor:
    """Integers in the opposite order, all of which fit."""
    return -1 - x if x.dtype.kind == "i" else np.iinfo(x.dtype).max - x
