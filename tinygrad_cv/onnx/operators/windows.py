"""Where windows stand: the attributes that convolution and pooling share."""

from __future__ import annotations

from collections.abc import Sequence

from ...functional.arguments import Pads
from ..errors import OnnxError


def each(name: str, values: Sequence[int] | None, dims: int, default: int = 1) -> tuple[int, ...]:
    """One number for each spatial axis."""
    numbers = tuple(values or (default,) * dims)
    if len(numbers) != dims or min(numbers) < 1:
        raise OnnxError(f"{name}={numbers}: it must have {dims} numbers of at least 1, one for each spatial axis.")
    return numbers


def borders(
    auto_pad: str,
    pads: Sequence[int] | None,
    size: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
) -> Pads:
    """The padding (low, high) along each spatial axis.

    SAME_UPPER and SAME_LOWER give as many windows as there are whole or partial strides, the odd zero at the end or at
    the beginning.
    """
    dims = len(size)
    if auto_pad in ("NOTSET", ""):
        numbers = tuple(pads or (0,) * 2 * dims)
        if len(numbers) != 2 * dims:
            raise OnnxError(f"pads={numbers}: there must be {2 * dims}, first the lower ones of all {dims} axes.")
        return tuple(zip(numbers[:dims], numbers[dims:], strict=True))
    if auto_pad == "VALID":
        return ((0, 0),) * dims
    if auto_pad not in ("SAME_UPPER", "SAME_LOWER"):
        raise OnnxError(f"auto_pad={auto_pad!r}: it must be NOTSET, VALID, SAME_UPPER or SAME_LOWER.")
    result = []
    for n, k, s, d in zip(size, kernel, stride, dilation, strict=True):
        total = max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0)
        less = total // 2
        result.append((less, total - less) if auto_pad == "SAME_UPPER" else (total - less, less))
    return tuple(result)


def check_kernel(given: Sequence[int] | None, kernel: Sequence[int]) -> None:
    """Raise OnnxError if the attribute kernel_shape is not the size that the weight has."""
    if given is not None and tuple(given) != tuple(kernel):
        raise OnnxError(f"kernel_shape={tuple(given)}, but the weight's kernels are {tuple(kernel)}.")
