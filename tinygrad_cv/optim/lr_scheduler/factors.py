"""Schedules that multiply the initial rate by a factor of the epoch t."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Literal

from ..optimizer import Optimizer
from ..settings import COUNT, COUNTS, POSITIVE, RATE, RATES, SHARE, Rule, finite, one_of
from .scheduler import FactorScheduler, listed, per_group


class StepLR(FactorScheduler):
    """lr · gamma^⌊t / step_size⌋

    >>> import tinygrad_cv as tg
    >>> sgd = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    >>> schedule = tg.optim.StepLR(sgd, step_size=2, gamma=0.5)
    >>> for _ in range(5): schedule.step()
    >>> sgd.lr
    0.25
    """

    rules: ClassVar[Mapping[str, Rule]] = {"step_size": POSITIVE, "gamma": RATE}

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1):
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def share(self, t: int) -> float:
        return self.gamma ** (t // self.step_size)


class MultiStepLR(FactorScheduler):
    """lr · gamma^(number of milestones ≤ t)

    >>> import tinygrad_cv as tg
    >>> sgd = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    >>> schedule = tg.optim.MultiStepLR(sgd, milestones=[2, 4], gamma=0.5)
    >>> for _ in range(3): schedule.step()
    >>> sgd.lr
    0.5
    """

    rules: ClassVar[Mapping[str, Rule]] = {"milestones": COUNTS, "gamma": RATE}

    def __init__(self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1):
        self.milestones, self.gamma = sorted(listed("MultiStepLR", "milestones", milestones, COUNT)), gamma
        super().__init__(optimizer, last_epoch)

    def share(self, t: int) -> float:
        return self.gamma ** bisect_right(self.milestones, t)


class ExponentialLR(FactorScheduler):
    """lr · gammaᵗ

    >>> import tinygrad_cv as tg
    >>> sgd = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    >>> schedule = tg.optim.ExponentialLR(sgd, gamma=0.5)
    >>> for _ in range(3): schedule.step()
    >>> sgd.lr
    0.125
    """

    rules: ClassVar[Mapping[str, Rule]] = {"gamma": RATE}

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1):
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def share(self, t: int) -> float:
        return self.gamma**t


class PolynomialLR(FactorScheduler):
    """lr · (1 - t / total_iters)^power, and 0 from t = total_iters on.

    >>> import tinygrad_cv as tg
    >>> sgd = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    >>> schedule = tg.optim.PolynomialLR(sgd, total_iters=4, power=2.0)
    >>> for _ in range(2): schedule.step()
    >>> sgd.lr
    0.25
    """

    rules: ClassVar[Mapping[str, Rule]] = {"total_iters": POSITIVE, "power": RATE}

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1):
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def share(self, t: int) -> float:
        return (1.0 - min(t, self.total_iters) / self.total_iters) ** self.power


class LinearLR(FactorScheduler):
    """lr · (start_factor + (end_factor - start_factor) t / total_iters), and lr · end_factor from t = total_iters on.

    As a warm-up: Goyal et al., "Accurate, large minibatch SGD", 2017, section 2.2.

    >>> import tinygrad_cv as tg
    >>> sgd = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    >>> schedule = tg.optim.LinearLR(sgd, start_factor=0.5, total_iters=4)
    >>> for _ in range(2): schedule.step()
    >>> sgd.lr
    0.75
    """

    rules: ClassVar[Mapping[str, Rule]] = {
        "start_factor": Rule(lambda v: finite(v) and 0 < v <= 1, "be above 0 and at most 1"),
        "end_factor": SHARE,
        "total_iters": POSITIVE,
    }

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ):
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def share(self, t: int) -> float:
        done = min(t, self.total_iters) / self.total_iters
        return self.start_factor + (self.end_factor - self.start_factor) * done


class ConstantLR(FactorScheduler):
    """lr · factor while t < total_iters, then lr.

    >>> import tinygrad_cv as tg
    >>> sgd = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    >>> schedule = tg.optim.ConstantLR(sgd, factor=0.5, total_iters=2)
    >>> rates = [sgd.lr]
    >>> for _ in range(2): schedule.step(); rates.append(sgd.lr)
    >>> rates
    [0.5, 0.5, 1.0]
    """

    rules: ClassVar[Mapping[str, Rule]] = {"factor": SHARE, "total_iters": COUNT}

    def __init__(self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1):
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def share(self, t: int) -> float:
        return self.factor if t < self.total_iters else 1.0


class CosineAnnealingLR(FactorScheduler):
    """eta_min + (lr - eta_min) (1 + cos(π t / T_max)) / 2 (Loshchilov and Hutter, "SGDR", 2017, eq. 5).

    >>> import tinygrad_cv as tg
    >>> sgd = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    >>> schedule = tg.optim.CosineAnnealingLR(sgd, T_max=4)
    >>> for _ in range(2): schedule.step()
    >>> round(sgd.lr, 6)
    0.5
    """

    rules: ClassVar[Mapping[str, Rule]] = {"T_max": POSITIVE, "eta_min": RATE}

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1):
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    @property
    def floors(self) -> list[float]:
        return [self.eta_min] * len(self.base_lrs)

    def share(self, t: int) -> float:
        return (1 + math.cos(math.pi * t / self.T_max)) / 2


class SWALR(FactorScheduler):
    """From the rate that the optimizer has to swa_lr within anneal_epochs, then constant, while weights are averaged
    (Izmailov et al., "Averaging weights leads to wider optima and better generalization", 2018).

    swa_lr + (lr - swa_lr) (1 - a), with a = (1 - cos(π t / anneal_epochs)) / 2, or t / anneal_epochs for "linear".

    Args:
        swa_lr: one for all groups, or a list.

    >>> import tinygrad_cv as tg
    >>> sgd = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    >>> schedule = tg.optim.SWALR(sgd, swa_lr=0.5, anneal_epochs=4, anneal_strategy="linear")
    >>> for _ in range(2): schedule.step()
    >>> sgd.lr
    0.75
    """

    rules: ClassVar[Mapping[str, Rule]] = {
        "swa_lrs": RATES,
        "anneal_epochs": COUNT,
        "anneal_strategy": one_of("cos", "linear"),
    }

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | Sequence[float],
        anneal_epochs: int = 10,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        last_epoch: int = -1,
    ):
        self.swa_lrs = per_group("SWALR", "swa_lr", optimizer, swa_lr)
        self.anneal_epochs, self.anneal_strategy = anneal_epochs, anneal_strategy
        super().__init__(optimizer, last_epoch)

    @property
    def floors(self) -> list[float]:
        return self.swa_lrs

    def get_lr(self) -> list[float]:
        return list(self.swa_lrs) if self.last_epoch > self.anneal_epochs else super().get_lr()

    def share(self, t: int) -> float:
        done = min(1.0, t / self.anneal_epochs) if self.anneal_epochs else 1.0
        return 1.0 - done if self.anneal_strategy == "linear" else (1.0 + math.cos(math.pi * done)) / 2.0
