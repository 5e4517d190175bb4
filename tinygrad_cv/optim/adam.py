"""Adam."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..frontend.creation import zeros
from ..frontend.tensor import Tensor
from .named import ParametersOrGroups
from .optimizer import Group, Optimizer, OptimizerState, Slots, Todo, slot


class Adam(Optimizer):
    """p ← p - lr · m̂ / (√v̂ + eps) (Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1).

    m ← β₁ m + (1 - β₁) g and v ← β₂ v + (1 - β₂) g², with m̂ = m / (1 - β₁ᵗ) and v̂ = v / (1 - β₂ᵗ) at the t-th update
    of a parameter. weight_decay · p is added to g; for decoupled weight decay see :class:`AdamW`.

    Args:
        params: a module, its ``named_parameters()``, a list of tensors, or a list of groups; see :class:`Optimizer`.
        betas: (β₁, β₂), each in [0, 1).

    Raises:
        ValueError: a negative setting, a beta outside [0, 1), or parameters that :class:`Optimizer` refuses.

    >>> import tinygrad_cv as tg
    >>> x = tg.tensor([1.0, -2.0], requires_grad=True)
    >>> adam = tg.optim.Adam([x], lr=0.5)
    >>> (x * x).sum().backward(); adam.step()
    >>> x  # the first step has the size of lr
    tensor([ 0.5, -1.5], shape=(2,), dtype=float32, requires_grad=True)
    """

    counts = ("step",)
    volatile = ("state",)
    decoupled = False  # whether weight decay is applied to p directly instead of being added to g

    def __init__(
        self,
        params: ParametersOrGroups,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ):
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def keeps(self, group: Mapping[str, Any]) -> set[str]:
        return {"step", "exp_avg", "exp_avg_sq"}

    def check_state(self, key: str, array: np.ndarray) -> str | None:
        if key == "exp_avg_sq" and (array < 0).any():
            return "has negative values; it is a mean of squares"
        return super().check_state(key, array)

    def update(self, group: Group, todo: list[Todo]) -> None:
        lr, (beta1, beta2), eps, decay = group["lr"], group["betas"], group["eps"], group["weight_decay"]
        self._count([slots for _, _, slots in todo])
        corrections: dict[tuple[int, np.dtype], tuple[Tensor, Tensor]] = {}
        for p, g, slots in todo:
            t = slots["step"]
            key = id(t), p.dtype
            if key not in corrections:
                corrections[key] = (lr / (1.0 - beta1**t)).astype(p.dtype), (1.0 - beta2**t).sqrt().astype(p.dtype)
            rate, root = corrections[key]
            m, v = (slot(slots, name, p.shape, p.dtype) for name in ("exp_avg", "exp_avg_sq"))
            x: Tensor = p
            if decay and self.decoupled:
                x = p * (1.0 - lr * decay)
            elif decay:
                g = g + p * decay
            m.assign(m + (g - m) * (1.0 - beta1))
            v.assign(v * beta2 + g * g * (1.0 - beta2))
            p.assign(x - m / (v.sqrt() / root + eps) * rate)

    def _count(self, updated: list[Slots]) -> None:
        """Advance t. Parameters that have been updated equally often share one count, so corrections are shared too."""
        cohorts: dict[int, list[Slots]] = {}
        for slots in updated:
            cohorts.setdefault(id(slots.get("step")), []).append(slots)
        for cohort in cohorts.values():
            old = cohort[0].get("step", zeros((), dtype=np.float64))
            holders = sum(slots.get("step") is old for slots in self.state.values())
            count = old if holders <= len(cohort) else zeros((), dtype=np.float64)  # the other holders keep the old one
            count.assign(old + 1.0)
            for slots in cohort:
                slots["step"] = count

    def load_state_dict(self, state: OptimizerState | Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        counts: dict[tuple[int, float], Tensor] = {}  # one for each group and value
        for i, group in enumerate(self.param_groups):
            for name in group["names"]:
                if slots := self.state.get(name):
                    slots["step"] = counts.setdefault((i, slots["step"].item()), slots["step"])

    load_state_dict.__doc__ = Optimizer.load_state_dict.__doc__
