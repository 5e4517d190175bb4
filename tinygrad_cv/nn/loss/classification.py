"""Losses of class numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import functional as F
from ...functional.loss.reduction import Reduction, taking_older_arguments
from .base import Loss, WeightedLoss

if TYPE_CHECKING:
    from ...frontend.tensor import Tensor
    from ...frontend.typing import TensorLike


class CrossEntropyLoss(WeightedLoss):
    """-log softmax(input)[target]; for the arguments see :func:`functional.cross_entropy`.

    input: scores, N x C (or N x C x d1 x ..., or C); target: class numbers N (or N x d1 x ..., or a number), or
    probabilities in the shape of the input.

    Raises:
        ValueError: label_smoothing outside [0, 1], or an unknown reduction.

    >>> import tinygrad_cv as tg
    >>> round(tg.nn.CrossEntropyLoss()(tg.zeros(2, 10), tg.tensor([3, 7])).item(), 4)
    2.3026
    """

    @taking_older_arguments
    def __init__(
        self,
        weight: TensorLike | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: Reduction = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, reduction)
        if not 0.0 <= label_smoothing <= 1.0:
            raise ValueError(f"CrossEntropyLoss: label_smoothing={label_smoothing}; it must be in [0, 1].")
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return F.cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class NLLLoss(WeightedLoss):
    """-input[target], for log-probabilities N x C and class numbers N; see :func:`functional.nll_loss`.

    >>> import tinygrad_cv as tg
    >>> tg.nn.NLLLoss()(tg.tensor([[-0.5, -1.0]]), tg.tensor([1])).item()
    1.0
    """

    @taking_older_arguments
    def __init__(
        self,
        weight: TensorLike | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(weight, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return F.nll_loss(input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class MultiMarginLoss(WeightedLoss):
    """1/C Σ max(0, margin - x[y] + x[i])^p over the classes i other than y; see :func:`functional.multi_margin_loss`.

    Raises:
        ValueError: p is neither 1 nor 2.

    >>> import tinygrad_cv as tg
    >>> tg.nn.MultiMarginLoss()(tg.tensor([[1.0, 1.5, -2.0]]), tg.tensor([0])).item()
    0.5
    """

    shown = ("p", "margin")

    @taking_older_arguments
    def __init__(
        self,
        p: int = 1,
        margin: float = 1.0,
        weight: TensorLike | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(weight, reduction)
        if p not in (1, 2):
            raise ValueError(f"MultiMarginLoss: p={p}; it must be 1 or 2.")
        self.p, self.margin = p, margin

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return F.multi_margin_loss(input, target, self.p, self.margin, self.weight, reduction=self.reduction)


class MultiLabelMarginLoss(Loss):
    """1/C Σ max(0, 1 - (x[y] - x[i])) over classes y of an example and all others i.

    For the arguments see :func:`functional.multilabel_margin_loss`.

    >>> import tinygrad_cv as tg
    >>> round(tg.nn.MultiLabelMarginLoss()(tg.tensor([0.1, 0.2, 0.4, 0.8]), tg.tensor([3, 0, -1, 1])).item(), 2)
    0.85
    """

    @taking_older_arguments
    def __init__(
        self, size_average: bool | None = None, reduce: bool | None = None, reduction: Reduction = "mean"
    ) -> None:
        super().__init__(reduction)

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return F.multilabel_margin_loss(input, target, reduction=self.reduction)
