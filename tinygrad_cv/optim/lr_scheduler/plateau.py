"""A schedule that looks at how the training goes."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from ...core.context import current
from ..optimizer import Optimizer
from ..settings import BETA, COUNT, RATE, RATES, Rule, one_of
from .scheduler import LRScheduler, per_group


class ReduceLROnPlateau(LRScheduler):
    """lr · factor whenever a metric has not become better for more than ``patience`` epochs.

    Call ``step(metric)`` at the end of each epoch, outside of jitted functions.

    Args:
        mode: "min" if less is better, else "max".
        threshold: what counts as better: by this share of the best one in the mode "rel", by as much in the mode "abs".
        cooldown: for how many epochs to wait after the rate was reduced.
        min_lr: not below this; one for all groups, or a list.
        eps: a smaller change of the rate is not made.

    >>> import tinygrad_cv as tg
    >>> sgd = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    >>> schedule = tg.optim.ReduceLROnPlateau(sgd, factor=0.5, patience=1)
    >>> for loss in (3.0, 2.0, 2.0, 2.0): schedule.step(loss)
    >>> sgd.lr
    0.5
    """

    volatile = ("last_epoch", "best", "cooldown_counter", "num_bad_epochs")
    rules: ClassVar[Mapping[str, Rule]] = {
        "mode": one_of("min", "max"),
        "factor": BETA,
        "patience": COUNT,
        "threshold": RATE,
        "threshold_mode": one_of("rel", "abs"),
        "cooldown": COUNT,
        "min_lrs": RATES,
        "eps": RATE,
        "best": Rule(lambda v: isinstance(v, numbers.Real) and v is not True and not math.isnan(v), "be a number"),
        "cooldown_counter": COUNT,
        "num_bad_epochs": COUNT,
    }

    def __init__(
        self,
        optimizer: Optimizer,
        mode: Literal["min", "max"] = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: Literal["rel", "abs"] = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0.0,
        eps: float = 1e-8,
    ):
        self.mode, self.factor, self.patience, self.cooldown, self.eps = mode, factor, patience, cooldown, eps
        self.threshold, self.threshold_mode = threshold, threshold_mode
        self.min_lrs = per_group("ReduceLROnPlateau", "min_lr", optimizer, min_lr)
        self.best = math.inf if mode == "min" else -math.inf
        self.cooldown_counter = self.num_bad_epochs = 0
        super().__init__(optimizer)

    def rates(self) -> list[float]:
        return self.get_last_lr()

    def step(self, metrics: Any, epoch: int | None = None) -> None:  # type: ignore[override]
        """Look at the metric of the epoch that has ended, a number or a tensor of one element.

        Raises:
            TraceError: in a jitted function, where the metric has no value.
        """
        trace = current().trace
        if trace is not None:
            trace.change_setting("lr")
        try:
            value = float(metrics)
        except (TypeError, ValueError):
            raise ValueError(
                f"ReduceLROnPlateau.step: metrics={metrics!r}; it must be a number, or a tensor of one element."
            ) from None
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        better = self._is_better(value)
        self.best = value if better else self.best
        self.num_bad_epochs = 0 if better else self.num_bad_epochs + 1
        if self.cooldown_counter:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            reduced = [max(lr * self.factor, least) for lr, least in zip(self.get_last_lr(), self.min_lrs, strict=True)]
            pairs = zip(self.get_last_lr(), reduced, strict=True)
            self.apply([new if old - new > self.eps else old for old, new in pairs])
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0

    def _is_better(self, value: float) -> bool:
        sign = 1.0 if self.mode == "max" else -1.0
        margin = self.threshold if self.threshold_mode == "abs" else None
        if margin is not None:
            return value * sign > (self.best + sign * margin) * sign
        return value * sign > self.best * (1.0 + sign * self.threshold) * sign
