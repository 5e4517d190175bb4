"""Images read at any positions: spatial transformers (Jaderberg et al., 2015, section 3.3), and their affine grids.

Along each axis a position has a few neighbours, and a weight for each, a polynomial in the position's fraction. What a
position reads is all combinations of neighbours: one gather of pixels, times the products of their weights, summed.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np

from ..core.context import location
from ..core.errors import DTypeError, ShapeError
from ..frontend.functions import composed
from ..frontend.indexing import looked_up

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import Accepted

Kernel = Literal["bilinear", "nearest", "bicubic"]
Padding = Literal["zeros", "border", "reflection"]
KERNELS: tuple[Kernel, ...] = get_args(Kernel)
PADDINGS: tuple[Padding, ...] = get_args(Padding)
INDEX = np.dtype(np.int64)
KEYS = -0.75  # the a of cubic convolution (Keys, 1981), as for bicubic interpolation


class Polynomials(NamedTuple):
    """The neighbours of a position, relative to its floor, and the weight of each, by powers of the fraction."""

    neighbours: tuple[int, ...]
    coefficients: np.ndarray  # neighbours x powers


POLYNOMIALS = {
    "bilinear": Polynomials((0, 1), np.array([[1.0, -1.0], [0.0, 1.0]])),
    "bicubic": Polynomials(
        (-1, 0, 1, 2),
        np.array(
            [
                [0.0, KEYS, -2 * KEYS, KEYS],
                [1.0, 0.0, -KEYS - 3, KEYS + 2],
                [0.0, -KEYS, 2 * KEYS + 3, -KEYS - 2],
                [0.0, 0.0, KEYS, -KEYS],
            ]
        ),
    ),
}


@composed
def grid_sample(
    input: Accepted,
    grid: Accepted,
    mode: Kernel = "bilinear",
    padding_mode: Padding = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """Read images at positions: y[n, c, i, j] = Σ_{h,w} k(py - h) k(px - w) x[n, c, h, w], (gx, gy) = grid[n, i, j].

    A coordinate g of -1 to 1 spans the image: p = ((g + 1) W - 1) / 2, from edge to edge, or with ``align_corners``
    p = (g + 1) (W - 1) / 2, from the first pixel's centre to the last one's. The kernels k are those of
    :func:`interpolate`; nearest rounds p, half to even. Outside of the image:

    - zeros: x is 0
    - border: p is moved to the nearest pixel
    - reflection: p is reflected at -1/2 and W - 1/2, or with ``align_corners`` at 0 and W - 1, until it is inside

    Gradients go to the grid as well, but where border or reflection moved p to the first or last pixel, or it is there
    already, they are 0, as in PyTorch; by nearest they are 0 everywhere. A position that is infinite reads the padding.

    Args:
        input: x, N x C x H x W; or N x C x D x H x W, volumes, of which bilinear is trilinear.
        grid: N x H' x W' x 2, pairs (x, y); or N x D' x H' x W' x 3, triples (x, y, z). Of x's dtype.
        align_corners: false by default.

    Raises:
        ShapeError: shapes that do not fit, an image without pixels, or volumes with mode="bicubic".
        DTypeError: dtypes that are no floats, or differ.
        ValueError: another mode or padding.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.grid_sample(tg.tensor([[[[1.0, 3.0]]]]), tg.tensor([[[[-0.5, 0.0], [0.0, 0.0]]]])).tolist()
    [[[[1.0, 2.0]]]]
    """
    x: Tensor = input
    _check(x, grid, mode, padding_mode)
    n, c, *size = x.shape
    dims, out = len(size), grid.shape[1:-1]
    places, weights = None, None
    for axis, m in enumerate(size):
        start = (0,) * (dims + 1)
        stop = (*grid.shape[:-1], dims - axis)
        g = grid.slice((*start, dims - axis - 1), stop).reshape(n, *out)
        position = ((g + 1.0) * (m - 1) if align_corners else (g + 1.0) * m - 1.0) / 2.0
        along, factors = _neighbours(position, m, mode, padding_mode, bool(align_corners))
        if places is None or weights is None:
            places, weights = along, factors
        else:  # all combinations: n s ..., n t ... -> n (s t) ...
            shape = (n, places.shape[1] * along.shape[1], *out)
            places = (places.expand_dims(2) * m + along.expand_dims(1)).reshape(shape)
            weights = (weights.expand_dims(2) * factors.expand_dims(1)).reshape(shape)
    assert places is not None and weights is not None
    images = np.arange(n).reshape(n, *(1,) * (dims + 1)) * math.prod(size)
    rows = x.permute(0, *range(2, dims + 2), 1).reshape(n * math.prod(size), c)  # n c h w -> (n h w) c
    pixels = looked_up(rows, places + x._new(images))  # n t i j c
    y = weights.expand_dims(dims + 2).times(pixels).sum(1)  # n i j c
    return y.permute(0, dims + 1, *range(1, dims + 1))  # n i j c -> n c i j


@composed
def affine_grid(theta: Accepted, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """The positions for :func:`grid_sample` that an affine map takes an image's pixels to: θ (x, y, 1)ᵀ.

    x and y are the pixels' centres in coordinates of -1 to 1: (2 j + 1) / W - 1 from edge to edge, or with
    ``align_corners`` 2 j / (W - 1) - 1, and 0 if W is 1.

    Args:
        theta: θ, N x 2 x 3; or N x 3 x 4 for volumes.
        size: (N, C, H, W), or (N, C, D, H, W), of the images to make.
        align_corners: false by default.

    Raises:
        ShapeError: shapes that do not fit.
        DTypeError: θ is not of floats.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.affine_grid(tg.tensor([[[1.0, 0.0, 0.5], [0.0, 1.0, 0.0]]]), (1, 1, 1, 2)).tolist()
    [[[[0.0, 0.0], [1.0, 0.0]]]]
    """
    n, *wanted = _output_shape(size)
    dims = len(wanted)
    if theta.shape != (n, dims, dims + 1):
        raise ShapeError(
            f"theta of shape {theta.shape}, size={tuple(size)}{location()}: it must be {n} x {dims} x {dims + 1}, one "
            "affine map for each image."
        )
    if theta.dtype.kind != "f":
        raise DTypeError(f"theta of dtype {theta.dtype}{location()}: it must be of floats. Use .astype('float32').")
    axes = [_centres(m, bool(align_corners)) for m in wanted[::-1]]  # x first
    points = np.stack([*np.meshgrid(*axes[::-1], indexing="ij")[::-1], np.ones(wanted)], -1)  # h w k
    letters = "dhw"[3 - dims :]
    return theta._new(points.astype(theta.dtype)).contract(theta, f"{letters}k,nok->n{letters}o")


def _centres(m: int, align_corners: bool) -> np.ndarray:
    """The coordinates of m pixels."""
    if align_corners:
        return np.linspace(-1.0, 1.0, m) if m > 1 else np.zeros(1)
    return (2 * np.arange(m) + 1) / m - 1


def _output_shape(size: Any) -> tuple[int, ...]:
    """N and the spatial sizes, of (N, C, ...)."""
    several = isinstance(size, Sequence) and not isinstance(size, str)
    try:
        numbers = tuple(map(operator.index, size)) if several else ()
    except TypeError:
        numbers = ()
    if len(numbers) not in (4, 5) or min(numbers) < 1:
        raise ShapeError(
            f"size={size!r}{location()}: it must be (N, C, H, W) or (N, C, D, H, W), integers of at least 1."
        )
    return (numbers[0], *numbers[2:])


def _neighbours(position: Tensor, m: int, mode: Kernel, padding: Padding, align_corners: bool) -> tuple[Tensor, Tensor]:
    """The places along an axis of m pixels that each position reads, and their weights: both n t ..., for t of them."""
    p = position if mode == "bicubic" else _moved(position, m, padding, align_corners)
    if padding != "reflection":  # an infinite position reads the padding, and with finite weights
        reach = 1 if mode != "bicubic" else 2
        p = ((p < -reach) | (p > m - 1 + reach)).where(p.detach().clip(-reach - 1, m + reach), p)
    if mode == "nearest":
        places = p.detach().round().expand_dims(1)
        weights = (places - places) + 1.0  # NaN where the position is
    else:
        floor = p.detach().floor()
        fraction = (p - floor).expand_dims(1)
        neighbours, coefficients = POLYNOMIALS[mode]
        shape = (len(neighbours), *(1,) * (p.ndim - 1))  # t i j
        places = floor.expand_dims(1) + p._new(np.array(neighbours, p.dtype).reshape(shape))
        *lower, weights = (p._new(powers.astype(p.dtype).reshape(shape)) for powers in coefficients.T)
        for powers in lower[::-1]:
            weights = weights * fraction + powers
        if mode == "bicubic":
            places = _moved(places, m, padding, align_corners)
    if padding == "zeros":
        weights = ((places < 0) | (places > m - 1)).where(0.0, weights)
    return places.clip(0, m - 1).astype(INDEX), weights


def _moved(p: Tensor, m: int, padding: Padding, align_corners: bool) -> Tensor:
    """Positions moved into an axis of m pixels; where they are moved to its ends, or are there, without a gradient."""
    if padding == "zeros":
        return p
    if padding == "reflection":
        low, span = (0.0, m - 1) if align_corners else (-0.5, m)
        if span == 0:
            return p.detach() * 0.0
        beyond = p - low
        beyond = (beyond < 0).where(-beyond, beyond)
        turns = (beyond.detach() / span).floor()
        rest = beyond - turns * span
        p = (turns == (turns / 2.0).floor() * 2.0).where(rest, span - rest) + low
    return ((p > 0) & (p < m - 1)).where(p, p.detach().clip(0, m - 1))


def _check(x: Tensor, grid: Tensor, mode: Kernel, padding_mode: Padding) -> None:
    dims = x.ndim - 2
    if dims not in (2, 3) or grid.ndim != x.ndim or grid.shape[0] != x.shape[0] or grid.shape[-1] != dims:
        forms = "N x C x H x W with N x H' x W' x 2, or N x C x D x H x W with N x D' x H' x W' x 3"
        raise ShapeError(f"input of shape {x.shape}, grid of shape {grid.shape}{location()}: they must be {forms}.")
    if 0 in x.shape[2:]:
        raise ShapeError(f"input of shape {x.shape}{location()}: an image must have at least one pixel.")
    if x.dtype.kind != "f" or grid.dtype != x.dtype:
        raise DTypeError(
            f"input of dtype {x.dtype}, grid of dtype {grid.dtype}{location()}: both must be of the same floats. Use "
            f".astype({str(x.dtype) if x.dtype.kind == 'f' else 'float32'!r})."
        )
    for name, value, choices in (("mode", mode, KERNELS), ("padding_mode", padding_mode, PADDINGS)):
        if value not in choices:
            raise ValueError(f"{name}={value!r}{location()}: it must be one of {', '.join(map(repr, choices))}.")
    if mode == "bicubic" and dims == 3:
        raise ShapeError(f"input of shape {x.shape}, mode='bicubic'{location()}: volumes take bilinear or nearest.")
