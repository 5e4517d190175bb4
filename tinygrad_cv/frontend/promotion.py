"""Converting operands: what becomes a tensor, their common dtype, the shape they broadcast to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.context import current, location, read
from ..core.errors import DTypeError, ShapeError
from ..core.fitting import fitted
from ..core.tape import apply
from ..ops import elementwise, movement
from .dlpack import imported
from .dynamic_scalar import DynamicScalar
from .forward import Tensor

if TYPE_CHECKING:
    from .typing import DTypeLike, Number, TensorLike

FLOAT = np.dtype(np.float32)  # for Python floats
INTEGER = np.dtype(np.int64)  # for Python integers
DOUBLE = np.dtype(np.float64)
SCALARS = (bool, int, float, np.bool_, np.integer, np.floating)  # neither complex numbers nor dates


def to_array(data: Any, dtype: DTypeLike | None = None) -> np.ndarray:
    """A new array for a tensor: NumPy arrays keep their dtype, Python floats become float32."""
    if isinstance(data, Tensor):
        data = read(data)
        if not isinstance(data, np.ndarray):  # traced
            params = {"dtype": check_dtype(data.dtype if dtype is None else dtype)}
            return current().interpret(elementwise.cast, [data], params)
    if hasattr(data, "__dlpack__") and not isinstance(data, np.ndarray):
        data = imported(data, "tensor")
    typed = isinstance(data, (np.ndarray, np.generic)) or hasattr(data, "__array_interface__")
    try:
        array = np.array(data, order="K")
        if not typed and array.dtype == np.float64 and (np.abs(array) >= 2.0**63).any():
            exact = np.array(data, object)  # NumPy makes integers floats if neither int64 nor uint64 holds all
            array = exact if _whole(exact) else array
    except ValueError as error:
        raise ShapeError(f"tensor: {error}{location()}. Every row must have the same length.") from None
    if dtype is not None:
        wanted = check_dtype(dtype)
        if not _whole(array):
            check_dtype(array.dtype)
        return fitted("tensor", array, wanted)
    if not typed and array.dtype == np.float64:
        return array.astype(FLOAT)
    if not typed and (array.dtype == np.uint64 or _whole(array)):
        return fitted("tensor", array, INTEGER)
    check_dtype(array.dtype)
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _whole(array: np.ndarray) -> bool:
    """Whether NumPy kept Python integers as objects, since one is too large for its dtypes."""
    return array.dtype.kind == "O" and all(isinstance(item, (int, np.integer)) for item in array.flat)


def check_dtype(dtype: DTypeLike) -> np.dtype:
    """The NumPy dtype; raises if tensors cannot have it."""
    try:
        known = np.dtype(dtype)
    except TypeError:
        known = None  # an unknown name, or another library's dtype
    if known is None or known.kind not in "fiub" or known.itemsize > 8:
        name = dtype if known is None else known
        raise DTypeError(
            f"dtype {name} is not supported{location()}: use float32, float64, float16, an integer dtype or bool."
        )
    return known


def constant(value: Number, like: Tensor) -> Tensor:
    """A number as a 0-d tensor that does not change the other operand's dtype."""
    kind = like._value.dtype.kind
    if kind == "f" or (kind in "iu" and isinstance(value, (int, np.integer))):
        dtype = like._value.dtype
        if kind in "iu" and isinstance(value, bool):
            value = int(value)
    elif isinstance(value, (bool, np.bool_)):
        dtype = np.dtype(bool)
    else:
        dtype = np.dtype(np.int64) if isinstance(value, (int, np.integer)) else FLOAT
    if isinstance(value, (int, np.integer)) and beyond(value, dtype):
        raise DTypeError(f"{value} with a tensor of dtype {dtype}{location()}: it does not fit. Use .astype('int64').")
    return like._new(number(value, dtype))


def number(value: Any, dtype: np.dtype) -> np.ndarray:
    """A number as a 0-d array; outside of the dtype's range it becomes infinite, without a warning."""
    try:
        if dtype.itemsize == 8 or abs(value) < 6e4:
            return np.array(value, dtype)
        with np.errstate(over="ignore"):
            return np.array(value, dtype)
    except OverflowError:
        raise DTypeError(f"an integer of {len(str(value))} digits{location()}: it does not fit {dtype}.") from None


