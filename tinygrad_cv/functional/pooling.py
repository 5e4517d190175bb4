"""Pooling over windows, composed: pad, windows, reduce. H' = floor((H + 2P - D(K - 1) - 1) / S) + 1; per channel."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..core.context import location
from ..core.errors import ShapeError
from ..frontend.functions import composed
from ..frontend.reduction import root
from .arguments import Size, spatial
from .pooling_types import Pooled, max_pooling
from .windows import Windows, largest, windows_of

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import Accepted


@max_pooling
def max_pool1d(
    input: Accepted,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Pooled:
    """:func:`max_pool2d` along one axis: N x C x L to N x C x L'.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.max_pool1d(tg.tensor([[1.0, 3.0, 2.0, 5.0]]), 2).tolist()
    [[3.0, 5.0]]
    """
    return _max_pool(input, 1, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


@max_pooling
def max_pool2d(
    input: Accepted,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Pooled:
    """The maximum of each window; at a tie the gradient goes to the first in row-major order. NaN propagates.

    y[n, c, i, j] = max_{u,v} x[n, c, S i + D u - P, S j + D v - P].

    Args:
        input: x, N x C x H x W; or C x H x W, one image.
        kernel_size: K.
        stride: S, by default K.
        padding: P, at most K/2, filled with -inf, which is never the maximum; where all of a window is -inf, its
            gradient is lost in the padding.
        dilation: D, the distance between the elements of a window.
        ceil_mode: round H' up, so that the last window may be partial.
        return_indices: return (y, places), where places[n, c, i, j] = h W + w of the maximum, as
            :func:`max_unpool2d` takes them. Of several NaN it is the first, where PyTorch has the last.

    Raises:
        ShapeError: the kernel does not fit, or P is larger than K/2.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> x = tg.tensor([[[[1., 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]]]])
    >>> y, places = F.max_pool2d(x, 2, return_indices=True)
    >>> y.tolist(), places.tolist()
    ([[[[6.0, 8.0], [3.0, 4.0]]]], [[[[5, 7], [8, 15]]]])
    """
    return _max_pool(input, 2, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


@max_pooling
def max_pool3d(
    input: Accepted,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Pooled:
    """:func:`max_pool2d` of volumes: N x C x D x H x W to N x C x D' x H' x W'.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.max_pool3d(tg.ones(1, 2, 8, 8, 8), 3, 2, 1).shape
    (1, 2, 4, 4, 4)
    """
    return _max_pool(input, 3, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


@spatial
def _max_pool(
    x: Tensor,
    dims: int,
    kernel_size: Size,
    stride: Size | None,
    padding: Size,
    dilation: Size,
    ceil_mode: bool,
    return_indices: bool,
) -> Pooled:
    return largest(x, windows_of(x.shape[2:], kernel_size, stride, padding, dilation, ceil_mode), return_indices)


@composed
def avg_pool1d(
    input: Accepted,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """:func:`avg_pool2d` along one axis: N x C x L to N x C x L'.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.avg_pool1d(tg.tensor([[1.0, 3.0, 2.0, 5.0]]), 2).tolist()
    [[2.0, 3.5]]
    """
    return _avg_pool(input, 1, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


@composed
def avg_pool2d(
    input: Accepted,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window.

    y[n, c, i, j] = 1/K² Σ_{u,v} x[n, c, S i + u - P, S j + v - P].

    Args:
        input: x, N x C x H x W; or C x H x W, one image.
        kernel_size: K.
        stride: S, by default K.
        padding: P, at most K/2; the zeros count as elements unless ``count_include_pad`` is false.
        ceil_mode: round H' up; the part of a window beyond the padding never counts.
        divisor_override: divide by this instead of the number of elements.

    Raises:
        ShapeError: the kernel does not fit, P is larger than K/2, or the divisor is 0.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.avg_pool2d(tg.tensor([[[[1., 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]]]]), 2).tolist()
    [[[[3.25, 5.25], [2.0, 2.0]]]]
    """
    return _avg_pool(input, 2, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


@composed
def avg_pool3d(
    input: Accepted,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """:func:`avg_pool2d` of volumes: N x C x D x H x W to N x C x D' x H' x W'.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.avg_pool3d(tg.ones(1, 2, 8, 8, 8), 2).shape
    (1, 2, 4, 4, 4)
    """
    return _avg_pool(input, 3, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


@spatial
def _avg_pool(
    x: Tensor,
    dims: int,
    kernel_size: Size,
    stride: Size | None,
    padding: Size,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Tensor:
    windows = windows_of(x.shape[2:], kernel_size, stride, padding, 1, ceil_mode)
    if divisor_override is None:
        return mean(x, windows, count_include_pad)
    if divisor_override == 0:
        raise ShapeError(f"divisor_override=0{location()}: the divisor must not be 0.")
    return windows.of(x, 0.0).sum(windows.axes) * (1.0 / divisor_override)


def mean(x: Tensor, windows: Windows, include_pad: bool = True) -> Tensor:
    """The mean of what each window covers."""
    total = windows.of(x, 0.0).sum(windows.axes)
    whole, divisor = math.prod(windows.kernel), windows.elements(include_pad)
    if (divisor == whole).all():
        return total * (1.0 / whole)
    return total * (1.0 / divisor).astype(x.dtype)


@composed
def lp_pool1d(
    input: Accepted, norm_type: float, kernel_size: Size, stride: Size | None = None, ceil_mode: bool = False
) -> Tensor:
    """:func:`lp_pool2d` along one axis: N x C x L to N x C x L'.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.lp_pool1d(tg.tensor([[3.0, 4.0, 0.0, 2.0]]), 2, 2).tolist()
    [[5.0, 2.0]]
    """
    return _lp_pool(input, 1, norm_type, kernel_size, stride, ceil_mode)


@composed
def lp_pool2d(
    input: Accepted, norm_type: float, kernel_size: Size, stride: Size | None = None, ceil_mode: bool = False
) -> Tensor:
    """y = (Σ xᵖ)^(1/p) over each window (Sermanet, Chintala and LeCun, "House numbers", 2012, section 2.2).

    Where Σ xᵖ is 0 the gradient is 0; where it is negative, at an odd p, y is the real root, -(-Σ xᵖ)^(1/p).

    Args:
        input: x, N x C x H x W; or C x H x W, one image.
        norm_type: p, not 0. 1 gives sums, inf the largest |x|, -inf the smallest.
        kernel_size: K.
        stride: S, by default K.
        ceil_mode: round H' up; a partial window counts as a whole one with the same mean of xᵖ.

    Raises:
        ShapeError: the kernel does not fit.
        ValueError: p is 0.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.lp_pool2d(tg.tensor([[[3.0, 0.0], [4.0, 0.0]]]), 2, 2).tolist()
    [[[5.0]]]
    """
    return _lp_pool(input, 2, norm_type, kernel_size, stride, ceil_mode)


@composed
def lp_pool3d(
    input: Accepted, norm_type: float, kernel_size: Size, stride: Size | None = None, ceil_mode: bool = False
) -> Tensor:
    """:func:`lp_pool2d` of volumes: N x C x D x H x W to N x C x D' x H' x W'.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.lp_pool3d(tg.ones(1, 2, 2, 2, 2), 1, 2).tolist()
    [[[[[8.0]]], [[[8.0]]]]]
    """
    return _lp_pool(input, 3, norm_type, kernel_size, stride, ceil_mode)


def check_power(p: float) -> None:
    """Raises if the powers of Lp pooling cannot be p."""
    if isinstance(p, bool) or not isinstance(p, (int, float)) or p == 0 or math.isnan(p):
        raise ValueError(f"norm_type={p!r}{location()}: it must be a number other than 0.")


@spatial
def _lp_pool(x: Tensor, dims: int, p: float, kernel_size: Size, stride: Size | None, ceil_mode: bool) -> Tensor:
    check_power(p)
    windows = windows_of(x.shape[2:], kernel_size, stride, 0, 1, ceil_mode)
    if math.isinf(p):
        return largest(abs(x), windows, False) if p > 0 else -largest(-abs(x), windows, False)
    s = mean(x**p, windows) * math.prod(windows.kernel)
    if p == 1:
        return s
    if p == 2:
        return root(s)
    zero = s == 0
    return s.detach().sign() * zero.where(0.0, abs(zero.where(1.0, s)) ** (1.0 / p))
