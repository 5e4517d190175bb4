"""Elements change places: between channels and space, among channels, from windows to columns and back.

Nothing but reshapes, permutations and windows, so any dtype will do. Letters: factors of channels and of space (r, s),
groups (g), positions of windows (i, j), positions within a window (u, v).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.context import location
from ..core.errors import ShapeError
from ..frontend.functions import composed
from .arguments import Pads, Size, bordered, sizes
from .arguments import output_size as window_counts

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import Accepted


@composed
def pixel_shuffle(input: Accepted, upscale_factor: int) -> Tensor:
    """Channels become pixels: y[n, c, r h + i, r w + j] = x[n, c r² + r i + j, h, w] (Shi et al., 2016, eq. 4).

    Args:
        input: x, ... x Cr² x H x W, with any number of leading axes, to ... x C x rH x rW.
        upscale_factor: r, at least 1.

    Raises:
        ShapeError: fewer than three axes, or channels that r² does not divide.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.pixel_shuffle(tg.tensor([[[1.0]], [[2.0]], [[3.0]], [[4.0]]]), 2).tolist()
    [[[1.0, 2.0], [3.0, 4.0]]]
    """
    x: Tensor = input
    _expect_channels(x, "C x H x W")
    (r,) = sizes("upscale_factor", upscale_factor, 1)
    *lead, c, h, w = x.shape
    if c % r**2:
        raise ShapeError(
            f"input of {c} channels, upscale_factor={r}{location()}: its square, {r**2}, must divide the channels."
        )
    n = len(lead)
    parts = x.reshape(*lead, c // r**2, r, r, h, w)  # (c r s) h w -> c r s h w
    parts = parts.permute(*range(n), n, n + 3, n + 1, n + 4, n + 2)  # c r s h w -> c h r w s
    return parts.reshape(*lead, c // r**2, h * r, w * r)


@composed
def pixel_unshuffle(input: Accepted, downscale_factor: int) -> Tensor:
    """The inverse of :func:`pixel_shuffle`: ... x C x rH x rW to ... x Cr² x H x W.

    Args:
        input: x, with any number of leading axes.
        downscale_factor: r, at least 1.

    Raises:
        ShapeError: fewer than three axes, or a height or width that r does not divide.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.pixel_unshuffle(tg.tensor([[[1.0, 2.0], [3.0, 4.0]]]), 2).tolist()
    [[[1.0]], [[2.0]], [[3.0]], [[4.0]]]
    """
    x: Tensor = input
    _expect_channels(x, "C x H x W")
    (r,) = sizes("downscale_factor", downscale_factor, 1)
    *lead, c, h, w = x.shape
    if h % r or w % r:
        raise ShapeError(f"images of {h} x {w}, downscale_factor={r}{location()}: it must divide both.")
    n = len(lead)
    parts = x.reshape(*lead, c, h // r, r, w // r, r)  # c (h r) (w s) -> c h r w s
    parts = parts.permute(*range(n), n, n + 2, n + 4, n + 1, n + 3)  # c h r w s -> c r s h w
    return parts.reshape(*lead, c * r**2, h // r, w // r)


@composed
def channel_shuffle(input: Accepted, groups: int) -> Tensor:
    """The channels of G groups in turns, one of each: y[n, k G + g] = x[n, g C/G + k] (Zhang et al., 2018, 3.1).

    Args:
        input: x, N x C x ..., with at least one spatial axis.
        groups: G, which divides C.

    Raises:
        ShapeError: fewer than three axes, or groups that do not divide the channels.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.channel_shuffle(tg.tensor([[[0.0], [1.0], [2.0], [3.0]]]), 2).flatten().tolist()
    [0.0, 2.0, 1.0, 3.0]
    """
    x: Tensor = input
    _expect_channels(x, "N x C x ..., with at least one spatial axis")
    (g,) = sizes("groups", groups, 1)
    n, c, *size = x.shape
    if c % g:
        raise ShapeError(f"input of {c} channels, groups={g}{location()}: groups must divide the channels.")
    return x.reshape(n, g, c // g, *size).swapaxes(1, 2).reshape(x.shape)  # n (g c) ... -> n (c g) ...


@composed
def unfold(input: Accepted, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1) -> Tensor:
    """Windows as columns ("im2col"): N x C x H x W to N x C Kh Kw x H'W', H' = floor((H + 2P - D(K - 1) - 1) / S) + 1.

    y[n, (c u v), (i j)] = x̃[n, c, S i + D u, S j + D v], where x̃ is x padded by P zeros. A convolution is the product
    of its weights, Cout x C Kh Kw, and these columns.

    Args:
        input: x, N x C x H x W; or C x H x W, one image, which gives C Kh Kw x H'W'.
        kernel_size, dilation, padding, stride: an integer or (vertical, horizontal).

    Raises:
        ShapeError: another number of axes, or a kernel larger than the padded input.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.unfold(tg.tensor([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]), 2).tolist()
    [[1.0, 2.0], [2.0, 3.0], [4.0, 5.0], [5.0, 6.0]]
    """
    x: Tensor = input
    if x.ndim not in (3, 4):
        raise ShapeError(
            f"input of shape {x.shape}{location()}: it must be N x C x H x W, or C x H x W without a batch: 4 or 3 "
            f"axes, not {x.ndim}."
        )
    kernel, spread, pads, steps = _window(kernel_size, dilation, padding, stride)
    *lead, c, h, w = x.shape
    counts = window_counts((h, w), kernel, steps, pads, spread)
    n = len(lead)
    windows = bordered(x, pads).windows(kernel, steps, spread)  # c i j u v
    columns = windows.permute(*range(n), n, n + 3, n + 4, n + 1, n + 2)  # c i j u v -> c u v i j
    return columns.reshape(*lead, c * kernel[0] * kernel[1], counts[0] * counts[1])


@composed
def fold(
    input: Accepted,
    output_size: Size,
    kernel_size: Size,
    dilation: Size = 1,
    padding: Size = 0,
    stride: Size = 1,
) -> Tensor:
    """Columns back into an image, overlaps added up ("col2im"): the adjoint of :func:`unfold`.

    N x C Kh Kw x H'W' to N x C x H x W. Dividing by the fold of an unfolded image of ones averages the overlaps.

    Args:
        input: N x C Kh Kw x H'W'; or C Kh Kw x H'W', one image.
        output_size: (H, W), or one number for both: the image without its padding.
        kernel_size, dilation, padding, stride: those of :func:`unfold`, an integer or (vertical, horizontal).

    Raises:
        ShapeError: another number of axes, rows that are no multiple of Kh Kw, or columns other than the windows of
            such an image.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.fold(tg.ones(4, 2), (2, 3), 2).tolist()
    [[[1.0, 2.0, 1.0], [1.0, 2.0, 1.0]]]
    """
    x: Tensor = input
    if x.ndim not in (2, 3):
        raise ShapeError(
            f"input of shape {x.shape}{location()}: it must be N x C Kh Kw x H'W', or C Kh Kw x H'W' without a batch: "
            f"3 or 2 axes, not {x.ndim}."
        )
    size = sizes("output_size", output_size, 2)
    kernel, spread, pads, steps = _window(kernel_size, dilation, padding, stride)
    *lead, rows, columns = x.shape
    area = kernel[0] * kernel[1]
    if rows % area:
        raise ShapeError(
            f"input of shape {x.shape}, kernel_size={kernel}{location()}: its {rows} rows must be C Kh Kw, a multiple "
            f"of {area}."
        )
    counts = window_counts(size, kernel, steps, pads, spread)
    if columns != counts[0] * counts[1]:
        raise ShapeError(
            f"input of shape {x.shape}, output_size={size}{location()}: such an image has {counts[0]} x {counts[1]} "
            f"windows, so there must be {counts[0] * counts[1]} columns, not {columns}."
        )
    n, c = len(lead), rows // area
    windows = x.reshape(*lead, c, *kernel, *counts)  # (c u v) (i j) -> c u v i j
    windows = windows.permute(*range(n), n, n + 3, n + 4, n + 1, n + 2)  # c u v i j -> c i j u v
    whole = [m + low + high for m, (low, high) in zip(size, pads, strict=True)]
    y = windows.fold(steps, spread, whole)
    if not any(map(any, pads)):
        return y
    start = [low for low, _ in pads]
    stop = [low + m for m, (low, _) in zip(size, pads, strict=True)]
    return y.slice((0,) * (n + 1) + tuple(start), (*lead, c, *stop))


def _window(
    kernel_size: Size, dilation: Size, padding: Size, stride: Size
) -> tuple[tuple[int, ...], tuple[int, ...], Pads, tuple[int, ...]]:
    """Kernel, dilation, paddings and stride along both axes, checked."""
    pads = tuple((p, p) for p in sizes("padding", padding, 2, 0))
    return sizes("kernel_size", kernel_size, 2), sizes("dilation", dilation, 2), pads, sizes("stride", stride, 2)


def _expect_channels(x: Tensor, form: str) -> None:
    if x.ndim < 3:
        raise ShapeError(f"input of shape {x.shape}{location()}: it must be {form}: at least 3 axes, not {x.ndim}.")
