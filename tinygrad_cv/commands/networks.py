"""``python -m tinygrad_cv models``: list the networks that can be trained, drawn and summarized by name."""

from __future__ import annotations

import argparse

from .. import models
from ..models.catalog import MODELS, TASKS
from .options import OK


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--task", choices=TASKS, help="only those for one task")


def run(options: argparse.Namespace) -> int:
    """Print a line for each: its name, its task, the images it takes, what it is."""
    names = models.list(options.task)
    width = max(map(len, names))
    for name in names:
        entry = MODELS[name]
        sizes = [entry.channels, *(entry.side,) * entry.dims]
        image = " x ".join("any" if size is None else str(size) for size in sizes)
        about = (entry.make.__doc__ or "").splitlines()[0].replace(":func:", "").replace("`", "")
        print(f"{name:{width}s}  {entry.task:14s}  {image:16s}  {about}")
    return OK
