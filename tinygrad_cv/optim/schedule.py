"""Learning rate schedules: the rate as a function of the epoch t, with PyTorch's names and values."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ..core.context import current
from ..core.errors import CheckpointError, check_state_dict
from .optimizer import Optimizer
from .settings import COUNT, COUNTS, POSITIVE, RATE, RATES, Rule, problems


class Schedule:
    """The base of all schedules: call ``step()`` at the end of each epoch to set the rate of the next.

    Attributes:
        last_epoch: t, the number of calls of ``step()`` so far.
        base_lrs: the initial learning rate of each parameter group.
    """

    volatile = ("last_epoch",)
    rules: ClassVar[Mapping[str, Rule]] = {}  # for the settings of a subclass

    def __init__(self, optimizer: Optimizer):
        for problem in problems(vars(self), self.rules):
            raise ValueError(f"{type(self).__name__}: {problem}.")
        self.optimizer = optimizer
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
        self.base_lrs: list[float] = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = 0
        self._set()

    def rate(self, base: float, t: int) -> float:
        """The learning rate in epoch t of a group whose initial rate is ``base``."""
        raise NotImplementedError(f"{type(self).__name__} has no rate(): define `def rate(self, base, t)`.")

    def step(self) -> None:
        """Advance to the next epoch. In a traced function this happens at each call, in the order of the code."""
        trace = current().trace
        if trace is not None and trace.postpone(self):
            return
        self.last_epoch += 1
        self._set()

    def get_last_lr(self) -> list[float]:
        """The current learning rate of each group."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def _set(self) -> None:
        for group, base in zip(self.optimizer.param_groups, self.base_lrs, strict=True):
            group["lr"] = self.rate(base, self.last_epoch)

    def state_dict(self) -> dict[str, Any]:
        """The epoch, the initial rates and the settings; not the optimizer."""
        return {key: value for key, value in vars(self).items() if not isinstance(value, (Optimizer, Schedule))}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Resume from the state of a schedule of the same class.

        Raises:
            CheckpointError: the state is of another class or another number of groups, or a value is out of range.
                Nothing is loaded.
        """
        op = type(self).__name__
        check_state_dict(op, state)
        wanted = self.state_dict().keys()
        if state.keys() != wanted:
            wrong = [f"it holds {sorted(map(str, state))}; it needs {sorted(wanted)}"]
        else:
            wrong = problems(state, {"last_epoch": COUNT, "base_lrs": RATES, **self.rules})
            if not wrong and len(state["base_lrs"]) != len(self.base_lrs):
                wrong = [f"base_lrs={state['base_lrs']}; it needs one for each of {len(self.base_lrs)} group(s)"]
        if wrong:
            raise CheckpointError(
                f"load_state_dict into {op}: {'; '.join(wrong)}. Nothing was loaded. "
                "Make the same schedule as was saved."
            )
        vars(self).update(state)
        self._set()


class StepLR(Schedule):
    """lr · gamma^⌊t / step_size⌋

    >>> import tinygrad_cv as tg
    >>> sgd = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    >>> schedule = tg.optim.StepLR(sgd, step_size=2, gamma=0.5)
    >>> for _ in range(5): schedule.step()
    >>> sgd.lr
    0.25
    """

    rules: ClassVar[Mapping[str, Rule]] = {"step_size": POSITIVE, "gamma": RATE}

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1):
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer)

    def rate(self, base: float, t: int) -> float:
        return base * self.gamma ** (t // self.step_size)


class MultiStepLR(Schedule):
    """lr · gamma^(number of milestones ≤ t)

    >>> import tinygrad_cv as tg
    >>> sgd = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    >>> schedule = tg.optim.MultiStepLR(sgd, milestones=[2, 4], gamma=0.5)
    >>> for _ in range(3): schedule.step()
    >>> sgd.lr
    0.5
    """

    rules: ClassVar[Mapping[str, Rule]] = {"milestones": COUNTS, "gamma": RATE}

    def __init__(self, optimizer: Optimizer, milestones: Sequence[int], gamma: float = 0.1):
        self.milestones, self.gamma = sorted(milestones), gamma
        super().__init__(optimizer)

    def rate(self, base: float, t: int) -> float:
        return base * self.gamma ** bisect_right(self.milestones, t)


class CosineAnnealingLR(Schedule):
    """eta_min + (lr - eta_min) (1 + cos(π t / T_max)) / 2 (Loshchilov and Hutter, "SGDR", 2017, eq. 5).

    >>> import tinygrad_cv as tg
    >>> sgd = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    >>> schedule = tg.optim.CosineAnnealingLR(sgd, T_max=4)
    >>> for _ in range(2): schedule.step()
    >>> round(sgd.lr, 6)
    0.5
    """

    rules: ClassVar[Mapping[str, Rule]] = {"T_max": POSITIVE, "eta_min": RATE}

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0):
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer)

    def rate(self, base: float, t: int) -> float:
        return self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * t / self.T_max)) / 2


class LinearWarmup(Schedule):
    """lr · (start_factor + (1 - start_factor) t / steps) while t < steps, then the schedule ``after`` from its t = 0.

    Source: Goyal et al., "Accurate, large minibatch SGD", 2017, section 2.2.

    >>> import tinygrad_cv as tg
    >>> sgd = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    >>> schedule = tg.optim.LinearWarmup(tg.optim.CosineAnnealingLR(sgd, T_max=4), steps=2, start_factor=0.5)
    >>> rates = []
    >>> for _ in range(7): rates.append(round(sgd.lr, 3)); schedule.step()
    >>> rates
    [0.5, 0.75, 1.0, 0.854, 0.5, 0.146, 0.0]
    """

    rules: ClassVar[Mapping[str, Rule]] = {"steps": POSITIVE, "start_factor": RATE}

    def __init__(self, after: Schedule, steps: int, start_factor: float = 0.1):
        self.after, self.steps, self.start_factor = after, steps, start_factor
        super().__init__(after.optimizer)

    def rate(self, base: float, t: int) -> float:
        if t < self.steps:
            return base * (self.start_factor + (1 - self.start_factor) * t / self.steps)
        return self.after.rate(base, t - self.steps)
