"""Training steps that are exported, and what they learn from: images of two blurred shapes, with noise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import tinygrad_cv as tg
from tinygrad_cv import functional as F
from tinygrad_cv import nn


def batches(count: int, batch: int, channels: int, side: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Batches that a network learns at once, so that no loss depends on the last bits of the one before."""
    rng = np.random.default_rng(5)
    shapes = rng.standard_normal((10, channels, side // 4, side // 4)).repeat(4, -1).repeat(4, -2)
    found = []
    for _ in range(count):
        labels = rng.integers(0, 10, batch)
        images = shapes[labels] + 0.6 * rng.standard_normal((batch, channels, side, side))
        found.append((images.astype(np.float32), labels))
    return found


def lenet_bn() -> nn.Sequential:
    """Two convolutions with batch normalization, and three linear layers: 1 x 28 x 28 -> 10."""
    return nn.Sequential(
        {
            "conv1": nn.Conv2d(1, 6, 5, padding=2, bias=False),
            "bn1": nn.BatchNorm2d(6),
            "relu1": nn.ReLU(),
            "pool1": nn.MaxPool2d(2),
            "conv2": nn.Conv2d(6, 16, 5, bias=False),
            "bn2": nn.BatchNorm2d(16),
            "relu2": nn.ReLU(),
            "pool2": nn.MaxPool2d(2),
            "flatten": nn.Flatten(),
            "fc1": nn.Linear(400, 120),
            "fc2": nn.Linear(120, 84),
            "fc3": nn.Linear(84, 10),
        }
    )


def tiny() -> nn.Sequential:
    """One convolution with batch normalization, and one linear layer: 1 x 8 x 8 -> 10."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(72, 10)
    )


def training_step(model: nn.Module, optimizer: Any) -> Callable[..., Any]:
    """One step of training."""

    @tg.jit
    def step(images: tg.Tensor, labels: tg.Tensor) -> dict[str, tg.Tensor]:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        return {"loss": loss}

    return step


class Trained(NamedTuple):
    """A step that was exported for some targets, and then run here."""

    stem: Path  # of the files
    model: nn.Module  # after all steps
    start: dict[str, np.ndarray]  # the model's state before them
    data: list[tuple[np.ndarray, np.ndarray]]
    losses: list[float]
    state: tuple[str, ...]  # names of what was exported


def trained(
    network: Callable[[], nn.Module],
    optimizer: Callable[[nn.Module], Any],
    sizes: tuple[int, int, int],
    steps: int,
    folder: Path,
    *targets: str | tuple[str, dict[str, Any]],
) -> Trained:
    """Export a training step, and run it.

    Args:
        sizes: of a batch, channels, the side of an image.
        targets: each may have options of its own.
    """
    tg.manual_seed(1)
    model = network().train()
    data = batches(steps, *sizes)
    step = training_step(model, optimizer(model))
    start = {name: np.array(array) for name, array in model.state_dict().items()}
    for target in targets:
        name, options = (target, {}) if isinstance(target, str) else target
        made = tg.export(step, *map(tg.tensor, data[0]), target=name, path=folder / "step", **options)
    losses = [step(*map(tg.tensor, pair))["loss"].item() for pair in data]
    return Trained(folder / "step", model, start, data, losses, made.state)
