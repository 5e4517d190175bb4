"""``python -m tinygrad_cv predict RUN IMAGE...``: what a trained network sees in images, and where it sees it."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import functional as F
from .. import models
from ..core.context import no_grad
from ..core.errors import CheckpointError, GraphError
from ..explain import grad_cam, save_map
from ..explain.maps import chosen
from ..frontend.creation import tensor, zeros
from .options import OK, UsageError

FOLDER = "predictions"  # in the folder of a run
MOST_PROBABLE = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("run", type=Path, metavar="RUN", help="the folder that train wrote")
    parser.add_argument("images", type=Path, nargs="+", metavar="IMAGE", help="image files")
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
    """Print the most probable classes of each image, and write its picture: the image, and the Grad-CAM map over it."""
    try:
        model = models.load(arguments.run)
    except (CheckpointError, FileNotFoundError) as error:
        raise UsageError(str(error)) from None
    target = None if arguments.target is None else _label(arguments.target, model.classes)
    layer = _layer(model, arguments.layer)
    default = arguments.run if arguments.run.is_dir() else arguments.run.parent
    folder = arguments.out or default / FOLDER
    for path, name in zip(arguments.images, _names(arguments.images), strict=True):
        try:
            image = model.prepare(model.prepare.read(path)[np.newaxis])  # 1 c h w
        except (OSError, ValueError, ModuleNotFoundError) as error:
            raise UsageError(str(error)) from None
        with no_grad():
            shares = F.softmax(model(tensor(image)), 1).numpy()[0]
        order = np.argsort(-shares, kind="stable")
        print(path)
        for label in order[:MOST_PROBABLE]:
            print(f"  {100 * shares[label]:5.1f} %  {model.classes[label]}")
        shown = int(order[0]) if target is None else target
        title = f"{path.name}: {model.classes[shown]} {100 * shares[shown]:.1f} %"
        map = grad_cam(model, image, shown, layer)[0]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            save_map(folder / name, model.prepare.shown(image)[0], map, title, f"Grad-CAM, layer {layer}")
        except OSError as error:
            raise UsageError(f"--out: {folder / name} cannot be written ({error}). Give a folder that can.") from None
        print(f"  picture in {folder / name}", flush=True)
    return OK


def _label(name: str, classes: Sequence[str]) -> int:
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


def _names(paths: Sequence[Path]) -> Iterator[str]:
    """A name for the picture of each image, each another: cat.png, cat-2.png."""
    taken: set[str] = set()
    for path in paths:
        name, number = f"{path.stem}.png", 2
        while name in taken:
            name, number = f"{path.stem}-{number}.png", number + 1
        taken.add(name)
        yield name
