"""The command line: ``tinygrad-cv COMMAND``, or ``python -m tinygrad_cv COMMAND``.

Exit codes: 0 fine; 1 what was checked is wrong; 2 used wrongly, or a file could not be read or written;
128 + the number of a signal that ended it (130 for Ctrl-C).
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress

from . import __version__
from .commands import gradcheck, graph, prove, train
from .commands.options import MISUSED, UsageError

COMMANDS = {
    "train": (train, "train a network on images and write what came out of it"),
    "gradcheck": (gradcheck, "check the gradients of a function, and say who is wrong"),
    "graph": (graph, "draw a network"),
    "prove": (prove, "prove the derivatives, and print what was checked"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code.

    Raises:
        SystemExit: with code 2, where the command was used wrongly; its one line is on stderr.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_DFL:  # see starting.py
        with suppress(ValueError):  # not in the main thread
            signal.signal(signal.SIGINT, signal.default_int_handler)
    name = "tinygrad-cv" if os.path.basename(sys.argv[0]).startswith("tinygrad-cv") else "python -m tinygrad_cv"
    about, _, codes = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(prog=name, description=about, epilog=codes)
    parser.add_argument("--version", action="version", version=__version__)
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for command, (module, purpose) in COMMANDS.items():
        subparser = subparsers.add_parser(command, help=purpose, description=module.__doc__, epilog=codes)
        module.add_arguments(subparser)
        subparser.set_defaults(command=module.run)
    parsed = parser.parse_args(arguments)
    try:
        code = parsed.command(parsed)
        sys.stdout.flush()
        return code
    except UsageError as error:
        print(f"error: {error.message}", file=sys.stderr)
        raise
    except BrokenPipeError:  # whoever read the output has seen enough
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + getattr(signal, "SIGPIPE", 13)
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return MISUSED
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main())
