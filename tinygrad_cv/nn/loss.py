"""Losses as modules, configured once. ``reduction`` is "mean", "sum" or "none"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import functional as F
from ..functional.arguments import REDUCTIONS, Reduction
from .arguments import one_of
from .module import Module

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike


class _Loss(Module):
    """A loss with a reduction of the losses of the examples."""

    def __init__(self, reduction: Reduction):
        super().__init__()
        self.reduction = one_of(type(self).__name__, "reduction", reduction, REDUCTIONS)

    def extra_repr(self) -> str:
        return "" if self.reduction == "mean" else f"reduction={self.reduction!r}"


class CrossEntropyLoss(_Loss):
    """-log softmax(input)[target]; for the arguments see :func:`functional.cross_entropy`.

    input: scores, N x C (or N x C x d1 x ...); target: class numbers N (or N x d1 x ...), or probabilities N x C.

    Raises:
        ValueError: label_smoothing outside [0, 1], or an unknown reduction.

    >>> import tinygrad_cv as tg
    >>> round(tg.nn.CrossEntropyLoss()(tg.zeros(2, 10), tg.tensor([3, 7])).item(), 4)
    2.3026
    """

    weight: Tensor | None

    def __init__(
        self,
        weight: TensorLike | None = None,
        *,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
        label_smoothing: float = 0.0,
    ):
        super().__init__(reduction)
        if not 0.0 <= label_smoothing <= 1.0:
            raise ValueError(f"CrossEntropyLoss: label_smoothing={label_smoothing}; it must be in [0, 1].")
        self.register_buffer("weight", weight)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return F.cross_entropy(input, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing)


class NLLLoss(_Loss):
    """-input[target], for log-probabilities N x C and class numbers N.

    >>> import tinygrad_cv as tg
    >>> tg.nn.NLLLoss()(tg.tensor([[-0.5, -1.0]]), tg.tensor([1])).item()
    1.0
    """

    weight: Tensor | None

    def __init__(self, weight: TensorLike | None = None, *, ignore_index: int = -100, reduction: Reduction = "mean"):
        super().__init__(reduction)
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return F.nll_loss(input, target, self.weight, self.ignore_index, self.reduction)


class MSELoss(_Loss):
    """(input - target)². The shapes must be equal: they are not broadcast.

    >>> import tinygrad_cv as tg
    >>> tg.nn.MSELoss()(tg.tensor([1.0, 2.0]), tg.tensor([1.0, 4.0])).item()
    2.0
    """

    def __init__(self, *, reduction: Reduction = "mean"):
        super().__init__(reduction)

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return F.mse_loss(input, target, self.reduction)


class L1Loss(_Loss):
    """|input - target|. The shapes must be equal: they are not broadcast.

    >>> import tinygrad_cv as tg
    >>> tg.nn.L1Loss()(tg.tensor([1.0, 2.0]), tg.tensor([1.0, 4.0])).item()
    1.0
    """

    def __init__(self, *, reduction: Reduction = "mean"):
        super().__init__(reduction)

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return F.l1_loss(input, target, self.reduction)


class BCEWithLogitsLoss(_Loss):
    """-[t log σ(x) + (1 - t) log(1 - σ(x))] of scores x, without overflow; targets t in [0, 1] have the shape of x.

    >>> import tinygrad_cv as tg
    >>> round(tg.nn.BCEWithLogitsLoss()(tg.zeros(2), tg.tensor([0.0, 1.0])).item(), 4)
    0.6931
    """

    weight: Tensor | None
    pos_weight: Tensor | None

    def __init__(
        self, weight: TensorLike | None = None, *, reduction: Reduction = "mean", pos_weight: TensorLike | None = None
    ):
        super().__init__(reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return F.binary_cross_entropy_with_logits(input, target, self.weight, self.reduction, self.pos_weight)
