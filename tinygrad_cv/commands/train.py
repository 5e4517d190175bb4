"""``python -m tinygrad_cv train``: train a network on the shipped images, or on your own."""

from __future__ import annotations

import argparse
import ast
import difflib
import importlib.util
import inspect
import time
from contextlib import ExitStack, redirect_stdout
from dataclasses import asdict
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from .. import compiler, models, tracing
from ..core.context import no_grad
from ..distributed import barrier, get_rank, get_world_size
from ..files import checkpoint, write_text
from ..frontend.creation import tensor
from ..frontend.random import manual_seed
from ..models.catalog import MODELS
from ..models.load import WEIGHTS
from ..nn import Module, SyncBatchNorm
from ..nn.modes import evaluating
from ..nn.parallel import DistributedDataParallel
from ..training import History, State, fit
from ..training.evaluation import measure
from ..training.pictures import save_confusion_matrix, save_learning_curve
from ..training.ranks import Ranks, decide
from ..training.stopping import Stopping
from . import config, datasets, train_options
from .batches import Batches, batches, telling
from .options import OK, UsageError
from .starting_weights import begin_with
from .tasks import TASKS
from .train_options import OPTIONS, add_arguments

__all__ = ["CONFIG", "OPTIONS", "add_arguments", "run"]
CONFIG = "config.toml"  # in the folder of a run
EXTRAS = ("tqdm", "matplotlib", "threadpoolctl")


def run(arguments: argparse.Namespace) -> int:
    """Train, show progress, write the run's folder; the last line is the test accuracy and the time.

    Several ranks train together; rank 0 alone prints and writes.

    0, or 128 + the number of the signal that ended training early; the weights are written then, too.
    """
    with ExitStack() as stack:
        if get_rank():
            stack.enter_context(redirect_stdout(StringIO()))
        code = _train(arguments)
        barrier()  # a rank that ends before the others with a code ends them
        return code


