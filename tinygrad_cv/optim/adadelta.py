"""Adadelta."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ..frontend.tensor import Tensor
from .group import Group
from .named import ParametersOrGroups
from .optimizer import Optimizer, Todo, ahead, slot
from .settings import refuse


class Adadelta(Optimizer):
    """p ← p - lr · d with d = g · √(u + eps) / √(v + eps), a step in the units of p (Zeiler, "ADADELTA", 2012,
    algorithm 1).

    v ← rho · v + (1 - rho) g² before, and u ← rho · u + (1 - rho) d² after.

    Args:
        params: a module, its ``named_parameters()``, a list of tensors, or a list of groups; see :class:`Optimizer`.
        rho: the decay of both averages, in [0, 1].
        maximize: go up along the gradient instead of down.
        foreach, capturable, differentiable: PyTorch's; None or False.

    Raises:
        ValueError: a setting out of range, or parameters that :class:`Optimizer` refuses.

    >>> import tinygrad_cv as tg
    >>> x = tg.tensor([1.0, -2.0], requires_grad=True)
    >>> adadelta = tg.optim.Adadelta([x], rho=0.75, eps=1.0)
    >>> (x * x).sum().backward(); adadelta.step()
    >>> round(x[0].item(), 4)  # 1 - 2 / √2
    -0.4142
    """

    scalars: ClassVar[Mapping[str, float]] = {"step": 0.0}
    volatile = ("state",)

    def __init__(
        self,
        params: ParametersOrGroups,
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ):
        refuse("Adadelta", foreach=foreach, capturable=capturable, differentiable=differentiable)
        super().__init__(params, lr=lr, rho=rho, eps=eps, weight_decay=weight_decay, maximize=maximize)

    def keeps(self, group: Mapping[str, Any], p: Tensor) -> set[str]:
        return {"step", "square_avg", "acc_delta"}

    def update(self, group: Group, todo: list[Todo]) -> None:
        (lr,), rho, eps = ahead(todo[0][0].dtype, group["lr"]), group["rho"], group["eps"]
        for _, cohort in self.cohorts(todo):
            for p, g, slots in cohort:
                v, u = slot(slots, "square_avg", p), slot(slots, "acc_delta", p)
                v.assign(v * rho + g * g * (1.0 - rho))
                d = (u + eps).sqrt() / (v + eps).sqrt() * g
                u.assign(u * rho + d * d * (1.0 - rho))
                p.assign(p - d * lr)
