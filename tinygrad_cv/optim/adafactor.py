"""Adafactor."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ..frontend.creation import zeros
from ..frontend.tensor import Tensor
from .group import Group
from .named import ParametersOrGroups
from .optimizer import Optimizer, Slots, Todo, decayed, norm
from .settings import RATE, Rule, finite, refuse

OF_EPS = Rule(
    lambda v: isinstance(v, (list, tuple)) and len(v) == 2 and (v[0] is None or RATE.holds(v[0])) and RATE.holds(v[1]),
    "be two numbers that are finite and not negative, or None and one",
)


class Adafactor(Optimizer):
    """An adaptive rate from the means of g² over rows and columns (Shazeer and Stern, "Adafactor: adaptive learning
    rates with sublinear memory cost", 2018, algorithms 4 and 5, as PyTorch has them).

    With w = t^beta2_decay, of the last two axes R ← R + w (mean over columns of g² - R), C alike over rows, and
    V = R C / max(mean R, ε₁); of fewer axes V ← V + w (g² - V). The update is U = g / max(√V, ε₁), divided by
    max(1, rms(U) / d), and p ← (1 - lr · weight_decay) p - max(ε₂, rms(p)) · min(lr, 1 / √t) · U.

    Args:
        params: a module, its ``named_parameters()``, a list of tensors, or a list of groups; see :class:`Optimizer`.
        lr: the largest step relative to the size of p.
        beta2_decay: at most 0.
        eps: (ε₁, ε₂); an ε₁ of None is the dtype's precision.
        d: the root mean square that U is clipped to, at least 1.
        weight_decay: decoupled.
        foreach: PyTorch's; None or False.
        maximize: go up along the gradient instead of down.

    Raises:
        ValueError: a setting out of range, or parameters that :class:`Optimizer` refuses.

    >>> import tinygrad_cv as tg
    >>> x = tg.tensor([[1.0, -2.0], [2.0, -1.0]], requires_grad=True)
    >>> adafactor = tg.optim.Adafactor([x], lr=0.1)
    >>> (x * x).sum().backward(); adafactor.step()
    >>> {key: value.shape for key, value in adafactor.state["0"].items()}
    {'step': (), 'row_var': (2, 1), 'col_var': (1, 2)}
    """

    scalars: ClassVar[Mapping[str, float]] = {"step": 0.0}
    rules: ClassVar[Mapping[str, Rule]] = {
        "beta2_decay": Rule(lambda v: finite(v) and v <= 0, "be finite and at most 0"),
        "eps": OF_EPS,
        "d": Rule(lambda v: finite(v) and v >= 1, "be finite and at least 1"),
    }
    volatile = ("state",)
    couples_decay = False

    def __init__(
        self,
        params: ParametersOrGroups,
        lr: float = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ):
        refuse("Adafactor", foreach=foreach)
        super().__init__(
            params, lr=lr, beta2_decay=beta2_decay, eps=eps, d=d, weight_decay=weight_decay, maximize=maximize
        )

    def keeps(self, group: Mapping[str, Any], p: Tensor) -> set[str]:
        return {"step", "row_var", "col_var"} if p.ndim > 1 else {"step", "variance"}

    def form(self, key: str, p: Tensor) -> tuple[tuple[int, ...], np.dtype]:
        if key == "row_var":
            return (*p.shape[:-1], 1), p.dtype
        return ((*p.shape[:-2], 1, p.shape[-1]), p.dtype) if key == "col_var" else super().form(key, p)

    def update(self, group: Group, todo: list[Todo]) -> None:
        first, second = group["eps"]
        dtype = todo[0][0].dtype
        least = float(np.finfo(dtype).eps) if first is None else first
        for scalars, cohort in self.cohorts(todo):
            t = scalars["step"]
            fresh, relative = (t ** group["beta2_decay"]).astype(dtype), (t**-0.5).minimum(group["lr"])
            for p, g, slots in cohort:
                count = math.sqrt(max(1, p.size))
                rate = (norm(p) / count).maximum(second) * relative
                variance = _mean_square(g, slots, fresh, least)
                u = g / variance.maximum(least * least).sqrt()
                rate = rate / (norm(u) / (count * group["d"])).maximum(1.0)
                p.assign(decayed(p, group) - u * rate.astype(dtype))


def _mean_square(g: Tensor, slots: Slots, fresh: Tensor, least: float) -> Tensor:
    """The running mean of g²; of two axes or more the product of those over each of the last two."""

    def averaged(name: str, values: Tensor) -> Tensor:
        if name not in slots:
            slots[name] = zeros(values.shape, dtype=values.dtype)
        return slots[name].assign(slots[name] + (values - slots[name]) * fresh)

    squares = g * g
    if g.ndim < 2:
        return averaged("variance", squares)
    rows, columns = (averaged(name, squares.mean(i, keepdims=True)) for name, i in (("row_var", -1), ("col_var", -2)))
    return rows * columns / rows.mean(-2, keepdims=True).maximum(least)
