"""Data: arrays, files, augmentation; networks that are loaded from files; explanations of what they see."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np

from tests.misuse.public import public
from tests.misuse.walk import Call
from tinygrad_cv import models, nn
from tinygrad_cv.data.datasets import FASHION_MNIST_FOLDER

IMAGES = np.arange(2 * 3 * 4 * 4, dtype=np.uint8).reshape(2, 3, 4, 4)
LABELS = np.array([1, 0])
GREY = np.zeros((2, 1, 28, 28), np.float32)


@cache
def run() -> Path:
    """The folder of a network that was trained."""
    from safetensors.numpy import save_file

    folder = Path(mkdtemp())
    prepare = {"mean": 0.5, "std": 0.5, "dtype": "uint8", "channels": 1, "height": 28, "width": 28}
    about = {"model": "lenet5", "arguments": {}, "prepare": prepare, "classes": list("0123456789")}
    save_file(models.lenet5().state_dict(), folder / "weights.safetensors", {"tinygrad_cv": json.dumps(about)})
    return folder


SMALL = np.linspace(0, 1, 32, dtype=np.float32).reshape(2, 1, 4, 4)


MAPS = {"network": {"method": np.eye(2)}}


def small() -> nn.Module:
    """A network of two classes."""
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 2))


def explained() -> dict[str, Any]:
    """What each method is asked for."""
    return {"model": small(), "images": SMALL, "target": 1}


CALLS: dict[str, Callable[[], dict[str, Any]]] = {
    "data.load_idx": lambda: {"folder": FASHION_MNIST_FOLDER, "classes": 10},
    "data.normalize": lambda: {"images": IMAGES},
    "data.Preparation": lambda: {"mean": 0.5, "std": 0.5, "dtype": "uint8", "channels": 3, "height": 4, "width": 4},
    "data.preparation": lambda: {"images": IMAGES},
    "data.read_idx": lambda: {"path": FASHION_MNIST_FOLDER / "t10k-labels-idx1-ubyte.gz"},
    "data.TrainTest": lambda: {"train": None, "test": None},
    "explain.grad_cam": lambda: {"model": models.lenet5(), "images": GREY, "target": 3, "layer": "pool2"},
    "explain.integrated_gradients": lambda: {**explained(), "baseline": 0.0, "steps": 2},
    "explain.layers_with_maps": lambda: {"model": models.lenet5(), "images": GREY},
    "explain.occlusion": lambda: {**explained(), "window": 2, "stride": 1},
    "explain.randomized": lambda: {"model": small(), "seed": 3},
    "explain.rank_correlation": lambda: {"a": np.eye(2), "b": np.eye(2)},
    "explain.saliency": explained,
    "explain.save_explanations": lambda: {
        "path": run() / "maps.png",
        "image": IMAGES[0],
        "rows": {"a": {"b": np.eye(2)}},
    },
    "explain.save_map": lambda: {"path": run() / "map.png", "image": IMAGES[0], "map": np.eye(2)},
    "explain.smooth_grad": lambda: {**explained(), "samples": 2, "noise": 0.1},
    "explain.strength": lambda: {"attributions": SMALL},
    "models.load": lambda: {"run": run()},
}


def calls() -> Iterator[tuple[str, Call]]:
    for name, given in CALLS.items():
        yield name, Call(public()[name], given, name.rpartition(".")[2], ("file", "folder"))
