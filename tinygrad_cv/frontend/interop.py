"""Tensor methods for exchange with other code: NumPy's protocols, DLPack, Python numbers, printing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import memory
from ..core.context import current, no_grad, read
from ..core.errors import GraphError, TraceError
from ..core.position import describe, user_line
from ..core.variable import Variable
from .dlpack import exported
from .forward import Tensor

if TYPE_CHECKING:
    from .typing import DTypeLike


def _is_test(frame: FrameType) -> bool:
    """Whether the caller is numpy.testing, which only compares values."""
    return frame.f_globals.get("__name__", "").startswith("numpy.testing")


class InteropMethods(Variable):
    """Conversions, protocols and printing."""

    __slots__ = ()
    __array_priority__ = 1000

    def _concrete(self: Tensor, caller: str) -> np.ndarray:
        value = read(self)
        if isinstance(value, np.ndarray):
            return value
        if current().trace is None:
            raise TraceError(
                f"{caller} of a tensor of shape {value.shape} that escaped from a jitted function: it never had a "
                "value. Return it from the function."
            )
        raise TraceError(
            f"{caller} of a tensor whose value is not known while tracing (shape {value.shape}), at "
            f"{user_line()}: choose by values with where(), or compute this part outside of the function."
        )

    def numpy(self: Tensor) -> np.ndarray:
        """The values as a NumPy array: a read-only view, without the graph. Use ``.numpy().copy()`` to change it."""
        view = self._concrete("numpy()").view()
        view.flags.writeable = False
        return view

    def known_finite(self: Tensor) -> bool:
        """Whether all values are finite; :meth:`holds` says what that means within a trace."""
        value = read(self)
        if isinstance(value, np.ndarray):
            return bool(np.isfinite(value).all())
        with no_grad():
            return ((self - self).sum() == 0).holds()  # x - x is 0, or NaN where x is not finite

    def holds(self: Tensor) -> bool:
        """Whether all elements are true. A trace assumes it, and every call of the compiled function checks.

        Where the check fails, the compiled result is discarded and the original function runs.
        """
        value = read(self)
        if isinstance(value, np.ndarray):
            return bool(value.all())
        with no_grad():
            condition, trace = read(self.all()), current().trace
            assert trace is not None
            trace.expect(condition)
        return True

    def item(self: Tensor) -> Any:  # float, int or bool: the dtype is not known to a type checker
        """The only element, as a Python number."""
        value = self._concrete("item()")
        if value.size != 1:
            raise ValueError(f"item() of a tensor of shape {value.shape}: it must hold one element.")
        return value.item()

    def tolist(self: Tensor) -> Any:
        """The values as nested lists of Python numbers."""
        return self._concrete("tolist()").tolist()

    def __float__(self: Tensor) -> float:
        return float(self.item())

    def __int__(self: Tensor) -> int:
        return int(self.item())

    def __index__(self: Tensor) -> int:
        if self._value.dtype.kind not in "iu" or self._value.ndim:
            raise TypeError("only a 0-d integer tensor can be an index")
        return int(self.item())

    def __bool__(self: Tensor) -> bool:
        value = self._concrete("bool()")
        if value.size != 1:
            raise ValueError(f"the truth value of a tensor of shape {value.shape} is ambiguous: use .any() or .all().")
        return bool(value)

    def __len__(self: Tensor) -> int:
        if not self._value.shape:
            raise TypeError("len() of a 0-d tensor")
        return self._value.shape[0]

    def __iter__(self: Tensor) -> Iterator[Tensor]:
        if not self._value.shape:
            raise TypeError("iteration over a 0-d tensor")
        return (self[i] for i in range(len(self)))

    def __array__(self: Tensor, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
        if self.node is not None and not _is_test(sys._getframe(1)):
            raise GraphError(
                "a tensor that requires grad would lose its gradient as a NumPy array: use .detach() or .numpy()."
            )
        value = self._concrete("numpy.asarray")
        if copy is False and dtype is not None and value.dtype != dtype:
            raise ValueError(f"a copy is needed to turn {value.dtype} into {np.dtype(dtype)}.")
        return (
            value.astype(dtype or value.dtype) if copy or (dtype is not None and dtype != value.dtype) else self.numpy()
        )

    def __array_ufunc__(self: Tensor, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """np.exp(t) is t.exp(), in the graph. A ufunc without a counterpart raises if a gradient would be lost."""
        from .numpy_protocol.dispatch import call_ufunc  # when it is first used: importing the package stays quick

        return call_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self: Tensor, function: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        """np.sum(t) is t.sum(), in the graph. A function without a counterpart raises if a gradient would be lost."""
        from .numpy_protocol.dispatch import call_function

        return call_function(function, args, kwargs)

    def __dlpack__(self: Tensor, **kwargs: Any) -> Any:
        if self.node is not None:
            raise GraphError("a tensor that requires grad cannot be exported through DLPack: use .detach().")
        value = self._concrete("__dlpack__")
        value = exported(value)
        memory.borrow(value)
        return value.__dlpack__(**kwargs)

    def __dlpack_device__(self: Tensor) -> tuple[int, int]:
        return (1, 0)  # kDLCPU

    def __repr__(self: Tensor) -> str:
        value = read(self)
        if not isinstance(value, np.ndarray):
            return f"tensor(<traced>, shape={value.shape}, dtype={value.dtype})"
        values = np.array2string(value, precision=4, separator=", ", prefix="tensor(", threshold=100, edgeitems=2)
        origin = ""
        if self.node is not None:
            origin = ", requires_grad=True" if self.is_leaf else f", from={describe(self.node)}"
        return f"tensor({values}, shape={self._value.shape}, dtype={self._value.dtype}{origin})"
