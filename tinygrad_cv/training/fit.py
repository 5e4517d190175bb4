"""``fit``: train a model on data, watch it, stop it, resume it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence, Sized
from contextlib import AbstractContextManager, nullcontext
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .. import compiler, tracing
from .. import functional as F
from ..core.annotations import explaining
from ..frontend.random import default_generator
from ..nn import AveragedModel, Module
from ..optim import Optimizer
from ..optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from ..optim.swa_utils import get_ema_multi_avg_fn
from .arguments import check_numbers, check_parts
from .evaluation import Batches, measure
from .history import History
from .metrics import Metric
from .ranks import Ranks, bare
from .run import LAST, Callback, Run, State
from .steps import Loss, Steps

if TYPE_CHECKING:
    from tqdm import tqdm

VALIDATION = "validation_"


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

    A model that is a `nn.parallel.DistributedDataParallel` is trained by all ranks together, each with its own batches,
    such as those of a `data.DistributedBatchSampler`. Figures are of all ranks; rank 0 writes and reads the files, and
    shows the bar. All ranks call the callbacks, and end where one of them stops. Such a run can be resumed by another
    number of ranks.

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
    ranks, single = Ranks("fit", model), bare(model)
    average = AveragedModel(single, multi_avg_fn=get_ema_multi_avg_fn(ema)) if isinstance(ema, float) else ema
    state = State(single, optimizer, average if isinstance(average, AveragedModel) else None)
    run = Run(
        ranks,
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
    ranks.part(default_generator)
    watched = state.average or single
    forward = tracing.jit(watched) if jit and compiler.available() else watched
    monitor = monitor or (f"{VALIDATION}loss" if validation is not None else "loss")
    steps, ends = _functions(after_step), _functions(after_epoch)
    while state.epoch <= epochs and state.stopped is None:
        with _bar(progress and ranks.first, state.epoch, epochs, data, run.position) as bar:
            row = run.epoch(steps, save_every, bar)
        if row is None:  # a callback has stopped it in the middle
            break
        if validation is not None:
            figures = measure(ranks, watched, validation, loss, run.metrics, forward)
            row |= {VALIDATION + name: value for name, value in figures.items() if isinstance(value, (int, float))}
        run.end_epoch(row, monitor)
        for end in ends:
            end(state)
        run.agree()
        best = state.history.best(monitor)
        if patience is not None and best is not None and len(state.history) - best >= patience:
            state.stop(f"{monitor} has not become better for {patience} epochs")
    if state.stopped:
        run.save(LAST)
    return state.history


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
