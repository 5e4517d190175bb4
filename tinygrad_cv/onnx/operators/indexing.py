"""Elements by their places."""

from __future__ import annotations

from ...frontend.tensor import Tensor
from ..errors import OnnxError
from ..registry import operator


@operator("Gather", since=1)
def gather(x: Tensor, indices: Tensor, *, axis: int) -> Tensor:
    """The parts of x at places along an axis; the axes of the indices are in its place."""
    if not -x.ndim <= axis < x.ndim:
        raise OnnxError(f"input of shape {x.shape}, axis={axis}: it must be from {-x.ndim} to {x.ndim - 1}.")
    before: tuple[slice | Tensor, ...] = (slice(None),) * (axis % x.ndim)
    return x[(*before, indices)]
