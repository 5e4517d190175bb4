"""``python -m tinygrad_cv train``: train a network on the shipped images, or on your own."""

from __future__ import annotations

import argparse
import importlib.util
import inspect
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from .. import compiler, models, optim, tracing
from ..data import DataLoader, TensorDataset, preparation
from ..data.transforms import BatchTransform, RandomCrop, RandomHorizontalFlip
from ..files import checkpoint, write_text
from ..frontend.creation import tensor
from ..frontend.random import manual_seed
from ..models.catalog import MODELS
from ..models.classic import NORMS
from ..models.load import WEIGHTS
from ..nn import Module
from ..training import MulticlassAccuracy, MulticlassConfusionMatrix, State, evaluate, fit
from ..training.pictures import save_confusion_matrix, save_learning_curve
from ..training.stopping import Stopping
from . import config, datasets
from .options import OK, UsageError, natural, one_of, positive

CONFIG = "config.toml"  # in the folder of a run
OPTIONS = (
    "model",
    "norm",
    "epochs",
    "batch_size",
    "lr",
    "seed",
    "data",
    "format",
    "image_size",
    "classes",
    "augment",
    "no_jit",
)  # what makes a run what it is
EXTRAS = ("tqdm", "matplotlib", "threadpoolctl")
AUGMENT = ("none", "shift", "flip")
MOMENTUM, WEIGHT_DECAY, WARMUP = 0.9, 5e-4, 0.1  # warm-up as a fraction of all steps
TEST_BATCH = 250


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--model",
        type=one_of(models.list("classification")),
        default="convnet",
        metavar="NAME",
        help='the network, of models.list("classification") (default: %(default)s)',
    )
    parser.add_argument("--norm", choices=NORMS, help="normalization of convnet (default: batch)")
    parser.add_argument(
        "--epochs", type=positive(int), default=14, help="passes over the images (default: %(default)s)"
    )
    parser.add_argument("--batch-size", type=positive(int), default=64, help="images per step (default: %(default)s)")
    parser.add_argument("--lr", type=positive(float), default=0.05, help="highest learning rate (default: %(default)s)")
    parser.add_argument("--seed", type=natural, default=0, help="seed of all random numbers (default: %(default)s)")
    datasets.add_arguments(parser)
    parser.add_argument(
        "--classes",
        nargs="+",
        metavar="NAME",
        help="with --data: names of the classes in the order of their labels, or their number "
        "(default: the labels that occur)",
    )
    parser.add_argument(
        "--augment",
        nargs="+",
        choices=AUGMENT,
        help="augmentation of the training images (default: shift flip for the shipped ones, none for --data)",
    )
    parser.add_argument("--no-jit", action="store_true", help="run on NumPy instead of compiled code")
    parser.add_argument("--out", type=Path, help="folder for the results (default: runs/<model>-<time>)")
    parser.add_argument(
        "--config", metavar="FILE", help="read options from this TOML file, such as a run's config.toml"
    )
    parser.set_defaults(resume=False)


