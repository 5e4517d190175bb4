"""``python -m tinygrad_cv evaluate RUN``: how well a trained network does on test images, and on each class."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .. import models
from ..core.errors import CheckpointError
from ..data import LabelledImages, TensorDataset
from ..training import MulticlassConfusionMatrix, evaluate
from . import datasets
from .batches import Transformed, evaluation, test_batches
from .options import OK, UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("run", type=Path, metavar="RUN", help="the folder that train wrote")
    datasets.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the loss, the accuracy, and for each class how many of its images are found and how many of the finds are
    right.
    """
    try:
        model = models.load(arguments.run)
    except (CheckpointError, FileNotFoundError) as error:
        raise UsageError(str(error)) from None
    classes = model.classes
    test = datasets.load(arguments, list(classes) if arguments.data else None, model.prepare.channels).test
    images: Any
    try:
        if isinstance(test, LabelledImages):
            images = TensorDataset(model.prepare(test.images), test.labels)
        else:
            images = Transformed(test, evaluation(model.prepare))
            images[0]  # what does not fit is told before
    except (OSError, TypeError, ValueError) as error:
        raise UsageError(f"--data: {error}") from None
    matrix = MulticlassConfusionMatrix(len(classes))
    loss = evaluate(model, test_batches(images, model.prepare), metrics={"matrix": matrix})["loss"]
    counts = matrix.confmat
    right, there, found = counts.diagonal(), counts.sum(1), counts.sum(0)
    width = max(len("class"), *map(len, classes))
    print(f"{'class':{width}s}  images  recall %  precision %")
    for number, name in enumerate(classes):
        recall, precision = (100 * right[number] / max(of[number], 1) for of in (there, found))
        print(f"{name:{width}s}  {there[number]:6d}  {recall:8.1f}  {precision:11.1f}")
    print(f"loss {loss:.4f}, accuracy {100 * right.sum() / counts.sum():.2f} % of {counts.sum():,} images")
    return OK
