"""Losses of orders and distances."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import functional as F
from ...functional.loss.ranking import Distance
from ...functional.loss.reduction import Reduction, taking_older_arguments
from ..arguments import above
from .base import Loss

if TYPE_CHECKING:
    from ...frontend.tensor import Tensor
    from ...frontend.typing import TensorLike


class _OfMargin(Loss):
    """A loss whose only setting is a margin."""

    shown = ("margin",)

    @taking_older_arguments
    def __init__(
        self,
        margin: float = 0.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(reduction)
        self.margin = margin


class MarginRankingLoss(_OfMargin):
    """max(0, margin - y (a - b)): a is to be larger than b where y is 1, smaller where it is -1.

    >>> import tinygrad_cv as tg
    >>> tg.nn.MarginRankingLoss(1.0)(tg.tensor([2.0]), tg.tensor([1.5]), tg.tensor([1.0])).item()
    0.5
    """

    def forward(self, input1: TensorLike, input2: TensorLike, target: TensorLike) -> Tensor:
        return F.margin_ranking_loss(input1, input2, target, self.margin, reduction=self.reduction)


class HingeEmbeddingLoss(_OfMargin):
    """The distance x where y is 1, max(0, margin - x) where it is -1; see :func:`functional.hinge_embedding_loss`.

    >>> import tinygrad_cv as tg
    >>> tg.nn.HingeEmbeddingLoss(reduction="none")(tg.tensor([0.25, 0.25]), tg.tensor([1, -1])).tolist()
    [0.25, 0.75]
    """

    @taking_older_arguments
    def __init__(
        self,
        margin: float = 1.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(margin, reduction=reduction)

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return F.hinge_embedding_loss(input, target, self.margin, reduction=self.reduction)


class CosineEmbeddingLoss(_OfMargin):
    """1 - cos(a, b) where y is 1, max(0, cos(a, b) - margin) where it is -1.

    >>> import tinygrad_cv as tg
    >>> loss = tg.nn.CosineEmbeddingLoss()
    >>> round(loss(tg.tensor([[3.0, 4.0]]), tg.tensor([[4.0, 3.0]]), tg.tensor([1])).item(), 2)
    0.04
    """

    def forward(self, input1: TensorLike, input2: TensorLike, target: TensorLike) -> Tensor:
        return F.cosine_embedding_loss(input1, input2, target, self.margin, reduction=self.reduction)


class TripletMarginLoss(Loss):
    """max(0, margin + d(a, p) - d(a, n)); for the arguments see :func:`functional.triplet_margin_loss`.

    Raises:
        ValueError: a margin of 0 or less.

    >>> import tinygrad_cv as tg
    >>> a, p, n = tg.tensor([[0.0, 0.0]]), tg.tensor([[3.0, 4.0]]), tg.tensor([[0.0, 5.5]])
    >>> round(tg.nn.TripletMarginLoss()(a, p, n).item(), 4)
    0.5
    """

    shown = ("margin", "p", "eps", "swap")

    @taking_older_arguments
    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(reduction)
        self.margin, self.p, self.eps, self.swap = above("TripletMarginLoss", "margin", margin, 0.0), p, eps, swap

    def forward(self, anchor: TensorLike, positive: TensorLike, negative: TensorLike) -> Tensor:
        return F.triplet_margin_loss(
            anchor, positive, negative, self.margin, self.p, self.eps, self.swap, reduction=self.reduction
        )


class TripletMarginWithDistanceLoss(Loss):
    """:class:`TripletMarginLoss` with a distance of one's own: a function of two tensors, or a module.

    Raises:
        ValueError: a margin of 0 or less.

    >>> import tinygrad_cv as tg
    >>> loss = tg.nn.TripletMarginWithDistanceLoss(distance_function=tg.nn.PairwiseDistance(1.0))
    >>> a, p, n = tg.tensor([[0.0, 0.0]]), tg.tensor([[3.0, 4.0]]), tg.tensor([[0.0, 7.5]])
    >>> round(loss(a, p, n).item(), 4)
    0.5
    """

    shown = ("margin", "swap")

    def __init__(
        self,
        *,
        distance_function: Distance | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(reduction)
        self.distance_function = F.pairwise_distance if distance_function is None else distance_function
        self.margin, self.swap = above("TripletMarginWithDistanceLoss", "margin", margin, 0.0), swap

    def forward(self, anchor: TensorLike, positive: TensorLike, negative: TensorLike) -> Tensor:
        return F.triplet_margin_with_distance_loss(
            anchor,
            positive,
            negative,
            distance_function=self.distance_function,
            margin=self.margin,
            swap=self.swap,
            reduction=self.reduction,
        )
