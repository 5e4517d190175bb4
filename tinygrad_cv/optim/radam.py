"""RAdam."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ..frontend.tensor import Tensor
from .group import Group
from .moments import Moments
from .named import ParametersOrGroups
from .optimizer import Optimizer, Todo, decayed
from .settings import refuse


class RAdam(Optimizer):
    """:class:`Adam` whose adaptive rate begins when its variance is known (Liu et al., "On the variance of the adaptive
    learning rate and beyond", 2020, algorithm 2).

    With ρ = 2 / (1 - β₂) - 1 and ρₜ = ρ - 2 t β₂ᵗ / (1 - β₂ᵗ): p ← p - lr · m̂ while ρₜ ≤ 5, then
    p ← p - lr · m̂ · r √(1 - β₂ᵗ) / (√v + eps), with r² = (ρₜ - 4) (ρₜ - 2) ρ / ((ρ - 4) (ρ - 2) ρₜ).

    Args:
        params: a module, its ``named_parameters()``, a list of tensors, or a list of groups; see :class:`Optimizer`.
        betas: (β₁, β₂), each in [0, 1).
        decoupled_weight_decay: decay p itself, as :class:`AdamW` does, instead of adding weight_decay · p to g.
        maximize: go up along the gradient instead of down.
        foreach, capturable, differentiable: PyTorch's; None or False.

    Raises:
        ValueError: a setting out of range, or parameters that :class:`Optimizer` refuses.

    >>> import tinygrad_cv as tg
    >>> x = tg.tensor([1.0, -2.0], requires_grad=True)
    >>> radam = tg.optim.RAdam([x], lr=0.5)
    >>> (x * x).sum().backward(); radam.step()
    >>> x.tolist()  # the first steps are those of momentum
    [0.0, 0.0]
    """

    scalars: ClassVar[Mapping[str, float]] = {"step": 0.0}
    volatile = ("state",)

    def __init__(
        self,
        params: ParametersOrGroups,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ):
        refuse("RAdam", foreach=foreach, capturable=capturable, differentiable=differentiable)
        super().__init__(
            params,
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            decoupled_weight_decay=decoupled_weight_decay,
            maximize=maximize,
        )

    def keeps(self, group: Mapping[str, Any], p: Tensor) -> set[str]:
        return {"step", "exp_avg", "exp_avg_sq"}

    def update(self, group: Group, todo: list[Todo]) -> None:
        lr, (beta1, beta2), eps, dtype = group["lr"], group["betas"], group["eps"], todo[0][0].dtype
        moments = Moments.of(group, todo)
        for scalars, cohort in self.cohorts(todo):
            t = scalars["step"]
            correction = 1.0 - beta2**t
            longest = 2.0 / (1.0 - beta2) - 1.0
            length = longest - 2.0 * t * (beta2**t) / correction
            known = length > 5.0
            share = (length - 4.0) * (length - 2.0) * longest / ((longest - 4.0) * (longest - 2.0) * length)
            rectified = known.where(share * correction, 1.0).sqrt().astype(dtype)
            rate = (lr / (1.0 - beta1**t)).astype(dtype)
            for p, g, slots in cohort:
                x = decayed(p, group)
                m, v = moments.update(p, g, slots)
                p.assign(x - m * rate * known.where(rectified / (v.sqrt() + eps), 1.0))
