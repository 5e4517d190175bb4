"""``python -m tinygrad_cv predict RUN IMAGE...``: what a trained network sees in images, and where it sees it."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import functional as F
from ..core.context import no_grad
from ..core.errors import GraphError
from ..explain import grad_cam, save_map
from ..explain.maps import chosen
from ..frontend.creation import tensor, zeros
from ..frontend.tensor import Tensor
from ..training.pictures import save_mask
from . import trained
from .options import OK, UsageError

FOLDER = "predictions"  # in the folder of a run
MOST_PROBABLE = 5
Draw = Callable[[Path], None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    trained.add_arguments(parser)
    parser.add_argument(
        "--class",
        dest="target",
        metavar="NAME",
        help="the class whose evidence the picture shows (default: the most probable one)",
    )
    parser.add_argument(
        "--layer",
        metavar="PATH",
        help="the layer whose maps it is made of, by its path as summary lists it (default: the last one with maps)",
    )
    parser.add_argument("--out", type=Path, help=f"folder for the pictures (default: {FOLDER} in RUN)")


def run(arguments: argparse.Namespace) -> int:
    """Print the most probable classes of each image, and write its picture: the image, and the Grad-CAM map over it.

    Of a network for masks: the classes of most pixels, and the mask over the image.
    """
    model = trained.load(arguments)
    explain = _Masks(arguments, model) if model.task == "segmentation" else _Scores(arguments, model)
    default = arguments.run if arguments.run.is_dir() else arguments.run.parent
    folder = arguments.out or default / FOLDER
    for path, name in zip(arguments.images, picture_names(arguments.images), strict=True):
        try:
            image = model.prepare(model.prepare.read(path)[np.newaxis])  # 1 c h w
        except (OSError, ValueError, ModuleNotFoundError) as error:
            raise UsageError(str(error)) from None
        with no_grad():
            outputs = model(tensor(image))
        shares, draw = explain(path, image, outputs)
        print(path)
        for label in np.argsort(-shares, kind="stable")[:MOST_PROBABLE]:
            print(f"  {100 * shares[label]:5.1f} %  {model.classes[label]}")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            draw(folder / name)
        except OSError as error:
            raise UsageError(f"--out: {folder / name} cannot be written ({error}). Give a folder that can.") from None
        print(f"  picture in {folder / name}", flush=True)
    return OK


class _Scores:
    """Probabilities, and where a class has its evidence."""

    def __init__(self, arguments: argparse.Namespace, model: Any):
        self.model = model
        self.target = None if arguments.target is None else label_of(arguments.target, model.classes)
        self.layer = _layer(model, arguments.layer)

    def __call__(self, path: Path, image: np.ndarray, scores: Tensor) -> tuple[np.ndarray, Draw]:
        shares = F.softmax(scores, 1).numpy()[0]
        shown = int(shares.argmax()) if self.target is None else self.target
        title = f"{path.name}: {self.model.classes[shown]} {100 * shares[shown]:.1f} %"
        map = grad_cam(self.model, image, shown, self.layer)[0]
        seen = self.model.prepare.shown(image)[0]
        return shares, lambda file: save_map(file, seen, map, title, f"Grad-CAM, layer {self.layer}")


class _Masks:
    """The share of pixels of each class, and where they are."""

    def __init__(self, arguments: argparse.Namespace, model: Any):
        self.model = model
        for option, value in (("--class", arguments.target), ("--layer", arguments.layer)):
            if value is not None:
                raise UsageError(f"{option} is for networks that give scores of images; this one gives masks.")

    def __call__(self, path: Path, image: np.ndarray, scores: Tensor) -> tuple[np.ndarray, Draw]:
        mask = scores.numpy()[0].argmax(0)
        shares = np.bincount(mask.ravel(), minlength=len(self.model.classes)) / mask.size
        seen = self.model.prepare.shown(image)[0]
        return shares, lambda file: save_mask(seen, mask, self.model.classes, file, path.name)


def label_of(name: str, classes: Sequence[str]) -> int:
    if name not in classes:
        near = difflib.get_close_matches(name, classes, 3, 0.4) or classes[:10]
        raise UsageError(f"--class: the network has no class {name!r}; it has {', '.join(near)}.")
    return classes.index(name)


def _layer(model: Any, path: str | None) -> str:
    """The path of the layer that is asked for, after Grad-CAM was tried with it; or the last one with maps."""
    prepare = model.prepare
    image = zeros(1, prepare.channels, prepare.height, prepare.width)
    try:
        found, _ = chosen("grad_cam", model, image, path)
        grad_cam(model, image, 0, found)
    except (ValueError, GraphError) as error:
        raise UsageError(f"--layer: {error}") from None
    return found


def picture_names(paths: Sequence[Path]) -> Iterator[str]:
    """A name for the picture of each image, each another: cat.png, cat-2.png."""
    taken: set[str] = set()
    for path in paths:
        name, number = f"{path.stem}.png", 2
        while name in taken:
            name, number = f"{path.stem}-{number}.png", number + 1
        taken.add(name)
        yield name
