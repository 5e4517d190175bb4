"""What is measured: networks, tasks, sizes, data, hyperparameters and initial values.

The networks themselves stand in `benchmarks.workers.networks`, with PyTorch's layer names, and single functions in
`benchmarks.workers.functions`.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchmarks.workers.functions import FUNCTIONS as ROWS

LEARNING_RATE = 0.01
MOMENTUM = 0.9
EPSILON = 1e-5  # of batch normalization
UPDATE = 0.1  # weight of the new in its running statistics
CLASSES = 10

Arrays = dict[str, np.ndarray]
Task = Literal["training", "gradient", "inference"]


@dataclass(frozen=True)
class Workload:
    """A network, and what is done with it in one step.

    training:   forward in training mode, cross-entropy, backward, SGD with momentum
    gradient:   forward in training mode, then backward from a given cotangent to the parameters and to the input
    inference:  forward in evaluation mode, nothing recorded
    """

    name: str
    title: str
    network: str
    task: Task
    batch: int
    image: tuple[int, ...]  # C x H x W, or with one or three spatial axes
    steps: int  # timed in one round, so that a round of torch lasts about half a second
    output: tuple[int, ...] = (CLASSES,)  # of a gradient, without the batch
    labels: tuple[int, ...] = ()  # of one image: (H, W) where each of its points has one

    def data(self, dtype: str = "float32") -> tuple[np.ndarray, np.ndarray]:
        """Images (N x C x H x W, standard normal, float32 values) and labels (int64), the same in every process."""
        rng = np.random.default_rng(1)
        images = rng.standard_normal((self.batch, *self.image), dtype=np.float32)
        return images.astype(dtype), rng.integers(0, CLASSES, (self.batch, *self.labels))

    def cotangent(self, dtype: str = "float32") -> np.ndarray:
        """A cotangent of the output (standard normal, float32 values), the same in every process."""
        return np.random.default_rng(2).standard_normal((self.batch, *self.output), dtype=np.float32).astype(dtype)


def _inference(network: str, title: str, image: tuple[int, int, int], steps: tuple[int, int]) -> list[Workload]:
    return [
        Workload(f"{network}_inference_{batch}", f"{title} inference", network, "inference", batch, image, count)
        for batch, count in zip((1, 64), steps, strict=True)
    ]


def _network(
    network: str, title: str, steps: int, image: tuple[int, ...] = (3, 224, 224), labels: tuple[int, ...] = ()
) -> list[Workload]:
    """Training and inference of a network, 8 images at once and one; `steps` of inference of one image."""
    return [
        Workload(f"{network}_{task}_{batch}", f"{title} {task}", network, task, batch, image, count, labels=labels)
        for task, batch, count in (
            ("training", 8, max(1, steps // 20)),
            ("training", 1, max(1, steps // 3)),
            ("inference", 8, max(1, steps // 5)),
            ("inference", 1, steps),
        )
    ]


MNIST, CIFAR = (1, 28, 28), (3, 32, 32)
STEPS = {
    workload.name: workload
    for workload in (
        Workload("lenet", "LeNet-BN", "lenet", "training", 128, MNIST, 40),
        Workload("vgg", "VGG-small-BN", "vgg", "training", 64, CIFAR, 2),
        Workload("resnet20", "ResNet-20", "resnet20", "training", 64, CIFAR, 4),
        Workload("bn_relu", "BN + ReLU", "bn_relu", "gradient", 64, (64, 32, 32), 20, output=(64, 32, 32)),
        Workload("separable", "separable block", "separable", "gradient", 32, (64, 32, 32), 10, output=(128, 32, 32)),
        *_inference("lenet", "LeNet-BN", MNIST, steps=(500, 200)),
        *_inference("vgg", "VGG-small-BN", CIFAR, steps=(100, 6)),
        *_inference("resnet20", "ResNet-20", CIFAR, steps=(100, 15)),
    )
}
NETWORKS = {
    workload.name: workload
    for workload in (
        *_network("resnet18", "ResNet-18", 10),
        *_network("resnet50", "ResNet-50", 5),
        *_network("densenet121", "DenseNet-121", 5),
        *_network("mobilenet_v2", "MobileNetV2", 15),
        *_network("efficientnet_b0", "EfficientNet-B0", 10),
        *_network("shufflenet_v2_x1_0", "ShuffleNetV2", 15),
        *_network("convnext_tiny", "ConvNeXt-Tiny", 5),
        *_network("unet", "U-Net", 10, (3, 128, 128), (128, 128)),
        *_network("unet3d", "3-d U-Net", 20, (1, 32, 32, 32), (32, 32, 32)),
    )
}
FUNCTIONS = {
    name: Workload(name, row.title, name, "gradient", row.batch, row.image, row.steps, output=row.output)
    for name, row in ROWS.items()
}
WORKLOADS = {**STEPS, **NETWORKS, **FUNCTIONS}
TRAINING = [name for name, workload in STEPS.items() if workload.task == "training"]


def initial_values(shapes: Mapping[str, tuple[int, ...]]) -> Arrays:
    """Draw float32 values for named parameters and running statistics; each depends on its name and shape only.

    Weights are normal, with variance 2 / fan_in for convolutions over images and 1 / (3 fan_in) for all others. Gains,
    biases and statistics are drawn around 1 and 0 rather than set to them, so that a system which ignored one would
    disagree with the others.
    """
    return {name: _draw(name, tuple(shape)).astype(np.float32) for name, shape in shapes.items()}


def _draw(name: str, shape: tuple[int, ...]) -> np.ndarray:
    values = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape)
    if len(shape) > 1:
        gain = 2 if len(shape) > 3 else 1 / 3
        return values * math.sqrt(gain / math.prod(shape[1:]))
    return 0.1 * values + (1.0 if name.endswith(("weight", "running_var")) else 0.0)
