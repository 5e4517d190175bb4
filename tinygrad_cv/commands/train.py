"""``python -m tinygrad_cv train``: train a network on the shipped images, or on IDX files of one's own."""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import compiler, models, optim
from ..data import DataLoader, compose, fashion_mnist, load_idx, normalize, random_horizontal_flip, random_shift
from ..data.datasets import TrainTest
from ..files import write_text
from ..frontend.creation import tensor
from ..frontend.random import manual_seed
from ..nn import Module
from ..training.loop import Epoch, evaluate, predict, train_epoch, training_step
from ..training.run import Run

EXTRAS = ("tqdm", "matplotlib", "safetensors", "threadpoolctl")
NORMS = ("batch", "layer", "instance", "group", "none")
CHANNELS, HIDDEN = (16, 32, 64), (128,)  # of the default network
MOMENTUM, WEIGHT_DECAY, WARMUP = 0.9, 5e-4, 0.1  # warm-up as a share of all steps


class Needs(NamedTuple):
    """What a model takes; None takes what there is."""

    channels: int | None
    side: int | None
    threads: int | None  # of BLAS: small matrices gain nothing from a second one, and lose much where it has to wait


MODELS = {
    "convnet": Needs(None, None, 1),
    "lenet5": Needs(1, 28, 1),
    "vgg_small": Needs(3, 32, None),
    "resnet20": Needs(3, 32, None),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--model", choices=MODELS, default="convnet", help="the network (default: %(default)s)")
    parser.add_argument("--norm", choices=NORMS, help="normalization of convnet (default: batch)")
    parser.add_argument(
        "--epochs", type=_positive(int), default=14, help="passes over the images (default: %(default)s)"
    )
    parser.add_argument("--batch-size", type=_positive(int), default=64, help="images a step (default: %(default)s)")
    parser.add_argument(
        "--lr", type=_positive(float), default=0.05, help="highest learning rate (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of weights, order and augmentation (default: %(default)s)")
    parser.add_argument("--data", type=Path, help="folder with four IDX files, plain or .gz (default: shipped images)")
    parser.add_argument("--no-jit", action="store_true", help="run on NumPy alone, not on compiled code")
    parser.add_argument("--out", type=Path, help="folder for results (default: runs/<model>-<time>)")


def run(arguments: argparse.Namespace) -> int:
    """Train, show the progress, write the run folder; the last line is the test accuracy and the seconds."""
    start = time.perf_counter()
    missing = [name for name in EXTRAS if importlib.util.find_spec(name) is None]
    if missing:
        raise SystemExit(f"train needs {', '.join(missing)}: pip install {' '.join(missing)}")
    if arguments.norm and arguments.model != "convnet":
        raise SystemExit(f"--norm is for --model convnet; {arguments.model} has its own layers.")
    try:
        sets = load_idx(arguments.data) if arguments.data else fashion_mnist()
    except (OSError, ValueError) as error:
        raise SystemExit(f"--data: {error}") from None

    from threadpoolctl import threadpool_limits
    from tqdm import tqdm

    needs = MODELS[arguments.model]
    manual_seed(arguments.seed)
    images, test_images, augment = prepare(sets, needs.channels, needs.side)
    labels, test_labels = sets.train.labels, sets.test.labels
    model = build(arguments.model, images.shape, len(sets.train.classes), arguments.norm or "batch")
    folder = arguments.out or Path("runs") / f"{arguments.model}-{datetime.now():%Y%m%d-%H%M%S}"
    settings = {key: value for key, value in vars(arguments).items() if not callable(value)}
    results = Run(folder, settings)
    draw(model, images[:2], folder)
    parameters = sum(p.size for p in model.parameters())
    print(
        f"{arguments.model}: {parameters:,} parameters, {len(labels):,} training and {len(test_labels):,} test images"
    )

    jit = compiler.jit if compiler.available() and not arguments.no_jit else _as_it_is
    print(f"steps run {_how(arguments.no_jit)}")
    forward = jit(model)

    def after_epoch(train: Epoch) -> None:
        test = evaluate(model, test_images, test_labels, forward=forward)
        results.add(train, test)
        tqdm.write(
            f"epoch {len(results.epochs):3d}   training loss {train.loss:.4f} accuracy {100 * train.accuracy:5.1f} %   "
            f"test loss {test.loss:.4f} accuracy {100 * test.accuracy:5.1f} %"
        )

    interrupted = False
    try:
        with threadpool_limits(needs.threads, "blas"):
            fit(model, images, labels, augment, arguments, after_epoch, jit)
    except KeyboardInterrupt:
        interrupted = True
        print("interrupted: saving what there is", flush=True)
    results.save_weights(model)
    predicted = predict(model, test_images, forward=forward).argmax(1)
    results.save_confusion_matrix(test_labels, predicted, sets.train.classes)
    if results.epochs:
        results.save_learning_curve()
    print(f"results in {folder}")
    accuracy = 100 * float((predicted == test_labels).mean())
    print(f"test accuracy {accuracy:.2f} % in {time.perf_counter() - start:.1f} s")
    return 130 if interrupted else 0


def fit(
    model: Module,
    images: np.ndarray,
    labels: np.ndarray,
    augment: Callable[[np.ndarray, np.random.Generator], np.ndarray],
    arguments: argparse.Namespace,
    after_epoch: Callable[[Any], None],
    jit: Callable[[Any], Any],
) -> None:
    """Stochastic gradient descent with momentum; the rate rises over the first steps and then falls along a cosine."""
    from tqdm import tqdm

    batch_size = min(arguments.batch_size, len(labels))
    loader = DataLoader(
        images, labels, batch_size, shuffle=True, drop_last=True, seed=arguments.seed, transform=augment
    )
    steps = len(loader) * arguments.epochs
    optimizer = optim.SGD(model, lr=arguments.lr, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY, nesterov=True)
    step = jit(training_step(model, optimizer))
    schedule = optim.LinearWarmup(optim.CosineAnnealingLR(optimizer, T_max=steps), max(1, int(WARMUP * steps)))
    with tqdm(total=steps, unit="step", file=sys.stderr, dynamic_ncols=True, leave=False) as bar:

        def after_step() -> None:
            schedule.step()
            bar.update()

        for epoch in range(arguments.epochs):
            bar.set_description(f"epoch {epoch + 1}/{arguments.epochs}")
            after_epoch(train_epoch(model, optimizer, loader, after_step, step))


def prepare(sets: TrainTest, channels: int | None, side: int | None) -> tuple[np.ndarray, np.ndarray, Any]:
    """Images as the model takes them, with mean 0 and variance 1, and the augmentation of training batches."""
    train, test = sets.train.images, sets.test.images
    scaled = train.astype(np.float32) / np.float32(255)
    mean, std = float(scaled.mean()), float(scaled.std()) or 1.0
    prepared = [fit_images(normalize(part, mean, std), channels, side, -mean / std) for part in (train, test)]
    augment = compose(random_shift(1, fill=-mean / std), random_horizontal_flip())
    return prepared[0], prepared[1], augment


def fit_images(images: np.ndarray, channels: int | None, side: int | None, background: float) -> np.ndarray:
    """Grey images as several equal channels, and a border of background up to the side that the model takes.

    >>> fit_images(np.zeros((5, 1, 28, 28), np.float32), 3, 32, 0.0).shape
    (5, 3, 32, 32)
    """
    _, c, h, w = images.shape
    if channels is not None and c != channels:
        if c != 1:
            raise SystemExit(f"the model takes images of {channels} channels, the data has {c}.")
        images = np.repeat(images, channels, 1)
    if side is not None and (h, w) != (side, side):
        if max(h, w) > side:
            raise SystemExit(f"the model takes images of {side} x {side}, the data has {h} x {w}.")
        low, left = (side - h) // 2, (side - w) // 2
        images = np.pad(
            images, ((0, 0), (0, 0), (low, side - h - low), (left, side - w - left)), constant_values=background
        )
    return images


def build(name: str, shape: tuple[int, ...], classes: int, norm: str) -> Module:
    """The model for images of that shape."""
    if name == "convnet":
        if shape[2] != shape[3]:
            raise SystemExit(f"convnet takes square images, the data has {shape[2]} x {shape[3]}.")
        return models.convnet(shape[1], shape[2], CHANNELS, HIDDEN, classes, norm)
    return getattr(models, name)(num_classes=classes)


def draw(model: Module, images: np.ndarray, folder: Path) -> None:
    """``model.dot`` always, and ``model.svg`` where a renderer is found."""
    from ..viz import graph

    view = graph(model, tensor(images))
    write_text(folder / "model.dot", view.dot(depth=1))
    try:
        view.svg(folder / "model.svg", depth=1)
    except RuntimeError as error:  # no renderer: the DOT text is there
        print(f"no picture of the model: {error}")


def _as_it_is(function: Any) -> Any:
    return function


def _how(no_jit: bool) -> str:
    if no_jit:
        return "on NumPy, as --no-jit asks"
    if compiler.available():
        return "as native code, compiled at the first of them (tg.jit; --no-jit runs them on NumPy)"
    return "on NumPy; with llvmlite they run as native code: pip install llvmlite"


def _positive(kind: type) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{text} must be above 0")
        return value

    parse.__name__ = kind.__name__
    return parse
