"""Connectionist temporal classification."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import functional as F
from ...functional.loss.reduction import Reduction
from .base import Loss

if TYPE_CHECKING:
    from ...frontend.tensor import Tensor
    from ...frontend.typing import TensorLike


class CTCLoss(Loss):
    """-log of the probability of a sequence, over all its alignments; see :func:`functional.ctc_loss`.

    log_probs: T x N x C; targets: N x S, or all one after another; input_lengths, target_lengths: N.

    >>> import tinygrad_cv as tg
    >>> log_probs = tg.functional.log_softmax(tg.zeros(3, 1, 2), -1)
    >>> round(tg.nn.CTCLoss()(log_probs, [[1]], [3], [1]).exp().item(), 4)
    1.3333
    """

    shown = ("blank", "zero_infinity")

    def __init__(self, blank: int = 0, reduction: Reduction = "mean", zero_infinity: bool = False) -> None:
        super().__init__(reduction)
        self.blank, self.zero_infinity = blank, zero_infinity

    def forward(
        self, log_probs: TensorLike, targets: TensorLike, input_lengths: TensorLike, target_lengths: TensorLike
    ) -> Tensor:
        return F.ctc_loss(
            log_probs, targets, input_lengths, target_lengths, self.blank, self.reduction, self.zero_infinity
        )
