"""Augmented assignment: ``t -= v`` changes the tensor itself, as in NumPy and PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from operator import add, and_, floordiv, matmul, mod, mul, or_, pow, sub, truediv
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ..core.context import change, current, read, write
from ..core.errors import DTypeError, GraphError, ShapeError
from ..core.position import describe
from ..core.variable import Variable, stamp
from .forward import Tensor
from .promotion import cast

if TYPE_CHECKING:
    from .typing import TensorLike

T = TypeVar("T", bound=Tensor)


def _augmented(symbol: str, operation: Callable[[Any, Any], Any]) -> Callable[[T, TensorLike], T]:
    """The method of an operator such as ``-=``."""

    def method(self: T, other: TensorLike) -> T:
        self._check_owned(f"t {symbol} v")
        if self.node is not None and current().recording:
            _check_result(self, symbol)
        new = operation(self, other)
        _check_fit(self, symbol, new)
        if new.node is not None:
            return _become(self, new)
        new = cast(new, self._value.dtype)
        if current().trace is None:
            stamp(self, f"t {symbol} v")[...] = new._value
        else:
            change(self, read(new))
        return self

    method.__doc__ = f"``t {symbol} v``: new values in the memory of the old; of a recorded result, the next result."
    return method


def _check_result(x: Tensor, symbol: str) -> None:
    """While operations are recorded, only a result that is not a view can be updated."""
    if x.node is None or x.is_leaf:
        raise GraphError(
            f"t {symbol} v on a leaf of shape {x._value.shape} that requires grad: a recorded operation cannot change "
            "it. Write the update within `with no_grad():`, or as t.assign(...) there."
        )
    primitive = x.node.primitive
    if primitive is not None and primitive.family == "movement":
        raise GraphError(
            f"t {symbol} v on a view of a recorded result ({describe(x.node)}): the original "
            f"cannot change with it. Write t = t {symbol[:-1]} v; outside of a graph, .assign() gives new values."
        )


def _check_fit(x: Tensor, symbol: str, new: Tensor) -> None:
    """The result must have the tensor's shape and its kind of numbers."""
    if new._value.shape != x._value.shape:
        raise ShapeError(
            f"t {symbol} v: the tensor has shape {x._value.shape}, the result {new._value.shape}; a tensor keeps its "
            f"shape. Write t = t {symbol[:-1]} v."
        )
    kinds = {kind: "iu" if kind in "iu" else kind for kind in (x._value.dtype.kind, new._value.dtype.kind)}
    if len(set(kinds.values())) > 1 or (new._value.dtype.kind == "f" and new._value.dtype != x._value.dtype):
        raise DTypeError(
            f"t {symbol} v: the tensor has dtype {x._value.dtype}, the result {new._value.dtype}; a tensor keeps its "
            f"dtype. Write t = t {symbol[:-1]} v, or use .astype() on one of them."
        )


def _become(x: T, new: Any) -> T:
    """Turn the tensor into a recorded result; for one from outside of a trace, return the result in its place."""
    if isinstance(x._value, np.ndarray) and not isinstance(read(new), np.ndarray):
        return new  # a tensor from outside must not enter the graph of the trace
    write(x, read(new))
    x.node = new.node
    return x


class InplaceMethods(Variable):
    """Augmented assignment: ``+=`` and the like."""

    __slots__ = ()

    __iadd__ = _augmented("+=", add)
    __isub__ = _augmented("-=", sub)
    __imul__ = _augmented("*=", mul)
    __itruediv__ = _augmented("/=", truediv)
    __ifloordiv__ = _augmented("//=", floordiv)
    __imod__ = _augmented("%=", mod)
    __ipow__ = _augmented("**=", pow)
    __imatmul__ = _augmented("@=", matmul)
    __iand__ = _augmented("&=", and_)
    __ior__ = _augmented("|=", or_)
