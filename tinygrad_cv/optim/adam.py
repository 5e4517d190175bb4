"""Adam."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ..frontend.tensor import Tensor
from .group import Group
from .moments import Moments
from .named import ParametersOrGroups
from .optimizer import Optimizer, Todo, decayed, slot
from .settings import refuse


class Adam(Optimizer):
    """p ← p - lr · m̂ / (√v̂ + eps) (Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1).

    m ← β₁ m + (1 - β₁) g and v ← β₂ v + (1 - β₂) g², with m̂ = m / (1 - β₁ᵗ) and v̂ = v / (1 - β₂ᵗ) at the t-th update
    of a parameter. weight_decay · p is added to g; for decoupled weight decay see :class:`AdamW`.

    Args:
        params: a module, its ``named_parameters()``, a list of tensors, or a list of groups; see :class:`Optimizer`.
        betas: (β₁, β₂), each in [0, 1).
        amsgrad: divide by the root of the greatest v so far (Reddi, Kale and Kumar, "On the convergence of Adam and
            beyond", 2018, algorithm 2).
        maximize: go up along the gradient instead of down.
        decoupled_weight_decay: as :class:`AdamW` does.
        foreach, capturable, differentiable, fused: PyTorch's; None or False.

    Raises:
        ValueError: a negative setting, a beta outside [0, 1), or parameters that :class:`Optimizer` refuses.

    >>> import tinygrad_cv as tg
    >>> x = tg.tensor([1.0, -2.0], requires_grad=True)
    >>> adam = tg.optim.Adam([x], lr=0.5)
    >>> (x * x).sum().backward(); adam.step()
    >>> x  # the first step has the size of lr
    tensor([ 0.5, -1.5], shape=(2,), dtype=float32, requires_grad=True)
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
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ):
        op = type(self).__name__
        refuse(op, foreach=foreach, capturable=capturable, differentiable=differentiable, fused=fused)
        super().__init__(
            params,
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            amsgrad=amsgrad,
            maximize=maximize,
            decoupled_weight_decay=decoupled_weight_decay,
        )

    def keeps(self, group: Mapping[str, Any], p: Tensor) -> set[str]:
        return {"step", "exp_avg", "exp_avg_sq"} | ({"max_exp_avg_sq"} if group["amsgrad"] else set())

    def update(self, group: Group, todo: list[Todo]) -> None:
        lr, (beta1, beta2), eps, dtype = group["lr"], group["betas"], group["eps"], todo[0][0].dtype
        moments = Moments.of(group, todo)
        for scalars, cohort in self.cohorts(todo):
            t = scalars["step"]
            rate, root = (lr / (1.0 - beta1**t)).astype(dtype), (1.0 - beta2**t).sqrt().astype(dtype)
            for p, g, slots in cohort:
                x: Tensor = decayed(p, group)
                m, v = moments.update(p, g, slots)
                if group["amsgrad"]:
                    greatest = slot(slots, "max_exp_avg_sq", p)
                    greatest.assign(greatest.maximum(v))
                    v = greatest
                p.assign(x - m / (v.sqrt() / root + eps) * rate)
