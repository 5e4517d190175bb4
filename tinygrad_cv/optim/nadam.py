"""NAdam."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ..frontend.tensor import Tensor
from .group import Group
from .moments import Moments
from .named import ParametersOrGroups
from .optimizer import Optimizer, Todo, decayed
from .settings import refuse


class NAdam(Optimizer):
    """:class:`Adam` with Nesterov momentum (Dozat, "Incorporating Nesterov momentum into Adam", 2016).

    With μₜ = β₁ (1 - ½ · 0.96^(t · momentum_decay)) and Πₜ = μ₁ ⋯ μₜ:
    p ← p - lr · ((1 - μₜ) g / (1 - Πₜ) + μₜ₊₁ m / (1 - Πₜ μₜ₊₁)) / (√v̂ + eps). Π is kept in float64, by PyTorch in
    float32.

    Args:
        params: a module, its ``named_parameters()``, a list of tensors, or a list of groups; see :class:`Optimizer`.
        betas: (β₁, β₂), each in [0, 1).
        momentum_decay: how fast μ rises.
        decoupled_weight_decay: decay p itself, as :class:`AdamW` does, instead of adding weight_decay · p to g.
        maximize: go up along the gradient instead of down.
        foreach, capturable, differentiable: PyTorch's; None or False.

    Raises:
        ValueError: a setting out of range, or parameters that :class:`Optimizer` refuses.

    >>> import tinygrad_cv as tg
    >>> x = tg.tensor([1.0, -2.0], requires_grad=True)
    >>> nadam = tg.optim.NAdam([x], lr=0.5)
    >>> (x * x).sum().backward(); nadam.step()
    >>> x
    tensor([ 0.4718, -1.4718], shape=(2,), dtype=float32, requires_grad=True)
    """

    scalars: ClassVar[Mapping[str, float]] = {"step": 0.0, "mu_product": 1.0}
    volatile = ("state",)

    def __init__(
        self,
        params: ParametersOrGroups,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ):
        refuse("NAdam", foreach=foreach, capturable=capturable, differentiable=differentiable)
        super().__init__(
            params,
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            momentum_decay=momentum_decay,
            decoupled_weight_decay=decoupled_weight_decay,
            maximize=maximize,
        )

    def keeps(self, group: Mapping[str, Any], p: Tensor) -> set[str]:
        return {"step", "mu_product", "exp_avg", "exp_avg_sq"}

    def update(self, group: Group, todo: list[Todo]) -> None:
        lr, (beta1, beta2), dtype = group["lr"], group["betas"], todo[0][0].dtype
        moments = Moments.of(group, todo)
        for scalars, cohort in self.cohorts(todo):
            t, product, psi = scalars["step"], scalars["mu_product"], group["momentum_decay"]
            mu, following = (beta1 * (1.0 - 0.5 * 0.96 ** (steps * psi)) for steps in (t, t + 1.0))
            product.assign(product * mu)
            of_g = (lr * (1.0 - mu) / (1.0 - product)).astype(dtype)
            of_m = (lr * following / (1.0 - product * following)).astype(dtype)
            correction = (1.0 - beta2**t).astype(dtype)
            for p, g, slots in cohort:
                x = decayed(p, group)
                m, v = moments.update(p, g, slots)
                p.assign(x - (g * of_g + m * of_m) / ((v / correction).sqrt() + group["eps"]))
