"""The command line: ``tinygrad-cv COMMAND``, or ``python -m tinygrad_cv COMMAND``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from . import __version__
from .commands import gradcheck, graph, train
from .commands.options import CODES, ended

COMMANDS = {
    "train": (train, "train a network on images and write what came out of it"),
    "gradcheck": (gradcheck, "check the gradients of a function, and say who is wrong"),
    "graph": (graph, "draw a network"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code.

    Raises:
        SystemExit: with code 2, where the command was used wrongly; its one line is on stderr.
    """
    name = "tinygrad-cv" if os.path.basename(sys.argv[0]).startswith("tinygrad-cv") else "python -m tinygrad_cv"
    parser = argparse.ArgumentParser(prog=name, description=__doc__, epilog=CODES)
    parser.add_argument("--version", action="version", version=__version__)
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for command, (module, purpose) in COMMANDS.items():
        subparser = subparsers.add_parser(command, help=purpose, description=module.__doc__, epilog=CODES)
        module.add_arguments(subparser)
        subparser.set_defaults(command=module.run)
    parsed = parser.parse_args(arguments)
    return ended(parsed.command, parsed)


if __name__ == "__main__":
    sys.exit(main())
