"""The command line: ``python -m tinygrad_cv COMMAND``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from . import __version__
from .commands import gradcheck, graph, prove, train

COMMANDS = {
    "train": (train, "train a network on images and write what came out of it"),
    "gradcheck": (gradcheck, "check the gradients of a function, and say who is wrong"),
    "graph": (graph, "draw a network"),
    "prove": (prove, "prove the derivatives, and print what was checked"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tinygrad_cv", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, (command, purpose) in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=purpose, description=command.__doc__)
        command.add_arguments(subparser)
        subparser.set_defaults(command=command.run)
    parsed = parser.parse_args(arguments)
    return parsed.command(parsed)


if __name__ == "__main__":
    sys.exit(main())
