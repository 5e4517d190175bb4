"""``python -m tinygrad_cv launch``: run a command, or a script of your own, in several ranks with MPI."""

from __future__ import annotations

import argparse
import importlib.util
import os
from pathlib import Path

from ..launch.mpiexec import LaunchError, find
from ..launch.supervise import run as run_ranks
from .options import UsageError, positive

COMMANDS = ("train", "resume")  # what is more in several ranks than the same several times
MOST = 1 << 16  # ranks


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.usage = (
        "%(prog)s [-n N] [--hosts HOST,...] [--mpiexec COMMAND] (COMMAND ... | -- SCRIPT.py ... | -- -m MODULE ...)"
    )
    parser.add_argument(
        "-n", "--ranks", type=positive(int), metavar="N",
        help="how many ranks (default: SLURM's number of tasks, one for each of --hosts, or 2)",
    )  # fmt: skip
    parser.add_argument(
        "--hosts",
        metavar="HOST,...",
        help="where they run, such as node1:2,node2:2 (default: here, or where SLURM has given nodes)",
    )
    parser.add_argument(
        "--mpiexec",
        metavar="COMMAND",
        help="the launcher of MPI, with options of its own (default: the one of this Python's environment, or of PATH)",
    )
    parser.add_argument(
        "words", nargs=argparse.REMAINDER, metavar="COMMAND ...", help="such as train --epochs 3, or -- script.py"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run it in all ranks; the exit code is that of the first that failed, and the last line says why."""
    hosts = _hosts(arguments.hosts)
    ranks = _ranks(arguments.ranks, hosts)
    words = _program(arguments.words)
    if importlib.util.find_spec("mpi4py") is None:
        raise UsageError("launch: mpi4py is not installed, and ranks talk by it. Give: pip install '.[mpi]'")
    try:
        launcher = find(arguments.mpiexec)
    except LaunchError as error:
        raise UsageError(f"launch: {error}") from None
    return run_ranks(launcher, ranks, hosts, words)


def _hosts(text: str | None) -> list[str]:
    hosts = [] if text is None else text.split(",")
    for host in hosts:
        name, colon, count = host.partition(":")
        if not name or name.startswith("-") or (colon and not (count.isdecimal() and int(count))):
            raise UsageError(
                f"launch: hosts={text!r}; it must be names with commas, each with its ranks: node1:2,node2:2."
            )
    return hosts


def _ranks(given: int | None, hosts: list[str]) -> int:
    tasks = os.environ.get("SLURM_NTASKS", "")
    counts = [int(host.partition(":")[2] or 1) for host in hosts]
    ranks = given or sum(counts) or (int(tasks) if tasks.isdecimal() else 2)
    if ranks > MOST:
        raise UsageError(f"launch: ranks={ranks}; it must be at most {MOST}.")
    return ranks


def _program(words: list[str]) -> list[str]:
    """The words for Python: a module with ``-m``, or a script."""
    explicit, words = words[:1] == ["--"], words[words[:1] == ["--"] :]
    if not words:
        raise UsageError("launch: no COMMAND is given; it must be train or resume, or -- and a script.")
    if not explicit and words[0] in COMMANDS:
        return ["-m", "tinygrad_cv", *words]
    if words[0] == "-m":
        if len(words) == 1 or importlib.util.find_spec(words[1].partition(".")[0]) is None:
            raise UsageError(f"launch: MODULE={' '.join(words[1:2])!r}; there is no such module.")
    elif not Path(words[0]).is_file():
        raise UsageError(f"launch: COMMAND={words[0]!r}; it must be train or resume, or -- and a script that is there.")
    return words
