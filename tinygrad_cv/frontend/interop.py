"""Tensor methods that meet the outside: NumPy's protocols, DLPack, pickle, Python numbers, printing."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import memory, tape
from ..core.context import current, no_grad, read
from ..core.errors import GraphError, TraceError
from ..core.variable import Variable
from .dlpack import exported
from .numpy_protocol import FUNCTIONS, UFUNCS
from .promotion import operand


class InteropMethods(Variable):
    """Ways in and out of the library."""

    __slots__ = ()
    __array_priority__ = 1000

    def _concrete(self, caller: str) -> np.ndarray:
        value = read(self)
        if isinstance(value, np.ndarray):
            return value
        if current().trace is None:
            raise TraceError(
                f"{caller} of a tensor of shape {value.shape} that was made inside a jitted function and kept outside: "
                "it never had a value. Return it from the function."
            )
        raise TraceError(
            f"{caller} of a tensor whose value is not known while tracing (shape {value.shape}), at "
            f"{tape.user_line()}: use where() for a choice that depends on values, or compute this part outside."
        )

    def numpy(self) -> np.ndarray:
        """The values as a NumPy array: a read-only view, without the graph. Use ``.numpy().copy()`` to change it."""
        view = self._concrete("numpy()").view()
        view.flags.writeable = False
        return view

    def known_finite(self) -> bool:
        """Whether all values are finite; see :meth:`holds` for what that means within a trace."""
        value = read(self)
        if isinstance(value, np.ndarray):
            return bool(np.isfinite(value).all())
        with no_grad():
            x: Any = self
            return ((x - x).sum() == 0).holds()  # x - x is 0, or NaN where x is not finite

    def holds(self) -> bool:
        """Whether all elements are true. A trace takes it for granted; then every call of what it recorded looks.

        Where it turns out false, that call is discarded, and the function runs as it is written.
        """
        value = read(self)
        if isinstance(value, np.ndarray):
            return bool(value.all())
        with no_grad():
            current().trace.expect(read(self.all()))
        return True

    def item(self) -> Any:
        """The only element, as a Python number."""
        value = self._concrete("item()")
        if value.size != 1:
            raise ValueError(f"item() of a tensor of shape {value.shape}: it must hold one element.")
        return value.item()

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers."""
        return self._concrete("tolist()").tolist()

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if self._value.dtype.kind not in "iu" or self._value.ndim:
            raise TypeError("only a 0-d integer tensor can be an index")
        return int(self.item())

    def __bool__(self) -> bool:
        value = self._concrete("bool()")
        if value.size != 1:
            raise ValueError(f"the truth value of a tensor of shape {value.shape} is ambiguous: use .any() or .all().")
        return bool(value)

    def __len__(self) -> int:
        if not self._value.shape:
            raise TypeError("len() of a 0-d tensor")
        return self._value.shape[0]

    def __iter__(self) -> Any:
        if not self._value.shape:
            raise TypeError("iteration over a 0-d tensor")
        return (self[i] for i in range(len(self)))  # type: ignore[index]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if self.node is not None:
            raise GraphError(
                "a tensor that requires grad would lose its gradient as a NumPy array: use .detach() or .numpy()."
            )
        value = self._concrete("numpy.asarray")
        if copy is False and dtype is not None and value.dtype != dtype:
            raise ValueError(f"a copy is needed to turn {value.dtype} into {np.dtype(dtype)}.")
        return (
            value.astype(dtype or value.dtype) if copy or (dtype is not None and dtype != value.dtype) else self.numpy()
        )

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """np.exp(t) is t.exp() and stays in the graph. A ufunc without a counterpart refuses to drop a gradient."""
        if kwargs.get("out") is not None:
            raise GraphError(
                f"np.{ufunc.__name__} with out= an array: a tensor's result cannot be written into an array."
            )
        own = UFUNCS.get(ufunc.__name__)
        if method == "__call__" and own and not kwargs:
            like = next(x for x in inputs if isinstance(x, Variable))
            return own(*(operand(x, like) for x in inputs))
        return _through_arrays(f"np.{ufunc.__name__}", getattr(ufunc, method), inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """np.sum(t) is t.sum(), in the graph; functions without a counterpart work on arrays, or refuse."""
        own = FUNCTIONS.get(function.__name__)
        if own is not None:
            return own(*args, **{key: value for key, value in kwargs.items() if value is not np._NoValue})
        return _through_arrays(f"np.{function.__name__}", function, args, kwargs)

    def __dlpack__(self, **kwargs: Any) -> Any:
        if self.node is not None:
            raise GraphError("a tensor that requires grad cannot be exported through DLPack: use .detach().")
        value = self._concrete("__dlpack__")
        value = exported(value)
        memory.borrow(value)
        return value.__dlpack__(**kwargs)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)  # kDLCPU

    def __repr__(self) -> str:
        value = read(self)
        if not isinstance(value, np.ndarray):
            return f"tensor(<traced>, shape={value.shape}, dtype={value.dtype})"
        values = np.array2string(value, precision=4, separator=", ", prefix="tensor(", threshold=100, edgeitems=2)
        origin = ""
        if self.node is not None:
            origin = ", requires_grad=True" if self.is_leaf else f", from={tape.describe(self.node)}"
        return f"tensor({values}, shape={self._value.shape}, dtype={self._value.dtype}{origin})"


def _through_arrays(name: str, function: Any, args: Any, kwargs: Any) -> Any:
    """Call a NumPy function on plain arrays; only where no gradient is lost."""

    def plain(x: Any) -> Any:
        if isinstance(x, Variable):
            if x.node is not None:
                raise GraphError(
                    f"{name} has no derivative here, and a tensor that requires grad would lose its gradient silently: "
                    "use .detach(), or a method of the tensor."
                )
            return x.numpy()
        return type(x)(map(plain, x)) if type(x) in (list, tuple) else x

    result = function(*map(plain, args), **{key: plain(value) for key, value in kwargs.items()})
    like = _first(args)
    return like._result(result) if isinstance(result, np.ndarray) and like is not None else result


def _first(args: Any) -> Any:
    for x in args:
        if isinstance(x, Variable):
            return x
        if type(x) in (list, tuple) and (found := _first(x)) is not None:
            return found
    return None
