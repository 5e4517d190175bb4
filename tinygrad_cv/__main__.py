"""The command line: ``tinygrad-cv COMMAND``, or ``python -m tinygrad_cv COMMAND``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from . import __version__
from .commands import (
    config,
    evaluate,
    experiment,
    explain,
    export,
    gradcheck,
    graph,
    launch,
    networks,
    onnx,
    predict,
    resume,
    summary,
    train,
)
from .commands.options import EXIT_CODES, UsageError, exit_code

COMMANDS = {
    "train": (train, "train a network on images and write the results to a folder"),
    "resume": (resume, "go on with a training that was stopped or killed"),
    "evaluate": (evaluate, "measure a trained network on test images"),
    "predict": (predict, "say what a trained network sees in images, and where"),
    "explain": (
        explain,
        "show by five methods why a trained network answers so, and whether it has learned that",
    ),
    "experiment": (experiment, "train a deep network with and without normalization, and show the difference"),
    "gradcheck": (gradcheck, "check the gradients of a function, and name the operation whose derivative is wrong"),
    "graph": (graph, "draw a network"),
    "onnx": (onnx, "look at an ONNX model, run it, check it, or make one"),
    "export": (export, "write a trained network as files that run without Python"),
    "launch": (launch, "run a command, or a script of your own, in several ranks, on this machine or many"),
    "summary": (summary, "list a network's layers with their sizes and costs"),
    "models": (networks, "list the networks"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Raises:
        SystemExit: with code 2, for wrong usage; one line on stderr says what is wrong.
    """
    name = "tinygrad-cv" if os.path.basename(sys.argv[0]).startswith("tinygrad-cv") else "python -m tinygrad_cv"
    parser = argparse.ArgumentParser(prog=name, description=__doc__, epilog=EXIT_CODES)
    parser.add_argument("--version", action="version", version=__version__)
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for command, (module, purpose) in COMMANDS.items():
        subparser = subparsers.add_parser(command, help=purpose, description=module.__doc__, epilog=EXIT_CODES)
        module.add_arguments(subparser)
        subparser.set_defaults(command=module.run)
    given = sys.argv[1:] if arguments is None else arguments
    try:
        own = given[:1] != ["launch"]  # what follows there is another command's, which reads it itself
        parsed = parser.parse_args(config.expanded(given, train.OPTIONS) if own else given)
    except UsageError as error:
        print(f"error: {error.message}", file=sys.stderr)
        raise
    return exit_code(parsed.command, parsed)


if __name__ == "__main__":
    sys.exit(main())
