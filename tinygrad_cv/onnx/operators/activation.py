"""Activation functions."""

from __future__ import annotations

from typing import Literal, cast

from ... import functional as F
from ...frontend.tensor import Tensor
from ..errors import OnnxError
from ..registry import operator


@operator("Relu", since=6)
def relu(x: Tensor) -> Tensor:
    return F.relu(x)


@operator("Sigmoid", since=6)
def sigmoid(x: Tensor) -> Tensor:
    return F.sigmoid(x)


@operator("Softplus", since=1)
def softplus(x: Tensor) -> Tensor:
    return F.softplus(x)


@operator("Softsign", since=1)
def softsign(x: Tensor) -> Tensor:
    return F.softsign(x)


@operator("Mish", since=18)
def mish(x: Tensor) -> Tensor:
    return F.mish(x)


@operator("HardSwish", since=14)
def hard_swish(x: Tensor) -> Tensor:
    return F.hardswish(x)


@operator("LeakyRelu", since=6)
def leaky_relu(x: Tensor, *, alpha: float) -> Tensor:
    return F.leaky_relu(x, alpha)


@operator("PRelu", since=6)
def prelu(x: Tensor, slope: Tensor) -> Tensor:
    """Before opset 7 a slope for each channel, or one for all."""
    return F.prelu(x, slope)


@operator("Elu", since=6)
def elu(x: Tensor, *, alpha: float) -> Tensor:
    return F.elu(x, alpha)


@operator("Celu", since=12)
def celu(x: Tensor, *, alpha: float) -> Tensor:
    return F.celu(x, alpha)


@operator("Selu", since=6)
def selu(x: Tensor, *, alpha: float, gamma: float) -> Tensor:
    return gamma * F.elu(x, alpha)


@operator("Gelu", since=20)
def gelu(x: Tensor, *, approximate: str) -> Tensor:
    if approximate not in ("none", "tanh"):
        raise OnnxError(f"approximate={approximate!r}: it must be 'none' or 'tanh'.")
    return F.gelu(x, cast(Literal["none", "tanh"], approximate))


@operator("Swish", since=24)
def swish(x: Tensor, *, alpha: float) -> Tensor:
    """x · sigmoid(alpha x)"""
    return x * F.sigmoid(alpha * x)


@operator("HardSigmoid", since=6)
def hard_sigmoid(x: Tensor, *, alpha: float, beta: float) -> Tensor:
    """alpha x + beta between 0 and 1, with derivative 0 at both, as the activation of this name has it."""
    return F.hardtanh(x * alpha + beta, 0.0, 1.0)


@operator("ThresholdedRelu", since=10)
def thresholded_relu(x: Tensor, *, alpha: float) -> Tensor:
    return F.threshold(x, alpha, 0.0)


@operator("Shrink", since=9)
def shrink(x: Tensor, *, bias: float, lambd: float) -> Tensor:
    """x moved towards 0 by the bias where it is beyond lambd, otherwise 0."""
    moved = (x < -lambd).where(x + bias, (x > lambd).where(x - bias, 0.0))
    return moved if x.dtype.kind == "f" else moved.astype(x.dtype)


@operator("SwiGLU", since=28)
def swiglu(a: Tensor, b: Tensor, *, alpha: float) -> Tensor:
    """a · sigmoid(alpha a) · b"""
    return a * F.sigmoid(alpha * a) * b
