"""What ``fit`` takes, checked before it begins: what is wrong would fail in the middle of an epoch, or after one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np

from ..nn import AveragedModel, Module
from ..optim import Optimizer
from ..optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from .metrics import check_metrics


def check_numbers(
    epochs: int,
    accumulate: int,
    interval: str,
    save_every: int | None,
    patience: int | None,
    folder: str | PathLike[str] | None,
    resume: bool,
) -> None:
    numbers = {"epochs": epochs, "accumulate": accumulate, "save_every": save_every, "patience": patience}
    for name, value in numbers.items():
        optional = value is None and name in ("save_every", "patience")
        if not optional and (not isinstance(value, (int, np.integer)) or value < (name != "epochs")):
            least = int(name != "epochs")
            raise ValueError(f"fit: {name} is {value!r}; it must be a whole number of at least {least}.")
    if interval not in ("epoch", "step"):
        raise ValueError(f"fit: interval={interval!r}; the schedule steps each 'epoch' or each 'step'.")
    for name, value in (("resume", resume), ("save_every", save_every)):
        if value and folder is None:
            raise ValueError(f"fit: {name} needs the folder of the training's files. Give folder.")


def check_parts(model: Any, optimizer: Any, scheduler: Any, metrics: Any, numbers: Mapping[str, Any]) -> None:
    """Raise for what would fail in the middle of the first epoch, or after it."""
    parts = (
        ("model", model, Module, "a Module"),
        ("optimizer", optimizer, Optimizer, "an optimizer of its parameters"),
        ("scheduler", scheduler, (LRScheduler, ReduceLROnPlateau, type(None)), "a schedule of the optimizer, or None"),
    )
    for name, value, kinds, words in parts:
        if not isinstance(value, kinds):
            raise TypeError(f"fit: {name}={value!r}; it must be {words}.")
    check_metrics("fit", metrics)
    for name, value in numbers.items():
        if name == "ema" and isinstance(value, AveragedModel):
            continue
        highest = 1.0 if name == "ema" else math.inf
        if value is not None and not (isinstance(value, (int, float, np.number)) and 0.0 <= value <= highest):
            words = "in [0, 1], an AveragedModel" if name == "ema" else "at least 0"
            raise ValueError(f"fit: {name}={value!r}; it must be a number {words}, or None.")
