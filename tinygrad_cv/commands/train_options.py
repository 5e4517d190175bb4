"""The options of ``train``: what makes a run what it is, and stands in its ``config.toml``."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import functional as F
from .. import models, nn, optim
from ..models.catalog import MODELS
from ..models.classic import NORMS
from ..optim.swa_utils import get_ema_multi_avg_fn
from . import datasets
from .batches import AUGMENT
from .options import UsageError, between, natural, one_of, positive

OPTIONS = (
    "model",
    "model_args",
    "norm",
    "init",
    "data",
    "format",
    "columns",
    "classes",
    "image_size",
    "mean",
    "std",
    "augment",
    "mixup",
    "cutmix",
    "sampler",
    "workers",
    "epochs",
    "batch_size",
    "accumulate",
    "optimizer",
    "lr",
    "weight_decay",
    "clip_norm",
    "class_weights",
    "label_smoothing",
    "ema",
    "patience",
    "seed",
    "no_jit",
)
NETWORKS = [*models.list("classification"), *(x for x in models.list("segmentation") if MODELS[x].dims == 2)]
WARMUP = 0.1  # as a fraction of all steps


class Kind(NamedTuple):
    """An optimizer by name, with the highest learning rate and the weight decay that it is given by default."""

    make: Callable[..., optim.Optimizer]
    lr: float
    weight_decay: float


OPTIMIZERS = {
    "sgd": Kind(partial(optim.SGD, momentum=0.9, nesterov=True), 0.05, 5e-4),
    "adam": Kind(optim.Adam, 1e-3, 0.0),
    "adamw": Kind(optim.AdamW, 1e-3, 0.05),
    "nadam": Kind(optim.NAdam, 1e-3, 0.0),
    "radam": Kind(optim.RAdam, 1e-3, 0.0),
    "rmsprop": Kind(optim.RMSprop, 1e-3, 0.0),
    "lion": Kind(optim.Lion, 2e-4, 0.2),
    "lars": Kind(optim.LARS, 1.0, 5e-4),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.usage = "%(prog)s [option ...]"
    group = parser.add_argument_group("network")
    group.add_argument(
        "--model",
        type=one_of(NETWORKS),
        default="convnet",
        metavar="NAME",
        help='of models.list("classification"), or for masks of models.list("segmentation") (default: %(default)s)',
    )
    group.add_argument(
        "--model-args",
        nargs="+",
        metavar="NAME=VALUE",
        help="arguments of the network's function, such as width=16 depth=3 of unet",
    )
    group.add_argument("--norm", choices=NORMS, help="normalization of convnet (default: batch)")
    group.add_argument(
        "--init",
        type=Path,
        metavar="FILE",
        help="begin with these weights, .safetensors or .pt, or a run's; a last layer of other classes begins anew",
    )

    group = parser.add_argument_group("data")
    datasets.add_arguments(group)
    group.add_argument(
        "--classes",
        nargs="+",
        metavar="NAME",
        help="names of the classes in the order of their labels, or their number, where the data have no names",
    )
    group.add_argument(
        "--image-size",
        type=positive(int),
        metavar="N",
        help="of image files: resize the shorter side to N, and cut N x N out of the middle (default: as they are)",
    )
    group.add_argument(
        "--mean",
        nargs="+",
        type=float,
        metavar="M",
        help="subtract this from images of 0 to 1, one number or one for each channel, and divide by --std: those that "
        "the weights of --init were trained with (default: of the training images)",
    )
    group.add_argument("--std", nargs="+", type=positive(float), metavar="S", help="see --mean")
    group.add_argument(
        "--workers",
        type=natural,
        metavar="N",
        help="read images as they are asked for, in N processes (default: keep those that fit in 1 GB in memory; "
        "otherwise one for each core)",
    )
    group.add_argument("--sampler", choices=("balanced",), help="balanced: take images of all classes equally often")

    group = parser.add_argument_group("augmentation of the training images")
    group.add_argument(
        "--augment",
        nargs="+",
        choices=AUGMENT,
        metavar="NAME",
        help=f"of {', '.join(AUGMENT)} (default: shift flip for the shipped images, none for --data)",
    )
    group.add_argument("--mixup", type=positive(float), metavar="ALPHA", help="mix images and labels of a batch")
    group.add_argument("--cutmix", type=positive(float), metavar="ALPHA", help="put parts of images into others")

    group = parser.add_argument_group("optimization")
    group.add_argument("--epochs", type=positive(int), default=14, help="passes over the images (default: %(default)s)")
    group.add_argument("--batch-size", type=positive(int), default=64, help="images per step (default: %(default)s)")
    group.add_argument(
        "--accumulate", type=positive(int), default=1, metavar="N", help="batches per update (default: %(default)s)"
    )
    group.add_argument(
        "--optimizer", choices=OPTIMIZERS, default="sgd", metavar="NAME",
        help=f"of {', '.join(OPTIMIZERS)} (default: %(default)s, with Nesterov's momentum)",
    )  # fmt: skip
    group.add_argument(
        "--lr",
        type=positive(float),
        help="highest learning rate, reached after a tenth of the steps; a cosine follows (default: "
        f"{_defaults('lr')})",
    )
    group.add_argument(
        "--weight-decay", type=between(0, math.inf), metavar="W", help=f"(default: {_defaults('weight_decay')})"
    )
    group.add_argument("--clip-norm", type=positive(float), metavar="X", help="the largest norm of the gradient")
    group.add_argument(
        "--class-weights",
        choices=("balanced",),
        help="balanced: n / (k n_c) in the loss, for n_c of n images in one of k classes",
    )
    group.add_argument(
        "--label-smoothing",
        type=between(0, 1),
        default=0.0,
        metavar="S",
        help="the share of a label that goes to all classes (default: %(default)s)",
    )
    group.add_argument(
        "--ema",
        type=between(0, 1),
        metavar="DECAY",
        help="evaluate and keep an exponential moving average of the weights, such as 0.999",
    )
    group.add_argument(
        "--patience", type=positive(int), metavar="N", help="end after N epochs without a lower test loss"
    )

    group = parser.add_argument_group("run")
    group.add_argument("--seed", type=natural, default=0, help="seed of all random numbers (default: %(default)s)")
    group.add_argument("--no-jit", action="store_true", help="run on NumPy instead of compiled code")
    group.add_argument("--out", type=Path, help="folder for the results (default: runs/<model>-<time>)")
    group.add_argument("--config", metavar="FILE", help="read options from this TOML file, such as a run's config.toml")
    parser.set_defaults(resume=False)


def _defaults(field: str) -> str:
    return ", ".join(f"{getattr(kind, field):g} of {name}" for name, kind in OPTIMIZERS.items())


def complete(arguments: argparse.Namespace) -> None:
    """Set what is not given and depends on other options.

    Raises:
        UsageError: options contradict each other.
    """
    if arguments.norm and arguments.model != "convnet":
        raise UsageError(f"--norm is for --model convnet; {arguments.model} has its own layers.")
    kind = OPTIMIZERS[arguments.optimizer]
    arguments.lr = kind.lr if arguments.lr is None else arguments.lr
    arguments.weight_decay = kind.weight_decay if arguments.weight_decay is None else arguments.weight_decay


def settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options that make the run what it is."""
    found = {name: getattr(arguments, name) for name in OPTIONS}
    init = None if arguments.init is None else arguments.init.resolve()
    return {**found, "data": datasets.place_of(arguments.data), "init": init}


