"""Why deep networks are hard to train, and what normalization changes: the experiment of the lecture.

One deep plain network, [Conv, Norm, ReLU] x 20, the mean of each map, and a fully connected layer, from He's
initialization, on images of Fashion-MNIST at half their size. It is trained without and with batch normalization at
several learning rates, and with each of the four normalizations on batches of several sizes, always for the same number
of images.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import numpy as np

from ..data import DataLoader, TensorDataset, fashion_mnist, normalize
from ..files import write_text
from ..frontend.random import manual_seed
from ..models.classic import Norm, normalization
from ..nn import AdaptiveAvgPool2d, Conv2d, Flatten, Linear, Module, ReLU, Sequential, init
from ..optim import SGD
from ..viz.figures import new_figure, save_figure
from .evaluation import evaluate
from .fit import fit
from .metrics import MulticlassAccuracy
from .run import State

STAGES = ((16, 7), (32, 7), (64, 6))  # filters and convolutions; each stage but the first begins with stride 2
SIDE = 14
RATES = (0.001, 0.01, 0.1, 1.0)
BATCHES = (2, 4, 32)
NORMALIZATIONS: tuple[Norm, ...] = ("batch", "layer", "instance", "group")
BATCH, RATE = 32, 0.1  # where the other one varies
SMOOTH = 20  # steps, of the curves
COLOURS = {"none": "#d1495b", "batch": "#1b6ca8", "layer": "#2e8b57", "instance": "#b8860b", "group": "#6a4c93"}


@dataclass
class Training:
    """One of the trainings, and what came of it."""

    norm: Norm
    rate: float
    batch: int
    losses: list[float] = field(default_factory=list)  # of each step
    accuracy: float = math.nan  # on the test images, 0 to 1


def batch_norm_experiment(
    images: int = 12000, seed: int = 0, jit: bool = True, watch: Callable[[Training], object] = lambda training: None
) -> list[Training]:
    """Run all trainings.

    Args:
        images: that each of them sees.
        seed: of weights and order; networks with a normalization begin with the same weights.
        watch: called after each of them.

    Sources: S. Ioffe, C. Szegedy, "Batch Normalization", 2015 (learning rates); Y. Wu, K. He, "Group Normalization",
    2018, fig. 1 (batch sizes); K. He et al., "Delving Deep into Rectifiers", 2015 (initialization).
    """
    train, test = ((_halved(part.images), part.labels) for part in fashion_mnist())
    done = []
    for training in _plan():
        train_one(training, train, test, images, seed, jit)
        watch(training)
        done.append(training)
    return done


def _plan() -> Iterator[Training]:
    for norm, rate in product(("none", "batch"), RATES):
        yield Training(norm, rate, BATCH)  # type: ignore[arg-type]
    for norm, batch in product(NORMALIZATIONS, BATCHES):
        if (norm, batch) != ("batch", BATCH):  # which is among those above
            yield Training(norm, RATE * batch / BATCH, batch)


def train_one(
    training: Training,
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    images: int,
    seed: int,
    jit: bool,
) -> None:
    """Train, and fill in losses and accuracy; a loss that is no number ends it."""
    manual_seed(seed)
    model = plain_network(training.norm)
    steps = images // training.batch
    data = DataLoader(TensorDataset(*train), training.batch, shuffle=True, drop_last=True, seed=seed)

    def after_step(state: State) -> None:
        training.losses.append(state.loss)
        if state.step == steps or not math.isfinite(state.loss):
            state.stop("done")

    optimizer = SGD(model, lr=training.rate, momentum=0.9)
    fit(model, data, epochs=math.ceil(images / len(train[1])), optimizer=optimizer, after_step=after_step, jit=jit)
    tests = DataLoader(TensorDataset(*test), 250)
    with np.errstate(all="ignore"):
        figures = evaluate(model, tests, metrics={"accuracy": MulticlassAccuracy(average="micro")})
    training.accuracy = float(figures["accuracy"])


def plain_network(norm: Norm) -> Sequential:
    """The network of the experiment, with one of the normalizations or "none".

    >>> from tinygrad_cv import nn
    >>> sum(isinstance(layer, nn.Conv2d) for layer in plain_network("batch"))
    20
    """
    layers: list[Module] = []
    c, size = 1, SIDE
    for stage, (filters, count) in enumerate(STAGES):
        for number in range(count):
            stride = 2 if stage and not number else 1
            size = -(-size // stride)
            convolution = Conv2d(c, filters, 3, stride, padding=1, bias=norm == "none")
            init.kaiming_normal_(convolution.weight, nonlinearity="relu")
            layers.append(convolution)
            if norm != "none":
                layers.append(normalization(norm, filters, size))
            layers.append(ReLU())
            c = filters
    return Sequential(*layers, AdaptiveAvgPool2d(1), Flatten(), Linear(c, 10))


def _halved(images: np.ndarray) -> np.ndarray:
    """Images N x 1 x 28 x 28, of bytes, as N x 1 x 14 x 14 with mean 0 and deviation 1."""
    n, c, h, w = images.shape
    return normalize(images, mean=0.286, std=0.353).reshape(n, c, h // 2, 2, w // 2, 2).mean((3, 5))


def table(trainings: list[Training]) -> str:
    """Two tables in Markdown: test accuracy by learning rate, and by batch size."""
    accuracy = {(t.norm, t.rate, t.batch): f"{100 * t.accuracy:.1f}" for t in trainings}
    rates = [["normalization", *(f"lr {rate:g}" for rate in RATES)]]
    rates += [[norm, *(accuracy[norm, rate, BATCH] for rate in RATES)] for norm in ("none", "batch")]
    sizes = [["normalization", *(f"batch of {batch}" for batch in BATCHES)]]
    sizes += [[norm, *(accuracy[norm, RATE * batch / BATCH, batch] for batch in BATCHES)] for norm in NORMALIZATIONS]
    return "\n".join(
        [
            f"Test accuracy in percent, batches of {BATCH}:\n",
            *_lines(rates),
            f"\nTest accuracy in percent, learning rate {RATE / BATCH:g} x batch size:\n",
            *_lines(sizes),
            "",
        ]
    )


def _lines(rows: list[list[str]]) -> list[str]:
    head, *body = (f"| {' | '.join(row)} |" for row in rows)
    return [head, "|---" * len(rows[0]) + "|", *body]


def save(trainings: list[Training], folder: Path) -> None:
    """Write ``batchnorm.md``, the tables, and ``batchnorm.png``: losses by learning rate, accuracies by batch size."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "batchnorm.md", table(trainings))
    figure, axes = new_figure(1, 3, (13, 3.8))
    for axis, norm, title in zip(axes, ("none", "batch"), ("no normalization", "batch normalization"), strict=False):
        for shade, rate in zip(np.linspace(0.35, 1.0, len(RATES)), RATES, strict=True):
            (training,) = (t for t in trainings if (t.norm, t.rate, t.batch) == (norm, rate, BATCH))
            curve = np.convolve(training.losses, np.ones(SMOOTH) / SMOOTH, "valid")
            axis.plot(np.arange(len(curve)) + SMOOTH, curve, color=COLOURS[norm], alpha=shade, label=f"lr {rate:g}")
        axis.set(xlabel="step", ylabel="cross-entropy", title=title, ylim=(0, 3))
    for norm in NORMALIZATIONS:
        chosen = [t for t in trainings if t.norm == norm and t.rate == RATE * t.batch / BATCH]
        places = sorted((t.batch, 100 * t.accuracy) for t in chosen)
        axes[2].plot(*zip(*places, strict=True), "o-", color=COLOURS[norm], label=norm)
    axes[2].set(xlabel="batch size", ylabel="percent", title="test accuracy", xscale="log", ylim=(0, 100))
    axes[2].set_xticks(BATCHES, map(str, BATCHES), minor=False)
    axes[2].minorticks_off()
    for axis in axes:
        axis.grid(alpha=0.3)
        axis.legend(frameon=False)
    save_figure(figure, folder / "batchnorm.png")
