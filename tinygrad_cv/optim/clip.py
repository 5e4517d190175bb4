"""Gradient clipping. A gradient that is not finite is an error that names its parameter; none is clipped then."""

from __future__ import annotations

import math

import numpy as np

from ..core.context import no_grad
from ..frontend.movement import stack
from ..frontend.precision import in_single
from ..frontend.tensor import Tensor
from .named import Parameters, named

EPS = 1e-6  # keeps the factor finite, as in PyTorch


def clip_grad_norm_(parameters: Parameters, max_norm: float, norm_type: float = 2.0) -> Tensor:
    """Scale all gradients by min(1, max_norm / (norm + 1e-6)), and return their total norm before scaling.

    norm = (Σ |g|ᵖ)^(1/p) over all elements of all gradients, max |g| for p = ∞. It is summed in float64, where squares
    of float32 cannot overflow (Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks",
    2013, algorithm 1).

    Args:
        parameters: a module, its ``named_parameters()`` or ``parameters()``, or tensors. Parameters without
            a gradient are skipped.
        max_norm: at least 0.
        norm_type: p, above 0; ``math.inf`` for the maximum.

    Raises:
        ValueError: a negative max_norm, or norm_type not above 0.
        FloatingPointError: a gradient holds NaN or infinity; the message names the parameters.

    >>> import tinygrad_cv as tg
    >>> x = tg.tensor([3.0, 4.0], requires_grad=True)
    >>> (x * x / 2).sum().backward()
    >>> tg.optim.clip_grad_norm_([x], max_norm=1.0).item(), x.grad
    (5.0, tensor([0.6, 0.8], shape=(2,), dtype=float32))
    """
    if not max_norm >= 0 or not norm_type > 0:
        raise ValueError(
            f"clip_grad_norm_: max_norm={max_norm}, norm_type={norm_type}; max_norm must be at least 0, "
            "norm_type above 0."
        )
    pairs = _gradients("clip_grad_norm_", parameters)
    if not pairs:
        return Tensor(0.0)
    with no_grad():
        wide = [g.detach().astype(np.float64) for _, g in pairs]
        if norm_type == 2:
            total = stack([g.square().sum() for g in wide]).sum().sqrt()
        elif norm_type == math.inf:
            total = stack([abs(g).max() for g in wide]).max()
        else:
            total = stack([(abs(g) ** norm_type).sum() for g in wide]).sum() ** (1.0 / norm_type)
        factor = (max_norm / (total + EPS)).minimum(1.0)
        scaled = in_single(lambda g: g * factor.astype(g.dtype))
        for p, g in pairs:
            p.grad = scaled(g.detach())
        return total.astype(pairs[0][1].dtype)


def clip_grad_value_(parameters: Parameters, clip_value: float) -> None:
    """Clip every element of every gradient to [-clip_value, clip_value].

    Args:
        parameters: as for :func:`clip_grad_norm_`.
        clip_value: at least 0.

    Raises:
        ValueError: a negative clip_value.
        FloatingPointError: a gradient holds NaN or infinity; the message names the parameters.

    >>> import tinygrad_cv as tg
    >>> x = tg.tensor([3.0, -0.5], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> tg.optim.clip_grad_value_([x], 2.0)
    >>> x.grad.tolist()
    [2.0, -1.0]
    """
    if not clip_value >= 0:
        raise ValueError(f"clip_grad_value_: clip_value={clip_value}; it must not be negative.")
    with no_grad():
        for p, g in _gradients("clip_grad_value_", parameters):
            p.grad = g.detach().clip(-clip_value, clip_value)


def _gradients(caller: str, parameters: Parameters) -> list[tuple[Tensor, Tensor]]:
    """Each parameter that has a gradient, with its gradient; raises if one is not finite."""
    found = [(name, p, g) for name, p in named(caller, parameters) if (g := p.grad) is not None and g.size]
    wrong = [
        f"{name!r} of shape {p.shape} ({np.isnan(g.numpy()).sum()} NaN, {np.isinf(g.numpy()).sum()} infinite)"
        for name, p, g in found
        if not g.known_finite()
    ]
    if wrong:
        raise FloatingPointError(
            f"{caller}: the gradient of parameter {', '.join(wrong)} is not finite; no gradient was "
            "changed. Lower the learning rate, or find the first such value with detect_anomaly()."
        )
    return [(p, g) for _, p, g in found]
