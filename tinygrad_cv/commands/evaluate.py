"""``python -m tinygrad_cv evaluate RUN``: how well a trained network does on test images, and on each class."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .. import functional as F
from .. import models
from ..core.errors import CheckpointError
from ..data import LabelledImages, TensorDataset
from ..training import evaluate
from . import datasets
from .batches import Transformed, evaluation, telling, test_batches
from .datasets import Masked
from .options import OK, UsageError
from .tasks import TASKS, overlap


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("run", type=Path, metavar="RUN", help="the folder that train wrote")
    datasets.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the loss, the accuracy or mean IoU, and for each class how many of its images or pixels are found and how
    many of the finds are right.
    """
    try:
        model = models.load(arguments.run)
    except (CheckpointError, FileNotFoundError) as error:
        raise UsageError(str(error)) from None
    classes = model.classes
    test = datasets.load(arguments, list(classes) if arguments.data else None, model.prepare.channels).test
    images: Any
    try:
        if isinstance(test, Masked) != (model.task == "segmentation"):
            raise ValueError(f"{arguments.data} is not for {model.task}, for which the network was trained.")
        if isinstance(test, LabelledImages):
            images = TensorDataset(model.prepare(test.images), test.labels)
        else:
            images = Transformed(test, evaluation(model.prepare))
            images[0]  # what does not fit is told before
    except (OSError, TypeError, ValueError) as error:
        raise UsageError(f"--data: {error}") from None
    task = TASKS[model.task]
    matrix = task.matrix(len(classes))
    loss = partial(F.cross_entropy, ignore_index=task.ignored)
    with telling():
        mean = evaluate(model, test_batches(images, model.prepare), loss, {"matrix": matrix})["loss"]
    counts = matrix.confmat
    columns = {
        "recall %": counts.diagonal() / np.maximum(counts.sum(1), 1),
        "precision %": counts.diagonal() / np.maximum(counts.sum(0), 1),
    }
    if task.figure == "iou":
        columns["IoU %"] = overlap(counts)
    width, unit = max(len("class"), *map(len, classes)), max(len(task.unit), len(str(counts.max())))
    print("  ".join([f"{'class':{width}s}", f"{task.unit:>{unit}s}", *columns]))
    for number, name in enumerate(classes):
        shares = [f"{100 * share[number]:{len(title)}.1f}" for title, share in columns.items()]
        print("  ".join([f"{name:{width}s}", f"{counts.sum(1)[number]:{unit}d}", *shares]))
    print(f"loss {mean:.4f}, {task.title} {100 * task.score(counts):.2f} % of {counts.sum():,} {task.unit}")
    return OK
