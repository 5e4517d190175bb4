"""Checks on several ranks: one launch runs all of a module's functions ``check_...`` in order, on every rank.

    python -m tests.distributed.ranks 2 tests.distributed.checks_collectives

Where one fails on any rank, all end; the output ends with its traceback.
"""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

SECONDS = 120  # a launch takes two; one that hangs must end
ROOT = Path(__file__).parents[2]
RUNNER = "tests.distributed.ranks"


def names(module: str) -> list[str]:
    """The checks of a module, in order, found in its text."""
    lines = (ROOT / (module.replace(".", "/") + ".py")).read_text().splitlines()
    return [line[len("def ") : line.index("(")] for line in lines if line.startswith("def check_")]


def mpiexec() -> str:
    """The launcher that belongs to this Python."""
    return shutil.which("mpiexec", path=Path(sys.executable).parent) or shutil.which("mpiexec") or "mpiexec"


def launch(ranks: int, module: str) -> str:
    """What the ranks print."""
    command = [mpiexec(), "-n", str(ranks), sys.executable, "-m", "mpi4py", "-m", RUNNER, module]
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS
    )
    return done.stdout


def run(module: str) -> None:
    """On one rank: all checks of a module; each is reported by rank 0 when all ranks have passed it."""
    from mpi4py import MPI

    found = importlib.import_module(module)
    for name in names(module):
        getattr(found, name)()
        MPI.COMM_WORLD.Barrier()
        if MPI.COMM_WORLD.Get_rank() == 0:
            print(f"passed {name}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(launch(int(sys.argv[1]), sys.argv[2]))
    else:
        run(sys.argv[1])
