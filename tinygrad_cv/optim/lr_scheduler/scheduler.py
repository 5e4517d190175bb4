"""The base of all schedules: when they step, what they save."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from ...core.annotations import explaining
from ...core.context import current
from ...core.errors import CheckpointError, TraceError, check_state_dict
from ..optimizer import Optimizer
from ..settings import COUNT, EPOCH, RATE, RATES, Rule, problems


class LRScheduler:
    """The base of all schedules: call ``step()`` at the end of each epoch to set the rate of the next.

    A schedule of one's own defines ``rate(base, t)``.

    Args:
        optimizer: whose learning rates are set, at once to those of the first epoch.
        last_epoch: -1, or the epoch after which to go on; the groups then have an "initial_lr", from state that was
            loaded.

    Attributes:
        last_epoch: t, the number of calls of ``step()`` so far.
        base_lrs: the initial learning rate of each parameter group.

    >>> import tinygrad_cv as tg
    >>> class Halved(tg.optim.lr_scheduler.LRScheduler):
    ...     def rate(self, base, t):
    ...         return base / 2**t
    >>> sgd = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    >>> schedule = Halved(sgd)
    >>> schedule.step(); schedule.step()
    >>> sgd.lr
    0.25
    """

    volatile: tuple[str, ...] = ("last_epoch",)  # what step() changes
    unsaved: ClassVar[tuple[str, ...]] = ("optimizer",)
    rules: ClassVar[Mapping[str, Rule]] = {}  # for the settings of a subclass
    epochs: ClassVar[Rule] = COUNT  # that step() may be given

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1):
        op = type(self).__name__
        for problem in problems(vars(self), self.rules):
            raise ValueError(f"{op}: {problem}.")
        self.optimizer, epoch = checked(op, optimizer), following(op, last_epoch)
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise ValueError(
                    f"{op}: last_epoch={last_epoch}, and group {i} has no 'initial_lr'. Load the optimizer's state "
                    "first, or leave last_epoch out and load the schedule's."
                )
        self.base_lrs: list[float] = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = epoch
        self.apply(self.get_lr() if last_epoch == -1 else self.rates())

    # --- what a schedule is ---

    def rate(self, base: float, t: int) -> float:
        """The learning rate in epoch t of a group whose initial rate is ``base``."""
        raise NotImplementedError(f"{type(self).__name__} has no rate(): define `def rate(self, base, t)`.")

    def rates(self) -> list[float]:
        """The rates of this epoch, from the initial ones."""
        return [self.rate(base, self.last_epoch) for base in self.base_lrs]

    def get_lr(self) -> list[float]:
        """The rates of this epoch, where the groups still have those of the last one."""
        return self.rates()

    def apply(self, rates: Sequence[float]) -> None:
        """Set the rates, and whatever else goes with them."""
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate

    # --- steps ---

    def step(self, epoch: float | None = None) -> None:
        """Advance to the next epoch, or to the one that is given.

        In a traced function this happens at each call, in the order of the code.
        """
        op, count = type(self).__name__, len(self.optimizer.param_groups)
        for problem in [] if epoch is None else problems({"epoch": epoch}, {"epoch": self.epochs}):
            raise ValueError(f"{op}.step: {problem}.")
        if count != len(self.base_lrs):
            raise ValueError(
                f"{op}.step: the optimizer has {count} groups, and had {len(self.base_lrs)} when the schedule was "
                "made. Make the schedule after add_param_group()."
            )
        trace = current().trace
        if trace is not None and trace.postpone(self):
            if epoch is not None:
                raise TraceError(f"{op}.step(epoch={epoch}) in a jitted function: every call would go to this epoch.")
            return
        self.advance(epoch)

    def advance(self, epoch: float | None) -> None:
        """:meth:`step`, outside of a trace."""
        self.last_epoch = self.last_epoch + 1 if epoch is None else int(epoch)
        self.apply(self.get_lr() if epoch is None else self.rates())

    def begin(self) -> None:
        """Go back to epoch 0; the groups have their initial rates."""
        self.last_epoch = 0
        self.apply(self.get_lr())

    def get_last_lr(self) -> list[float]:
        """The current learning rate of each group."""
        return [group["lr"] for group in self.optimizer.param_groups]

    # --- saving ---

    def state_dict(self) -> dict[str, Any]:
        """The epoch, the initial and the current rates, and the settings; neither the optimizer nor functions."""
        state = {key: value for key, value in vars(self).items() if key not in self.unsaved}
        return {**state, "last_lr": self.get_last_lr()}

    @explaining
    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Resume from the state of a schedule of the same class; the optimizer gets the rates that were saved with it.

        Raises:
            CheckpointError: the state is of another class or another number of groups, or a value is out of range.
                Nothing is loaded.
        """
        self.checked(state_dict)()

    def checked(self, state: Mapping[str, Any]) -> Callable[[], None]:
        """Check a state as :meth:`load_state_dict` does; the function that is returned loads it."""
        op = type(self).__name__
        check_state_dict(op, state)
        if wrong := self.wrong(state):
            raise CheckpointError(
                f"load_state_dict into {op}: {'; '.join(wrong)}. Nothing was loaded. "
                "Make the same schedule as was saved."
            )
        return lambda: self.take(state)

    def wrong(self, state: Mapping[str, Any]) -> list[str]:
        """Why a state cannot be loaded: a list of problems."""
        own = self.state_dict()
        if state.keys() != own.keys():
            return [f"it holds {sorted(map(str, state))}; it needs {sorted(own)}"]
        found = problems(state, {"last_epoch": COUNT, "base_lrs": RATES, "last_lr": RATES, **self.rules})
        return found or [
            f"{key}={state[key]}; it needs one for each of {len(value)} group(s)"
            for key, value in own.items()
            if key in PER_GROUP and len(state[key]) != len(value)
        ]

    def take(self, state: Mapping[str, Any]) -> None:
        """Load a state in which nothing is wrong."""
        vars(self).update({key: value for key, value in state.items() if key != "last_lr"})
        self.apply(state["last_lr"])


