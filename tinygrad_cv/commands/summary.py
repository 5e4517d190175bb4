"""``python -m tinygrad_cv summary --model resnet50``: list a network's layers with their sizes and costs."""

from __future__ import annotations

import argparse

from .. import models
from ..models.catalog import MODELS
from ..nn import summary
from .options import OK, UsageError, one_of, positive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--model", type=one_of(models.list()), required=True, metavar="NAME", help="the network, of models.list()"
    )
    parser.add_argument(
        "--input",
        type=positive(int),
        nargs="+",
        metavar="N",
        help="shape of one image, such as 3 224 224 (default: what the network was made for)",
    )


def run(options: argparse.Namespace) -> int:
    """Print the table; 0, or 2 if the network does not take such images."""
    entry = MODELS[options.model]
    shape = tuple(options.input or (entry.channels or 1, *(entry.side or 28,) * entry.dims))
    try:
        print(summary(entry.make(), shape))
    except ValueError as error:
        raise UsageError(f"{options.model} does not take images of shape {shape}: {error}") from error
    return OK
