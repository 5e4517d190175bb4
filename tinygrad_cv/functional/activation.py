"""Smooth activations, composed from elementwise primitives, exact at infinities and to the last digits near them.

Those of straight lines are in :mod:`piecewise`. ``inplace`` is accepted for compatibility with PyTorch; nothing works
in place.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from ..core.context import location
from ..core.errors import ShapeError
from ..frontend.functions import composed
from ..frontend.movement import axis_of

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import Accepted

# of SELU: the map keeps mean 0 and variance 1 (Klambauer et al., 2017, appendix 1, eq. 14)
ALPHA, SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946

NEVER = 20.0  # PyTorch's threshold of softplus, unless one is named


@composed
def elu(input: Accepted, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x above 0, alpha (eˣ - 1) below (Clevert, Unterthiner and Hochreiter, 2016, eq. 15).

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.elu(tg.tensor([-1000.0, 2.0])).tolist()
    [-1.0, 2.0]
    """
    return (input > 0).where(input, _exponential(input) * alpha)


@composed
def selu(input: Accepted, inplace: bool = False) -> Tensor:
    """λ x above 0, λ α (eˣ - 1) below: of normal numbers it keeps mean and variance (Klambauer et al., 2017, eq. 2).

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.selu(tg.tensor([-1000.0, 2.0]))
    tensor([-1.7581,  2.1014], shape=(2,), dtype=float32)
    """
    return (input > 0).where(input * SCALE, _exponential(input) * (SCALE * ALPHA))


