"""Adagrad."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ..frontend.tensor import Tensor
from .group import Group
from .named import ParametersOrGroups
from .optimizer import Optimizer, Todo, slot
from .settings import refuse


class Adagrad(Optimizer):
    """p ← p - lr / (1 + (t - 1) lr_decay) · g / (√s + eps) with the sum s ← s + g² (Duchi, Hazan and Singer, "Adaptive
    subgradient methods for online learning and stochastic optimization", 2011).

    Args:
        params: a module, its ``named_parameters()``, a list of tensors, or a list of groups; see :class:`Optimizer`.
        initial_accumulator_value: s before the first update.
        maximize: go up along the gradient instead of down.
        foreach, differentiable, fused: PyTorch's; None or False.

    Raises:
        ValueError: a negative setting, or parameters that :class:`Optimizer` refuses.

    >>> import tinygrad_cv as tg
    >>> x = tg.tensor([1.0, -2.0], requires_grad=True)
    >>> adagrad = tg.optim.Adagrad([x], lr=0.5)
    >>> (x * x).sum().backward(); adagrad.step()
    >>> x
    tensor([ 0.5, -1.5], shape=(2,), dtype=float32, requires_grad=True)
    """

    scalars: ClassVar[Mapping[str, float]] = {"step": 0.0}
    volatile = ("state",)

    def __init__(
        self,
        params: ParametersOrGroups,
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ):
        refuse("Adagrad", foreach=foreach, differentiable=differentiable, fused=fused)
        super().__init__(
            params,
            lr=lr,
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            eps=eps,
            maximize=maximize,
        )

    def keeps(self, group: Mapping[str, Any], p: Tensor) -> set[str]:
        return {"step", "sum"}

    def update(self, group: Group, todo: list[Todo]) -> None:
        for scalars, cohort in self.cohorts(todo):
            rate = group["lr"] / (1.0 + (scalars["step"] - 1.0) * group["lr_decay"])
            rate = rate.astype(cohort[0][0].dtype)
            for p, g, slots in cohort:
                s = slot(slots, "sum", p, group["initial_accumulator_value"])
                s.assign(s + g * g)
                p.assign(p - g / (s.sqrt() + group["eps"]) * rate)
