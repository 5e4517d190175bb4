"""class Tensor and the functions on tensors. A method normalizes its arguments and applies one primitive."""

from __future__ import annotations

from typing import Any

from .movement import concatenate, stack
from .reduction import einsum, matmul

__all__ = ["FUNCTIONS", "concatenate", "einsum", "matmul", "stack", "where"]


def where(condition: Any, a: Any, b: Any) -> Any:
    """``a`` where the condition holds, else ``b``; the branch not taken adds exactly nothing to the gradient.

    >>> import tinygrad_cv as tg
    >>> x = tg.tensor([-1.0, 4.0], requires_grad=True)
    >>> tg.where(x > 0, x.sqrt(), x).sum().backward()
    >>> x.grad
    tensor([1.  , 0.25], shape=(2,), dtype=float32)
    """
    from .creation import asarray

    return asarray(condition).where(a, b)


def _method(name: str) -> Any:
    def call(x: Any, *args: Any, **kwargs: Any) -> Any:
        kwargs.pop("out", None)
        if kwargs.get("dtype", 0) is None:
            kwargs.pop("dtype")
        return getattr(x, name)(*args, **kwargs)

    return call


# What NumPy's own functions do with tensors: np.sum(t) is t.sum().
FUNCTIONS: dict[str, Any] = {
    **{
        name: _method(name)
        for name in (
            "sum mean var std max min amax amin argmax argmin cumsum prod any all reshape transpose squeeze expand_dims "
            "swapaxes moveaxis ravel flip clip repeat split broadcast_to take_along_axis"
        ).split()
    },
    "concatenate": concatenate,
    "stack": stack,
    "einsum": einsum,
    "where": where,
    "dot": matmul,
    "shape": lambda x: x.shape,
    "ndim": lambda x: x.ndim,
    "size": lambda x: x.size,
}
