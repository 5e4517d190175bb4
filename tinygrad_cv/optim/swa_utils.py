"""How weights are averaged over the steps of a training. The model that holds the averages is ``nn.AveragedModel``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..frontend.tensor import Tensor
from .lr_scheduler import SWALR
from .settings import SHARE, problems

__all__ = ["SWALR", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn", "get_swa_multi_avg_fn"]

Average = Callable[[Tensor, Tensor, Any], Tensor]  # (average, current, how many averaged) -> average
MultiAverage = Callable[[Sequence[Tensor], Sequence[Tensor], Any], None]  # the same in place, for all parameters


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """The exponential moving average: decay · average + (1 - decay) · current.

    >>> import tinygrad_cv as tg
    >>> tg.optim.swa_utils.get_ema_avg_fn(0.75)(tg.tensor(4.0), tg.tensor(8.0), 1).item()
    5.0
    """
    _check("get_ema_avg_fn", decay)
    return lambda average, current, num_averaged: average * decay + current * (1.0 - decay)


def get_ema_multi_avg_fn(decay: float = 0.999) -> MultiAverage:
    """:func:`get_ema_avg_fn` for several tensors, in place: average + (1 - decay) (current - average).

    >>> import tinygrad_cv as tg
    >>> x = tg.tensor(4.0)
    >>> tg.optim.swa_utils.get_ema_multi_avg_fn(0.75)([x], [tg.tensor(8.0)], 1)
    >>> x.item()
    5.0
    """
    _check("get_ema_multi_avg_fn", decay)

    def update(averages: Sequence[Tensor], currents: Sequence[Tensor], num_averaged: Any) -> None:
        for average, current in zip(averages, currents, strict=True):
            average.assign(average + (current - average) * (1.0 - decay))

    return update


def get_swa_avg_fn() -> Average:
    """The mean of all: average + (current - average) / (num_averaged + 1).

    >>> import tinygrad_cv as tg
    >>> tg.optim.swa_utils.get_swa_avg_fn()(tg.tensor(4.0), tg.tensor(8.0), 3).item()
    5.0
    """
    return lambda average, current, num_averaged: average + (current - average) / _as(num_averaged + 1, average)


def get_swa_multi_avg_fn() -> MultiAverage:
    """:func:`get_swa_avg_fn` for several tensors, in place.

    >>> import tinygrad_cv as tg
    >>> x = tg.tensor(4.0)
    >>> tg.optim.swa_utils.get_swa_multi_avg_fn()([x], [tg.tensor(8.0)], 3)
    >>> x.item()
    5.0
    """
    mean = get_swa_avg_fn()

    def update(averages: Sequence[Tensor], currents: Sequence[Tensor], num_averaged: Any) -> None:
        for average, current in zip(averages, currents, strict=True):
            average.assign(mean(average, current, num_averaged))

    return update


def _as(count: Any, like: Tensor) -> Any:
    return count.astype(like.dtype) if isinstance(count, Tensor) else count


def _check(op: str, decay: float) -> None:
    for problem in problems({"decay": decay}, {"decay": SHARE}):
        raise ValueError(f"{op}: {problem}.")


def __getattr__(name: str) -> Any:
    if name in ("AveragedModel", "update_bn"):
        raise AttributeError(f"{__name__} has no {name}: it is about modules. Use tg.nn.{name}.", name=name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
