"""Parameter: a tensor that is learned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import DTypeError, ShapeError
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


class UninitializedParameter:
    """What stands for a parameter or a buffer of a lazily sized layer until its shape is known."""

    __slots__ = ("dtype",)

    def __init__(self, dtype: np.dtype | None = None):
        self.dtype = dtype  # that it was converted to; None for its usual one


def existing(path: str, value: Any) -> Any:
    """The attribute at a path.

    Raises:
        ShapeError: it stands for a parameter or a buffer that does not exist yet.
    """
    if isinstance(value, UninitializedParameter):
        raise ShapeError(
            f"{path} does not exist yet: its layer takes its size from the first input. Call the model once with an "
            "example, outside of jit, or load a state dict; parameters can be asked for, and given to an optimizer, "
            "after that."
        )
    return value


def _rebuild(value: np.ndarray, requires_grad: bool) -> Parameter:
    """For pickle and deepcopy, which copy the data and the flag, not the graph."""
    return Parameter(value, requires_grad)
