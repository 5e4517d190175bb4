"""Training on two ranks of one thread: beside PyTorch's DistributedDataParallel over gloo, and what it costs by itself.

Run as `python -m benchmarks.ranks --help`. Processes of all systems start in turns; a figure is a ratio of medians.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import ROOT, clean_environment, keep
from tinygrad_cv.launch import mpiexec

BATCH = 64  # images of all ranks
FIGURES = {  # of the ratios: what is divided by what, and what it may be
    "a step on 2 ranks / PyTorch's": ("2 ranks: ddp", "theirs", 0.8),
    "a step of one rank with DistributedDataParallel / without": ("1 rank: ddp", "1 rank: plain", 1.02),
    "all_reduce of 1,000,000 floats / mpi4py's alone": ("2 ranks: all_reduce", "2 ranks: mpi4py", 1.15),
    "a step on 2 ranks of 1 thread / on 1 rank of 2": ("2 ranks: ddp", "1 rank: plain", 1.1),
}


def main(words: Sequence[str] | None = None) -> int:
    """Measure and report; the exit code is 1 if a figure misses its bound and --check is given."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="times that each system starts (default: %(default)s)")
    parser.add_argument("--turns", type=int, default=4, help="of five steps in each (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="add the figures to this file")
    parser.add_argument("--check", action="store_true", help="exit with code 1 where a bound is missed")
    options = parser.parse_args(words)
    times: dict[str, list[float]] = {}
    for _ in range(options.rounds):
        for system, found in (
            ("2 ranks: ", _ours(2, 1, options.turns)),
            ("", _theirs(options.turns)),
            ("1 rank: ", _ours(1, 2, options.turns)),
        ):
            for name, milliseconds in found.items():
                times.setdefault(system + name, []).extend(milliseconds)
    medians = {name: statistics.median(found) for name, found in times.items()}
    for name, median in medians.items():
        print(f"{median:9.2f} ms  {name}")
    medians["theirs"] = min(median for name, median in medians.items() if name.startswith("torch"))
    kept, ratios = True, {}
    for title, (a, b, bound) in FIGURES.items():
        ratios[title] = medians[a] / medians[b]
        kept = kept and ratios[title] <= bound
        print(f"{ratios[title]:9.2f} of {bound:.2f}  {title}")
    if options.json:
        keep(options.json, "ranks", {"ms": medians, "ratios": ratios})
    return int(options.check and not kept)


def _ours(ranks: int, threads: int, turns: int) -> dict[str, Any]:
    settings = {"threads": threads, "batch": BATCH, "turns": turns}
    words = [sys.executable, "-m", "benchmarks.workers.ranks", "ours", json.dumps(settings)]
    if ranks > 1:
        words = [*mpiexec.find().words, "-n", str(ranks), *words]
    return _printed(words)


def _theirs(turns: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        settings = {"batch": BATCH, "turns": turns, "file": str(Path(folder) / "meeting")}
        return _printed([sys.executable, "-m", "benchmarks.workers.ranks", "theirs", json.dumps(settings)])


def _printed(words: list[str]) -> dict[str, Any]:
    done = subprocess.run(
        words, cwd=ROOT, env=clean_environment(), stdout=subprocess.PIPE, text=True, check=True, timeout=300
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    raise SystemExit(main())
