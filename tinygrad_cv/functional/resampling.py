"""Resizing of signals, images and volumes: along one axis after the other, each by a table of places and weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..core.context import location
from ..core.errors import DTypeError, ShapeError
from ..frontend.functions import composed
from .adaptive_pooling import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d
from .arguments import AXES, LARGEST, Size, sizes
from .taps import Taps, resampled

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import Accepted

Mode = Literal["nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear", "lanczos", "area"]
Scale = float | Sequence[float]  # one factor for all spatial axes, or one for each
Step = tuple[int, float]  # between positions of neighbouring outputs: H / H', or 1 / s, undivided so that it is exact
LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}
MODES: dict[str, tuple[int, ...]] = {  # the numbers of spatial axes that each takes
    "nearest": (1, 2, 3),
    "nearest-exact": (1, 2, 3),
    "linear": (1,),
    "bilinear": (2,),
    "bicubic": (2,),
    "trilinear": (3,),
    "lanczos": (2,),
    "area": (1, 2, 3),
}
PLAIN = ("nearest", "nearest-exact", "area")  # modes without corners to align
SMOOTH = ("bilinear", "bicubic", "lanczos")  # modes with antialiasing
MEANS = {1: adaptive_avg_pool1d, 2: adaptive_avg_pool2d, 3: adaptive_avg_pool3d}


@composed
def interpolate(
    input: Accepted,
    size: Size | None = None,
    scale_factor: Scale | None = None,
    mode: Mode = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Resize along the spatial axes, one after the other: y[o] = Σ_i k(p(o) - i) x[i], where p(o) lies in x.

    The position is p(o) = (o + 1/2) H / H' - 1/2, or, with ``align_corners``, o (H - 1) / (H' - 1): then the first and
    last elements stay where they are. Beyond its ends x has the values of its ends. The kernels:

    - nearest: x[⌊o H / H'⌋]; nearest-exact: the nearest, x[⌊(o + 1/2) H / H'⌋]
    - linear, bilinear, trilinear: k(d) = 1 - |d| for |d| < 1
    - bicubic: Keys ("Cubic convolution", 1981) with a = -3/4, as in OpenCV; with ``antialias`` a = -1/2, as in Pillow
    - lanczos: sinc(d) sinc(d / 3) for |d| < 3; with ``antialias`` only
    - area: the means of :func:`adaptive_avg_pool2d`

    With ``antialias`` the kernel is as wide as H / H' where that is more than 1, and its weights add up to 1: Pillow's.

    Args:
        input: x, N x C x L, N x C x H x W or N x C x D x H x W. Floats; integers for the two nearest modes.
        size: H', one for all axes or one for each.
        scale_factor: instead of a size s, one for all axes or one for each: H' = ⌊s H⌋, and H / H' above is 1 / s,
            unless ``recompute_scale_factor`` is true.
        mode: a kernel; linear takes one spatial axis, bilinear, bicubic and lanczos two, trilinear three.
        align_corners: for the kernels above that have a position; false by default.
        antialias: for bilinear, bicubic and lanczos.

    Where this differs from PyTorch: places of the nearest modes are exact (PyTorch finds those of float32 images in
    float32, and is one off in the middle of 2 to 82; it takes a ``scale_factor`` that doubles two axes for 2, and its
    gradient is that of the factor H' / H); a ``scale_factor`` that leaves the size as it is moves linear
    positions too; with ``antialias`` corners are aligned if asked for, and images of width 1 are right.

    Raises:
        ShapeError: a rank that the mode does not take, or a size below 1.
        ValueError: another mode; not one of size and scale_factor; an option that the mode does not have.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.interpolate(tg.tensor([[[1.0, 3.0]]]), scale_factor=2).tolist()
    [[[1.0, 1.0, 3.0, 3.0]]]
    >>> F.interpolate(tg.tensor([[[1.0, 3.0]]]), 4, mode="linear").tolist()
    [[[1.0, 1.5, 2.5, 3.0]]]
    """
    x: Tensor = input
    dims = x.ndim - 2
    _check(x, dims, mode, align_corners, antialias)
    wanted, steps = _sizes(x.shape[2:], size, scale_factor, recompute_scale_factor, mode)
    if mode == "area":
        return MEANS[dims](x, wanted)
    sizes_and_steps = zip(x.shape[2:], wanted, steps, strict=True)
    return resampled(x, [_taps(n, m, step, mode, bool(align_corners), antialias) for n, m, step in sizes_and_steps])


