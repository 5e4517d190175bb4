"""``python -m tinygrad_cv export RUN site/net``: a trained network as files that run without Python."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from .. import models
from ..core.context import no_grad
from ..core.errors import CheckpointError, ExportError
from ..deploy import TARGETS, export
from ..frontend.tensor import Tensor
from .options import OK, UsageError, one_of, positive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a run")
    parser.add_argument("path", type=Path, metavar="PATH", help="of the files, without their endings")
    parser.add_argument(
        "--target",
        type=one_of(TARGETS),
        default="wasm32",
        metavar="NAME",
        help=f"{', '.join(TARGETS)} (default: wasm32)",
    )
    parser.add_argument("--batch", type=positive(int), default=1, metavar="N", help="images of a call (default: 1)")
    parser.add_argument("--threads", type=positive(int), default=1, metavar="N", help="that share a call (default: 1)")


def run(options: argparse.Namespace) -> int:
    """Write the files, and say what a call takes."""
    try:
        net = models.load(options.run).eval()
    except FileNotFoundError as error:
        raise UsageError(f"there is no file {error.filename}." if error.filename else str(error)) from None
    except CheckpointError as error:
        raise UsageError(str(error)) from None
    prepare = net.prepare
    shape = (options.batch, prepare.channels, prepare.height, prepare.width)

    def network(images: Tensor) -> dict[str, Tensor]:
        return {"scores": net(images)}

    try:
        with no_grad():
            made = export(
                network, np.zeros(shape, np.float32), target=options.target, path=options.path, threads=options.threads
            )
    except ExportError as error:
        raise UsageError(str(error)) from None
    for file in made.files:
        print(f"{file}  {file.stat().st_size:,} bytes")
    print(f"images: {' x '.join(map(str, shape))}, prepared as the run says: {prepare}")
    print(f"scores: of {len(net.classes)} classes, {', '.join(map(str, net.classes))}")
    return OK
