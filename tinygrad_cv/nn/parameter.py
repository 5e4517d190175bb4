"""Parameter: a tensor that is learned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import DTypeError
from ..frontend.tensor import Tensor

if TYPE_CHECKING:
    from ..frontend.typing import TensorLike


class Parameter(Tensor):
    """A leaf tensor that requires grad, with a copy of ``data``. Set as an attribute, it is a parameter of the module.

    Results of operations on a parameter are plain tensors.

    Raises:
        DTypeError: the data are not floating-point numbers.

    >>> import tinygrad_cv as tg
    >>> weight = tg.nn.Parameter(tg.zeros(3, 2))
    >>> weight.requires_grad, type(weight * 2).__name__
    (True, 'Tensor')
    """

    __slots__ = ()

    def __init__(self, data: TensorLike, requires_grad: bool = True):
        try:
            super().__init__(data)
        except DTypeError as error:
            raise DTypeError(f"Parameter of {type(data).__name__}: it takes a tensor or an array. {error}") from None
        if self.dtype.kind != "f":
            raise DTypeError(
                f"Parameter of dtype {self.dtype}: parameters are learned by gradients, so they are floats. Use "
                ".astype('float32'), or register_buffer() for tensors that are not learned."
            )
        if requires_grad:
            self.requires_grad_()

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (np.array(self.numpy(), order="C"), self.requires_grad)


def _rebuild(value: np.ndarray, requires_grad: bool) -> Parameter:
    """For pickle and deepcopy, which copy the data and the flag, not the graph."""
    return Parameter(value, requires_grad)
