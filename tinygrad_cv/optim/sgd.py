"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ..frontend.creation import zeros
from ..frontend.tensor import Tensor
from .group import Group
from .named import ParametersOrGroups
from .optimizer import Optimizer, Todo, ahead, slot
from .settings import refuse


class SGD(Optimizer):
    """p ← p - lr · b, with the momentum buffer b ← momentum · b + (1 - dampening) (g + weight_decay · p).

    At a parameter's first update b is its gradient, without dampening. With ``nesterov`` the step is g + momentum · b
    instead of b (Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013,
    section 2).

    Args:
        params: a module, its ``named_parameters()``, a list of tensors, or a list of groups; see :class:`Optimizer`.
        lr: at least 0.
        maximize: go up along the gradient instead of down.
        foreach, differentiable, fused: PyTorch's; None or False.

    Raises:
        ValueError: a negative setting, nesterov without momentum or with dampening, or parameters that
            :class:`Optimizer` refuses.

    >>> import tinygrad_cv as tg
    >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> sgd = tg.optim.SGD([x], lr=0.5, momentum=0.9)
    >>> (x * x).sum().backward(); sgd.step()
    >>> x.tolist()
    [0.0, 0.0]
    """

    scalars: ClassVar[Mapping[str, float]] = {"started": 0.0}
    volatile = ("state",)

    def __init__(
        self,
        params: ParametersOrGroups,
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ):
        refuse("SGD", foreach=foreach, differentiable=differentiable, fused=fused)
        super().__init__(
            params,
            lr=lr,
            momentum=momentum,
            dampening=dampening,
            weight_decay=weight_decay,
            nesterov=nesterov,
            maximize=maximize,
        )

    def check(self, settings: Mapping[str, Any]) -> None:
        super().check(settings)
        if settings.get("nesterov") and (settings["momentum"] <= 0 or settings["dampening"] != 0):
            raise ValueError(
                f"SGD: nesterov=True with momentum={settings['momentum']}, dampening={settings['dampening']}; it needs "
                "a positive momentum and no dampening."
            )

    def keeps(self, group: Mapping[str, Any], p: Tensor) -> set[str]:
        names = {"momentum_buffer", "started"} if group["dampening"] else {"momentum_buffer"}
        return names if group["momentum"] else set()

    def check_state(self, key: str, array: np.ndarray) -> str | None:
        if key == "started" and array not in (0, 1):
            return f"is {array}; it must be 0 or 1"
        return super().check_state(key, array)

    def update(self, group: Group, todo: list[Todo]) -> None:
        lr, momentum = ahead(todo[0][0].dtype, group["lr"], group["momentum"])
        dampening, still = group["dampening"], group.is_zero("momentum")
        for p, g, slots in todo:
            if not still:
                b = slot(slots, "momentum_buffer", p)
                fresh = g
                if dampening:  # not at the first update; by arithmetic, so that a trace is the same for every step
                    started = slots.setdefault("started", zeros((), dtype=np.float64))
                    fresh = g * (1.0 - started * dampening).astype(p.dtype)
                    started.assign(started * 0.0 + 1.0)
                b.assign(b * momentum + fresh)
                g = g + b * momentum if group["nesterov"] else b
            p.assign(p - g * lr)
