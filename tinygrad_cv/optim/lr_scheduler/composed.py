"""Schedules that are made of schedules."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ..optimizer import Optimizer
from ..settings import COUNT, COUNTS, Rule
from .plateau import ReduceLROnPlateau
from .scheduler import LRScheduler, checked, following, listed


class _Composed(LRScheduler):
    """What both have: the schedules, in the order of their steps."""

    volatile = ("last_epoch", "schedulers")
    unsaved: ClassVar[tuple[str, ...]] = ("optimizer", "schedulers")
    schedulers: list[LRScheduler]

    def _take_schedulers(self, optimizer: Optimizer, schedulers: Sequence[LRScheduler]) -> None:
        op = type(self).__name__
        schedulers = listed(op, "schedulers", schedulers)
        for i, scheduler in enumerate(schedulers):
            if not isinstance(scheduler, LRScheduler):
                raise TypeError(f"{op}: schedulers[{i}] is a {type(scheduler).__name__}; it must be a schedule.")
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ValueError(
                    f"{op}: schedulers[{i}] is ReduceLROnPlateau, whose step() takes a metric. Call it beside this one."
                )
            if scheduler.optimizer is not optimizer:
                raise ValueError(f"{op}: schedulers[{i}] is of another optimizer; all must be of the same.")
        self.schedulers = schedulers

    def rates(self) -> list[float]:
        return self.get_last_lr()

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "schedulers": [scheduler.state_dict() for scheduler in self.schedulers]}

    def wrong(self, state: Mapping[str, Any]) -> list[str]:
        found = super().wrong(state)
        parts = state.get("schedulers")
        if found or not isinstance(parts, (list, tuple)) or len(parts) != len(self.schedulers):
            return found or [f"schedulers={parts!r}; it needs the states of {len(self.schedulers)} schedules"]
        for i, (scheduler, part) in enumerate(zip(self.schedulers, parts, strict=True)):
            problems = scheduler.wrong(part) if isinstance(part, Mapping) else ["it is not a dict"]
            found += [f"schedulers[{i}], {type(scheduler).__name__}: {problem}" for problem in problems]
        return found

    def take(self, state: Mapping[str, Any]) -> None:
        for scheduler, part in zip(self.schedulers, state["schedulers"], strict=True):
            scheduler.take(part)
        super().take({key: value for key, value in state.items() if key != "schedulers"})


class SequentialLR(_Composed):
    """One schedule after another: the first until the first milestone, then the second from its epoch 0, and so on.

    Each begins with the initial rates of the optimizer.

    Args:
        schedulers: of the same optimizer.
        milestones: one fewer, in rising order.

    >>> import tinygrad_cv as tg
    >>> sgd = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    >>> warmup = tg.optim.LinearLR(sgd, start_factor=0.5, total_iters=2)
    >>> schedule = tg.optim.SequentialLR(sgd, [warmup, tg.optim.CosineAnnealingLR(sgd, T_max=4)], milestones=[2])
    >>> rates = []
    >>> for _ in range(7): rates.append(round(sgd.lr, 3)); schedule.step()
    >>> rates
    [0.5, 0.75, 1.0, 0.854, 0.5, 0.146, 0.0]
    """

    rules: ClassVar[Mapping[str, Rule]] = {"milestones": COUNTS}

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int], last_epoch: int = -1
    ):
        self._take_schedulers(checked("SequentialLR", optimizer), schedulers)
        self.milestones = listed("SequentialLR", "milestones", milestones, COUNT)
        if len(self.schedulers) != len(self.milestones) + 1 or self.milestones != sorted(self.milestones):
            raise ValueError(
                f"SequentialLR: {len(self.schedulers)} schedulers and milestones={milestones}; it needs one milestone "
                "fewer than schedulers, in rising order."
            )
        if following("SequentialLR", last_epoch) != 0:
            raise ValueError(f"SequentialLR: last_epoch={last_epoch}; leave it out and call load_state_dict().")
        super().__init__(optimizer)
        self.begin()

    def wrong(self, state: Mapping[str, Any]) -> list[str]:
        found = super().wrong(state)
        if not found and len(state["milestones"]) != len(self.milestones):
            found = [f"milestones={state['milestones']}; it needs {len(self.milestones)}"]
        return found

    def begin(self) -> None:
        self.last_epoch = 0
        for scheduler in self.schedulers:
            scheduler.last_epoch = 0
        self._restart(bisect_right(self.milestones, 0))

    def _restart(self, i: int) -> None:
        for group, base in zip(self.optimizer.param_groups, self.base_lrs, strict=True):
            group["lr"] = base
        self.schedulers[i].begin()

    def advance(self, epoch: float | None) -> None:
        if epoch is not None:
            raise ValueError(f"SequentialLR.step: epoch={epoch}; a sequence takes its steps one by one. Leave it out.")
        self.last_epoch += 1
        i = bisect_right(self.milestones, self.last_epoch)
        if i and self.milestones[i - 1] == self.last_epoch:
            self._restart(i)
        else:
            self.schedulers[i].advance(None)


class ChainedScheduler(_Composed):
    """Several schedules at once: each takes its step, one after the other, on the rates that the last one left.

    >>> import tinygrad_cv as tg
    >>> sgd = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    >>> warmup = tg.optim.ConstantLR(sgd, factor=0.5, total_iters=2)
    >>> schedule = tg.optim.ChainedScheduler([warmup, tg.optim.ExponentialLR(sgd, gamma=0.5)])
    >>> rates = []
    >>> for _ in range(4): rates.append(sgd.lr); schedule.step()
    >>> rates
    [0.5, 0.25, 0.25, 0.125]
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None):
        several = listed("ChainedScheduler", "schedulers", schedulers)
        if not several:
            raise ValueError("ChainedScheduler: there are no schedulers; give at least one.")
        first = several[0]
        optimizer = optimizer or getattr(first, "optimizer", None)
        self._take_schedulers(checked("ChainedScheduler", optimizer), several)
        super().__init__(first.optimizer)

    def begin(self) -> None:
        self.last_epoch = 0
        for scheduler in self.schedulers:
            scheduler.begin()

    def advance(self, epoch: float | None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else int(epoch)
        for scheduler in self.schedulers:
            scheduler.advance(epoch)
