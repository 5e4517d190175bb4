"""LARS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..frontend.tensor import Tensor
from .group import Group
from .named import ParametersOrGroups
from .optimizer import Optimizer, Todo, ahead, norm, slot


class LARS(Optimizer):
    """Momentum with a rate for each parameter, by the ratio of its norm to that of its gradient (You, Gitman and
    Ginsburg, "Large batch training of convolutional networks", 2017, algorithm 1).

    λ = trust_coefficient · |p| / (|g| + weight_decay · |p| + eps), b ← momentum · b + lr · λ (g + weight_decay · p),
    p ← p - b. Where |p| or |g| is 0, λ is 1.

    Args:
        params: a module, its ``named_parameters()``, a list of tensors, or a list of groups; see :class:`Optimizer`.
        trust_coefficient: η of the paper. None is λ = 1: momentum alone, which is usual for the group of biases and of
            normalization's parameters, together with a weight decay of 0.
        maximize: go up along the gradient instead of down.

    Raises:
        ValueError: a negative setting, or parameters that :class:`Optimizer` refuses.

    >>> import tinygrad_cv as tg
    >>> x = tg.tensor([3.0, 4.0], requires_grad=True)
    >>> lars = tg.optim.LARS([x], lr=1.0, trust_coefficient=0.1)
    >>> (x * x).sum().backward(); lars.step()
    >>> x  # a tenth of its norm
    tensor([2.7, 3.6], shape=(2,), dtype=float32, requires_grad=True)
    """

    volatile = ("state",)
    couples_decay = False

    def __init__(
        self,
        params: ParametersOrGroups,
        lr: float = 1e-3,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        trust_coefficient: float | None = 1e-3,
        eps: float = 0.0,
        *,
        maximize: bool = False,
    ):
        super().__init__(
            params,
            lr=lr,
            momentum=momentum,
            weight_decay=weight_decay,
            trust_coefficient=trust_coefficient,
            eps=eps,
            maximize=maximize,
        )

    def keeps(self, group: Mapping[str, Any], p: Tensor) -> set[str]:
        return {"momentum_buffer"} if group["momentum"] else set()

    def update(self, group: Group, todo: list[Todo]) -> None:
        lr, momentum = ahead(todo[0][0].dtype, group["lr"], group["momentum"])
        decay, trust = group["weight_decay"], group["trust_coefficient"]
        for p, g, slots in todo:
            step = g + p * decay if decay else g
            if trust is not None:
                of_p, of_g = norm(p), norm(g)
                ratio = of_p * trust / (of_g + of_p * decay + group["eps"])
                step = step * ((of_p > 0) & (of_g > 0)).where(ratio, 1.0).astype(p.dtype)
            step = step * lr
            if not group.is_zero("momentum"):
                b = slot(slots, "momentum_buffer", p)
                b.assign(b * momentum + step)
                step = b
            p.assign(p - step)
