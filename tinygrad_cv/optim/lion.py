"""Lion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..frontend.tensor import Tensor
from .group import Group
from .named import ParametersOrGroups
from .optimizer import Optimizer, Todo, ahead, decayed, slot


class Lion(Optimizer):
    """p ← (1 - lr · weight_decay) p - lr · sign(β₁ m + (1 - β₁) g), then m ← β₂ m + (1 - β₂) g (Chen et al., "Symbolic
    discovery of optimization algorithms", 2023, program 1).

    All elements move by lr: a tenth to a third of what Adam takes, with a weight decay as much larger.

    Args:
        params: a module, its ``named_parameters()``, a list of tensors, or a list of groups; see :class:`Optimizer`.
        betas: (β₁, β₂), each in [0, 1).
        maximize: go up along the gradient instead of down.

    Raises:
        ValueError: a setting out of range, or parameters that :class:`Optimizer` refuses.

    >>> import tinygrad_cv as tg
    >>> x = tg.tensor([1.0, -2.0], requires_grad=True)
    >>> lion = tg.optim.Lion([x], lr=0.5)
    >>> (x * x).sum().backward(); lion.step()
    >>> x
    tensor([ 0.5, -1.5], shape=(2,), dtype=float32, requires_grad=True)
    """

    volatile = ("state",)
    couples_decay = False

    def __init__(
        self,
        params: ParametersOrGroups,
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ):
        super().__init__(params, lr=lr, betas=betas, weight_decay=weight_decay, maximize=maximize)

    def keeps(self, group: Mapping[str, Any], p: Tensor) -> set[str]:
        return {"exp_avg"}

    def update(self, group: Group, todo: list[Todo]) -> None:
        beta1, beta2 = group["betas"]
        lr, old, new, kept, fresh = ahead(todo[0][0].dtype, group["lr"], beta1, 1.0 - beta1, beta2, 1.0 - beta2)
        for p, g, slots in todo:
            m, x = slot(slots, "exp_avg", p), decayed(p, group)
            direction = (m * old + g * new).sign()
            m.assign(m * kept + g * fresh)
            p.assign(x - direction * lr)
