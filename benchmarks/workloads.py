"""The three training steps that are measured: sizes, data, hyperparameters and initial parameters.

The networks themselves stand in `benchmarks.workers.networks`, with PyTorch's layer names.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

LEARNING_RATE = 0.01
MOMENTUM = 0.9
EPSILON = 1e-5  # of batch normalization
CLASSES = 10
THREADS = 2

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Workload:
    """A training step: forward, cross-entropy, backward, SGD with momentum, in training mode."""

    name: str
    title: str
    batch: int
    image: tuple[int, int, int]  # C x H x W
    steps: int  # timed in one round, so that a round of torch lasts about half a second

    def data(self, dtype: str = "float32") -> tuple[np.ndarray, np.ndarray]:
        """Images (N x C x H x W, standard normal, float32 values) and labels (N, int64), the same in every process."""
        rng = np.random.default_rng(1)
        images = rng.standard_normal((self.batch, *self.image), dtype=np.float32)
        return images.astype(dtype), rng.integers(0, CLASSES, self.batch)


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("lenet", "LeNet-BN", batch=128, image=(1, 28, 28), steps=40),
        Workload("vgg", "VGG-small-BN", batch=64, image=(3, 32, 32), steps=2),
        Workload("resnet20", "ResNet-20", batch=64, image=(3, 32, 32), steps=4),
    )
}


def initial_parameters(shapes: Mapping[str, tuple[int, ...]]) -> Arrays:
    """Draw float32 values for named parameters; each depends on its name and shape only.

    Weights are normal, with variance 2 / fan_in for convolutions and 1 / (3 fan_in) for linear layers. Gains and biases
    are drawn around 1 and 0 rather than set to them, so that a system which ignored one would disagree with the others.
    """
    return {name: _draw(name, tuple(shape)).astype(np.float32) for name, shape in shapes.items()}


def _draw(name: str, shape: tuple[int, ...]) -> np.ndarray:
    values = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape)
    if len(shape) > 1:
        gain = 2 if len(shape) == 4 else 1 / 3
        return values * math.sqrt(gain / math.prod(shape[1:]))
    return 0.1 * values + (1.0 if name.endswith("weight") else 0.0)
