"""Convolution, its transpose, and the fully connected layer, composed: pad, windows, contract.

Letters: N images (n), C input channels (c), O filters (o), output position (i, j), kernel position (u, v), groups (g).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from ..core.context import location
from ..core.errors import ShapeError
from ..frontend.functions import composed
from .arguments import Pads, Pair, bordered, images, output_size, pair

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import Accepted

Padding = Pair | Literal["same", "valid"]


@composed
def conv2d(
    x: Accepted,
    weight: Accepted,
    bias: Accepted | None = None,
    stride: Pair = 1,
    padding: Padding = 0,
    dilation: Pair = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve N images with Cout filters (the cross-correlation that the field calls convolution).

    y[n, o, i, j] = bias[o] + Σ_{c,u,v} weight[o, c, u, v] · x̃[n, c, S i + D u, S j + D v], where x̃ is x padded by P
    zeros, and H' = floor((H + 2P - D(K - 1) - 1) / S) + 1.

    Args:
        x: N x C x H x W.
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
    n, c, h, w = images(x)
    if weight.ndim != 4:
        raise ShapeError(
            f"weight of shape {weight.shape}{location()}: it must have four axes, Cout x C/groups x Kh x Kw."
        )
    o, per_group = weight.shape[:2]
    kernel, stride, dilation = pair("kernel", weight.shape[2:]), pair("stride", stride), pair("dilation", dilation)
    _check_groups(c, o, groups)
    if c != per_group * groups:
        raise ShapeError(
            f"input of {c} channels, weight of shape {weight.shape}, groups={groups}{location()}: "
            f"the weight's second axis must be C / groups = {c // groups}, but is {per_group}."
        )
    _check_bias(bias, o)
    pads = _padding(padding, (h, w), kernel, stride, dilation)
    i, j = output_size((h, w), kernel, stride, pads, dilation)
    windows = bordered(x, pads).windows(kernel, stride, dilation)  # n c i j u v
    if groups == 1:
        y = windows.contract(weight, "ncijuv,ocuv->noij")
    else:
        windows = windows.reshape(n, groups, per_group, i, j, *kernel)  # n (g c) i j u v -> n g c i j u v
        weight = weight.reshape(groups, o // groups, per_group, *kernel)  # (g o) c u v -> g o c u v
        y = windows.contract(weight, "ngcijuv,gocuv->ngoij").reshape(n, o, i, j)
    return y if bias is None else y + bias.reshape(1, o, 1, 1)


@composed
def conv_transpose2d(
    x: Accepted,
    weight: Accepted,
    bias: Accepted | None = None,
    stride: Pair = 1,
    padding: Pair = 0,
    output_padding: Pair = 0,
    groups: int = 1,
    dilation: Pair = 1,
) -> Tensor:
    """The transpose of :func:`conv2d`: each input element adds a weighted kernel to the output.

    H' = (H - 1) S - 2P + D(K - 1) + output_padding + 1.

    Args:
        x: N x C x H x W.
        weight: C x Cout/groups x Kh x Kw.
        output_padding: extra rows and columns at the end, less than the stride or the dilation.

    Raises:
        ShapeError: channels do not match, or the output would be empty.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.conv_transpose2d(tg.ones(1, 4, 8, 8), tg.ones(4, 2, 2, 2), stride=2).shape
    (1, 2, 16, 16)
    """
    n, c, h, w = images(x)
    if weight.ndim != 4 or weight.shape[0] != c:
        raise ShapeError(
            f"input of {c} channels, weight of shape {weight.shape}{location()}: "
            f"the weight must be C x Cout/groups x Kh x Kw with C = {c}."
        )
    per_group = weight.shape[1]
    o = per_group * groups
    _check_groups(c, o, groups)
    _check_bias(bias, o)
    kernel, stride, dilation = pair("kernel", weight.shape[2:]), pair("stride", stride), pair("dilation", dilation)
    padding, extra = pair("padding", padding, 0), pair("output_padding", output_padding, 0)
    for e, s, d in zip(extra, stride, dilation, strict=True):
        if e >= max(s, d):
            raise ShapeError(
                f"output_padding={e}{location()}: it must be less than the stride ({s}) or the dilation ({d})."
            )
    full = [
        (m - 1) * s + d * (k - 1) + 1 + e for m, s, d, k, e in zip((h, w), stride, dilation, kernel, extra, strict=True)
    ]
    if any(size <= 2 * p for size, p in zip(full, padding, strict=True)):
        raise ShapeError(
            f"padding={padding}{location()}: H' = (H - 1)S - 2P + D(K - 1) + output_padding + 1 must be at least "
            f"1, but {full[0]} - 2*{padding[0]} and {full[1]} - 2*{padding[1]} are left."
        )
    x = x.reshape(n, groups, c // groups, h, w)  # n (g o) i j -> n g o i j
    weight = weight.reshape(groups, c // groups, per_group, *kernel)  # (g o) c u v -> g o c u v
    windows = x.contract(weight, "ngoij,gocuv->ngcijuv")
    y = windows.fold(stride, dilation, full).reshape(n, o, *full)
    start = (0, 0, *padding)
    y = y.slice(start, (n, o, full[0] - padding[0], full[1] - padding[1])) if any(padding) else y
    return y if bias is None else y + bias.reshape(1, o, 1, 1)


@composed
def linear(x: Accepted, weight: Accepted, bias: Accepted | None = None) -> Tensor:
    """y = x Wᵀ + b.

    Args:
        x: N x D, or any number of leading axes.
        weight: D' x D.
        bias: D', or None.

    Raises:
        ShapeError: x does not have D features; the message names the layer and the number it needs.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.linear(tg.ones(5, 3), tg.ones(4, 3), tg.zeros(4)).shape
    (5, 4)
    """
    if weight.ndim != 2:
        raise ShapeError(f"weight of shape {weight.shape}{location()}: it must have two axes, D' x D.")
    if x.ndim == 0 or x.shape[-1] != weight.shape[1]:
        raise ShapeError(
            f"input of shape {x.shape}, weight of shape {weight.shape}{location()}: the input has "
            f"{x.shape[-1] if x.ndim else 'no'} features, the layer takes {weight.shape[1]}. "
            f"Give the layer in_features={x.shape[-1] if x.ndim else 1}."
        )
    _check_bias(bias, weight.shape[0])
    lead = x.shape[:-1]
    y = x.reshape(math.prod(lead), x.shape[-1]) if len(lead) != 1 else x
    y = y.contract(weight, "nf,of->no")
    y = y if bias is None else y + bias
    return y if len(lead) == 1 else y.reshape(*lead, weight.shape[0])


def _check_groups(c: int, o: int, groups: int) -> None:
    if not isinstance(groups, int) or groups < 1 or c % groups or o % groups:
        raise ShapeError(
            f"groups={groups} with {c} input and {o} output channels{location()}: groups must divide both."
        )


def _check_bias(bias: Tensor | None, o: int) -> None:
    if bias is not None and bias.shape != (o,):
        raise ShapeError(f"bias of shape {bias.shape}{location()}: it must be ({o},), one number for each output.")


def _padding(
    padding: Padding, size: tuple[int, int], kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int]
) -> Pads:
    """The padding (low, high) of both axes."""
    if padding == "valid":
        padding = 0
    if isinstance(padding, str):
        if padding != "same":
            raise ShapeError(f"padding={padding!r}{location()}: it must be an integer, a pair, 'same' or 'valid'.")
        pads = []
        for n, k, s, d in zip(size, kernel, stride, dilation, strict=True):
            total = max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0)
            pads.append((total // 2, total - total // 2))
        return pads[0], pads[1]
    vertical, horizontal = pair("padding", padding, 0)
    return (vertical, vertical), (horizontal, horizontal)
