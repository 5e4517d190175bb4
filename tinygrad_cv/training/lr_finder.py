"""The learning-rate finder: a short training whose rate grows, and the losses on the way."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from .. import functional as F
from ..core.annotations import explaining
from ..frontend.random import default_generator
from ..nn import Module
from ..optim import Optimizer
from ..viz.figures import new_figure, save_figure
from .checkpoints import collect, restore
from .evaluation import Batches
from .pictures import BLUE, RED
from .steps import Loss, Steps


@dataclass(frozen=True)
class RateCurve:
    """Losses by learning rate.

    Attributes:
        rates: of each step.
        losses: the exponential average of the losses, without its bias at the beginning.
    """

    rates: np.ndarray
    losses: np.ndarray

    @property
    def suggestion(self) -> float:
        """The rate at which the loss falls most steeply, over the logarithm of the rate."""
        if len(self.rates) < 3:
            raise ValueError(f"find_lr: {len(self.rates)} steps are too few for a slope. Give a smaller start.")
        return float(self.rates[np.gradient(self.losses, np.log(self.rates)).argmin()])

    def save(self, path: str | PathLike[str]) -> None:
        """Draw the curve and the suggestion."""
        figure, axis = new_figure(1, 1, (6, 3.6))
        axis.plot(self.rates, self.losses, color=BLUE)
        axis.axvline(self.suggestion, color=RED, ls="--", label=f"steepest at {self.suggestion:.2g}")
        axis.set(xscale="log", xlabel="learning rate", ylabel="loss (average)", title="learning-rate finder")
        axis.grid(alpha=0.3)
        axis.legend(frameon=False)
        save_figure(figure, path)


@explaining
def find_lr(
    model: Module,
    data: Batches,
    optimizer: Optimizer,
    loss: Loss = F.cross_entropy,
    start: float = 1e-7,
    end: float = 10.0,
    steps: int = 100,
    smoothing: float = 0.95,
    worse: float = 4.0,
    jit: bool = True,
) -> RateCurve:
    """Train for some steps with a rate that grows geometrically from start to end, then restore everything.

    It ends early when the average loss is ``worse`` times the least one, or no number. Model, optimizer, the data's
    position and the random numbers are as before.

    Args:
        data: batches (inputs, targets); iterated again where they end before the steps.
        smoothing: of the average: how much of it stays at each step, in [0, 1).

    Raises:
        ValueError: the rates are not 0 < start < end, or there is no batch.

    Source: L. N. Smith, "Cyclical Learning Rates for Training Neural Networks", 2017, section 3.3.

    >>> from tinygrad_cv import nn, optim
    >>> model = nn.Linear(2, 2)
    >>> batches = [(np.eye(2, dtype=np.float32), np.arange(2))]
    >>> curve = find_lr(model, batches, optim.SGD(model, lr=0.1), start=1e-3, jit=False)
    >>> 1e-3 < curve.suggestion < 10
    True
    """
    if not 0 < start < end < math.inf or steps < 3 or not 0 <= smoothing < 1:
        raise ValueError(
            f"find_lr: start={start}, end={end}, steps={steps}, smoothing={smoothing}; it must be 0 < start < end, at "
            "least 3 steps, and a smoothing in [0, 1)."
        )
    parts: dict[str, Any] = {"model": model, "optimizer": optimizer, "generator": default_generator}
    if hasattr(data, "load_state_dict"):
        parts["data"] = data
    before = collect(**parts)
    training, gradients = model.training, [parameter.grad for parameter in model.parameters()]
    rates, losses = [], []
    average, least = 0.0, math.inf
    try:
        model.train()
        step = Steps(model, optimizer, loss, jit=jit)
        batches = _endless(data)
        for number in range(1, steps + 1):
            rate = start * (end / start) ** ((number - 1) / (steps - 1))
            inputs, targets = next(batches)
            for group in optimizer.param_groups:
                group["lr"] = rate
            value = step(inputs, targets)[0].item()
            average = smoothing * average + (1 - smoothing) * value
            unbiased = average / (1 - smoothing**number)
            if not math.isfinite(unbiased) or unbiased > worse * least:
                break
            least = min(least, unbiased)
            rates.append(rate)
            losses.append(unbiased)
    finally:
        restore(before, **parts)
        model.train(training)
        for parameter, gradient in zip(model.parameters(), gradients, strict=True):
            parameter.grad = gradient
    return RateCurve(np.array(rates), np.array(losses))


def _endless(data: Batches) -> Iterator[tuple[Any, Any]]:
    while True:
        empty = True
        for batch in data:
            empty = False
            yield batch
        if empty:
            raise ValueError("find_lr: the data gave no batch. Check the loader's length, batch_size and drop_last.")
