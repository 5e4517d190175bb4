"""Peak memory of the ResNet-20 training step, ours against PyTorch's.

Run as `python -m benchmarks.memory --help`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path

from benchmarks.bounds import PEAK_MEMORY
from benchmarks.live import REFERENCE, LiveWorker, WorkerError
from benchmarks.measure import report
from benchmarks.workloads import WORKLOADS

STEPS = 3  # the second holds momentum and gradients too; a third shows that nothing grows
SECONDS = 600.0


def peak(system: str) -> dict[str, float]:
    """Memory of one fresh process in MiB: after its imports, at its peak, and the difference."""
    with LiveWorker(system, WORKLOADS["resnet20"]) as worker:
        worker.ask("time", steps=STEPS - 1, seconds=SECONDS)  # after one more that is not timed
        answer = worker.ask("memory")
    return {**answer, "above": answer["peak"] - answer["baseline"]}


def main() -> int:
    """Read the command line, measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3, help="fresh processes for each system")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--check", action="store_true", help="exit with code 1 where the bound is missed")
    arguments = parser.parse_args()
    print(f"{'MiB':10s} {'imports':>8s} {'peak':>8s} {'above':>8s}   medians of {arguments.repeats} processes")
    medians: dict[str, dict[str, float]] = {}
    for system in (REFERENCE, "ours"):
        try:
            runs = [peak(system) for _ in range(arguments.repeats)]
        except WorkerError as error:
            print(error)
            continue
        figures = {key: statistics.median(run[key] for run in runs) for key in ("baseline", "peak", "above")}
        print(f"{system:10s} " + " ".join(f"{value:8.1f}" for value in figures.values()), flush=True)
        medians[system] = figures
    ratio = medians["ours"]["above"] / medians[REFERENCE]["above"] if len(medians) == 2 else None
    if arguments.json:
        arguments.json.write_text(json.dumps({"MiB": medians, "ratio": ratio}, indent=2))
    return report([(PEAK_MEMORY, ratio)], arguments.check)


if __name__ == "__main__":
    sys.exit(main())
