"""Convolution, its transpose, and the fully connected layer, composed: pad, windows, contract.

Letters: N images (n), C input channels (c), O filters (o), groups (g); along the spatial axes output positions (i, j,
k) and kernel positions (u, v, w).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from ..core.context import location
from ..core.errors import ShapeError
from ..frontend.functions import composed
from .arguments import Pads, Size, bordered, output_size, sizes, spatial

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import Accepted

Padding = Size | Literal["same", "valid"]
POSITIONS, TAPS = {1: "i", 2: "ij", 3: "ijk"}, {1: "u", 2: "uv", 3: "uvw"}
KERNELS = {1: "K", 2: "Kh x Kw", 3: "Kd x Kh x Kw"}


@composed
def conv1d(
    input: Accepted,
    weight: Accepted,
    bias: Accepted | None = None,
    stride: Size = 1,
    padding: Padding = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """:func:`conv2d` along one axis: N x C x L with filters of Cout x C/groups x K to N x Cout x L'.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.conv1d(tg.tensor([[[1.0, 2.0, 4.0, 7.0]]]), tg.tensor([[[-1.0, 1.0]]])).tolist()
    [[[1.0, 2.0, 3.0]]]
    """
    return _convolution(input, 1, weight, bias, stride, padding, dilation, groups)


@composed
def conv2d(
    input: Accepted,
    weight: Accepted,
    bias: Accepted | None = None,
    stride: Size = 1,
    padding: Padding = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve N images with Cout filters (the cross-correlation that the field calls convolution).

    y[n, o, i, j] = bias[o] + Σ_{c,u,v} weight[o, c, u, v] · x̃[n, c, S i + D u, S j + D v], where x̃ is x padded by P
    zeros, and H' = floor((H + 2P - D(K - 1) - 1) / S) + 1.

    Args:
        input: x, N x C x H x W; or C x H x W, one image.
        weight: Cout x C/groups x Kh x Kw.
        bias: Cout, or None.
        stride, dilation: an integer or (vertical, horizontal), at least 1.
        padding: an integer, a pair, "valid" (none), or "same", which gives H' = ceil(H / S) at any stride; if the total
            is odd, the extra zero is at the end.
        groups: the number of groups into which input and output channels are split; each is convolved by itself.

    Raises:
        ShapeError: channels do not match the groups, or the kernel is larger than the padded input.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.conv2d(tg.ones(1, 3, 32, 32), tg.ones(10, 3, 5, 5), padding=2).shape
    (1, 10, 32, 32)
    """
    return _convolution(input, 2, weight, bias, stride, padding, dilation, groups)