def run(arguments: argparse.Namespace) -> int:
    """Train, show progress, write the run's folder; the last line is the test accuracy and the time.

    0, or 128 + the number of the signal that ended training early; the weights are written then, too.
    """
    start = time.perf_counter()
    missing = [name for name in EXTRAS if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f"train needs {', '.join(missing)}: pip install {' '.join(missing)}")
    if arguments.norm and arguments.model != "convnet":
        raise UsageError(f"--norm is for --model convnet; {arguments.model} has its own layers.")
    entry = MODELS[arguments.model]
    sets = datasets.load(arguments, arguments.classes, entry.channels)
    try:
        prepare = preparation(sets.train.images, entry.channels, entry.side, arguments.image_size)
        images, test_images = prepare(sets.train.images), prepare(sets.test.images)
    except ValueError as error:
        raise UsageError(f"--model {arguments.model}: {error}") from None

    from threadpoolctl import threadpool_limits
    from tqdm import tqdm

    manual_seed(arguments.seed)
    labels, test_labels, classes = sets.train.labels, sets.test.labels, sets.train.classes
    built = model_options(arguments.model, images.shape, len(classes), arguments.norm or "batch")
    model = MODELS[arguments.model].make(**built)
    folder = arguments.out or Path("runs") / f"{arguments.model}-{datetime.now():%Y%m%d-%H%M%S}"
    network = {"model": arguments.model, "arguments": built, "prepare": asdict(prepare), "classes": classes}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / CONFIG, config.text(settings(arguments)))
        draw(model, images[:2], folder)
    except OSError as error:
        raise UsageError(f"--out: {folder} cannot be made or written ({error}). Give a folder that can.") from None
    parameters = sum(p.size for p in model.parameters())
    print(
        f"{arguments.model}: {parameters:,} parameters, {len(labels):,} training and {len(test_labels):,} test images "
        f"of {' x '.join(map(str, sets.train.images.shape[1:]))}, {len(classes)} classes"
    )
    print(f"steps run {_how(arguments.no_jit)}")
    augment = augmentation(arguments.augment or sets.train.augment, images.shape[2:], -prepare.mean / prepare.std)
    loader = DataLoader(
        TensorDataset(images, labels),
        min(arguments.batch_size, len(labels)),
        shuffle=True,
        drop_last=True,
        collate_fn=augment,
        seed=arguments.seed,
    )
    tests = DataLoader(TensorDataset(test_images, test_labels), TEST_BATCH)
    matrix = MulticlassConfusionMatrix(len(classes))

    def after_step(state: State) -> None:
        if stopping.number is not None:
            state.stop("interrupted")

    def after_epoch(state: State) -> None:
        checkpoint.write(folder / WEIGHTS, model.state_dict(), network)
        row = state.history[-1]
        tqdm.write(
            f"epoch {row['epoch']:3d}   training loss {row['loss']:.4f} accuracy {100 * row['accuracy']:5.1f} %   "
            f"test loss {row['validation_loss']:.4f} accuracy {100 * row['validation_accuracy']:5.1f} %"
        )

    optimizer, schedule = optimization(model, arguments.lr, len(loader) * arguments.epochs)
    with Stopping() as stopping, threadpool_limits(entry.threads, "blas"):
        history = fit(
            model,
            loader,
            tests,
            epochs=arguments.epochs,
            optimizer=optimizer,
            scheduler=schedule,
            interval="step",
            metrics={"accuracy": MulticlassAccuracy(average="micro")},
            folder=folder,
            resume=arguments.resume,
            after_step=after_step,
            after_epoch=after_epoch,
            jit=not arguments.no_jit,
            progress=True,
        )
        checkpoint.write(folder / WEIGHTS, model.state_dict(), network)
        if stopping.number is not None:
            print(f"interrupted; to go on: tinygrad-cv resume {folder}", flush=True)
        forward = tracing.jit(model) if compiler.available() and not arguments.no_jit else model
        evaluate(model, tests, metrics={"matrix": matrix}, forward=forward)
        accuracy = np.trace(matrix.confmat) / matrix.confmat.sum()
        save_confusion_matrix(matrix.confmat, classes, folder / "confusion_matrix.png")
        if len(history):
            save_learning_curve(history, folder / "learning_curve.png")
        print(f"results in {folder}")
        print(f"test accuracy {100 * accuracy:.2f} % in {time.perf_counter() - start:.1f} s")
        return stopping.exit_code if stopping.number is not None else OK


def settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options that make the run what it is."""
    found = {name: getattr(arguments, name) for name in OPTIONS}
    return {**found, "data": datasets.place_of(arguments.data)}


def augmentation(names: Sequence[str], size: Sequence[int], background: float) -> BatchTransform:
    """The augmentations of these names, of images of this size H x W, one after another."""
    known = {"shift": RandomCrop(size, padding=1, fill=background), "flip": RandomHorizontalFlip()}
    return BatchTransform(*(known[name] for name in known if name in names and "none" not in names))


def optimization(model: Module, lr: float, steps: int) -> tuple[optim.SGD, optim.SequentialLR]:
    """Stochastic gradient descent with momentum; the learning rate rises linearly and then falls along a cosine."""
    optimizer = optim.SGD(model, lr=lr, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY, nesterov=True)
    warmup = max(1, int(WARMUP * steps))
    rise, fall = optim.LinearLR(optimizer, 0.1, total_iters=warmup), optim.CosineAnnealingLR(optimizer, T_max=steps)
    return optimizer, optim.SequentialLR(optimizer, [rise, fall], milestones=[warmup])


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


def build(name: str, shape: tuple[int, ...], classes: int, norm: str) -> Module:
    """The model for images of this shape."""
    return MODELS[name].make(**model_options(name, shape, classes, norm))


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
