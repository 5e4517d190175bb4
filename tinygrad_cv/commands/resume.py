"""``python -m tinygrad_cv resume RUN``: go on with a training that was stopped or killed, bit for bit."""

from __future__ import annotations

import argparse
from pathlib import Path

from . import config, train
from .options import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("run", type=Path, metavar="RUN", help="the folder that train wrote")


def run(arguments: argparse.Namespace) -> int:
    """Train with the options in the run's ``config.toml``, from its last checkpoint on; as ``train`` in all else."""
    path = arguments.run / train.CONFIG
    if not path.is_file():
        raise UsageError(f"there is no file {path}. Give the folder that train wrote.")
    parser = argparse.ArgumentParser(prog=str(path))
    train.add_arguments(parser)
    again = parser.parse_args([*config.options(path, train.OPTIONS), "--out", str(arguments.run)])
    again.resume = True
    return train.run(again)
