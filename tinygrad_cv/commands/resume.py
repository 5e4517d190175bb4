"""``python -m tinygrad_cv resume RUN``: go on with a training that was stopped or killed, bit for bit."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..training.ranks import decide
from . import config, train
from .options import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("run", type=Path, metavar="RUN", help="the folder that train wrote")


def run(arguments: argparse.Namespace) -> int:
    """Train with the options in the run's ``config.toml``, from its last checkpoint on; as ``train`` in all else,
    and in as many ranks as there are now."""
    path = arguments.run / train.CONFIG

    def options() -> list[str]:
        if not path.is_file():
            raise UsageError(f"there is no file {path}. Give the folder that train wrote.")
        return config.options(path, train.OPTIONS)

    parser = argparse.ArgumentParser(prog=str(path))
    train.add_arguments(parser)
    again = parser.parse_args([*decide("resume", options), "--out", str(arguments.run)])
    again.resume = True
    return train.run(again)
