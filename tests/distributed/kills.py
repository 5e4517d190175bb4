"""Faults on ranks of a training, at random moments: all end in time, with the cause, and it goes on exactly.

python -m tests.distributed.kills [--rounds 50] [--seed 0]
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
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


ANYWHERE = "anywhere"  # any process, of the launcher's too, at any time: from outside


def draw(rng: random.Random, ranks: int) -> tuple[str, str, str, str]:
    """A rank, a moment, what happens, and at which time of that moment."""
    moment = rng.choice([*sorted(MOMENTS), ANYWHERE])
    if moment == ANYWHERE:
        return str(rng.randrange(100)), moment, rng.choice(["SIGKILL", "SIGSTOP"]), f"{rng.uniform(0.1, 3):.2f}"
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


def struck(ranks: int, folder: Path, which: str, kind: str, seconds: str) -> tuple[int, str, float]:
    """(exit code, error output, seconds until the end) of a training of which a process is struck from outside."""
    command = [sys.executable, "-m", "tinygrad_cv", "launch", "-n", str(ranks), "--"]
    words = [*command, "-m", "tests.distributed.training", str(folder)]
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=errors)
        time.sleep(float(seconds))
        while not (pids := descendants(process.pid)) and process.poll() is None:
            time.sleep(0.02)
        with suppress(ProcessLookupError, ZeroDivisionError):  # it has ended meanwhile
            os.kill(pids[int(which) % len(pids)], getattr(signal, kind))
        start = time.time()
        code = process.wait(120)
        errors.seek(0)
        return code, errors.read(), time.time() - start


def descendants(pid: int) -> list[int]:
    """The processes that a process has started, and these, and so on."""
    parents = {}
    for process in PROCESSES.glob("[0-9]*"):
        with suppress(OSError):
            parents[int(process.name)] = int((process / "stat").read_text().rpartition(")")[2].split()[1])
    found = [pid]
    for one in found:
        found += sorted(child for child, parent in parents.items() if parent == one)
    return found[1:]


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
    rank, moment, kind, number = fault
    if moment == ANYWHERE:
        code, error, seconds = struck(ranks, folder, rank, kind, number)
        beginning, cause = "", "launch: "
    else:
        done = launch(ranks, folder, *fault)
        code, error = done.returncode, done.stderr
        seconds = time.time() - float((folder / "fault").read_text())
        beginning, cause = f"launch: rank {rank} on ", CAUSES[kind].format(moment=moment)
    last = error.splitlines()[-1] if code else "it had ended"
    assert moment == ANYWHERE or code, (fault, error)
    assert seconds < LIMIT, (fault, seconds, error)
    assert not code or (last.startswith(beginning) and cause in last), (fault, error)
    assert not left(folder), (fault, left(folder))
    for path in folder.iterdir():
        if path.suffix == ".safetensors":
            tg.load(path)
        assert path.suffix in (".safetensors", ".csv", ".npz", atomic.SUFFIX) or path.name == "fault", (fault, path)
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