def given(op: str, other: TensorLike, like: Tensor) -> Tensor:
    """:func:`operand` for functions, which raise where an operator would return NotImplemented."""
    try:
        tensor = operand(other, like)
    except (DTypeError, ShapeError) as error:
        raise type(error)(f"{op}: {error}") from None
    if tensor is NotImplemented:
        raise DTypeError(f"{op} of {type(other).__name__}: it takes tensors, arrays and numbers.")
    return tensor


def operands(op: str, *items: TensorLike) -> list[Tensor]:
    """Tensors, arrays and numbers, at least one of them a tensor, as tensors of one dtype."""
    like = next((item for item in items if isinstance(item, Tensor)), None)
    if like is None:
        raise ShapeError(f"{op} takes at least one tensor.")
    return common_dtype(op, *(given(op, item, like) for item in items))


def beyond(value: Any, dtype: np.dtype) -> int:
    """1 or -1 where a number lies above or below the range of an integer dtype, else 0."""
    if dtype.kind not in "iu":
        return 0
    limits = np.iinfo(dtype)
    return int(value > limits.max) - int(value < limits.min)


def operand(other: TensorLike, like: Tensor) -> Tensor:
    """The other operand as a tensor; NotImplemented if it is not a number, array or tensor."""
    if isinstance(other, Tensor):
        return other
    if isinstance(other, SCALARS):
        return constant(other, like)
    if isinstance(other, (np.ndarray, list, tuple)) or hasattr(other, "__dlpack__"):
        return like._new(to_array(other))
    if isinstance(other, DynamicScalar):
        return cast(other.tensor, like._value.dtype if like._value.dtype.kind == "f" else FLOAT)
    return NotImplemented


def common_dtype(op: str, *tensors: Tensor) -> list[Tensor]:
    """Tensors of one dtype. Integers and booleans adopt a float dtype; two different float dtypes are an error."""
    first = tensors[0]._value.dtype
    if all(tensor._value.dtype == first for tensor in tensors):
        return list(tensors)
    dtypes = {tensor._value.dtype for tensor in tensors}
    floats = sorted({str(dtype) for dtype in dtypes if dtype.kind == "f"})
    if len(floats) > 1:
        raise different_floats(op, [str(tensor._value.dtype) for tensor in tensors])
    dtype = np.dtype(floats[0]) if floats else np.result_type(*dtypes)
    if dtype.kind == "f" and not floats:
        raise DTypeError(
            f"{op} of {' and '.join(str(tensor._value.dtype) for tensor in tensors)}{location()}: no integer dtype "
            "holds both. Convert one of them: .astype('int64')."
        )
    return [cast(tensor, dtype) for tensor in tensors]


def different_floats(op: str, dtypes: Sequence[str]) -> DTypeError:
    """The error for operands of different float dtypes."""
    first = min(dtype for dtype in dtypes if dtype.startswith("float"))
    return DTypeError(
        f"{op} of {' and '.join(dtypes)}{location()}: no operation changes a dtype silently. "
        f"Convert one of them: .astype({first!r})."
    )


def cast(tensor: Tensor, dtype: np.dtype) -> Tensor:
    """The tensor in a dtype; the tensor itself if it has that dtype."""
    return tensor if tensor._value.dtype == dtype else apply(elementwise.cast, tensor, dtype=dtype)


def broadcast_shape(op: str, *tensors: Tensor) -> tuple[int, ...]:
    """The shape to which all tensors broadcast."""
    shapes = [tensor._value.shape for tensor in tensors]
    if shapes.count(shapes[0]) == len(shapes):
        return shapes[0]
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise ShapeError(
            f"{op} of shapes {' and '.join(map(str, shapes))}{location()}: they do not broadcast. From the last axis "
            "backwards, sizes must be equal, or one of them 1 or missing."
        ) from None


def expand(tensor: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The tensor broadcast to a shape; the tensor itself if it has that shape."""
    return tensor if tensor._value.shape == shape else apply(movement.expand, tensor, shape=shape)


def together(op: str, *tensors: Tensor) -> list[Tensor]:
    """Tensors of one dtype and one shape."""
    converted = common_dtype(op, *tensors)
    shape = broadcast_shape(op, *converted)
    return [expand(tensor, shape) for tensor in converted]


def floating(tensor: Tensor) -> Tensor:
    """The tensor, with integers and booleans converted to float32."""
    return tensor if tensor._value.dtype.kind == "f" else cast(tensor, FLOAT)
