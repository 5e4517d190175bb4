"""Rprop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ..frontend.tensor import Tensor
from .group import Group
from .named import ParametersOrGroups
from .optimizer import Optimizer, Todo, ahead, slot
from .settings import refuse


class Rprop(Optimizer):
    """p ← p - s · sign(g), with a step size s for each element (Riedmiller and Braun, "A direct adaptive method for
    faster backpropagation learning: the RPROP algorithm", 1993).

    Where g has the sign that it had before, s ← η⁺ s; where it has the other, s ← η⁻ s, and nothing moves. The first s
    is ``lr``. For whole batches: the size of a gradient does not count.

    Args:
        params: a module, its ``named_parameters()``, a list of tensors, or a list of groups; see :class:`Optimizer`.
        etas: (η⁻, η⁺), with 0 < η⁻ < 1 < η⁺.
        step_sizes: the least s and the greatest.
        maximize: go up along the gradient instead of down.
        capturable, foreach, differentiable: PyTorch's; None or False.

    Raises:
        ValueError: a setting out of range, or parameters that :class:`Optimizer` refuses.

    >>> import tinygrad_cv as tg
    >>> x = tg.tensor([1.0, -2.0], requires_grad=True)
    >>> rprop = tg.optim.Rprop([x], lr=0.5)
    >>> (x * x).sum().backward(); rprop.step()
    >>> x
    tensor([ 0.5, -1.5], shape=(2,), dtype=float32, requires_grad=True)
    """

    scalars: ClassVar[Mapping[str, float]] = {"step": 0.0}
    volatile = ("state",)

    def __init__(
        self,
        params: ParametersOrGroups,
        lr: float = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50.0),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ):
        refuse("Rprop", capturable=capturable, foreach=foreach, differentiable=differentiable)
        super().__init__(params, lr=lr, etas=etas, step_sizes=step_sizes, maximize=maximize)

    def keeps(self, group: Mapping[str, Any], p: Tensor) -> set[str]:
        return {"step", "prev", "step_size"}

    def update(self, group: Group, todo: list[Todo]) -> None:
        (lr,), (shrink, grow) = ahead(todo[0][0].dtype, group["lr"]), group["etas"]
        for scalars, cohort in self.cohorts(todo):
            first = scalars["step"] == 1.0  # by arithmetic, so that a trace is the same for every step
            for p, g, slots in cohort:
                before, s = slot(slots, "prev", p), slot(slots, "step_size", p)
                same, size = g * before, first.where(lr, s)
                size = (same > 0).where(size * grow, (same < 0).where(size * shrink, size))
                s.assign(size.clip(*group["step_sizes"]))
                g = (same < 0).where(0.0, g)
                before.assign(g)
                p.assign(p - g.sign() * s)