PER_GROUP = ("base_lrs", "last_lr", "max_lrs", "min_lrs", "swa_lrs", "base_momentums", "max_momentums")


class FactorScheduler(LRScheduler):
    """floor + (lr - floor) · share(t), where lr is the initial rate; floor is 0 for most.

    Schedules of this kind combine: in each epoch lr - floor is multiplied by share(t) / share(t - 1), whatever else has
    changed lr meanwhile. PyTorch always multiplies, and gathers rounding errors; here the rate is that of the formula
    as long as nothing else changes it.
    """

    def share(self, t: int) -> float:
        """The factor in epoch t."""
        raise NotImplementedError(f"{type(self).__name__} has no share(): define `def share(self, t)`.")

    @property
    def floors(self) -> list[float]:
        """The rate of each group where the factor is 0."""
        return [0.0] * len(self.base_lrs)

    def rates(self) -> list[float]:
        return self._rates(self.last_epoch)

    def _rates(self, t: int) -> list[float]:
        share, pairs = self.share(t), zip(self.floors, self.base_lrs, strict=True)
        return [base if share == 1.0 else floor + (base - floor) * share for floor, base in pairs]

    def get_lr(self) -> list[float]:
        t = self.last_epoch
        before, now = self.share(t - 1) if t else 1.0, self.share(t)
        rates = []
        expected = self._rates(t - 1) if t else self.base_lrs
        for lr, was, rate, floor in zip(self.get_last_lr(), expected, self._rates(t), self.floors, strict=True):
            if lr == was:
                rates.append(rate)
            elif before in (now, 0.0):
                rates.append(lr + (rate - was))
            else:
                rates.append(floor + (lr - floor) * (now / before))
        return rates


def checked(op: str, optimizer: Any) -> Optimizer:
    """The optimizer, if it is one."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{op}: optimizer is a {type(optimizer).__name__}; it must be an optimizer of tg.optim.")
    return optimizer


def following(op: str, last_epoch: int) -> int:
    """The epoch after the last one.

    Raises:
        ValueError: last_epoch is not -1, and not the number of an epoch.
    """
    for problem in problems({"last_epoch": last_epoch}, {"last_epoch": EPOCH}):
        raise ValueError(f"{op}: {problem}.")
    return last_epoch + 1


def listed(op: str, name: str, values: Any, each: Rule | None = None) -> list[Any]:
    """The values as a list.

    Raises:
        ValueError: they are not several values, or one of them breaks its rule.
    """
    several = isinstance(values, Iterable) and not isinstance(values, (str, Mapping))
    items = list(values) if several else values
    for problem in problems({name: items}, {name: Rule(lambda v: several, "be a list", each)}):
        raise ValueError(f"{op}: {problem}.")
    return items


def per_group(op: str, name: str, optimizer: Optimizer, value: Any, rule: Rule = RATE) -> list[float]:
    """A number for each group, given as a list, or one for all of them.

    Raises:
        ValueError: a number that breaks its rule, or another number of them.
    """
    count = len(checked(op, optimizer).param_groups)
    values = list(value) if isinstance(value, (list, tuple)) else [value] * count
    for problem in problems({name: values}, {name: Rule(lambda v: True, "be a list", rule)}):
        raise ValueError(f"{op}: {problem}.")
    if len(values) != count:
        raise ValueError(f"{op}: {name}={value}; it must be one number, or one for each of {count} group(s).")
    return [float(v) for v in values]