@composed
def celu(input: Accepted, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x above 0, alpha (exp(x / alpha) - 1) below, with slope 1 on both sides of 0 (Barron, 2017, eq. 2).

    Raises:
        ValueError: alpha is 0.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.celu(tg.tensor([-1000.0, 2.0]), 2.0).tolist()
    [-2.0, 2.0]
    """
    if alpha == 0:
        raise ValueError(f"celu: alpha={alpha}; it divides, so it must not be 0.")
    return (input > 0).where(input, _exponential(input / alpha) * alpha)


@composed
def softplus(input: Accepted, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + exp(beta x)) / beta, without overflow, and accurate to the last digits where it is small.

    Args:
        threshold: where beta x is above it, the result is x itself. PyTorch does so for numbers that overflow; here
            that has no need, and a threshold of 20 or more, where log(1 + e⁻²⁰) is 2e-9, changes nothing.

    Raises:
        ValueError: beta is 0.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.softplus(tg.tensor([-1000.0, 1000.0])).tolist()
    [0.0, 1000.0]
    """
    if beta == 0:
        raise ValueError(f"softplus: beta={beta}; it divides, so it must not be 0.")
    scaled = input if beta == 1 else input * beta
    y = _softplus(scaled) if beta == 1 else _softplus(scaled) / beta
    return (scaled > threshold).where(input, y) if threshold < NEVER else y


@composed
def logsigmoid(input: Accepted) -> Tensor:
    """log(1 / (1 + exp(-x))), without overflow.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.logsigmoid(tg.tensor([-1000.0, 1000.0])).tolist()
    [-1000.0, -0.0]
    """
    return -_softplus(-input)


@composed
def sigmoid(input: Accepted) -> Tensor:
    """1 / (1 + exp(-x)), without overflow.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.sigmoid(tg.tensor([-1000.0, 0.0])).tolist()
    [0.0, 0.5]
    """
    return input.sigmoid()


@composed
def tanh(input: Accepted) -> Tensor:
    """tanh x

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.tanh(tg.tensor([0.0, 1000.0])).tolist()
    [0.0, 1.0]
    """
    return input.tanh()


@composed
def tanhshrink(input: Accepted) -> Tensor:
    """x - tanh x

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.tanhshrink(tg.tensor([0.0, 1000.0])).tolist()
    [0.0, 999.0]
    """
    return input - input.tanh()


@composed
def softsign(input: Accepted) -> Tensor:
    """x / (1 + abs(x)) (Bergstra et al., "Quadratic polynomials learn better image features", 2009).

    >>> import math, tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.softsign(tg.tensor([-1.0, math.inf])).tolist()
    [-0.5, 1.0]
    """
    size = abs(input)
    sign = input.detach().sign()
    share = 1.0 / (1.0 + size)
    return (size > 1).where(sign - sign * share, input * share)  # ∞ / ∞ is no number


@composed
def silu(input: Accepted, inplace: bool = False) -> Tensor:
    """x · sigmoid(x) (Elfwing, Uchibe and Doya, 2018).

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.silu(tg.tensor([-1000.0, 1000.0])).tolist()
    [0.0, 1000.0]
    """
    return _gated(input, _logistic)


@composed
def mish(input: Accepted, inplace: bool = False) -> Tensor:
    """x · tanh(log(1 + eˣ)) (Misra, "Mish: a self regularized non-monotonic activation function", 2020, eq. 1).

    With e = exp(-abs(x)) the factor is (e² + 2e) / (e² + 2e + 2) below 0, and 1 - 2e² / (2e² + 2e + 1) above: no digit
    is lost, and nothing overflows.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.mish(tg.tensor([-1000.0, 1000.0])).tolist()
    [0.0, 1000.0]
    """
    below = input < 0
    z = below.where(input, -input)
    e = z.exp()  # never above 1
    small = below.where(e + 2.0, 2.0 * e) * e
    return below.where(0.0, input) + (small / (small + below.where(2.0, 2.0 * e + 1.0))).times(z)


@composed
def gelu(input: Accepted, approximate: Literal["none", "tanh"] = "none") -> Tensor:
    """x Φ(x), where Φ is the normal distribution function, or an approximation by tanh (Hendrycks and Gimpel, 2016).

    Raises:
        ValueError: approximate is neither "none" nor "tanh".

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.gelu(tg.tensor([-1000.0, 1000.0])).tolist()
    [0.0, 1000.0]
    """
    if approximate == "tanh":
        return _gated(input, lambda z: 0.5 + 0.5 * (math.sqrt(2 / math.pi) * (z + 0.044715 * z**3)).tanh())
    if approximate != "none":
        raise ValueError(f"gelu: approximate={approximate!r}; it must be 'none' or 'tanh'.")
    return _gated(input, lambda z: 0.5 + 0.5 * (z * math.sqrt(0.5)).erf())


@composed
def glu(input: Accepted, dim: int = -1) -> Tensor:
    """a · sigmoid(b), where a and b are the halves of x along an axis (Dauphin et al., 2017, eq. 1).

    Raises:
        ShapeError: the axis has an odd size, or there is none.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.glu(tg.tensor([1.0, 2.0, 1000.0, -1000.0])).tolist()
    [1.0, 0.0]
    """
    axis = axis_of("glu", dim, input.ndim)
    if input.shape[axis] % 2:
        raise ShapeError(
            f"input of shape {input.shape}{location()}: axis {dim} has size {input.shape[axis]}; it is halved, so it "
            "must be even."
        )
    before, half = (slice(None),) * axis, input.shape[axis] // 2
    return input[(*before, slice(half))] * input[(*before, slice(half, None))].sigmoid()


def _logistic(z: Tensor) -> Tensor:
    """1 / (1 + e⁻ᶻ) of numbers that are not positive."""
    e = z.exp()
    return e / (1.0 + e)


def _exponential(x: Tensor) -> Tensor:
    """eˣ - 1 with the digits of :meth:`Tensor.expm1` near 0, and the derivative eˣ."""
    y = x.exp() - 1.0
    return y + (x.detach().expm1() - y.detach())


def _softplus(x: Tensor) -> Tensor:
    """log(1 + eˣ). The rounding error of 1 + e is added back to first order; in exact arithmetic it is 0, so it is
    detached.
    """
    below = x < 0
    e = below.where(x, -x).exp()  # never above 1
    w = 1.0 + e
    lost = (e.detach() - (w.detach() - 1.0)) / w.detach()
    return below.where(0.0, x) + (w.log() + lost)


def _gated(x: Tensor, gate: Callable[[Tensor], Tensor]) -> Tensor:
    """x · gate(x), for a gate rising from 0 to 1 with gate(-x) = 1 - gate(x), as max(x, 0) - |x| · gate(-|x|).

    At ±∞ the gate in this form is 0, and ``times`` makes its product with ∞ the limit, 0.
    """
    below = x < 0
    z = below.where(x, -x)
    return below.where(0.0, x) + gate(z).times(z)
