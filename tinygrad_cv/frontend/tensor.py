"""class Tensor, put together from its groups of methods."""

from __future__ import annotations

import math
from inspect import CO_VARARGS
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.annotations import explaining
from ..core.context import read
from ..core.tape import Node
from .arrangement import ArrangementMethods
from .collective import CollectiveMethods
from .elementary import ElementaryMethods
from .elementwise import ElementwiseMethods
from .indexing import IndexingMethods
from .inplace import InplaceMethods
from .interop import InteropMethods
from .movement import MovementMethods
from .ordering import OrderingMethods
from .products import ProductMethods
from .promotion import to_array
from .reduction import ReductionMethods
from .vocabulary import PyTorchNames, renamed

if TYPE_CHECKING:
    from .typing import DTypeLike, TensorLike


class Count(int):
    """The number of elements, callable as PyTorch's ``size()``."""

    shape: tuple[int, ...]

    def __call__(self, dim: int | None = None) -> Any:  # a tuple, or with dim an int
        return self.shape if dim is None else self.shape[dim]

    def __reduce__(self) -> tuple[type[int], tuple[int]]:
        return int, (int(self),)


class Tensor(
    ElementwiseMethods,
    ElementaryMethods,
    InplaceMethods,
    MovementMethods,
    ArrangementMethods,
    ReductionMethods,
    OrderingMethods,
    ProductMethods,
    IndexingMethods,
    CollectiveMethods,
    InteropMethods,
    PyTorchNames,
):
    """An array with a derivative.

    ``Tensor(data)`` and :func:`tensor` copy the data. Methods have NumPy's names. Operations are recorded if one of
    their operands requires grad; :meth:`backward` computes gradients from the record.

    Attributes:
        value: the NumPy array. Treat it as read-only.
        grad: the gradient that ``backward`` has accumulated, or None.

    >>> import tinygrad_cv as tg
    >>> x = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4., 6.], shape=(3,), dtype=float32)
    """

    __slots__ = ()

    @explaining
    def __init__(self, data: TensorLike, dtype: DTypeLike | None = None, requires_grad: bool = False):
        self._value = to_array(data, dtype)
        self.node = self._grad = None
        if requires_grad:
            self.requires_grad_()

    @staticmethod
    def _new(value: Any, node: Node | None = None) -> Tensor:
        tensor = _allocate(Tensor)
        tensor._value = value
        tensor.node = node
        tensor._grad = None
        return tensor

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (np.array(self._concrete("pickle"), order="C"), self.is_leaf and self.requires_grad)

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the axes."""
        return self._value.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self._value.shape)

    @property
    def size(self) -> Count:
        """The number of elements; if called, as in PyTorch, the shape or one of its sizes."""
        size = Count(math.prod(self._value.shape))
        size.shape = self._value.shape
        return size

    @property
    def dtype(self) -> np.dtype:
        """The NumPy dtype of the elements."""
        return self._value.dtype

    def clone(self) -> Tensor:
        """A copy that does not share memory; gradients flow through it."""
        return self * 1 if self.node is not None else self._new(_copy(read(self)))


def _takes(method: Any) -> bool:
    """Whether a method has parameters."""
    return method.__code__.co_argcount > 1 or bool(method.__code__.co_flags & CO_VARARGS)


# What functionals and derivatives are made of: a layer of calls around these would show in small operations.
_INNER = ("expand", "permute", "reshape", "times", "view", "where")
for _name, _method in [(name, getattr(Tensor, name)) for name in dir(Tensor) if name[0] != "_"]:
    if hasattr(_method, "__code__"):
        _wrapped = renamed(_method)
        if _wrapped is _method and _takes(_method) and _name not in _INNER:
            _wrapped = explaining(_method)
        setattr(Tensor, _name, _wrapped)

_allocate = object.__new__


def _copy(value: Any) -> Any:
    """A copy of an array; a traced value has no memory and never changes."""
    return np.array(value) if isinstance(value, np.ndarray) else value


def _rebuild(value: np.ndarray, requires_grad: bool) -> Tensor:
    """What pickle calls: restores the data, without a graph."""
    tensor = Tensor._new(value)
    return tensor.requires_grad_() if requires_grad else tensor
