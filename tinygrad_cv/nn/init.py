"""Initialization of parameters: each function fills a tensor in place, from the default generator, and returns it.

fan_in = Cin/groups · Kh · Kw (D for a linear layer) is the number of inputs of one output; fan_out = Cout · Kh · Kw the
number of outputs that use one input.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, TypeVar

from ..core.annotations import explaining
from ..core.context import no_grad
from ..core.errors import ShapeError
from ..frontend.creation import full
from ..frontend.random import Generator, default_generator

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor

T = TypeVar("T", bound="Tensor")
Mode = Literal["fan_in", "fan_out"]
Nonlinearity = Literal["linear", "conv2d", "sigmoid", "tanh", "relu", "selu", "leaky_relu"]

GAINS: dict[str, float] = {
    "linear": 1.0,
    "conv2d": 1.0,
    "sigmoid": 1.0,
    "tanh": 5 / 3,
    "relu": math.sqrt(2.0),
    "selu": 0.75,
}


@explaining
def calculate_gain(nonlinearity: Nonlinearity, param: float | None = None) -> float:
    """The factor on the weights that keeps the variance constant through a nonlinearity.

    1 for linear layers and sigmoid, 5/3 for tanh, √2 for relu, √(2 / (1 + a²)) for leaky_relu with slope a (by default
    0.01).
    """
    if nonlinearity == "leaky_relu":
        return math.sqrt(2.0 / (1.0 + (0.01 if param is None else param) ** 2))
    if nonlinearity not in GAINS:
        raise ValueError(f"nonlinearity={nonlinearity!r}: it must be one of {', '.join([*GAINS, 'leaky_relu'])}.")
    return GAINS[nonlinearity]


@explaining
def fans(tensor: Tensor) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight D' x D or Cout x Cin/groups x Kh x Kw."""
    if tensor.ndim < 2:
        raise ShapeError(f"weight of shape {tensor.shape}: fans need at least two axes, outputs x inputs.")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


@explaining
def uniform_(tensor: T, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> T:
    """Uniform in [a, b)."""
    with no_grad():
        return tensor.assign((generator or default_generator).uniform(tensor.shape, tensor.dtype) * (b - a) + a)


@explaining
def normal_(tensor: T, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> T:
    """Normal with the given mean and standard deviation."""
    with no_grad():
        return tensor.assign((generator or default_generator).normal(tensor.shape, tensor.dtype) * std + mean)


@explaining
def trunc_normal_(
    tensor: T, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Generator | None = None
) -> T:
    """Normal with the given mean and standard deviation before truncation to [a, b]: values outside are drawn again.

    Raises:
        ValueError: std is not above 0, or fewer than 1 % of the draws would be in [a, b].

    >>> import tinygrad_cv as tg
    >>> bool((abs(tg.nn.init.trunc_normal_(tg.zeros(1000))) <= 2.0).all())
    True
    """
    below = [0.5 * (1.0 + math.erf((end - mean) / (std * math.sqrt(2.0)))) if std > 0 else 0.0 for end in (a, b)]
    if not below[1] - below[0] >= 0.01:
        raise ValueError(
            f"trunc_normal_: mean={mean}, std={std}, a={a}, b={b}; std must be above 0, and at least 1 % of the normal "
            "distribution in [a, b]."
        )
    draw = generator or default_generator
    with no_grad():
        x = draw.normal(tensor.shape, tensor.dtype) * std + mean
        while not (inside := (x >= a) & (x <= b)).all().item():
            x = inside.where(x, draw.normal(tensor.shape, tensor.dtype) * std + mean)
        return tensor.assign(x)


@explaining
def constant_(tensor: T, val: float) -> T:
    """All equal to ``val``."""
    with no_grad():
        return tensor.assign(full((), val, tensor.dtype).expand(tensor.shape))


@explaining
def zeros_(tensor: T) -> T:
    """All 0."""
    return constant_(tensor, 0.0)


@explaining
def ones_(tensor: T) -> T:
    """All 1."""
    return constant_(tensor, 1.0)


@explaining
def xavier_uniform_(tensor: T, gain: float = 1.0, generator: Generator | None = None) -> T:
    """Uniform in ± gain √(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010, eq. 16)."""
    bound = gain * math.sqrt(6.0 / sum(fans(tensor)))
    return uniform_(tensor, -bound, bound, generator)


@explaining
def xavier_normal_(tensor: T, gain: float = 1.0, generator: Generator | None = None) -> T:
    """Normal with σ = gain √(2 / (fan_in + fan_out)) (Glorot and Bengio, 2010, eq. 12)."""
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / sum(fans(tensor))), generator)


@explaining
def kaiming_uniform_(
    tensor: T,
    a: float = 0.0,
    mode: Mode = "fan_in",
    nonlinearity: Nonlinearity = "leaky_relu",
    generator: Generator | None = None,
) -> T:
    """Uniform in ± gain √(3 / fan), with the gain of the nonlinearity (He et al., 2015, eqs. 10, 14).

    Args:
        a: the slope of leaky_relu; √5 gives the bound 1/√fan of PyTorch's layers.
        mode: "fan_in" preserves the variance of activations, "fan_out" that of gradients.

    >>> import tinygrad_cv as tg
    >>> w = tg.nn.init.kaiming_uniform_(tg.zeros(8, 3, 5, 5), nonlinearity="relu")
    >>> bool((abs(w) <= (6 / 75) ** 0.5).all())
    True
    """
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


@explaining
def kaiming_normal_(
    tensor: T,
    a: float = 0.0,
    mode: Mode = "fan_in",
    nonlinearity: Nonlinearity = "leaky_relu",
    generator: Generator | None = None,
) -> T:
    """Normal with σ = gain / √fan (He et al., "Delving deep into rectifiers", 2015, eqs. 10 and 14)."""
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def _kaiming_std(tensor: Tensor, a: float, mode: Mode, nonlinearity: Nonlinearity) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"mode={mode!r}: it must be 'fan_in' or 'fan_out'.")
    fan = fans(tensor)[0 if mode == "fan_in" else 1]
    if fan == 0:
        raise ShapeError(f"weight of shape {tensor.shape}: {mode} is 0, so there is nothing to scale by.")
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


@explaining
def default_(weight: Tensor, bias: Tensor | None = None) -> None:
    """The default of convolution and linear layers, as in PyTorch: weight and bias uniform in ± 1/√fan_in."""
    kaiming_uniform_(weight, a=math.sqrt(5.0))
    if bias is not None:
        bound = 1.0 / math.sqrt(fans(weight)[0])
        uniform_(bias, -bound, bound)