@composed
def upsample(
    input: Accepted,
    size: Size | None = None,
    scale_factor: Scale | None = None,
    mode: Mode = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """:func:`interpolate` under its old name.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.upsample(tg.ones(1, 3, 8, 8), scale_factor=2).shape
    (1, 3, 16, 16)
    """
    return interpolate(input, size, scale_factor, mode, align_corners)


def check_mode(mode: Any, dims: int | None = None) -> None:
    """Raise an error unless it is a mode, of images with that many spatial axes."""
    if mode not in MODES:
        raise ValueError(f"mode={mode!r}{location()}: it must be one of {', '.join(map(repr, MODES))}.")
    if dims is not None and dims not in MODES[mode]:
        forms = " or ".join(f"N x {AXES[d]}" for d in MODES[mode])
        fitting = f" Use mode={LINEAR[dims]!r}." if mode in LINEAR.values() and dims in LINEAR else ""
        raise ShapeError(f"input with {dims} spatial axes, mode={mode!r}{location()}: it must be {forms}.{fitting}")


def _check(x: Tensor, dims: int, mode: Mode, align_corners: bool | None, antialias: bool) -> None:
    if dims not in AXES:
        raise ShapeError(
            f"input of shape {x.shape}{location()}: it must be N x C x L, N x C x H x W or N x C x D x H x W: 3 to 5 "
            f"axes, not {x.ndim}. Images without a batch: x.expand_dims(0)."
        )
    check_mode(mode, dims)
    if x.dtype.kind != "f" and not mode.startswith("nearest"):
        raise DTypeError(
            f"input of dtype {x.dtype}, mode={mode!r}{location()}: means of pixels are floats. Use "
            ".astype('float32'), or a nearest mode for labels."
        )
    if 0 in x.shape[2:]:
        raise ShapeError(f"input of shape {x.shape}{location()}: an image must have at least one element.")
    if mode in PLAIN and align_corners is not None:
        raise ValueError(
            f"align_corners={align_corners}, mode={mode!r}{location()}: this mode aligns none. Leave it out, or use "
            f"mode={LINEAR[dims]!r}."
        )
    if antialias and mode not in SMOOTH:
        raise ValueError(f"antialias=True, mode={mode!r}{location()}: only {', '.join(SMOOTH)} have it.")
    if mode == "lanczos" and not antialias:
        raise ValueError(f"mode='lanczos'{location()}: it is a kernel for antialias=True.")


def _sizes(
    old: Sequence[int], size: Size | None, scale_factor: Scale | None, recompute: bool | None, mode: Mode
) -> tuple[tuple[int, ...], list[Step]]:
    """The new sizes, and along each axis the step."""
    dims = len(old)
    if (size is None) == (scale_factor is None):
        raise ValueError(f"size={size}, scale_factor={scale_factor}{location()}: give one of the two.")
    if size is not None:
        if recompute:
            raise ValueError(
                f"size={size}, recompute_scale_factor=True{location()}: give a scale_factor, or leave it out."
            )
        wanted = sizes("size", size, dims)
        return wanted, list(zip(old, wanted, strict=True))
    factors = scales(scale_factor, dims)
    wanted = tuple(math.floor(n * s) for n, s in zip(old, factors, strict=True))
    if min(wanted) < 1:
        raise ShapeError(
            f"image of size {tuple(old)}, scale_factor={scale_factor}{location()}: the result would be {wanted}, and "
            "must have at least one element."
        )
    if max(wanted) > LARGEST:
        raise ShapeError(f"scale_factor={scale_factor}{location()}: the result would be {wanted}, above {LARGEST}.")
    if recompute or mode == "area":
        return wanted, list(zip(old, wanted, strict=True))
    return wanted, [(1, s) for s in factors]


def scales(value: Any, dims: int) -> tuple[float, ...]:
    """One factor for each of ``dims`` axes, from one for all or from a sequence, each above 0."""
    several = isinstance(value, Sequence) and not isinstance(value, str)
    given = tuple(value) if several else (value,)
    given = given * dims if len(given) == 1 else given
    fits = all(isinstance(s, (int, float, np.number)) and 0 < s < math.inf for s in given)
    if len(given) != dims or not fits:
        count = "a number" if dims == 1 else f"a number or {dims} numbers"
        raise ValueError(f"scale_factor={value!r}{location()}: it must be {count} above 0.")
    return tuple(float(s) for s in given)


@lru_cache(256)
def _taps(n: int, m: int, step: Step, mode: Mode, align_corners: bool, antialias: bool) -> Taps:
    """The map from n to m elements."""
    if align_corners:
        step = (n - 1, m - 1) if m > 1 else (0, 1)
    shift = 0.0 if align_corners or mode == "nearest" else 0.5
    centre = (np.arange(m) + shift) * step[0] / step[1]
    if mode.startswith("nearest"):
        return Taps(n, np.clip(np.floor(centre), 0, n - 1).astype(int)[:, None], np.ones((m, 1)))
    centre = centre - shift
    if antialias:
        return Taps(n, *_antialiased(n, centre, step[0] / step[1], mode))
    if mode != "bicubic":
        centre = np.maximum(centre, 0.0)
    first = np.minimum(np.floor(centre), n - 1)
    fraction = np.clip(centre - first, 0.0, 1.0)
    taps = np.arange(-1, 3) if mode == "bicubic" else np.arange(2)
    places = np.clip(first[:, None] + taps, 0, n - 1).astype(int)
    distance = np.abs(fraction[:, None] - taps)
    return Taps(n, places, cubic(distance, -0.75) if mode == "bicubic" else 1.0 - distance)


def _antialiased(n: int, centre: np.ndarray, step: float, mode: Mode) -> tuple[np.ndarray, np.ndarray]:
    """Places and weights of kernels as wide as the step, normalized."""
    kernel, radius = KERNELS[mode]
    width = max(step, 1.0)
    low = np.maximum(np.floor(centre - radius * width + 1.0), 0)
    high = np.minimum(np.floor(centre + radius * width + 1.0), n)
    taps = np.arange(int((high - low).max()))
    places = low[:, None] + taps
    weights = kernel(np.abs(places - centre[:, None]) / width) * (places < high[:, None])
    return np.minimum(places, n - 1).astype(int), weights / weights.sum(1, keepdims=True)


def cubic(distance: Any, a: float) -> Any:
    """The kernel of cubic convolution (Keys, 1981, eq. 4, where a is -1/2) at distances of at least 0."""
    d = distance
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


KERNELS: dict[str, tuple[Callable[[Any], Any], int]] = {  # of antialiasing, and how far they reach
    "bilinear": (lambda d: np.maximum(1.0 - d, 0.0), 1),
    "bicubic": (lambda d: cubic(d, -0.5), 2),
    "lanczos": (lambda d: np.where(d < 3, np.sinc(d) * np.sinc(d / 3), 0.0), 3),
}
