"""Functions that create tensors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..core import memory
from ..core.annotations import explaining
from ..core.context import location
from ..core.errors import DTypeError, ShapeError
from ..core.fitting import fitted
from .dlpack import imported
from .given import GivenArray
from .movement import MOST, sizes_of, stack
from .promotion import FLOAT, cast, check_dtype, to_array
from .tensor import Tensor

if TYPE_CHECKING:
    from .typing import DTypeLike, Shape, SupportsDLPack, TensorLike


@explaining
def tensor(data: TensorLike, dtype: DTypeLike | None = None, requires_grad: bool = False) -> Tensor:
    """A tensor with a copy of the data. Python floats become float32, NumPy arrays keep their dtype.

    Raises:
        DTypeError: the data are not numbers or do not fit the dtype, or requires_grad is asked of integers.
        ShapeError: nested lists of unequal lengths.

    >>> import tinygrad_cv as tg
    >>> tg.tensor([[1, 2], [3, 4]]).dtype
    dtype('int64')
    """
    dtype = _checked(dtype)
    try:
        made = Tensor._new(to_array(data, dtype))
    except (ShapeError, DTypeError) as error:
        raise unaccepted("tensor", "data", data, error) from None
    return made.requires_grad_() if requires_grad else made


@explaining
def asarray(data: TensorLike, dtype: DTypeLike | None = None) -> Tensor:
    """The data as a tensor; a tensor is returned as it is. A list of tensors or arrays is stacked, in the graph.

    Raises:
        DTypeError: the data are not numbers or do not fit the dtype.
        ShapeError: nested lists of unequal lengths.
    """
    return converted("asarray", "data", data, _checked(dtype))


def converted(op: str, name: str, data: TensorLike, dtype: DTypeLike | None = None) -> Tensor:
    """:func:`asarray` of an argument; its errors name the function and the argument."""
    try:
        return _as_it_is(data, dtype)
    except (ShapeError, DTypeError, TypeError) as error:
        raise unaccepted(op, name, data, error) from None


def unaccepted(op: str, name: str, value: object, error: Exception) -> Exception:
    """The error of a function for an argument that cannot be made a tensor, from that of the conversion."""
    message, kind = str(error), ShapeError if isinstance(error, ShapeError) else DTypeError
    if message.startswith(f"{op}: "):
        return error
    if kind is ShapeError or message.startswith("tensor: "):
        return kind(f"{op}: {name}, as a {message}")
    return DTypeError(
        f"{op}: {name} is of type {type(value).__name__}; it takes a tensor, an array, a number or a list of numbers. "
        f"{message}"
    )


def _as_it_is(data: TensorLike, dtype: DTypeLike | None) -> Tensor:
    if isinstance(data, GivenArray):
        data = data.clone()
    if isinstance(data, Tensor):
        return data if dtype is None else cast(data, check_dtype(dtype))
    if isinstance(data, (list, tuple)) and _holds_arrays(data):
        return stack([_as_it_is(item, dtype) for item in data])
    return Tensor._new(to_array(data, dtype))


def _holds_arrays(data: object) -> bool:
    return any(map(_holds_arrays, data)) if isinstance(data, (list, tuple)) else hasattr(data, "__dlpack__")


def _full(
    op: str, shape: tuple[int, ...], value: TensorLike, dtype: DTypeLike | None, requires_grad: bool = False
) -> Tensor:
    dtype = _checked(dtype)
    try:
        filling = np.asarray(value) if isinstance(value, Tensor) else to_array(value, dtype)
    except (ShapeError, DTypeError, TypeError) as error:
        raise unaccepted(op, "value", value, error) from None
    filling = filling if dtype is None else fitted(op, filling, dtype)
    if filling.ndim > len(shape) or any(m not in (1, n) for m, n in zip(filling.shape[::-1], shape[::-1])):  # noqa: B905
        raise ShapeError(
            f"{op}: value of shape {filling.shape}, for a tensor of shape {shape}{location()}: it does not "
            "broadcast. Give one number, or a value whose sizes are the last ones of the shape, or 1."
        )
    zero = filling.ndim == 0 and not any(filling.tobytes())  # -0.0 is another number
    made = Tensor._new(np.zeros(shape, filling.dtype) if zero else np.full(shape, filling))
    return made.requires_grad_() if requires_grad else made


def _checked(dtype: DTypeLike | None) -> np.dtype | None:
    """The dtype, if one is given."""
    return None if dtype is None else check_dtype(dtype)


def _dtype(dtype: DTypeLike | None) -> np.dtype:
    """The dtype; None is float32, unlike in NumPy."""
    return FLOAT if dtype is None else check_dtype(dtype)


@explaining
def zeros(*shape: Shape, dtype: DTypeLike | None = FLOAT, requires_grad: bool = False) -> Tensor:
    """A tensor of zeros."""
    return _full("zeros", sizes_of("zeros", shape), 0, _dtype(dtype), requires_grad)


@explaining
def ones(*shape: Shape, dtype: DTypeLike | None = FLOAT, requires_grad: bool = False) -> Tensor:
    """A tensor of ones."""
    return _full("ones", sizes_of("ones", shape), 1, _dtype(dtype), requires_grad)


@explaining
def full(shape: Shape, value: TensorLike, dtype: DTypeLike | None = None, requires_grad: bool = False) -> Tensor:
    """A tensor filled with one value, or with one that broadcasts to the shape.

    Raises:
        ShapeError: the value does not broadcast.
        DTypeError: it is not a number, or does not fit the dtype.
    """
    return _full("full", sizes_of("full", (shape,)), value, dtype, requires_grad)


@explaining
def zeros_like(other: TensorLike, dtype: DTypeLike | None = None, requires_grad: bool = False) -> Tensor:
    """A tensor of zeros in the shape and dtype of another."""
    like = converted("zeros_like", "other", other)
    return _full("zeros_like", like.shape, 0, dtype or like.dtype, requires_grad)


@explaining
def ones_like(other: TensorLike, dtype: DTypeLike | None = None, requires_grad: bool = False) -> Tensor:
    """A tensor of ones in the shape and dtype of another."""
    like = converted("ones_like", "other", other)
    return _full("ones_like", like.shape, 1, dtype or like.dtype, requires_grad)


@explaining
def full_like(
    other: TensorLike, value: TensorLike, dtype: DTypeLike | None = None, requires_grad: bool = False
) -> Tensor:
    """A tensor filled as by :func:`full`, in the shape and dtype of another."""
    like = converted("full_like", "other", other)
    return _full("full_like", like.shape, value, dtype or like.dtype, requires_grad)


@explaining
def arange(start: float, stop: float | None = None, step: float = 1, dtype: DTypeLike | None = None) -> Tensor:
    """start, start + step, ... before stop; integers give int64, floats float32."""
    low, high = (0, start) if stop is None else (start, stop)
    if dtype is None:
        dtype = np.int64 if all(isinstance(n, (int, np.integer)) for n in (low, high, step)) else FLOAT
    count = (high - low) / step if step else math.nan
    if not abs(count) <= MOST:
        raise ValueError(f"arange: start={low}, stop={high}, step={step}; they must be finite, and the step not 0.")
    return Tensor(fitted("arange", np.arange(low, high, step), check_dtype(dtype)))


@explaining
def linspace(start: float, stop: float, num: int, dtype: DTypeLike | None = FLOAT) -> Tensor:
    """Evenly spaced numbers, both ends included."""
    (count,) = sizes_of("linspace", (num,))
    return Tensor(fitted("linspace", np.linspace(float(start), float(stop), count), _dtype(dtype)))


@explaining
def eye(n: int, m: int | None = None, dtype: DTypeLike | None = FLOAT) -> Tensor:
    """Ones on the diagonal."""
    rows, columns = sizes_of("eye", (n, n if m is None else m))
    return Tensor(np.eye(rows, columns, dtype=_dtype(dtype)))


@explaining
def from_dlpack(data: SupportsDLPack) -> Tensor:
    """A tensor that shares the memory of another library's array; the graph detects if that changes it."""
    array = imported(data, "from_dlpack")
    check_dtype(array.dtype)
    memory.borrow(array)
    return Tensor._new(array)


@explaining
def where(condition: TensorLike, a: TensorLike, b: TensorLike) -> Tensor:
    """``a`` where the condition is true, else ``b``; the branch not taken contributes exactly nothing to the gradient.

    >>> import tinygrad_cv as tg
    >>> x = tg.tensor([-1.0, 4.0], requires_grad=True)
    >>> tg.where(x > 0, x.sqrt(), x).sum().backward()
    >>> x.grad
    tensor([1.  , 0.25], shape=(2,), dtype=float32)
    """
    return converted("where", "condition", condition).where(a, b)