def _train(arguments: argparse.Namespace) -> int:
    start, first = time.perf_counter(), get_rank() == 0
    missing = [name for name in EXTRAS if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f"train needs {', '.join(missing)}: pip install {' '.join(missing)}")
    train_options.complete(arguments)
    entry = MODELS[arguments.model]
    sets = datasets.load(arguments, arguments.classes, entry.channels)
    data = batches(arguments, sets, entry)
    classes, prepare = tuple(sets.train.classes), data.prepare
    task = TASKS[entry.task]
    loss = train_options.loss(arguments, data.labels, classes, task.ignored)

    from threadpoolctl import threadpool_limits
    from tqdm import tqdm

    manual_seed(arguments.seed)
    shape = (1, prepare.channels, prepare.height, prepare.width)
    built = model_options(arguments.model, shape, len(classes), arguments.norm or "batch")
    built |= own_arguments(arguments)
    try:
        model = MODELS[arguments.model].make(**built)
    except (TypeError, ValueError) as error:
        raise UsageError(f"--model-args: {error}") from None
    begun = begin_with(model, arguments.init, len(classes)) if arguments.init else None
    images = np.stack([data.test.dataset[0][0]] * 2)
    check(model, images, arguments)
    named = f"{arguments.model}-{datetime.now():%Y%m%d-%H%M%S}"
    folder = arguments.out or decide("train", lambda: Path("runs") / named)
    network = {"model": arguments.model, "arguments": built, "prepare": asdict(prepare), "classes": classes}
    try:
        if first:
            folder.mkdir(parents=True, exist_ok=True)
            write_text(folder / CONFIG, config.text(train_options.settings(arguments)))
            draw(model, images, folder)
    except OSError as error:
        raise UsageError(f"--out: {folder} cannot be made or written ({error}). Give a folder that can.") from None
    if get_world_size() > 1:
        model = SyncBatchNorm.convert_sync_batchnorm(model)
    _introduce(arguments, model, data, sets, begun)
    matrix = task.matrix(len(classes))
    average = train_options.average(model, arguments)
    trained = model if average is None else average.module
    last: list[State] = []

    def after_step(state: State) -> None:
        if stopping.number is not None:
            state.stop("interrupted")

    def save() -> None:
        if first:
            checkpoint.write(folder / WEIGHTS, trained.state_dict(), network)

    def after_epoch(state: State) -> None:
        last[:] = [state]
        save()
        row = state.history[-1]
        tqdm.write(
            f"epoch {row['epoch']:3d}   training loss {row['loss']:.4f} {task.title} {100 * row[task.figure]:5.1f} %   "
            f"test loss {row['validation_loss']:.4f} {task.title} {100 * row[f'validation_{task.figure}']:5.1f} %"
            + ("" if data.in_memory else f"   waiting for images {100 * row['waiting']:.0f} % of the time")
        )
        if state.slow:
            tqdm.write(state.slow)

    steps = -(-len(data.train) // arguments.accumulate) * arguments.epochs
    optimizer, schedule = train_options.optimization(model, arguments, steps)
    together = DistributedDataParallel(model) if get_world_size() > 1 else model
    with telling(), Stopping() as stopping, threadpool_limits(entry.threads, "blas"):
        try:
            history = fit(
                together,
                data.train,
                data.test,
                epochs=arguments.epochs,
                optimizer=optimizer,
                loss=loss,
                scheduler=schedule,
                interval="step",
                metrics=task.metrics(len(classes)),
                accumulate=arguments.accumulate,
                clip_norm=arguments.clip_norm,
                ema=average,
                patience=arguments.patience,
                folder=folder,
                resume=arguments.resume,
                after_step=after_step,
                after_epoch=after_epoch,
                jit=not arguments.no_jit,
                progress=True,
            )
        except RuntimeError:  # the signal has ended the processes that make batches, too
            if stopping.number is None or get_world_size() > 1:  # the others are in the middle of a step
                raise
            history = last[0].history if last else History()
        save()
        if stopping.number is not None:
            print(f"interrupted; to go on: tinygrad-cv resume {folder}", flush=True)
        elif last and last[0].stopped:
            print(f"ended after epoch {len(history)}: {last[0].stopped}")
        forward = tracing.jit(trained) if compiler.available() and not arguments.no_jit else trained
        measure(Ranks("train", together), trained, data.test, loss, {"matrix": matrix}, forward)
        if first:  # which has what all have counted
            save_confusion_matrix(matrix.confmat, classes, folder / "confusion_matrix.png", task.unit)
            if len(history):
                save_learning_curve(history, folder / "learning_curve.png", task.figure, task.title)
            print(f"results in {folder}")
            print(f"test {task.title} {100 * task.score(matrix.confmat):.2f} % in {time.perf_counter() - start:.1f} s")
        return stopping.exit_code if stopping.number is not None else OK


def _introduce(
    arguments: argparse.Namespace, model: Module, data: Batches, sets: datasets.Parts, begun: str | None
) -> None:
    """Print what is trained on what, and how."""
    prepare = data.prepare
    shape = prepare.shape or (prepare.channels, prepare.height, prepare.width)
    print(
        f"{arguments.model}: {sum(p.size for p in model.parameters()):,} parameters, {len(sets.train):,} training and "
        f"{len(sets.test):,} test images of {' x '.join(map(str, shape))}, {len(sets.train.classes)} classes"
    )
    if begun:
        print(begun)
    if not data.in_memory:
        number = data.train.num_workers
        by = f"by {number} process{'es' * (number > 1)}" if number else "between steps"
        print(f"images are made {by} as they are asked for")
    if (ranks := get_world_size()) > 1:
        print(f"{ranks} ranks train together, each on {arguments.batch_size // ranks} images of a step")
    print(f"steps run {_how(arguments.no_jit)}")


def model_options(name: str, shape: tuple[int, ...], classes: int, norm: str) -> dict[str, Any]:
    """The arguments of a model for images of this shape; for small images convnet has fewer stages.

    >>> model_options("convnet", (9, 1, 4, 4), 26, "batch")["channels"]
    (16, 32)
    """
    if name != "convnet":
        auxiliary = "aux_logits" in inspect.signature(MODELS[name].make).parameters
        return {"num_classes": classes, **({"aux_logits": False} if auxiliary else {})}
    defaults = {key: value.default for key, value in inspect.signature(models.convnet).parameters.items()}
    channels = defaults["channels"][: shape[2].bit_length() - 1]
    return {"in_channels": shape[1], "image_size": shape[2], "channels": channels, "num_classes": classes, "norm": norm}


def own_arguments(arguments: argparse.Namespace) -> dict[str, Any]:
    """The arguments of the network's function that ``--model-args`` gives.

    Raises:
        UsageError: one is none of the function's, or has no value.
    """
    known = inspect.signature(MODELS[arguments.model].make).parameters
    found = {}
    for word in arguments.model_args or ():
        name, equals, value = word.partition("=")
        if name not in known or not equals:
            near = difflib.get_close_matches(name, known, 3, 0.4) or list(known)
            raise UsageError(f"--model-args: {word!r} is no argument of {arguments.model}; it has {', '.join(near)}.")
        try:
            found[name] = ast.literal_eval(value)
        except (SyntaxError, ValueError):
            found[name] = value
    return found


def check(model: Module, images: np.ndarray, arguments: argparse.Namespace) -> None:
    """Run a network once, before anything is written.

    Raises:
        UsageError: it does not take images of this size.
    """
    if arguments.image_size is None:
        return
    try:
        with evaluating(model), no_grad():
            model(tensor(images))
    except ValueError as error:
        side = MODELS[arguments.model].side
        raise UsageError(
            f"--image-size: {arguments.model} does not take images of {arguments.image_size} x {arguments.image_size}"
            f"{f'; it is made for {side} x {side}' if side else ''} ({error})"
        ) from None


def draw(model: Module, images: np.ndarray, folder: Path) -> None:
    """Write ``model.dot``, and ``model.svg`` if there is a renderer."""
    from ..viz import graph

    view = graph(model, tensor(images))
    write_text(folder / "model.dot", view.dot(depth=1))
    try:
        view.svg(folder / "model.svg", depth=1)
    except RuntimeError as error:  # no renderer; the DOT text is written
        print(f"no picture of the model: {error}")


def _how(no_jit: bool) -> str:
    if no_jit:
        return "on NumPy (--no-jit)"
    if compiler.available():
        return "as native code, compiled at the first step (tg.jit; --no-jit runs them on NumPy)"
    return "on NumPy; with llvmlite they run as native code: pip install llvmlite"
