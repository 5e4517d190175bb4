"""Muon."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..frontend.tensor import Tensor
from .group import Group
from .named import ParametersOrGroups
from .optimizer import Optimizer, Todo, ahead, decayed, norm, slot


class Muon(Optimizer):
    """Momentum whose direction, a matrix, is made nearly orthogonal (Jordan et al., "Muon: an optimizer for hidden
    layers in neural networks", 2024).

    b ← momentum · b + (1 - momentum) g; with ``nesterov`` the same average of g and b is taken once more. Of the result
    X / max(|X|, eps) the steps X ← a X + (b A + c A²) X, A = X Xᵀ, bring the singular values near 1. Then
    p ← (1 - lr · weight_decay) p - lr · r · X, where r is √max(1, rows / columns), or 0.2 √max(rows, columns).

    PyTorch rounds X to bfloat16 in each step; here it has the dtype of the parameter. For the matrices of hidden
    layers; give biases, kernels of convolutions and the last layer to :class:`AdamW`.

    Args:
        params: a module, its ``named_parameters()``, a list of tensors, or a list of groups; see :class:`Optimizer`.
        ns_coefficients: (a, b, c).
        ns_steps: how often, below 100.
        adjust_lr_fn: r: "original" or None for the first, "match_rms_adamw" for the second.

    Raises:
        ValueError: a parameter that is no matrix, by its name; a setting out of range; or parameters that
            :class:`Optimizer` refuses.

    >>> import tinygrad_cv as tg
    >>> w = tg.zeros(2, 2, requires_grad=True)
    >>> muon = tg.optim.Muon([w], lr=1.0)
    >>> (w * tg.tensor([[0.0, 9.0], [-0.1, 0.0]])).sum().backward(); muon.step()
    >>> (w.abs() > 0.6).tolist()
    [[False, True], [True, False]]
    """

    volatile = ("state",)
    couples_decay = False

    def __init__(
        self,
        params: ParametersOrGroups,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ):
        super().__init__(
            params,
            lr=lr,
            weight_decay=weight_decay,
            momentum=momentum,
            nesterov=nesterov,
            ns_coefficients=ns_coefficients,
            eps=eps,
            ns_steps=ns_steps,
            adjust_lr_fn=adjust_lr_fn,
        )

    def check_parameter(self, name: str, p: Tensor) -> None:
        if p.ndim != 2:
            raise ValueError(
                f"Muon: parameter {name!r} of shape {p.shape}; it takes matrices. Give this one to another optimizer, "
                "such as AdamW."
            )

    def keeps(self, group: Mapping[str, Any], p: Tensor) -> set[str]:
        return {"momentum_buffer"}

    def update(self, group: Group, todo: list[Todo]) -> None:
        momentum, fresh = ahead(todo[0][0].dtype, group["momentum"], 1.0 - group["momentum"])
        for p, g, slots in todo:
            b = slot(slots, "momentum_buffer", p)
            b.assign(b + (g - b) * fresh)
            x = g + (b - g) * momentum if group["nesterov"] else b
            x = orthogonalized(x, group["ns_coefficients"], group["ns_steps"], group["eps"])
            p.assign(decayed(p, group) - x * (group["lr"] * _ratio(p, group["adjust_lr_fn"])))


def orthogonalized(x: Tensor, coefficients: tuple[float, float, float], steps: int, eps: float) -> Tensor:
    """A matrix with the singular vectors of x and singular values near 1, by Newton and Schulz's iteration."""
    a, b, c = coefficients
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x  # so that x xᵀ is the smaller one
    x = x / norm(x).maximum(eps).astype(x.dtype)
    for _ in range(steps):
        gram = x @ x.T
        x = x * a + (gram * b + gram @ gram * c) @ x
    return x.T if tall else x


def _ratio(p: Tensor, name: str | None) -> float:
    rows, columns = p.shape
    return 0.2 * math.sqrt(max(rows, columns)) if name == "match_rms_adamw" else math.sqrt(max(1.0, rows / columns))
