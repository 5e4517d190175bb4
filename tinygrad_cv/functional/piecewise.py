"""Activations of straight lines. ``where`` selects a line, so NaN stays NaN, infinities are exact, and each slope is.

At a kink the slope is PyTorch's. ``inplace`` is accepted for compatibility with PyTorch; nothing works in place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.context import location
from ..core.errors import ShapeError
from ..frontend.functions import composed
from ..frontend.random import Generator, default_generator

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import Accepted


@composed
def relu(input: Accepted, inplace: bool = False) -> Tensor:
    """max(x, 0), with derivative 0 at 0.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.relu(tg.tensor([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """
    return input.relu()


@composed
def relu6(input: Accepted, inplace: bool = False) -> Tensor:
    """min(max(x, 0), 6), with derivative 0 at both ends (Krizhevsky, "Convolutional deep belief networks", 2010).

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.relu6(tg.tensor([-1.0, 2.0, 7.0])).tolist()
    [0.0, 2.0, 6.0]
    """
    return _clipped(input, 0.0, 6.0)


@composed
def hardtanh(input: Accepted, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """x limited to [min_val, max_val], with derivative 0 at both ends; that of :meth:`Tensor.clip` is 1 there.

    Raises:
        ValueError: min_val is above max_val.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.hardtanh(tg.tensor([-3.0, 0.5, 3.0])).tolist()
    [-1.0, 0.5, 1.0]
    """
    return _clipped(input, *interval("hardtanh", min_val=min_val, max_val=max_val))


@composed
def hardsigmoid(input: Accepted, inplace: bool = False) -> Tensor:
    """min(max(x + 3, 0), 6) / 6, with derivative 0 at both ends (Howard et al., "MobileNetV3", 2019, section 5.2).

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.hardsigmoid(tg.tensor([-4.0, 0.0, 4.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    return _hardsigmoid(input)


@composed
def hardswish(input: Accepted, inplace: bool = False) -> Tensor:
    """x · hardsigmoid(x) (Howard et al., "Searching for MobileNetV3", 2019, section 5.2).

    The derivative is 0 at -3 and 1 at 3.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.hardswish(tg.tensor([-1.5, 0.0, 4.0])).tolist()
    [-0.375, 0.0, 4.0]
    """
    return _hardsigmoid(input).times(input)  # 0 · -∞ is the limit, 0


@composed
def leaky_relu(input: Accepted, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x above 0, negative_slope · x below (Maas, Hannun and Ng, "Rectifier nonlinearities", 2013).

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.leaky_relu(tg.tensor([-4.0, 2.0]), 0.25).tolist()
    [-1.0, 2.0]
    """
    return (input > 0).where(input, input * negative_slope)


@composed
def prelu(input: Accepted, weight: Accepted) -> Tensor:
    """x above 0, a x below, with a learned a for each channel, or one for all (He et al., 2015, eq. 1).

    Args:
        input: x, N x C x ...; with one axis or none it has one channel.
        weight: a, of C numbers, or of 1.

    Raises:
        ShapeError: another number of weights.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.prelu(tg.tensor([[-4.0, -4.0]]), tg.tensor([0.25, 0.5])).tolist()
    [[-1.0, -2.0]]
    """
    channels = input.shape[1] if input.ndim > 1 else 1
    if weight.ndim > 1 or weight.size not in (1, channels):
        raise ShapeError(
            f"weight of shape {weight.shape}, input of shape {input.shape}{location()}: it must have one number, or "
            f"one for each of {channels} channels."
        )
    a = weight.reshape(1, -1, *(1,) * (input.ndim - 2)) if input.ndim > 1 else weight.reshape(())  # c -> 1 c 1 1
    return (input > 0).where(input, a * input)


@composed
def rrelu(
    input: Accepted,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """x above 0, a x below, with a drawn for each element (Xu et al., "Empirical evaluation of rectified units", 2015).

    In training a is uniform in [lower, upper), otherwise it is (lower + upper) / 2.

    Raises:
        ValueError: lower is above upper.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.rrelu(tg.tensor([-4.0, 2.0]), 0.0, 0.5).tolist()
    [-1.0, 2.0]
    """
    lower, upper = interval("rrelu", lower=lower, upper=upper)
    if not training:
        return (input > 0).where(input, input * ((lower + upper) / 2))
    u = (generator or default_generator).uniform(input.shape, input.dtype)
    return (input > 0).where(input, input * (lower + (upper - lower) * u))


@composed
def threshold(input: Accepted, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x above the threshold, otherwise ``value``.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.threshold(tg.tensor([0.5, 1.0, 2.0]), 1.0, -1.0).tolist()
    [-1.0, -1.0, 2.0]
    """
    return (input <= threshold).where(value, input)


@composed
def hardshrink(input: Accepted, lambd: float = 0.5) -> Tensor:
    """x where abs(x) is above lambd, otherwise 0.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.hardshrink(tg.tensor([-2.0, 0.5, 2.0])).tolist()
    [-2.0, 0.0, 2.0]
    """
    return ((input >= -lambd) & (input <= lambd)).where(0.0, input)


@composed
def softshrink(input: Accepted, lambd: float = 0.5) -> Tensor:
    """x moved towards 0 by lambd, and 0 on the way (Donoho, "De-noising by soft-thresholding", 1995, eq. 3).

    Raises:
        ValueError: lambd is negative.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.softshrink(tg.tensor([-2.0, 0.5, 2.0])).tolist()
    [-1.5, 0.0, 1.5]
    """
    if not lambd >= 0:
        raise ValueError(f"softshrink: lambd={lambd}; it must not be negative.")
    return (input > lambd).where(input - lambd, (input >= -lambd).where(0.0, input + lambd))


def interval(op: str, **bounds: float) -> tuple[float, float]:
    """The two bounds, if they are in order.

    Raises:
        ValueError: they are not.
    """
    low, high = bounds.values()
    if not low <= high:
        (first, _), (second, _) = bounds.items()
        raise ValueError(f"{op}: {first}={low} and {second}={high}; {first} must not be above {second}.")
    return low, high


def _clipped(x: Tensor, low: float, high: float) -> Tensor:
    """x between low and high, with derivative 0 at both."""
    return ((x <= low) | (x >= high)).where(x.detach().clip(low, high), x)


def _hardsigmoid(x: Tensor) -> Tensor:
    return _clipped(x + 3.0, 0.0, 6.0) / 6.0
