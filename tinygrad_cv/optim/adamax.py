"""Adamax."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ..frontend.tensor import Tensor
from .group import Group
from .named import ParametersOrGroups
from .optimizer import Optimizer, Todo, ahead, slot
from .settings import refuse


class Adamax(Optimizer):
    """p ← p - lr · m̂ / u with the decaying maximum u ← max(β₂ u, |g| + eps) (Kingma and Ba, "Adam", 2015, algorithm 2).

    Args:
        params: a module, its ``named_parameters()``, a list of tensors, or a list of groups; see :class:`Optimizer`.
        betas: (β₁, β₂), each in [0, 1).
        maximize: go up along the gradient instead of down.
        foreach, differentiable, capturable: PyTorch's; None or False.

    Raises:
        ValueError: a setting out of range, or parameters that :class:`Optimizer` refuses.

    >>> import tinygrad_cv as tg
    >>> x = tg.tensor([1.0, -2.0], requires_grad=True)
    >>> adamax = tg.optim.Adamax([x], lr=0.5)
    >>> (x * x).sum().backward(); adamax.step()
    >>> x
    tensor([ 0.5, -1.5], shape=(2,), dtype=float32, requires_grad=True)
    """

    scalars: ClassVar[Mapping[str, float]] = {"step": 0.0}
    volatile = ("state",)

    def __init__(
        self,
        params: ParametersOrGroups,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ):
        refuse("Adamax", foreach=foreach, differentiable=differentiable, capturable=capturable)
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, maximize=maximize)

    def keeps(self, group: Mapping[str, Any], p: Tensor) -> set[str]:
        return {"step", "exp_avg", "exp_inf"}

    def update(self, group: Group, todo: list[Todo]) -> None:
        lr, (beta1, beta2), eps, dtype = group["lr"], group["betas"], group["eps"], todo[0][0].dtype
        fresh, kept = ahead(dtype, 1.0 - beta1, beta2)
        for scalars, cohort in self.cohorts(todo):
            rate = (lr / (1.0 - beta1 ** scalars["step"])).astype(dtype)
            for p, g, slots in cohort:
                m, u = slot(slots, "exp_avg", p), slot(slots, "exp_inf", p)
                m.assign(m + (g - m) * fresh)
                u.assign((u * kept).maximum(abs(g) + eps))
                p.assign(p - m / u * rate)
