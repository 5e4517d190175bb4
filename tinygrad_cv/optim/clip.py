"""Gradient clipping. A gradient that is not finite is an error that names its parameter; none is clipped then."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from ..core.annotations import explaining
from ..core.context import no_grad
from ..frontend.creation import asarray, converted
from ..frontend.movement import stack
from ..frontend.precision import in_single
from ..frontend.tensor import Tensor
from .named import Parameters, named
from .settings import ABOVE_ZERO, Rule, problems, refuse

EPS = 1e-6  # keeps the factor finite, as in PyTorch
SIZE = Rule(lambda v: isinstance(v, (int, float)) and v >= 0, "be at least 0")
ORDER = Rule(lambda v: isinstance(v, (int, float)) and v > 0, "be above 0, math.inf for the maximum")


@explaining
def clip_grad_norm_(
    parameters: Parameters,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = True,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients by min(1, max_norm / (norm + 1e-6)), and return their total norm before scaling.

    norm = (Σ |g|ᵖ)^(1/p) over all elements of all gradients, max |g| for p = ∞. It is summed in float64, where squares
    of float32 cannot overflow (Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks",
    2013, algorithm 1).

    Args:
        parameters: a module, its ``named_parameters()`` or ``parameters()``, or tensors. Parameters without
            a gradient are skipped.
        max_norm: at least 0.
        norm_type: p, above 0; ``math.inf`` for the maximum.
        error_if_nonfinite: if false, gradients become NaN where the norm is; false is PyTorch's default.
        foreach: PyTorch's; None or False.

    Raises:
        ValueError: a negative max_norm, or norm_type not above 0.
        FloatingPointError: a gradient holds NaN or infinity; the message names the parameters.

    >>> import tinygrad_cv as tg
    >>> x = tg.tensor([3.0, 4.0], requires_grad=True)
    >>> (x * x / 2).sum().backward()
    >>> tg.optim.clip_grad_norm_([x], max_norm=1.0).item(), x.grad
    (5.0, tensor([0.6, 0.8], shape=(2,), dtype=float32))
    """
    _check("clip_grad_norm_", {"max_norm": max_norm, "norm_type": norm_type}, foreach)
    pairs = _gradients("clip_grad_norm_", parameters, error_if_nonfinite)
    with no_grad():
        total = _norm([g for _, g in pairs], norm_type)
        _scale(pairs, max_norm, total)
        return total.astype(pairs[0][1].dtype if pairs else np.float32)


@explaining
def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The norm of all elements of some tensors, (Σ |x|ᵖ)^(1/p), as if they were one; 0 of none.

    Args:
        tensors: gradients for instance, ``[p.grad for p in model.parameters()]``.
        norm_type: p, above 0; ``math.inf`` for the maximum.
        error_if_nonfinite: raise if the norm is NaN or infinite.
        foreach: PyTorch's; None or False.

    Raises:
        FloatingPointError: an element is NaN or infinite, and that is to be an error.

    >>> import tinygrad_cv as tg
    >>> tg.optim.get_total_norm([tg.tensor([3.0, 0.0]), tg.tensor(4.0)]).item()
    5.0
    """
    _check("get_total_norm", {"norm_type": norm_type}, foreach)
    given = [tensors] if isinstance(tensors, Tensor) else [converted("get_total_norm", "tensors", x) for x in tensors]
    pairs = _finite("get_total_norm", "tensor", [(str(i), x, x) for i, x in enumerate(given)], error_if_nonfinite)
    with no_grad():
        return _norm([x for _, x in pairs], norm_type).astype(given[0].dtype if given else np.float32)


@explaining
def clip_grads_with_norm_(
    parameters: Parameters, max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Scale all gradients by min(1, max_norm / (total_norm + 1e-6)): :func:`clip_grad_norm_` with a norm that is known.

    Args:
        parameters: as for :func:`clip_grad_norm_`.
        total_norm: from :func:`get_total_norm`, of these gradients or more.
        foreach: PyTorch's; None or False.

    >>> import tinygrad_cv as tg
    >>> x = tg.tensor([3.0, 4.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> tg.optim.clip_grads_with_norm_([x], 1.0, tg.optim.get_total_norm([x.grad]))
    >>> x.grad
    tensor([0.6, 0.8], shape=(2,), dtype=float32)
    """
    _check("clip_grads_with_norm_", {"max_norm": max_norm}, foreach)
    with no_grad():
        pairs = _gradients("clip_grads_with_norm_", parameters, False)
        _scale(pairs, max_norm, asarray(total_norm).astype(np.float64))


