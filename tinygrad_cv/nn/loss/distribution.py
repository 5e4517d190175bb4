"""Losses of distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ... import functional as F
from ...functional.loss.reduction import REDUCTIONS, Reduction, taking_older_arguments
from ..arguments import above, one_of
from .base import Loss

if TYPE_CHECKING:
    from ...frontend.tensor import Tensor
    from ...frontend.typing import TensorLike


class KLDivLoss(Loss):
    """t (log t - x) of log-probabilities x and probabilities t; see :func:`functional.kl_div`.

    >>> import tinygrad_cv as tg
    >>> p, q = tg.tensor([[0.5, 0.5]]), tg.tensor([[0.25, 0.75]])
    >>> round(tg.nn.KLDivLoss(reduction="batchmean")(q.log(), p).item(), 4)
    0.1438
    """

    shown = ("log_target",)
    reduction: Reduction | Literal["batchmean"]  # type: ignore[assignment]

    @taking_older_arguments
    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: Reduction | Literal["batchmean"] = "mean",
        log_target: bool = False,
    ) -> None:
        super().__init__("mean")
        self.reduction = one_of("KLDivLoss", "reduction", reduction, (*REDUCTIONS, "batchmean"))
        self.log_target = log_target

    def forward(self, input: TensorLike, target: TensorLike) -> Tensor:
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class PoissonNLLLoss(Loss):
    """eˣ - t x of log-expectations x and counts t; for the arguments see :func:`functional.poisson_nll_loss`.

    >>> import tinygrad_cv as tg
    >>> tg.nn.PoissonNLLLoss()(tg.tensor([0.0]), tg.tensor([3.0])).item()
    1.0
    """

    shown = ("log_input", "full", "eps")

    @taking_older_arguments
    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        size_average: bool | None = None,
        eps: float = 1e-8,
        reduce: bool | None = None,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(reduction)
        self.log_input, self.full, self.eps = log_input, full, eps

    def forward(self, log_input: TensorLike, target: TensorLike) -> Tensor:
        return F.poisson_nll_loss(log_input, target, self.log_input, self.full, eps=self.eps, reduction=self.reduction)


class GaussianNLLLoss(Loss):
    """[log v + (input - target)² / v] / 2 for variances v; see :func:`functional.gaussian_nll_loss`.

    >>> import tinygrad_cv as tg
    >>> tg.nn.GaussianNLLLoss()(tg.tensor([0.0]), tg.tensor([2.0]), tg.tensor([1.0])).item()
    2.0
    """

    shown = ("full", "eps")

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        self.full, self.eps = full, above("GaussianNLLLoss", "eps", eps, 0.0)

    def forward(self, input: TensorLike, target: TensorLike, var: TensorLike) -> Tensor:
        return F.gaussian_nll_loss(input, target, var, self.full, self.eps, self.reduction)
