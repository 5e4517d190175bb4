"""A training that is under way: its epochs, its figures, and its checkpoints."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ..core.errors import CheckpointError
from ..files import load, save
from ..frontend.random import default_generator
from ..mpi import waiting
from ..nn import AveragedModel, Module
from ..optim import Optimizer
from ..optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from .checkpoints import collect, restore
from .evaluation import Batches
from .history import History, Row
from .metrics import MeanMetric, Metric
from .ranks import Ranks
from .steps import Steps

if TYPE_CHECKING:
    from tqdm import tqdm

LAST, BEST, TABLE = "last.safetensors", "best.safetensors", "history.csv"


@dataclass
class State:
    """Where a training is: what callbacks see. Those of a step run after its update.

    Attributes:
        epoch: the number of the epoch, from 1.
        step: the number of updates and accumulated batches since the beginning.
        loss: of the last batch.
        history: the figures of all epochs that ended; of the last one too, when the callbacks of an epoch run.
        slow: which rank the others have waited for in the last epoch that ended, if one is slow.
        stopped: why the training ends, if it does.
    """

    model: Module
    optimizer: Optimizer
    average: AveragedModel | None
    history: History = field(default_factory=History)
    epoch: int = 1
    step: int = 0
    loss: float = float("nan")
    slow: str | None = None
    stopped: str | None = None

    def stop(self, why: str) -> None:
        """End the training after this step."""
        self.stopped = why


Callback: TypeAlias = Callable[[State], object]


class Run:
    """A training that is under way: all of it that goes into a checkpoint."""

    def __init__(
        self,
        ranks: Ranks,
        state: State,
        data: Batches,
        validation: Batches | None,
        steps: Steps,
        scheduler: LRScheduler | ReduceLROnPlateau | None,
        interval: str,
        metrics: dict[str, Metric],
        folder: Path | None,
    ):
        self.ranks, self.state, self.data, self.validation, self.steps = ranks, state, data, validation, steps
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
        self.saved = self.state.step
        if self.folder is None:
            return
        self.ranks.gather([self.mean, *self.metrics.values()])
        if self.ranks.first:
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

    def resume(self) -> None:
        """Go on from the last checkpoint, if there is one."""
        assert self.folder is not None
        path = self.folder / LAST
        sections = self.ranks.decide(lambda: load(path) if path.exists() else None)
        if sections is None:
            return
        about = restore(sections, **self.parts())
        if not self.ranks.first:  # which has what all ranks had added up
            for metric in (self.mean, *self.metrics.values()):
                metric.reset()
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
        begun, waited = time.perf_counter(), waiting.seconds
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
            self.agree()
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
        state.slow = self.ranks.slow(time.perf_counter() - begun - (waiting.seconds - waited))
        self.ranks.gather([self.mean, *self.metrics.values()])
        return self.ranks.decide(self._row)

    def _row(self) -> Row:
        figures = {name: metric.compute() for name, metric in self.metrics.items()}
        row: Row = {"epoch": self.state.epoch, "loss": self.mean.compute()}
        return row | {name: value for name, value in figures.items() if isinstance(value, (int, float))}

    def agree(self) -> None:
        """Stop if another rank does."""
        if self.ranks.any(self.state.stopped is not None) and self.state.stopped is None:
            self.state.stop("another rank has stopped")

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
        row |= self.ranks.decide(lambda: {"seconds": self.seconds, "waiting": self.waited / self.seconds})
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
        if self.folder is not None and self.ranks.first:
            state.history.write_csv(self.folder / TABLE)
