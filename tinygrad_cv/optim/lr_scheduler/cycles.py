"""Schedules that go up and down again, some with the momentum in the other direction."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal

from ..optimizer import Optimizer
from ..settings import ABOVE_ZERO, POSITIVE, RATE, RATES, SHARE, SWITCH, Rule, one_of, optional, problems
from .scheduler import LRScheduler, checked, following, per_group

SHARES = Rule(lambda v: isinstance(v, list), "be a list", SHARE)


class CosineAnnealingWarmRestarts(LRScheduler):
    """eta_min + (lr - eta_min) (1 + cos(π T_cur / T_i)) / 2, begun anew after T_i epochs: T_0 the first time,
    then T_mult times as many as before (Loshchilov and Hutter, "SGDR", 2017, eq. 5).

    ``step(epoch)`` takes fractions of epochs too, for steps after each batch.

    >>> import tinygrad_cv as tg
    >>> sgd = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    >>> schedule = tg.optim.CosineAnnealingWarmRestarts(sgd, T_0=2, T_mult=2)
    >>> rates = []
    >>> for _ in range(7): rates.append(round(sgd.lr, 3)); schedule.step()
    >>> rates
    [1.0, 0.5, 1.0, 0.854, 0.5, 0.146, 1.0]
    """

    volatile = ("last_epoch", "elapsed")
    rules: ClassVar[Mapping[str, Rule]] = {"T_0": POSITIVE, "T_mult": POSITIVE, "eta_min": RATE, "elapsed": RATE}
    epochs: ClassVar[Rule] = RATE

    def __init__(self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1):
        self.T_0, self.T_mult, self.eta_min = T_0, T_mult, eta_min
        self.elapsed: float = following(type(self).__name__, last_epoch)  # epochs, with the fraction
        super().__init__(optimizer, last_epoch)

    def _period(self) -> tuple[float, int]:
        """T_cur and T_i."""
        t, length = self.elapsed, self.T_0
        if self.T_mult == 1:
            return t % length, length
        while t >= length:
            t, length = t - length, length * self.T_mult
        return t, length

    def rate(self, base: float, t: int) -> float:
        since, length = self._period()
        return self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * since / length)) / 2

    def advance(self, epoch: float | None) -> None:
        self.elapsed = self.elapsed + 1 if epoch is None else epoch
        super().advance(math.floor(self.elapsed))

    def begin(self) -> None:
        self.elapsed = 0
        super().begin()


class _Cycle(LRScheduler):
    """A schedule that may cycle the momentum of each group, or its β₁."""

    cycle_momentum: bool
    base_momentums: list[float]
    max_momentums: list[float]

    def _take_momentums(self, optimizer: Optimizer, cycle_momentum: bool, base: Any, largest: Any) -> None:
        op = type(self).__name__
        for problem in problems({"cycle_momentum": cycle_momentum}, {"cycle_momentum": SWITCH}):
            raise ValueError(f"{op}: {problem}.")
        if cycle_momentum and not {"momentum", "betas"} & optimizer.defaults.keys():
            raise ValueError(
                f"{op}: cycle_momentum=True, and {type(optimizer).__name__} has neither momentum nor betas. Pass "
                "cycle_momentum=False."
            )
        self.cycle_momentum = cycle_momentum
        self.base_momentums = per_group(op, "base_momentum", optimizer, base, SHARE)
        self.max_momentums = per_group(op, "max_momentum", optimizer, largest, SHARE)

    def momentums(self) -> list[float]:
        """The momentum of each group in this epoch."""
        raise NotImplementedError

    def apply(self, rates: Sequence[float]) -> None:
        super().apply(rates)
        if self.cycle_momentum:
            for group, momentum in zip(self.optimizer.param_groups, self.momentums(), strict=True):
                if "betas" in group:
                    group["betas"] = momentum, *group["betas"][1:]
                else:
                    group["momentum"] = momentum


class OneCycleLR(_Cycle):
    """Up to max_lr, and down to nearly nothing; the momentum down, and up again (Smith and Topin, "Super-convergence",
    2018). Call ``step()`` after each batch.

    From max_lr / div_factor to max_lr in pct_start of the steps, then to max_lr / (div_factor · final_div_factor) in
    the others; with ``three_phase`` back to where it began in as many steps, and down from there in the rest.

    Args:
        max_lr: one for all groups, or a list; likewise the momentums.
        total_steps: of all of the training; or ``epochs`` and ``steps_per_epoch``.
        anneal_strategy: "cos" or "linear".
        cycle_momentum: also cycle momentum, or β₁, between max_momentum and base_momentum.

    >>> import tinygrad_cv as tg
    >>> sgd = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0, momentum=0.9)
    >>> schedule = tg.optim.OneCycleLR(sgd, max_lr=1.0, total_steps=10, div_factor=10.0)
    >>> for _ in range(2): schedule.step()
    >>> sgd.lr, sgd.param_groups[0]["momentum"]
    (1.0, 0.85)
    """

    rules: ClassVar[Mapping[str, Rule]] = {
        "total_steps": POSITIVE,
        "pct_start": SHARE,
        "anneal_strategy": one_of("cos", "linear"),
        "div_factor": ABOVE_ZERO,
        "final_div_factor": ABOVE_ZERO,
        "three_phase": SWITCH,
        "max_lrs": RATES,
        "cycle_momentum": SWITCH,
        "base_momentums": SHARES,
        "max_momentums": SHARES,
    }

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.85,
        max_momentum: float | Sequence[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ):
        counts = {"total_steps": total_steps, "epochs": epochs, "steps_per_epoch": steps_per_epoch}
        for problem in problems(counts, dict.fromkeys(counts, optional(POSITIVE))):
            raise ValueError(f"OneCycleLR: {problem}.")
        if total_steps is None and (epochs is None or steps_per_epoch is None):
            raise ValueError("OneCycleLR: total_steps is missing. Give it, or both epochs and steps_per_epoch.")
        self.total_steps = total_steps if total_steps is not None else (epochs or 1) * (steps_per_epoch or 1)
        self.pct_start, self.anneal_strategy, self.three_phase = pct_start, anneal_strategy, three_phase
        self.div_factor, self.final_div_factor = div_factor, final_div_factor
        self.max_lrs = per_group("OneCycleLR", "max_lr", optimizer, max_lr)
        self._take_momentums(optimizer, cycle_momentum, base_momentum, max_momentum)
        for problem in problems(vars(self), self.rules):
            raise ValueError(f"OneCycleLR: {problem}.")
        if following("OneCycleLR", last_epoch) == 0:
            for group, largest in zip(optimizer.param_groups, self.max_lrs, strict=True):
                group["initial_lr"] = largest / div_factor
        super().__init__(optimizer, last_epoch)

    def _phase(self) -> tuple[int, int, float]:
        """Between which of (first, largest, least) the rate is, and how far."""
        up = float(self.pct_start * self.total_steps) - 1
        ends = [up, self.total_steps - 1]
        turns = [0, 1, 2]
        if self.three_phase:
            ends, turns = [up, 2.0 * self.pct_start * self.total_steps - 2, self.total_steps - 1], [0, 1, 0, 2]
        begin = 0.0
        for i, end in enumerate(ends):
            if self.last_epoch <= end or i == len(ends) - 1:
                break
            begin = end
        return turns[i], turns[i + 1], (self.last_epoch - begin) / (end - begin) if end != begin else 1.0

    def _between(self, values: tuple[float, float, float]) -> float:
        begin, end, share = self._phase()
        start, stop = values[begin], values[end]
        if self.anneal_strategy == "linear":
            return (stop - start) * share + start
        return stop + (start - stop) / 2.0 * (1.0 + math.cos(math.pi * share))

    def rates(self) -> list[float]:
        if self.last_epoch > self.total_steps:
            raise ValueError(
                f"OneCycleLR: step {self.last_epoch} of {self.total_steps}. Make it with as many total_steps as the "
                "training has."
            )
        bases = zip(self.base_lrs, self.max_lrs, strict=True)
        return [self._between((first, largest, first / self.final_div_factor)) for first, largest in bases]

    def momentums(self) -> list[float]:
        return [
            self._between((largest, least, largest))
            for least, largest in zip(self.base_momentums, self.max_momentums, strict=True)
        ]


class CyclicLR(_Cycle):
    """Up from base_lr to max_lr and down again, in straight lines (Smith, "Cyclical learning rates for training neural
    networks", 2017). Call ``step()`` after each batch.

    Args:
        base_lr, max_lr: one for all groups, or a list; likewise the momentums.
        step_size_up, step_size_down: steps up, and steps down; as many, by default.
        mode: "triangular"; "triangular2", where each cycle is half as high as the last; "exp_range", where the height
            is gammaᵗ.
        scale_fn: another height, a function of the cycle 1, 2, ..., or with scale_mode="iterations" of t. It is not
            saved with the schedule.
        cycle_momentum: also cycle momentum, or β₁, between max_momentum and base_momentum.

    >>> import tinygrad_cv as tg
    >>> sgd = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0, momentum=0.9)
    >>> schedule = tg.optim.CyclicLR(sgd, base_lr=0.0, max_lr=1.0, step_size_up=2)
    >>> rates = []
    >>> for _ in range(5): rates.append(sgd.lr); schedule.step()
    >>> rates
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    unsaved: ClassVar[tuple[str, ...]] = ("optimizer", "scale_fn")
    rules: ClassVar[Mapping[str, Rule]] = {
        "max_lrs": RATES,
        "step_size_up": ABOVE_ZERO,
        "step_size_down": ABOVE_ZERO,
        "mode": one_of("triangular", "triangular2", "exp_range"),
        "gamma": RATE,
        "scale_mode": one_of("cycle", "iterations"),
        "cycle_momentum": SWITCH,
        "base_momentums": SHARES,
        "max_momentums": SHARES,
    }

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | Sequence[float],
        max_lr: float | Sequence[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: Literal["triangular", "triangular2", "exp_range"] = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: Literal["cycle", "iterations"] = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.8,
        max_momentum: float | Sequence[float] = 0.9,
        last_epoch: int = -1,
    ):
        if scale_fn is not None and not callable(scale_fn):
            raise TypeError(f"CyclicLR: scale_fn is a {type(scale_fn).__name__}; it must be a function, or None.")
        bases = per_group("CyclicLR", "base_lr", checked("CyclicLR", optimizer), base_lr)
        self.max_lrs = per_group("CyclicLR", "max_lr", optimizer, max_lr)
        self.step_size_up = step_size_up
        self.step_size_down = step_size_up if step_size_down is None else step_size_down
        self.mode, self.gamma, self.scale_fn, self.scale_mode = mode, gamma, scale_fn, scale_mode
        self._take_momentums(optimizer, cycle_momentum, base_momentum, max_momentum)
        for problem in problems(vars(self), self.rules):
            raise ValueError(f"CyclicLR: {problem}.")
        for group, base in zip(optimizer.param_groups, bases, strict=True):
            group["initial_lr"] = base
        super().__init__(optimizer, last_epoch)

    def _height(self) -> float:
        """0 at the base, 1 at the top of a cycle of full height."""
        length = float(self.step_size_up) + float(self.step_size_down)
        cycle = math.floor(1 + self.last_epoch / length)
        place, top = 1.0 + self.last_epoch / length - cycle, self.step_size_up / length
        height = place / top if place <= top else (place - 1) / (top - 1)
        if self.scale_fn is not None:
            return height * self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        heights = {"triangular": 1.0, "triangular2": 0.5 ** (cycle - 1), "exp_range": self.gamma**self.last_epoch}
        return height * heights[self.mode]

    def rates(self) -> list[float]:
        height = self._height()
        return [base + (largest - base) * height for base, largest in zip(self.base_lrs, self.max_lrs, strict=True)]

    def momentums(self) -> list[float]:
        height, bounds = self._height(), zip(self.base_momentums, self.max_momentums, strict=True)
        return [largest - (largest - least) * height for least, largest in bounds]
