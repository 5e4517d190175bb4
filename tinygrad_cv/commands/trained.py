"""The network of ``predict`` and ``explain``: a run's, or one of an ONNX file, with how its images are prepared."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import models
from ..core.context import no_grad
from ..core.errors import CheckpointError
from ..data.preprocess import Preparation
from ..frontend.creation import zeros
from ..nn import Module
from .options import UsageError, positive

DESCRIPTION = "tinygrad_cv"  # the entry of an ONNX file's metadata that says how images are prepared, and the classes
SIDE = 224  # of images, where an ONNX file leaves it open


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("run", type=Path, metavar="RUN|FILE", help="the folder that train wrote, or an ONNX file")
    parser.add_argument("images", type=Path, nargs="+", metavar="IMAGE", help="image files")
    group = parser.add_argument_group("ONNX files of others")
    group.add_argument(
        "--labels", type=Path, metavar="FILE", help="names of the classes, line by line (default: numbers)"
    )
    group.add_argument(
        "--mean", nargs="+", type=float, metavar="M", help="of images from 0 to 1, one number or one for each channel"
    )
    group.add_argument("--std", nargs="+", type=positive(float), metavar="S", help="likewise (default: 0 and 1)")
    group.add_argument(
        "--image-size", type=positive(int), metavar="N", help=f"where the file leaves it open (default: {SIDE})"
    )


def load(arguments: argparse.Namespace) -> Any:
    """The network, with the attributes ``prepare``, ``classes`` and ``task``.

    Raises:
        UsageError: there is none, or an option does not fit it.
    """
    given = [name for name in ("labels", "mean", "std", "image_size") if getattr(arguments, name) is not None]
    try:
        if arguments.run.suffix == ".onnx":
            return _from_onnx(arguments)
        if given:
            option = given[0].replace("_", "-")
            raise UsageError(f"--{option} is for ONNX files; a run says itself how images are prepared.")
        return models.load(arguments.run)
    except (CheckpointError, FileNotFoundError) as error:
        missing = isinstance(error, FileNotFoundError) and error.filename
        raise UsageError(f"there is no file {missing}." if missing else str(error)) from None


def _from_onnx(arguments: argparse.Namespace) -> Module:
    from ..onnx import OnnxError
    from ..onnx import load as load_onnx
    from ..onnx.document import read

    path = arguments.run
    try:
        entries = {entry.key: entry.value for entry in read(path).model.metadata_props}
        net = load_onnx(path).eval()
    except (OnnxError, ModuleNotFoundError) as error:
        raise UsageError(str(error)) from None
    shapes = [entry.shape for entry in net.signature if entry.shape is not None]
    if len(net.signature) != 1 or not shapes or len(shapes[0]) != 4 or shapes[0][1] not in (1, 3):
        inputs = "; ".join(map(str, net.signature))
        raise UsageError(f"{path} takes {inputs}; predict needs a network of images N x C x H x W, of 1 or 3 channels.")
    channels: Any = shapes[0][1]
    size = shapes[0][2:]
    try:
        known = json.loads(entries.get(DESCRIPTION, "{}"))
        prepare = Preparation(**known["prepare"]) if known else _prepared(arguments, channels, size)
        classes = list(map(str, known.get("classes", ())))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"{path}: its entry {DESCRIPTION!r} says nothing of images and classes ({error}).") from None
    model = Scores(net)
    with no_grad():
        scores = model(zeros(1, prepare.channels, prepare.height, prepare.width))
    if scores.ndim != 2:
        raise UsageError(f"{path} gives an output of shape {scores.shape}; it must be scores N x classes.")
    if len(classes) not in (0, scores.shape[1]):
        raise UsageError(f"{path} names {len(classes)} classes, and gives scores of {scores.shape[1]}.")
    model.log = _are_probabilities(scores.numpy())
    model.prepare, model.task = prepare, "classification"
    model.classes = tuple(classes or _labels(arguments.labels, scores.shape[1]))
    return model


class Scores(Module):
    """The first output of a network; of probabilities the logarithm, whose softmax they are.

    Attributes:
        log: whether the network ends with a softmax.
    """

    def __init__(self, net: Module):
        super().__init__()
        self.net, self.log = net, False

    def forward(self, x: Any) -> Any:
        y = self.net(x)
        y = y[0] if isinstance(y, tuple) else y
        return (y + np.finfo(np.float32).tiny).log() if self.log else y


def _are_probabilities(scores: np.ndarray) -> bool:
    return bool((scores >= 0).all() and np.allclose(scores.sum(1), 1, atol=1e-4))


def _prepared(arguments: argparse.Namespace, channels: int, size: Sequence[Any]) -> Preparation:
    height, width = (n if isinstance(n, int) else arguments.image_size or SIDE for n in size)
    mean, std = arguments.mean or [0.0], arguments.std or [1.0]
    for option, values in (("--mean", mean), ("--std", std)):
        if len(values) not in (1, channels):
            raise UsageError(f"{option}: {len(values)} numbers; give one, or one for each of {channels} channels.")
    shape = (channels, height, width)
    return Preparation(tuple(mean), tuple(std), "uint8", channels, height, width, shape, min(height, width))


def _labels(path: Path | None, count: int) -> list[str]:
    if path is None:
        return list(map(str, range(count)))
    try:
        names = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--labels: {path} cannot be read ({error}).") from None
    if len(names) != count:
        raise UsageError(f"--labels: {path} has {len(names)} lines; the network has {count} classes.")
    return names
