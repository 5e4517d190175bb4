"""Faults on ranks of a training, at random moments: all end in time, with the cause, and it goes on exactly.

python -m tests.distributed.kills [--rounds 50] [--seed 0]
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import tinygrad_cv as tg
from tests.distributed import training
from tinygrad_cv.files import atomic

ROOT = Path(__file__).parents[2]
PROCESSES = Path("/proc")
LIMIT = 10.0  # seconds from the fault to the end of all
MOMENTS = {  # moment -> the last time that it comes, and what can happen then
    "start": (1, ("raise", "SIGKILL", "SIGSTOP")),
    "forward": (training.STEPS * training.EPOCHS, ("raise", "SIGKILL", "SIGSTOP")),
    "backward": (training.STEPS * training.EPOCHS, ("raise", "SIGKILL", "SIGSTOP")),
    "collective": (training.STEPS * training.EPOCHS, ("raise", "SIGKILL", "SIGSTOP")),
    "saving": (training.STEPS * training.EPOCHS, ("raise", "SIGKILL", "SIGSTOP", "full")),
}
CAUSES = {
    "raise": "RuntimeError: a fault: {moment}",
    "SIGKILL": "killed by SIGKILL",
    "SIGSTOP": "stopped by SIGSTOP",
    "full": "File too large",
}


def draw(rng: random.Random, ranks: int) -> tuple[str, str, str, str]:
    """A rank, a moment, what happens, and at which time of that moment."""
    moment = rng.choice(sorted(MOMENTS))
    last, kinds = MOMENTS[moment]
    rank = 0 if moment == "saving" else rng.randrange(ranks)
    return str(rank), moment, rng.choice(kinds), str(rng.randint(1, last))


def launch(ranks: int, folder: Path, *fault: str) -> subprocess.CompletedProcess[str]:
    """The finished training."""
    command = [sys.executable, "-m", "tinygrad_cv", "launch", "-n", str(ranks), "--"]
    return subprocess.run(
        [*command, "-m", "tests.distributed.training", str(folder), *fault],
        cwd=ROOT,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def weights(folder: Path) -> dict[str, bytes]:
    """The bits of the weights that a training ended with."""
    with np.load(folder / "weights.npz") as found:
        return {name: found[name].tobytes() for name in found}


def reference(ranks: int, folder: Path) -> dict[str, bytes]:
    """The weights of a training without a fault."""
    folder.mkdir()
    done = launch(ranks, folder)
    assert done.returncode == 0, done.stderr
    return weights(folder)


def round_(ranks: int, folder: Path, fault: tuple[str, str, str, str], expected: dict[str, bytes]) -> str:
    """One fault, and the training that goes on; raises AssertionError with what is wrong."""
    folder.mkdir()
    rank, moment, kind, _ = fault
    done = launch(ranks, folder, *fault)
    seconds = time.time() - float((folder / "fault").read_text())
    assert done.returncode != 0 and seconds < LIMIT, (fault, done.returncode, seconds, done.stderr)
    last = done.stderr.splitlines()[-1]
    cause = CAUSES[kind].format(moment=moment)
    assert last.startswith(f"launch: rank {rank} on ") and cause in last, (fault, done.stderr)
    assert not left(folder), (fault, left(folder))
    for path in folder.iterdir():
        if path.suffix == ".safetensors":
            tg.load(path)
        assert path.suffix in (".safetensors", ".csv", atomic.SUFFIX) or path.name == "fault", (fault, path)
    again = launch(ranks, folder)
    assert again.returncode == 0, (fault, again.stderr)
    assert weights(folder) == expected, (fault, "it went on otherwise")
    return f"{' '.join(fault):30} {seconds:4.1f} s   {last}"


def left(folder: Path) -> list[str]:
    """Processes of a training that still run, a while after they were killed."""
    for _ in range(40):
        found = [words for words in map(_words, PROCESSES.glob("[0-9]*")) if str(folder) in words]
        if not found:
            break
        time.sleep(0.05)
    return found


def _words(process: Path) -> str:
    try:
        return (process / "cmdline").read_text()
    except OSError:
        return ""


def main() -> None:
    """Many rounds."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--ranks", type=int, default=2)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        expected = reference(options.ranks, Path(folder, "whole"))
        for number in range(options.rounds):
            fault = draw(rng, options.ranks)
            print(f"{number:3}", round_(options.ranks, Path(folder, str(number)), fault, expected), flush=True)


if __name__ == "__main__":
    main()
