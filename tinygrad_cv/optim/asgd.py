"""ASGD."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ..frontend.tensor import Tensor
from .group import Group
from .named import ParametersOrGroups
from .optimizer import Optimizer, Todo, slot
from .settings import refuse


class ASGD(Optimizer):
    """Descent whose rate falls, and the average of where it has been (Polyak and Juditsky, "Acceleration of stochastic
    approximation by averaging", 1992).

    p ← (1 - lambd · η) p - η g, then the average a ← a + μ (p - a) and, for the next update, μ = 1 / max(1, t - t0) and
    η = lr / (1 + lambd · lr · t)^alpha, which is lr at first. The average is ``state[name]["ax"]``; it is p itself
    until t0. So a rate that a schedule sets counts from the second update after, as in PyTorch.

    Args:
        params: a module, its ``named_parameters()``, a list of tensors, or a list of groups; see :class:`Optimizer`.
        lambd: how fast p decays and η falls.
        alpha: the power of η.
        t0: the number of updates after which averages begin.
        maximize: go up along the gradient instead of down.
        foreach, differentiable, capturable: PyTorch's; None or False.

    Raises:
        ValueError: a setting out of range, or parameters that :class:`Optimizer` refuses.

    >>> import tinygrad_cv as tg
    >>> x = tg.tensor([1.0, -2.0], requires_grad=True)
    >>> asgd = tg.optim.ASGD([x], lr=0.25, lambd=0.0, t0=0)
    >>> for _ in range(2): asgd.zero_grad(); (x * x).sum().backward(); asgd.step()
    >>> x.tolist(), asgd.state["0"]["ax"].tolist()
    ([0.25, -0.5], [0.25, -0.5])
    """

    scalars: ClassVar[Mapping[str, float]] = {"step": 0.0, "eta": 0.0, "mu": 1.0}
    volatile = ("state",)

    def __init__(
        self,
        params: ParametersOrGroups,
        lr: float = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0.0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ):
        refuse("ASGD", foreach=foreach, differentiable=differentiable, capturable=capturable)
        super().__init__(params, lr=lr, lambd=lambd, alpha=alpha, t0=t0, weight_decay=weight_decay, maximize=maximize)

    def keeps(self, group: Mapping[str, Any], p: Tensor) -> set[str]:
        return {"step", "eta", "mu", "ax"}

    def check_state(self, key: str, array: np.ndarray) -> str | None:
        if key == "eta" and array < 0:
            return f"is {array}; it must not be negative"
        if key == "mu" and not 0 < array <= 1:
            return f"is {array}; it must be in (0, 1]"
        return super().check_state(key, array)

    def update(self, group: Group, todo: list[Todo]) -> None:
        lr, lambd, dtype = group["lr"], group["lambd"], todo[0][0].dtype
        for scalars, cohort in self.cohorts(todo):
            t, eta, mu = (scalars[name] for name in ("step", "eta", "mu"))
            eta.assign((t == 1.0).where(lr, eta))  # by values, so that a trace is the same for every step
            rate, kept, share = eta.astype(dtype), (1.0 - eta * lambd).astype(dtype), mu.astype(dtype)
            follows = mu == 1.0
            for p, g, slots in cohort:
                average = slot(slots, "ax", p)
                p.assign(p * kept - g * rate)
                average.assign(follows.where(p, average + (p - average) * share))
            eta.assign(lr / (1.0 + t * (lr * lambd)) ** group["alpha"])
            mu.assign(1.0 / (t - group["t0"]).maximum(1.0))