@composed
def conv3d(
    input: Accepted,
    weight: Accepted,
    bias: Accepted | None = None,
    stride: Size = 1,
    padding: Padding = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """:func:`conv2d` of volumes: N x C x D x H x W with filters of Cout x C/groups x Kd x Kh x Kw.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.conv3d(tg.ones(1, 2, 8, 8, 8), tg.ones(4, 2, 3, 3, 3), stride=2, padding=1).shape
    (1, 4, 4, 4, 4)
    """
    return _convolution(input, 3, weight, bias, stride, padding, dilation, groups)


@spatial
def _convolution(
    x: Tensor,
    dims: int,
    weight: Tensor,
    bias: Tensor | None,
    stride: Size,
    padding: Padding,
    dilation: Size,
    groups: int,
) -> Tensor:
    n, c, *size = x.shape
    if weight.ndim != dims + 2:
        raise ShapeError(
            f"weight of shape {weight.shape}{location()}: it must have {dims + 2} axes, Cout x C/groups x "
            f"{KERNELS[dims]}."
        )
    o, per_group, *kernel = weight.shape
    sizes("kernel", tuple(kernel), dims)
    stride, dilation = sizes("stride", stride, dims), sizes("dilation", dilation, dims)
    _check_groups(c, o, groups)
    if c != per_group * groups:
        raise ShapeError(
            f"input of {c} channels, weight of shape {weight.shape}, groups={groups}{location()}: "
            f"the weight's second axis must be C / groups = {c // groups}, but is {per_group}."
        )
    _check_bias(bias, o)
    pads = paddings(padding, size, kernel, stride, dilation)
    out = output_size(size, kernel, stride, pads, dilation)
    windows = bordered(x, pads).windows(kernel, stride, dilation)  # n c i j u v
    at, taps = POSITIONS[dims], TAPS[dims]
    if groups == 1:
        y = windows.contract(weight, f"nc{at}{taps},oc{taps}->no{at}")
    else:
        windows = windows.reshape(n, groups, per_group, *out, *kernel)  # n (g c) i j u v -> n g c i j u v
        weight = weight.reshape(groups, o // groups, per_group, *kernel)  # (g o) c u v -> g o c u v
        y = windows.contract(weight, f"ngc{at}{taps},goc{taps}->ngo{at}").reshape(n, o, *out)
    return y if bias is None else y + bias.reshape(1, o, *(1,) * dims)


@composed
def conv_transpose1d(
    input: Accepted,
    weight: Accepted,
    bias: Accepted | None = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Tensor:
    """:func:`conv_transpose2d` along one axis: N x C x L with a weight of C x Cout/groups x K to N x Cout x L'.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.conv_transpose1d(tg.tensor([[[1.0, 2.0]]]), tg.tensor([[[1.0, 10.0]]]), stride=2).tolist()
    [[[1.0, 10.0, 2.0, 20.0]]]
    """
    return _transposed(input, 1, weight, bias, stride, padding, output_padding, groups, dilation)


@composed
def conv_transpose2d(
    input: Accepted,
    weight: Accepted,
    bias: Accepted | None = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Tensor:
    """The transpose of :func:`conv2d`: each input element adds a weighted kernel to the output.

    H' = (H - 1) S - 2P + D(K - 1) + output_padding + 1.

    Args:
        input: N x C x H x W; or C x H x W, one image.
        weight: C x Cout/groups x Kh x Kw.
        output_padding: extra rows and columns at the end, less than the stride or the dilation.

    Raises:
        ShapeError: channels do not match, or the output would be empty.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.conv_transpose2d(tg.ones(1, 4, 8, 8), tg.ones(4, 2, 2, 2), stride=2).shape
    (1, 2, 16, 16)
    """
    return _transposed(input, 2, weight, bias, stride, padding, output_padding, groups, dilation)


@composed
def conv_transpose3d(
    input: Accepted,
    weight: Accepted,
    bias: Accepted | None = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Tensor:
    """:func:`conv_transpose2d` of volumes: N x C x D x H x W with a weight of C x Cout/groups x Kd x Kh x Kw.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.conv_transpose3d(tg.ones(1, 4, 3, 3, 3), tg.ones(4, 2, 2, 2, 2), stride=2).shape
    (1, 2, 6, 6, 6)
    """
    return _transposed(input, 3, weight, bias, stride, padding, output_padding, groups, dilation)


@spatial
def _transposed(
    x: Tensor,
    dims: int,
    weight: Tensor,
    bias: Tensor | None,
    stride: Size,
    padding: Size,
    output_padding: Size,
    groups: int,
    dilation: Size,
) -> Tensor:
    n, c, *size = x.shape
    if weight.ndim != dims + 2 or weight.shape[0] != c:
        raise ShapeError(
            f"input of {c} channels, weight of shape {weight.shape}{location()}: "
            f"the weight must be C x Cout/groups x {KERNELS[dims]} with C = {c}."
        )
    per_group, *kernel = weight.shape[1:]
    sizes("kernel", tuple(kernel), dims)
    stride, dilation = sizes("stride", stride, dims), sizes("dilation", dilation, dims)
    pads, extra = sizes("padding", padding, dims, 0), sizes("output_padding", output_padding, dims, 0)
    o = per_group * groups
    _check_groups(c, o, groups)
    _check_bias(bias, o)
    for e, s, d in zip(extra, stride, dilation, strict=True):
        if e >= max(s, d):
            raise ShapeError(
                f"output_padding={e}{location()}: it must be less than the stride ({s}) or the dilation ({d})."
            )
    full = [
        (m - 1) * s + d * (k - 1) + 1 + e for m, s, d, k, e in zip(size, stride, dilation, kernel, extra, strict=True)
    ]
    if any(whole <= 2 * p for whole, p in zip(full, pads, strict=True)):
        raise ShapeError(
            f"padding={padding}{location()}: H' = (H - 1)S - 2P + D(K - 1) + output_padding + 1 must be at least 1, "
            f"but is {', '.join(f'{whole} - 2*{p}' for whole, p in zip(full, pads, strict=True))}."
        )
    at, taps = POSITIONS[dims], TAPS[dims]
    x = x.reshape(n, groups, c // groups, *size)  # n (g o) i j -> n g o i j
    weight = weight.reshape(groups, c // groups, per_group, *kernel)  # (g o) c u v -> g o c u v
    windows = x.contract(weight, f"ngo{at},goc{taps}->ngc{at}{taps}")
    y = windows.fold(stride, dilation, full).reshape(n, o, *full)
    if any(pads):
        y = y.slice((0, 0, *pads), (n, o, *(whole - p for whole, p in zip(full, pads, strict=True))))
    return y if bias is None else y + bias.reshape(1, o, *(1,) * dims)


@composed
def linear(input: Accepted, weight: Accepted, bias: Accepted | None = None) -> Tensor:
    """y = x Wᵀ + b.

    Args:
        input: x, N x D, or any number of leading axes.
        weight: D' x D; or D, for one number a row instead of D'.
        bias: D', or None; for a weight of D a number.

    Raises:
        ShapeError: x does not have D features; the message names the layer and the number it needs.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.linear(tg.ones(5, 3), tg.ones(4, 3), tg.zeros(4)).shape
    (5, 4)
    """
    x: Tensor = input
    if weight.ndim not in (1, 2):
        raise ShapeError(f"weight of shape {weight.shape}{location()}: it must be D' x D, or D for one number a row.")
    if x.ndim == 0 or x.shape[-1] != weight.shape[-1]:
        raise ShapeError(
            f"input of shape {x.shape}, weight of shape {weight.shape}{location()}: the input has "
            f"{x.shape[-1] if x.ndim else 'no'} features, the layer takes {weight.shape[-1]}. "
            f"Give the layer in_features={x.shape[-1] if x.ndim else 1}."
        )
    outputs = weight.shape[:-1]
    _check_bias(bias, *outputs)
    lead = x.shape[:-1]
    y = x.reshape(math.prod(lead), x.shape[-1]) if len(lead) != 1 else x
    y = y.contract(weight, "nf,of->no" if outputs else "nf,f->n")
    y = y if bias is None else y + bias
    return y if len(lead) == 1 else y.reshape(*lead, *outputs)


def _check_groups(c: int, o: int, groups: int) -> None:
    if not isinstance(groups, int) or groups < 1 or c % groups or o % groups:
        raise ShapeError(
            f"groups={groups} with {c} input and {o} output channels{location()}: groups must divide both."
        )


def _check_bias(bias: Tensor | None, *outputs: int) -> None:
    if bias is not None and bias.shape != outputs:
        raise ShapeError(f"bias of shape {bias.shape}{location()}: it must be {outputs}, one number for each output.")


def paddings(
    padding: Padding, size: Sequence[int], kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> Pads:
    """The padding (low, high) along each axis."""
    if padding == "valid":
        padding = 0
    if isinstance(padding, str):
        if padding != "same":
            raise ShapeError(
                f"padding={padding!r}{location()}: it must be an integer, one for each axis, 'same' or 'valid'."
            )
        totals = (
            max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0)
            for n, k, s, d in zip(size, kernel, stride, dilation, strict=True)
        )
        return tuple((total // 2, total - total // 2) for total in totals)
    return tuple((p, p) for p in sizes("padding", padding, len(size), 0))
