"""The running means of a gradient and of its square, which Adam and its kin keep."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..frontend.tensor import Tensor
from .group import Group
from .optimizer import Slots, Todo, ahead, slot


class Moments(NamedTuple):
    """Shares by which the means move in an update, in the dtype of the parameters."""

    fresh: Any  # 1 - β₁
    kept: Any  # β₂
    fresh_square: Any  # 1 - β₂

    @classmethod
    def of(cls, group: Group, todo: list[Todo]) -> Moments:
        """Those of a group's betas."""
        beta1, beta2 = group["betas"]
        return cls(*ahead(todo[0][0].dtype, 1.0 - beta1, beta2, 1.0 - beta2))

    def update(self, p: Tensor, g: Tensor, slots: Slots) -> tuple[Tensor, Tensor]:
        """m ← β₁ m + (1 - β₁) g and v ← β₂ v + (1 - β₂) g² of a parameter, after the update."""
        m, v = slot(slots, "exp_avg", p), slot(slots, "exp_avg_sq", p)
        m.assign(m + (g - m) * self.fresh)
        v.assign(v * self.kept + g * g * self.fresh_square)
        return m, v