def optimization(
    model: nn.Module, arguments: argparse.Namespace, steps: int
) -> tuple[optim.Optimizer, optim.SequentialLR]:
    """The optimizer, and a schedule: the learning rate rises linearly and then falls along a cosine."""
    make = OPTIMIZERS[arguments.optimizer].make
    optimizer = make(model, lr=arguments.lr, weight_decay=arguments.weight_decay)
    warmup = max(1, int(WARMUP * steps))
    rise, fall = optim.LinearLR(optimizer, 0.1, total_iters=warmup), optim.CosineAnnealingLR(optimizer, T_max=steps)
    return optimizer, optim.SequentialLR(optimizer, [rise, fall], milestones=[warmup])


def average(model: nn.Module, arguments: argparse.Namespace) -> nn.AveragedModel | None:
    """The moving average of the weights that the options ask for."""
    if arguments.ema is None:
        return None
    return nn.AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(arguments.ema))


def loss(
    arguments: argparse.Namespace, labels: np.ndarray | None, classes: tuple[str, ...], ignored: int = -100
) -> Callable[..., Any]:
    """The cross-entropy that the options ask for.

    Args:
        labels: of the training images; None where each pixel has one.
        ignored: the class of targets that do not count.

    Raises:
        UsageError: a class without images cannot be balanced.
    """
    weight = None
    if labels is not None and arguments.class_weights == "balanced":
        counts = np.bincount(labels, minlength=len(classes))
        if not counts.all():
            name = classes[int(counts.argmin())]
            raise UsageError(f"--class-weights balanced: there is no training image of class {name!r}; leave it out.")
        weight = (len(labels) / (len(classes) * counts)).astype(np.float32)
    if ignored >= 0:
        return partial(F.cross_entropy, ignore_index=ignored, label_smoothing=arguments.label_smoothing)
    return partial(F.cross_entropy, weight=weight, label_smoothing=arguments.label_smoothing)
