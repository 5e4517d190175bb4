"""Train a small LeNet in the page: one step for each normalization, and one that measures on images it has not seen."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import Tensor, nn, optim
from tinygrad_cv.tracing.api import Jitted

from .exports import Export
from .networks import lenet, prepared

BATCH, TEST_IMAGES = 50, 200
START_RATE = 0.003  # until the page turns it
NORMS = {
    "batch": nn.BatchNorm2d,
    "layer": lambda channels: nn.GroupNorm(1, channels),
    "instance": lambda channels: nn.GroupNorm(channels, channels),
    "group": lambda channels: nn.GroupNorm(4, channels),
    "none": None,
}


def exports() -> Iterator[Export]:
    for norm in NORMS:
        yield Export(f"train_{norm}", training_step(network(norm).train()), _batch(BATCH))
        yield Export(f"test_{norm}", measure(network(norm).eval()), _batch(TEST_IMAGES))


def network(norm: str) -> nn.Sequential:
    tg.manual_seed(0)  # the same convolutions for all
    return lenet(10, NORMS[norm])


def training_step(model: nn.Module) -> Jitted:
    """One step of SGD with momentum. Its learning rate is state, so that the page can turn it."""
    optimizer = optim.SGD(model.parameters(), lr=START_RATE, momentum=0.9)

    @tg.jit
    def step(images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        scores = model(prepared(images))
        loss = F.cross_entropy(scores, labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return {"loss": loss, "correct": _correct(scores, labels)}

    return step


def measure(model: nn.Module) -> Jitted:
    """Loss and right answers, with the running statistics where there are any."""

    @tg.jit
    def measured(images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        with tg.no_grad():
            scores = model(prepared(images))
            return {"loss": F.cross_entropy(scores, labels), "correct": _correct(scores, labels)}

    return measured


def _correct(scores: Tensor, labels: Tensor) -> Tensor:
    return (scores.argmax(1) == labels).sum().astype("int32")


def _batch(count: int) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((count, 1, 28, 28), np.uint8), np.zeros(count, np.int32)
