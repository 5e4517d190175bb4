"""Losses of numbers. The shapes of input and target must be equal: they are not broadcast."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import functional as F
from ...functional.loss.reduction import Reduction, taking_older_arguments
from ..arguments import above, at_least
from .base import Loss

if TYPE_CHECKING:
    from ...frontend.tensor import Tensor
    from ...frontend.typing import TensorLike


class MSELoss(Loss):
    """(input - target)².

    >>> import tinygrad_cv as tg
    >>> tg.nn.MSELoss()(tg.tensor([1.0, 2.0]), tg.tensor([1.0, 4.0])).item()
    2.0
    """

    @taking_older_arguments
    def __init__(
        self, size_average: bool | None = None, reduce: bool | None = None, reduction: Reduction = "mean"
    ) -> None:
        super().__init__(reduction)

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return F.mse_loss(input, target, reduction=self.reduction)


class L1Loss(Loss):
    """|input - target|.

    >>> import tinygrad_cv as tg
    >>> tg.nn.L1Loss()(tg.tensor([1.0, 2.0]), tg.tensor([1.0, 4.0])).item()
    1.0
    """

    @taking_older_arguments
    def __init__(
        self, size_average: bool | None = None, reduce: bool | None = None, reduction: Reduction = "mean"
    ) -> None:
        super().__init__(reduction)

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return F.l1_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(Loss):
    """A parabola where |input - target| < beta, the absolute error elsewhere; see :func:`functional.smooth_l1_loss`.

    >>> import tinygrad_cv as tg
    >>> tg.nn.SmoothL1Loss(reduction="none")(tg.tensor([0.5, 3.0]), tg.tensor([0.0, 0.0])).tolist()
    [0.125, 2.5]
    """

    shown = ("beta",)

    @taking_older_arguments
    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: Reduction = "mean",
        beta: float = 1.0,
    ) -> None:
        super().__init__(reduction)
        self.beta = at_least("SmoothL1Loss", "beta", beta, 0.0)

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(Loss):
    """A parabola where |input - target| <= delta, a line of slope delta elsewhere; see :func:`functional.huber_loss`.

    >>> import tinygrad_cv as tg
    >>> tg.nn.HuberLoss("none", delta=2.0)(tg.tensor([1.0, 5.0]), tg.tensor([0.0, 0.0])).tolist()
    [0.5, 8.0]
    """

    shown = ("delta",)

    def __init__(self, reduction: Reduction = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta = above("HuberLoss", "delta", delta, 0.0)

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return F.huber_loss(input, target, self.reduction, self.delta)
