"""Peak memory of the ResNet-20 training step, ours (eager and compiled) against PyTorch's.

Run as `python -m benchmarks.memory --help`.
"""

from __future__ import annotations

import argparse
import statistics
import sys

from benchmarks.bounds import JIT_PEAK_MEMORY, PEAK_MEMORY
from benchmarks.live import LiveWorker, WorkerError
from benchmarks.measure import add_common_arguments, keep, report, use_cores
from benchmarks.systems import REFERENCE
from benchmarks.workloads import WORKLOADS

STEPS = 3  # the second holds momentum and gradients too; a third shows that nothing grows
SECONDS = 600.0
BOUNDS = {"ours": PEAK_MEMORY, "ours_jit": JIT_PEAK_MEMORY}


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
    add_common_arguments(parser)
    arguments = parser.parse_args()
    use_cores(arguments.cores)
    print(f"{'MiB':10s} {'imports':>8s} {'peak':>8s} {'above':>8s}   medians of {arguments.repeats} processes")
    medians: dict[str, dict[str, float]] = {}
    for system in (REFERENCE, *BOUNDS):
        try:
            runs = [peak(system) for _ in range(arguments.repeats)]
        except WorkerError as error:
            print(error)
            continue
        figures = {key: statistics.median(run[key] for run in runs) for key in ("baseline", "peak", "above")}
        print(f"{system:10s} " + " ".join(f"{value:8.1f}" for value in figures.values()), flush=True)
        medians[system] = figures
    ratios = {
        system: medians[system]["above"] / medians[REFERENCE]["above"]
        if {system, REFERENCE} <= medians.keys()
        else None
        for system in BOUNDS
    }
    if arguments.json:
        keep(arguments.json, "memory", {"MiB": medians, "ratios": ratios})
    return report([(bound, ratios[system]) for system, bound in BOUNDS.items()], arguments.check)


if __name__ == "__main__":
    sys.exit(main())