@explaining
def clip_grad_value_(parameters: Parameters, clip_value: float, foreach: bool | None = None) -> None:
    """Clip every element of every gradient to [-clip_value, clip_value].

    Args:
        parameters: as for :func:`clip_grad_norm_`.
        clip_value: at least 0.
        foreach: PyTorch's; None or False.

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
    _check("clip_grad_value_", {"clip_value": clip_value}, foreach)
    with no_grad():
        for p, g in _gradients("clip_grad_value_", parameters):
            p.grad = g.clip(-clip_value, clip_value)


@explaining
def adaptive_clip_grad_(parameters: Parameters, clip_factor: float = 0.01, eps: float = 1e-3) -> None:
    """Scale the gradient of each unit down to clip_factor times the norm of its weights (Brock et al.,
    "High-performance large-scale image recognition without normalization", 2021, eq. 3).

    gᵢ ← gᵢ · min(1, clip_factor · max(|wᵢ|, eps) / |gᵢ|), where i goes along the first axis: a row of a linear layer, a
    kernel of a convolution. A bias, or a scale, is one unit. Leave the last layer out, as the paper does.

    Args:
        parameters: as for :func:`clip_grad_norm_`.
        clip_factor: λ of the paper.
        eps: what counts as norm of weights that are smaller.

    Raises:
        ValueError: a factor or eps that is not above 0.
        FloatingPointError: a gradient holds NaN or infinity; the message names the parameters.

    >>> import tinygrad_cv as tg
    >>> w = tg.tensor([[3.0, 4.0], [0.3, 0.4]], requires_grad=True)
    >>> w.grad = tg.tensor([[0.0, 1.0], [0.0, 1.0]])
    >>> tg.optim.adaptive_clip_grad_([w], clip_factor=0.1)
    >>> w.grad
    tensor([[0.  , 0.5 ],
            [0.  , 0.05]], shape=(2, 2), dtype=float32)
    """
    settings = {"clip_factor": clip_factor, "eps": eps}
    for problem in problems(settings, dict.fromkeys(settings, ABOVE_ZERO)):
        raise ValueError(f"adaptive_clip_grad_: {problem}.")
    with no_grad():
        for p, g in _gradients("adaptive_clip_grad_", parameters):
            axes = tuple(range(1, p.ndim)) if p.ndim > 1 else None
            of_p, of_g = (x.astype(np.float64).square().sum(axes, keepdims=True).sqrt() for x in (p.detach(), g))
            factor = (of_p.maximum(eps) * clip_factor / of_g).minimum(1.0)
            p.grad = _times(g, factor)


def _check(op: str, given: dict[str, float], foreach: bool | None) -> None:
    refuse(op, foreach=foreach)
    for problem in problems(given, {"max_norm": SIZE, "clip_value": SIZE, "norm_type": ORDER}):
        raise ValueError(f"{op}: {problem}.")


def _norm(tensors: list[Tensor], p: float) -> Tensor:
    """(Σ |x|ᵖ)^(1/p) in float64."""
    if not tensors:
        return Tensor(0.0, np.float64)
    wide = [x.detach().astype(np.float64) for x in tensors]
    if p == 2:
        return stack([x.square().sum() for x in wide]).sum().sqrt()
    if p == math.inf:
        return stack([abs(x).max() for x in wide]).max()
    return stack([(abs(x) ** p).sum() for x in wide]).sum() ** (1.0 / p)


def _scale(pairs: list[tuple[Tensor, Tensor]], max_norm: float, total: Tensor) -> None:
    factor = (max_norm / (total + EPS)).minimum(1.0)
    for p, g in pairs:
        p.grad = _times(g, factor)


def _times(g: Tensor, factor: Tensor) -> Tensor:
    return in_single(lambda x: x * factor.astype(x.dtype))(g)


def _gradients(op: str, parameters: Parameters, finite: bool = True) -> list[tuple[Tensor, Tensor]]:
    """Each parameter that has a gradient, with its gradient; raises if one is not finite, where it has to be."""
    found = [(name, p, g.detach()) for name, p in named(op, parameters) if (g := p.grad) is not None and g.size]
    return _finite(op, "gradient of parameter", found, finite)


def _finite(op: str, what: str, found: list[tuple[str, Tensor, Tensor]], finite: bool) -> list[tuple[Tensor, Tensor]]:
    wrong = [
        f"{name!r} of shape {x.shape} ({np.isnan(x.numpy()).sum()} NaN, {np.isinf(x.numpy()).sum()} infinite)"
        for name, _, x in (found if finite else ())
        if not x.known_finite()
    ]
    if wrong:
        raise FloatingPointError(
            f"{op}: the {what} {', '.join(wrong)} is not finite; no gradient was changed. Lower the learning rate, or "
            "find the first such value with detect_anomaly()."
        )
    return [(p, x) for _, p, x in found]
