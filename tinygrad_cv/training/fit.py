"""``fit``: train a model on data, watch it, stop it, resume it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from .. import compiler, tracing
from .. import functional as F
from ..core.annotations import explaining
from ..core.errors import CheckpointError
from ..files import load, save
from ..frontend.random import default_generator
from ..nn import AveragedModel, Module
from ..optim import Optimizer
from ..optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from ..optim.swa_utils import get_ema_multi_avg_fn
from .arguments import check_numbers, check_parts
from .checkpoints import collect, restore
from .evaluation import Batches, evaluate
from .history import History, Row
from .metrics import MeanMetric, Metric
from .steps import Loss, Steps

if TYPE_CHECKING:
    from tqdm import tqdm

LAST, BEST, TABLE = "last.safetensors", "best.safetensors", "history.csv"
VALIDATION = "validation_"


@dataclass
class State:
    """Where a training is: what callbacks see. Those of a step run after its update.

    Attributes:
        epoch: the number of the epoch, from 1.
        step: the number of updates and accumulated batches since the beginning.
        loss: of the last batch.
        history: the figures of all epochs that ended; of the last one too, when the callbacks of an epoch run.
        stopped: why the training ends, if it does.
    """

    model: Module
    optimizer: Optimizer
    average: AveragedModel | None
    history: History = field(default_factory=History)
    epoch: int = 1
    step: int = 0
    loss: float = float("nan")
    stopped: str | None = None

    def stop(self, why: str) -> None:
        """End the training after this step."""
        self.stopped = why


Callback: TypeAlias = Callable[[State], object]


@explaining
def fit(
    model: Module,
    data: Batches,
    validation: Batches | None = None,
    *,
    epochs: int,
    optimizer: Optimizer,
    loss: Loss = F.cross_entropy,
    scheduler: LRScheduler | ReduceLROnPlateau | None = None,
    interval: Literal["epoch", "step"] = "epoch",
    metrics: Mapping[str, Metric] | None = None,
    accumulate: int = 1,
    clip_norm: float | None = None,
    clip_value: float | None = None,
    ema: float | AveragedModel | None = None,
    folder: str | PathLike[str] | None = None,
    resume: bool = False,
    save_every: int | None = None,
    monitor: str | None = None,
    patience: int | None = None,
    after_step: Callback | Sequence[Callback] = (),
    after_epoch: Callback | Sequence[Callback] = (),
    jit: bool = True,
    progress: bool = False,
) -> History:
    """Train a model for some epochs, and return the figures of each.

    A training that is resumed goes on bit for bit: after N epochs the weights are those of a training that was never
    interrupted, wherever it was killed, if everything is made in the same way (model, data loader, optimizer, ...; the
    loader's order and random numbers follow from its seed).

    Args:
        data: batches (inputs, targets); each epoch iterates once. To resume in the middle of an epoch it must have
            ``state_dict``, as `tinygrad_cv.data.DataLoader` has.
        validation: such batches, on which loss and metrics are evaluated after each epoch, of the average if there is
            one.
        epochs: how many in all, those before a resumption included.
        optimizer: of the model's parameters. Their gradients are None after each step.
        loss: (outputs, targets) -> the mean over the batch.
        scheduler: of the optimizer; stepped after each epoch or, with ``interval="step"``, each update.
        metrics: by name; on the training data they see the outputs of each batch before its update.
        accumulate: batches whose gradients make one update; batch normalization sees each by itself.
        clip_norm, clip_value: limits of the gradient's norm, and of its elements.
        ema: the decay of an exponential moving average of the weights, or an `AveragedModel`; updated with each step.
        folder: where ``last.safetensors``, ``best.safetensors`` and ``history.csv`` are written.
        resume: go on from the folder's ``last.safetensors``, if it is there.
        save_every: steps after which ``last.safetensors`` is written in the middle of an epoch.
        monitor: the figure that says which epoch is best, the greatest, or the least of one that ends in ``loss``; by
            default ``validation_loss``, or ``loss`` without validation.
        patience: end after so many epochs without a better figure.
        after_step, after_epoch: called with the `State`; they can end the training with ``state.stop(why)``.
        jit: compile steps and evaluation where a compiler is installed. A last short batch is compiled as well, once.
        progress: show a bar, which needs tqdm.

    Raises:
        ValueError: an argument is out of range, or an argument that needs another is without it.
        CheckpointError: what is resumed is of another training.

    >>> import numpy as np
    >>> from tinygrad_cv import nn, optim
    >>> model = nn.Linear(2, 2)
    >>> batches = [(np.eye(2, dtype=np.float32), np.arange(2))] * 50
    >>> history = fit(model, batches, epochs=2, optimizer=optim.SGD(model, lr=1.0), jit=False)
    >>> history.column("loss")[-1] < 0.3
    True
    """
    check_numbers(epochs, accumulate, interval, save_every, patience, folder, resume)
    check_parts(model, optimizer, scheduler, metrics, {"clip_norm": clip_norm, "clip_value": clip_value, "ema": ema})
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(ema)) if isinstance(ema, float) else ema
    state = State(model, optimizer, average if isinstance(average, AveragedModel) else None)
    run = _Run(
        state,
        data,
        validation,
        Steps(model, optimizer, loss, accumulate, clip_norm, clip_value, state.average, jit),
        scheduler,
        interval,
        dict(metrics or {}),
        Path(folder) if folder is not None else None,
    )
    if resume:
        run.resume()
    watched = state.average or model
    forward = tracing.jit(watched) if jit and compiler.available() else watched
    monitor = monitor or (f"{VALIDATION}loss" if validation is not None else "loss")
    steps, ends = _functions(after_step), _functions(after_epoch)
    while state.epoch <= epochs and state.stopped is None:
        with _bar(progress, state.epoch, epochs, data, run.position) as bar:
            row = run.epoch(steps, save_every, bar)
        if row is None:  # a callback has stopped it in the middle
            break
        if validation is not None:
            figures = evaluate(watched, validation, loss, run.metrics, forward)
            row |= {VALIDATION + name: value for name, value in figures.items() if isinstance(value, (int, float))}
        run.end_epoch(row, monitor)
        for end in ends:
            end(state)
        best = state.history.best(monitor)
        if patience is not None and best is not None and len(state.history) - best >= patience:
            state.stop(f"{monitor} has not become better for {patience} epochs")
    if state.stopped:
        run.save(LAST)
    return state.history


class _Run:
    """The state of a training: all of it that goes into a checkpoint."""

    def __init__(
        self,
        state: State,
        data: Batches,
        validation: Batches | None,
        steps: Steps,
        scheduler: LRScheduler | ReduceLROnPlateau | None,
        interval: str,
        metrics: dict[str, Metric],
        folder: Path | None,
    ):
        self.state, self.data, self.validation, self.steps = state, data, validation, steps
        self.scheduler, self.interval, self.metrics, self.folder = scheduler, interval, metrics, folder
        self.mean, self.position = MeanMetric(), 0  # of the epoch so far
        self.seconds, self.waited = 0.0, 0.0  # of the epoch so far, and of these for batches
        self.saved = 0  # the step of the last checkpoint

    def parts(self) -> dict[str, Any]:
        """Everything whose state is the training's."""
        loaders = [data if hasattr(data, "load_state_dict") else None for data in (self.data, self.validation)]
        return {
            "model": self.state.model,
            "average": self.state.average,
            "optimizer": self.state.optimizer,
            "scheduler": self.scheduler,
            "loader": loaders[0],
            "validation": loaders[1],  # whose samples may be random, too
            "generator": default_generator,
            "mean": self.mean,
            **{f"metric_{name}": metric for name, metric in self.metrics.items()},
        }

    def save(self, name: str) -> None:
        """Write a checkpoint, if there is a folder."""
        if self.folder is not None:
            about = {
                "epoch": self.state.epoch,
                "step": self.state.step,
                "position": self.position,
                "seconds": self.seconds,
                "waited": self.waited,
                "history": self.state.history.rows,
            }
            self.folder.mkdir(parents=True, exist_ok=True)
            save(collect(extra=about, **self.parts()), self.folder / name)
            self.saved = self.state.step

    def resume(self) -> None:
        """Go on from the last checkpoint, if there is one."""
        assert self.folder is not None
        path = self.folder / LAST
        if not path.exists():
            return
        about = restore(load(path), **self.parts())
        self.state.epoch, self.state.step = about["epoch"], about["step"]
        self.position, self.seconds, self.waited = about["position"], about["seconds"], about.get("waited", 0.0)
        self.saved = self.state.step
        self.state.history.rows[:] = about["history"]
        if self.position and not hasattr(self.data, "load_state_dict"):
            raise CheckpointError(
                f"fit: {path} is from the middle of an epoch, and the data have no load_state_dict. Give a DataLoader."
            )

    def epoch(self, callbacks: Sequence[Callback], save_every: int | None, bar: tqdm[Any] | None) -> Row | None:
        """Train on what is left of an epoch; None if it was stopped before its end."""
        state, start = self.state, time.perf_counter() - self.seconds
        state.model.train()
        for inputs, targets in self._batches():
            loss, outputs = self.steps(inputs, targets)
            state.loss = loss.item()
            self.mean.update(state.loss, len(targets))
            for metric in self.metrics.values():
                metric.update(outputs.numpy(), targets)
            state.step, self.position = state.step + 1, self.position + 1
            updated = not self.steps.pending
            if updated:
                self._after_update()
            for callback in callbacks:
                callback(state)
            if bar is not None and bar.update():  # some ten times a second
                bar.set_postfix(loss=f"{state.loss:.4f}")
            self.seconds = time.perf_counter() - start
            if updated and state.stopped is not None:
                return None
            if updated and save_every is not None and state.step - self.saved >= save_every:
                self.save(LAST)
        if self.steps.pending:
            self.steps.flush()
            self._after_update()
        if not self.position:
            raise ValueError("fit: the data gave no batch. Check the loader's length, batch_size and drop_last.")
        figures = {name: metric.compute() for name, metric in self.metrics.items()}
        row: Row = {"epoch": state.epoch, "loss": self.mean.compute()}
        row |= {name: value for name, value in figures.items() if isinstance(value, (int, float))}
        return row

    def _batches(self) -> Iterator[tuple[Any, Any]]:
        """The batches of an epoch, while the seconds are counted that they are waited for."""
        batches, none = iter(self.data), object()
        while True:
            start = time.perf_counter()
            batch: Any = next(batches, none)
            self.waited += time.perf_counter() - start
            if batch is none:
                return
            yield batch

    def _after_update(self) -> None:
        if self.scheduler is not None and self.interval == "step":
            self.scheduler.step()

    def end_epoch(self, row: Row, monitor: str) -> None:
        """Enter the figures of an epoch, step the schedule, write the checkpoints, and be ready for the next."""
        state = self.state
        row["lr"] = float(state.optimizer.param_groups[0]["lr"])
        row |= {"seconds": self.seconds, "waiting": self.waited / self.seconds}
        state.history.rows.append(row)
        if monitor not in row:
            raise ValueError(f"fit: monitor={monitor!r} is none of the figures {', '.join(row)}.")
        if isinstance(self.scheduler, ReduceLROnPlateau):
            self.scheduler.step(row[monitor])
        elif self.scheduler is not None and self.interval == "epoch":
            self.scheduler.step()
        state.epoch, self.position, self.seconds, self.waited = state.epoch + 1, 0, 0.0, 0.0
        self.mean.reset()
        for metric in self.metrics.values():
            metric.reset()
        if state.history.best(monitor) == len(state.history):
            self.save(BEST)
        self.save(LAST)
        if self.folder is not None:
            state.history.write_csv(self.folder / TABLE)


def _functions(given: Callback | Sequence[Callback]) -> Sequence[Callback]:
    return [given] if callable(given) else list(given)


def _bar(shown: bool, epoch: int, epochs: int, data: Batches, done: int) -> AbstractContextManager[tqdm[Any] | None]:
    """A progress bar of an epoch's steps."""
    if not shown:
        return nullcontext()
    from tqdm import tqdm

    total = len(data) if isinstance(data, Sized) else None
    about = f"epoch {epoch}/{epochs}"
    return tqdm(total=total, initial=done, desc=about, unit="step", file=sys.stderr, dynamic_ncols=True, leave=False)
