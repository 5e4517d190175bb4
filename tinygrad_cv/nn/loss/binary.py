"""Losses of yes and no."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import functional as F
from ...functional.loss.reduction import Reduction, taking_older_arguments
from ..arguments import at_least
from .base import Loss, WeightedLoss

if TYPE_CHECKING:
    from ...frontend.tensor import Tensor
    from ...frontend.typing import TensorLike


class BCELoss(WeightedLoss):
    """-[t log p + (1 - t) log(1 - p)] of probabilities p; no logarithm counts as less than -100.

    >>> import tinygrad_cv as tg
    >>> round(tg.nn.BCELoss()(tg.tensor([0.5, 0.5]), tg.tensor([0.0, 1.0])).item(), 4)
    0.6931
    """

    @taking_older_arguments
    def __init__(
        self,
        weight: TensorLike | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(weight, reduction)

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return F.binary_cross_entropy(input, target, self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(WeightedLoss):
    """-[t log σ(x) + (1 - t) log(1 - σ(x))] of scores x, without overflow; targets t in [0, 1] have the shape of x.

    >>> import tinygrad_cv as tg
    >>> round(tg.nn.BCEWithLogitsLoss()(tg.zeros(2), tg.tensor([0.0, 1.0])).item(), 4)
    0.6931
    """

    pos_weight: Tensor | None

    @taking_older_arguments
    def __init__(
        self,
        weight: TensorLike | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: Reduction = "mean",
        pos_weight: TensorLike | None = None,
    ) -> None:
        super().__init__(weight, reduction)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )


class SigmoidFocalLoss(Loss):
    """The cross-entropy of scores, where easy examples count little; see :func:`functional.sigmoid_focal_loss`.

    >>> import tinygrad_cv as tg
    >>> round(tg.nn.SigmoidFocalLoss()(tg.tensor([0.0]), tg.tensor([1.0])).item(), 4)
    0.0433
    """

    shown = ("alpha", "gamma")

    def __init__(self, alpha: float = 0.25, gamma: float = 2.0, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        self.alpha, self.gamma = alpha, at_least("SigmoidFocalLoss", "gamma", gamma, 0.0)

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return F.sigmoid_focal_loss(input, target, self.alpha, self.gamma, self.reduction)


class SoftMarginLoss(Loss):
    """log(1 + exp(-y x)) of scores x and targets y, which are 1 or -1.

    >>> import tinygrad_cv as tg
    >>> tg.nn.SoftMarginLoss(reduction="none")(tg.tensor([1000.0, 1000.0]), tg.tensor([1.0, -1.0])).tolist()
    [0.0, 1000.0]
    """

    @taking_older_arguments
    def __init__(
        self, size_average: bool | None = None, reduce: bool | None = None, reduction: Reduction = "mean"
    ) -> None:
        super().__init__(reduction)

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return F.soft_margin_loss(input, target, reduction=self.reduction)


class MultiLabelSoftMarginLoss(WeightedLoss):
    """The mean of the binary cross-entropy over C classes; see :func:`functional.multilabel_soft_margin_loss`.

    >>> import tinygrad_cv as tg
    >>> round(tg.nn.MultiLabelSoftMarginLoss()(tg.zeros(1, 3), tg.tensor([[1.0, 0.0, 1.0]])).item(), 4)
    0.6931
    """

    @taking_older_arguments
    def __init__(
        self,
        weight: TensorLike | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(weight, reduction)

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return F.multilabel_soft_margin_loss(input, target, self.weight, reduction=self.reduction)
