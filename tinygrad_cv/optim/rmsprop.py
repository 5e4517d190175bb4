"""RMSprop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ..frontend.tensor import Tensor
from .group import Group
from .named import ParametersOrGroups
from .optimizer import Optimizer, Todo, ahead, slot
from .settings import refuse


class RMSprop(Optimizer):
    """p ← p - lr · g / (√v + eps) with v ← alpha · v + (1 - alpha) g² (Hinton, "Neural networks for machine learning",
    2012, lecture 6e).

    ``centered`` puts v - m² for v, with the average m of g (Graves, "Generating sequences with recurrent neural
    networks", 2013, eq. 38 to 41); where rounding makes that negative it is 0, while PyTorch's step is NaN there. With
    ``momentum`` the quotient goes into a buffer first, b ← momentum · b + g / (√v + eps).

    Args:
        params: a module, its ``named_parameters()``, a list of tensors, or a list of groups; see :class:`Optimizer`.
        maximize: go up along the gradient instead of down.
        capturable, foreach, differentiable: PyTorch's; None or False.

    Raises:
        ValueError: a negative setting, or parameters that :class:`Optimizer` refuses.

    >>> import tinygrad_cv as tg
    >>> x = tg.tensor([1.0, -2.0], requires_grad=True)
    >>> rmsprop = tg.optim.RMSprop([x], lr=0.5, alpha=0.75)
    >>> (x * x).sum().backward(); rmsprop.step()
    >>> x
    tensor([ 0., -1.], shape=(2,), dtype=float32, requires_grad=True)
    """

    scalars: ClassVar[Mapping[str, float]] = {"step": 0.0}
    volatile = ("state",)

    def __init__(
        self,
        params: ParametersOrGroups,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ):
        refuse("RMSprop", capturable=capturable, foreach=foreach, differentiable=differentiable)
        super().__init__(
            params,
            lr=lr,
            alpha=alpha,
            eps=eps,
            weight_decay=weight_decay,
            momentum=momentum,
            centered=centered,
            maximize=maximize,
        )

    def keeps(self, group: Mapping[str, Any], p: Tensor) -> set[str]:
        names = {"step", "square_avg"} | ({"grad_avg"} if group["centered"] else set())
        return names | ({"momentum_buffer"} if group["momentum"] else set())

    def update(self, group: Group, todo: list[Todo]) -> None:
        lr, momentum = ahead(todo[0][0].dtype, group["lr"], group["momentum"])
        alpha = group["alpha"]
        for _, cohort in self.cohorts(todo):
            for p, g, slots in cohort:
                v = slot(slots, "square_avg", p)
                v.assign(v * alpha + g * g * (1.0 - alpha))
                square = v
                if group["centered"]:
                    m = slot(slots, "grad_avg", p)
                    m.assign(m + (g - m) * (1.0 - alpha))
                    square = (v - m * m).maximum(0.0)
                step = g / (square.sqrt() + group["eps"])
                if not group.is_zero("momentum"):
                    b = slot(slots, "momentum_buffer", p)
                    b.assign(b * momentum + step)
                    step = b
                p.assign(p - step * lr)
