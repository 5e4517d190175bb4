"""Initialization of parameters: each function fills a tensor in place, from the default generator, and returns it.

fan_in = Cin/groups · Kh · Kw (D for a linear layer) is the number of inputs of one output; fan_out = Cout · Kh · Kw the
number of outputs that use one input.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np

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
def eye_(tensor: T) -> T:
    """Ones on the diagonal of a matrix, 0 elsewhere."""
    if tensor.ndim != 2:
        raise ShapeError(f"eye_: tensor of shape {tensor.shape}; it must be a matrix.")
    rows, columns = tensor.shape
    return _filled(tensor, np.eye(rows, columns))


@explaining
def dirac_(tensor: T, groups: int = 1) -> T:
    """Of a convolution's weight Cout x Cin/groups x K...: output channel i of each group is input channel i of it.

    Raises:
        ShapeError: not three to five axes, or Cout that groups do not divide.

    >>> import tinygrad_cv as tg
    >>> tg.nn.init.dirac_(tg.zeros(2, 3, 3))[1].tolist()
    [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """
    if not 3 <= tensor.ndim <= 5:
        raise ShapeError(f"dirac_: tensor of shape {tensor.shape}; it must be the weight of a convolution.")
    if groups < 1 or tensor.shape[0] % groups:
        raise ShapeError(f"dirac_: groups={groups} of {tensor.shape[0]} output channels; it must divide them.")
    values, each = np.zeros(tensor.shape), tensor.shape[0] // groups
    i = np.arange(min(each, tensor.shape[1]))
    centre = tuple(n // 2 for n in tensor.shape[2:])
    for first in range(0, tensor.shape[0], each):
        place: tuple[Any, ...] = (first + i, i, *centre)
        values[place] = 1.0
    return _filled(tensor, values)


@explaining
def orthogonal_(tensor: T, gain: float = 1.0, generator: Generator | None = None) -> T:
    """An orthogonal matrix at random, of rows x (all other axes), times gain (Saxe, McClelland and Ganguli, "Exact
    solutions to the nonlinear dynamics of learning in deep linear neural networks", 2014).

    Raises:
        ShapeError: fewer than two axes.
    """
    if tensor.ndim < 2:
        raise ShapeError(f"orthogonal_: tensor of shape {tensor.shape}; it needs at least two axes.")
    if tensor.size == 0:
        return tensor
    rows, columns = tensor.shape[0], tensor.size // tensor.shape[0]
    draw = (generator or default_generator).normal((max(rows, columns), min(rows, columns)), "float64").numpy()
    q, r = np.linalg.qr(draw)
    q = q * np.where(np.diag(r) < 0, -gain, gain)  # so that each orthogonal matrix is as likely as every other
    return _filled(tensor, (q if rows >= columns else q.T).reshape(tensor.shape))


@explaining
def sparse_(tensor: T, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> T:
    """Normal with σ = std, and in each column of the matrix a share of zeros at random places (Martens, "Deep learning
    via Hessian-free optimization", 2010).

    Raises:
        ShapeError: the tensor is no matrix.
        ValueError: a sparsity outside [0, 1].
    """
    if tensor.ndim != 2:
        raise ShapeError(f"sparse_: tensor of shape {tensor.shape}; it must be a matrix.")
    if not 0.0 <= sparsity <= 1.0:
        raise ValueError(f"sparse_: sparsity={sparsity}; it must be in [0, 1], the share of zeros in each column.")
    draw = generator or default_generator
    values = draw.normal(tensor.shape, "float64").numpy() * std
    order = draw.uniform(tensor.shape, "float64").numpy().argsort(0)
    values[order < math.ceil(sparsity * tensor.shape[0])] = 0.0
    return _filled(tensor, values)


def _filled(tensor: T, values: np.ndarray) -> T:
    with no_grad():
        return tensor.assign(values.astype(tensor.dtype))


@explaining
def default_(weight: Tensor, bias: Tensor | None = None) -> None:
    """The default of convolution and linear layers, as in PyTorch: weight and bias uniform in ± 1/√fan_in."""
    kaiming_uniform_(weight, a=math.sqrt(5.0))
    if bias is not None:
        bound = 1.0 / math.sqrt(fans(weight)[0])
        uniform_(bias, -bound, bound)
