"""What is set for a module and all below it: training or evaluation, gradients, the dtype."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np

from ..core.annotations import explaining
from ..frontend.promotion import check_dtype
from ..frontend.tensor import Tensor
from .parameter import Parameter, UninitializedParameter
from .traversal import Traversal

if TYPE_CHECKING:
    from ..frontend.typing import DTypeLike
    from .module import Module

M = TypeVar("M", bound="Settable")


class Settable(Traversal):
    """The methods of :class:`Module` that change it with all its descendants, in place."""

    def train(self: M, mode: bool = True) -> M:
        """Set training mode (or evaluation mode) for this module and all its descendants."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self: M) -> M:
        """Set evaluation mode: running averages instead of batch statistics, no dropout."""
        return self.train(False)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Reset the gradients of all parameters: to None, or to zeros if ``set_to_none`` is false."""
        for parameter in self.parameters():
            if set_to_none or parameter.grad is None:
                parameter.grad = None
            else:
                parameter.grad = parameter.grad.detach() * 0

    def requires_grad_(self: M, requires_grad: bool = True) -> M:
        """Let gradients be computed for all parameters, or freeze them."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    @explaining
    def apply(self: M, fn: Callable[[Module], object]) -> M:
        """Call a function on this module and all its descendants, submodules first."""
        for child in self.children():
            child.apply(fn)
        fn(cast("Module", self))
        return self

    @explaining
    def to(self: M, dtype: DTypeLike) -> M:
        """Convert the parameters and the float buffers to another float dtype, in place. Gradients are dropped.

        >>> import tinygrad_cv as tg
        >>> tg.nn.Linear(2, 3).to("float64").weight.dtype
        dtype('float64')
        """
        dtype = check_dtype(dtype)
        if dtype.kind != "f":
            raise TypeError(f"{type(self).__name__}.to({str(dtype)!r}): parameters are floats; use float16, 32 or 64.")
        for module in self.modules():
            for name, value in vars(module).items():
                if isinstance(value, UninitializedParameter):
                    value.dtype = dtype
                elif isinstance(value, Parameter) or (name in module._buffers and value is not None):
                    _convert(value, dtype)
        return self


def _convert(tensor: Tensor, dtype: np.dtype) -> None:
    """Floats to another dtype, in place, without the gradient."""
    if tensor.dtype.kind == "f" and tensor.dtype != dtype:
        requires_grad = tensor.requires_grad
        tensor.requires_grad_(False)
        tensor.value, tensor.grad = tensor.astype(dtype)._concrete("Module.to()"), None
        tensor.requires_grad_(requires_grad)
