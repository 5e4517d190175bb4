"""``python -m tinygrad_cv explain RUN IMAGE...``: an answer explained in five ways, each beside chance."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .. import functional as F
from ..core.context import no_grad
from ..explain import (
    grad_cam,
    integrated_gradients,
    occlusion,
    randomized,
    rank_correlation,
    saliency,
    save_explanations,
    smooth_grad,
    strength,
)
from ..frontend.creation import tensor
from ..frontend.tensor import Tensor
from . import trained
from .options import OK, UsageError, one_of
from .predict import label_of, picture_names

FOLDER = "explanations"  # in the folder of a run
METHODS: dict[str, tuple[str, Callable[[Any, np.ndarray, int], Tensor]]] = {  # title, and maps of images
    "saliency": ("Saliency", lambda model, images, target: strength(saliency(model, images, target))),
    "smoothgrad": ("SmoothGrad", lambda model, images, target: strength(smooth_grad(model, images, target))),
    "integrated": (
        "Integrated gradients",
        lambda model, images, target: strength(integrated_gradients(model, images, target)),
    ),
    "gradcam": ("Grad-CAM", grad_cam),
    "occlusion": ("Occlusion", occlusion),
}
LEARNED, RANDOM = "the network", "weights in random order"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    trained.add_arguments(parser)
    parser.add_argument("--class", dest="target", metavar="NAME", help="the class (default: the most probable one)")
    parser.add_argument(
        "--methods",
        nargs="+",
        type=one_of(list(METHODS)),
        default=list(METHODS),
        metavar="METHOD",
        help=f"of {', '.join(METHODS)} (default: all)",
    )
    parser.add_argument("--out", type=Path, help=f"folder for the pictures (default: {FOLDER} in RUN)")


def run(arguments: argparse.Namespace) -> int:
    """Draw the explanations of each image's class, and below them the same with the weights in random order.

    Where the two rows are alike (a rank correlation near 1), the method shows the image and not what was learned.
    """
    model = trained.load(arguments)
    if model.task == "segmentation":
        raise UsageError("explain is for networks that give scores of images; this one gives masks. Use predict.")
    target = None if arguments.target is None else label_of(arguments.target, model.classes)
    default = arguments.run if arguments.run.is_dir() else arguments.run.parent
    folder, other = arguments.out or default / FOLDER, randomized(model)
    for path, name in zip(arguments.images, picture_names(arguments.images), strict=True):
        try:
            image = model.prepare(model.prepare.read(path)[np.newaxis])  # 1 c h w
        except (OSError, ValueError, ModuleNotFoundError) as error:
            raise UsageError(str(error)) from None
        with no_grad():
            shares = F.softmax(model(tensor(image)), 1).numpy()[0]
        shown = int(shares.argmax()) if target is None else target
        rows, alike = explained(model, other, image, shown, arguments.methods)
        title = f"{path.name}: {model.classes[shown]} {100 * shares[shown]:.1f} %"
        print(title)
        for method, correlation in alike.items():
            print(f"  {method:20}  rank correlation with {RANDOM}: {correlation:5.2f}")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            notes = {RANDOM: {method: f"rank correlation {value:.2f}" for method, value in alike.items()}}
            save_explanations(folder / name, model.prepare.shown(image)[0], rows, title, notes)
        except OSError as error:
            raise UsageError(f"--out: {folder / name} cannot be written ({error}). Give a folder that can.") from None
        print(f"  picture in {folder / name}", flush=True)
    return OK


def explained(
    model: Any, other: Any, image: np.ndarray, target: int, methods: list[str]
) -> tuple[dict[str, dict[str, Tensor]], dict[str, float]]:
    """The maps of both networks, by the title of the method; and how alike they are."""
    rows: dict[str, dict[str, Tensor]] = {LEARNED: {}, RANDOM: {}}
    alike = {}
    for method in dict.fromkeys(methods):
        title, explain = METHODS[method]
        try:
            rows[LEARNED][title], rows[RANDOM][title] = (explain(net, image, target)[0] for net in (model, other))
        except ValueError as error:
            raise UsageError(f"--methods {method}: {error}") from None
        alike[title] = rank_correlation(rows[LEARNED][title], rows[RANDOM][title])
    return rows, alike
