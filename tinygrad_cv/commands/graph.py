"""``python -m tinygrad_cv graph --model lenet5 --depth 1 --out net.svg``: draw a model."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .. import functional, models
from ..files import write_text
from ..frontend.creation import tensor
from ..frontend.random import manual_seed
from ..models.catalog import MODELS
from ..viz import graph
from ..viz.api import PARTS
from .options import OK, USAGE, natural, one_of, positive

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..viz.view import GraphView

FORMATS = ("svg", "png", "pdf", "html", "dot", "json", "txt")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--model", type=one_of(models.list()), required=True, metavar="NAME", help="the network, of models.list()"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help=f"ends in one of {', '.join(FORMATS)}")
    parser.add_argument("--depth", type=positive(int), help="1: layers, 2: what they compose; default: primitives")
    parser.add_argument("--part", choices=PARTS, default="forward", help="of the training graph (default: %(default)s)")
    parser.add_argument("--loss", action="store_true", help="append the cross-entropy to the network")
    parser.add_argument("--values", action="store_true", help="show statistics of values and gradients")
    parser.add_argument("--once", action="store_true", help="draw a block that is repeated only once")
    parser.add_argument("--batch-size", type=positive(int), default=2, help="number of images (default: %(default)s)")
    parser.add_argument("--seed", type=natural, default=0, help="seed of weights and images (default: %(default)s)")


def run(options: argparse.Namespace) -> int:
    """Draw; 0, or 2 if there is no renderer, the suffix is none of the formats, or the file cannot be written."""
    form = options.out.suffix[1:]
    if form not in FORMATS:
        print(f"error: {options.out.name!r} must end in one of {', '.join(FORMATS)}", file=sys.stderr)
        return USAGE
    if not options.out.parent.is_dir():
        print(f"error: there is no folder {options.out.parent}; make it, or give another --out", file=sys.stderr)
        return USAGE
    manual_seed(options.seed)
    entry = MODELS[options.model]
    model = entry.make()
    rng = np.random.default_rng(options.seed)
    channels, side = entry.channels or 1, entry.side or 28
    images = tensor(rng.normal(size=(options.batch_size, channels, *(side,) * entry.dims)).astype(np.float32))
    labels = tensor(rng.integers(0, 10, options.batch_size))

    def loss(x: Tensor) -> Tensor:
        return functional.cross_entropy(model(x), labels)

    target = loss if options.loss else model
    view = graph(target, images, names={options.model: model}, part=options.part, values=options.values)
    try:
        _write(view, form, options)
    except (OSError, RuntimeError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return USAGE
    return OK


def _write(view: GraphView, form: str, options: argparse.Namespace) -> None:
    texts = {
        "dot": lambda: view.dot(options.depth, once=options.once),
        "json": lambda: view.json(options.depth),
        "txt": lambda: view.text(options.depth),
    }
    if form in texts:
        write_text(options.out, texts[form]())
    elif form == "html":
        view.html(options.out)
    else:
        getattr(view, form)(options.out, depth=options.depth, once=options.once)
