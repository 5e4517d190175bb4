"""Losses of class numbers."""

from __future__ import annotations

from typing import Any, cast

from ... import functional as F
from ...frontend.tensor import Tensor
from ..errors import OnnxError
from ..registry import operator

NO_CLASS = -100  # which is ignored where the file says of none that it is


def _checked(reduction: str) -> Any:
    if reduction not in ("none", "sum", "mean"):
        raise OnnxError(f"reduction={reduction!r}: it must be 'none', 'sum' or 'mean'.")
    return cast(Any, reduction)


@operator("NegativeLogLikelihoodLoss", since=12)
def negative_log_likelihood(
    x: Tensor, target: Tensor, weight: Tensor | None = None, *, ignore_index: int = NO_CLASS, reduction: str
) -> Tensor:
    return F.nll_loss(x, target, weight, ignore_index=ignore_index, reduction=_checked(reduction))


@operator("SoftmaxCrossEntropyLoss", since=12)
def softmax_cross_entropy(
    scores: Tensor,
    labels: Tensor,
    weights: Tensor | None = None,
    *,
    outputs: int,
    ignore_index: int = NO_CLASS,
    reduction: str,
) -> Tensor | tuple[Tensor, Tensor]:
    """The loss; and the logarithms of the probabilities."""
    log_probabilities = F.log_softmax(scores, 1)
    y = F.nll_loss(log_probabilities, labels, weights, ignore_index=ignore_index, reduction=_checked(reduction))
    return y if outputs == 1 else (y, log_probabilities)
