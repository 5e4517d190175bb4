"""Losses of maps and images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import functional as F
from ...functional.loss.reduction import Reduction
from ..arguments import at_least
from .base import Loss

if TYPE_CHECKING:
    from ...frontend.tensor import Tensor
    from ...frontend.typing import TensorLike


class DiceLoss(Loss):
    """What two regions lack of overlapping; for the arguments see :func:`functional.dice_loss`.

    input: probabilities N x C x d1 x ...; target: in the input's shape, or class numbers N x d1 x ...

    >>> import tinygrad_cv as tg
    >>> x, t = tg.tensor([[[1.0, 1.0, 0.0, 0.0]]]), tg.tensor([[[1.0, 0.0, 0.0, 0.0]]])
    >>> round(tg.nn.DiceLoss()(x, t).item(), 4)
    0.3333
    """

    shown = ("smooth", "p")

    def __init__(self, smooth: float = 1e-5, p: int = 1, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        if p not in (1, 2):
            raise ValueError(f"DiceLoss: p={p}; it must be 1 or 2.")
        self.smooth, self.p = at_least("DiceLoss", "smooth", smooth, 0.0), p

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return F.dice_loss(input, target, self.smooth, self.p, self.reduction)


class TotalVariation(Loss):
    """Σ |x[i + 1] - x[i]| over all neighbours of each image: how rough it is; see :func:`functional.total_variation`.

    >>> import tinygrad_cv as tg
    >>> tg.nn.TotalVariation()(tg.tensor([[[[0.0, 1.0], [0.0, 3.0]]]])).item()
    6.0
    """

    def __init__(self, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)

    def forward(self, input: TensorLike) -> Tensor:
        return F.total_variation(input, self.reduction)
