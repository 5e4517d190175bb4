"""Schedules given as functions of the epoch t."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from ..optimizer import Optimizer
from .scheduler import LRScheduler, checked

Lambda = Callable[[int], float]


class LambdaLR(LRScheduler):
    """lr · lr_lambda(t)

    Args:
        lr_lambda: a function of t, or a list of one for each group. It is not saved with the schedule.

    >>> import tinygrad_cv as tg
    >>> sgd = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    >>> schedule = tg.optim.LambdaLR(sgd, lambda t: 1 / (1 + t))
    >>> schedule.step()
    >>> sgd.lr
    0.5
    """

    unsaved: ClassVar[tuple[str, ...]] = ("optimizer", "lr_lambdas")

    def __init__(self, optimizer: Optimizer, lr_lambda: Lambda | Sequence[Lambda], last_epoch: int = -1):
        self.lr_lambdas = _lambdas("LambdaLR", optimizer, lr_lambda)
        super().__init__(optimizer, last_epoch)

    def rates(self) -> list[float]:
        return [base * f(self.last_epoch) for base, f in zip(self.base_lrs, self.lr_lambdas, strict=True)]


class MultiplicativeLR(LRScheduler):
    """lr · lr_lambda(1) ⋯ lr_lambda(t): in each epoch the rate of the last one is multiplied.

    Args:
        lr_lambda: a function of t, or a list of one for each group. It is not saved with the schedule.

    >>> import tinygrad_cv as tg
    >>> sgd = tg.optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0)
    >>> schedule = tg.optim.MultiplicativeLR(sgd, lambda t: 0.5)
    >>> for _ in range(3): schedule.step()
    >>> sgd.lr
    0.125
    """

    unsaved: ClassVar[tuple[str, ...]] = ("optimizer", "lr_lambdas")

    def __init__(self, optimizer: Optimizer, lr_lambda: Lambda | Sequence[Lambda], last_epoch: int = -1):
        self.lr_lambdas = _lambdas("MultiplicativeLR", optimizer, lr_lambda)
        super().__init__(optimizer, last_epoch)

    def rates(self) -> list[float]:
        epochs = range(1, self.last_epoch + 1)
        return [base * math.prod(map(f, epochs)) for base, f in zip(self.base_lrs, self.lr_lambdas, strict=True)]

    def get_lr(self) -> list[float]:
        if not self.last_epoch:
            return self.get_last_lr()
        return [lr * f(self.last_epoch) for lr, f in zip(self.get_last_lr(), self.lr_lambdas, strict=True)]


def _lambdas(op: str, optimizer: Optimizer, given: Lambda | Sequence[Lambda]) -> list[Lambda]:
    count = len(checked(op, optimizer).param_groups)
    functions: list[Any] = list(given) if isinstance(given, (list, tuple)) else [given] * count
    if len(functions) != count:
        raise ValueError(
            f"{op}: {len(functions)} lr_lambdas; it takes one function, or one for each of {count} group(s)."
        )
    for f in functions:
        if not callable(f):
            raise TypeError(f"{op}: lr_lambda is a {type(f).__name__}; it must be a function of the epoch.")
    return functions
