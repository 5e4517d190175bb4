"""Peak memory of steps, ours against PyTorch's: eager and compiled for ResNet-20, compiled for all others.

Run as `python -m benchmarks.memory --help`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterable
from dataclasses import replace

from benchmarks.bounds import JIT_PEAK_MEMORY, PEAK_MEMORY, Bound
from benchmarks.live import LiveWorker, WorkerError
from benchmarks.measure import add_common_arguments, keep, report, use_cores
from benchmarks.systems import REFERENCE
from benchmarks.workloads import NETWORKS, STEPS, WORKLOADS

TIMES = 3  # steps: the second holds momentum and gradients too; a third shows that nothing grows
SECONDS = 600.0
BOUNDS = {"ours": PEAK_MEMORY, "ours_jit": JIT_PEAK_MEMORY}
EAGER = ("resnet20",)  # workloads that are measured without compiling too


def memory_bounds(name: str) -> dict[str, Bound]:
    """The bounds of a workload by system."""
    workload = WORKLOADS[name]
    what = f"{workload.title} training step" if name in STEPS else f"{workload.title}, batch {workload.batch}"
    return {
        system: replace(bound, what=f"{what}, {bound.what}")
        for system, bound in BOUNDS.items()
        if system != "ours" or name in EAGER
    }


def peak(system: str, name: str) -> dict[str, float]:
    """Memory of one fresh process in MiB: after its imports, at its peak, and the difference."""
    with LiveWorker(system, WORKLOADS[name]) as worker:
        worker.ask("time", steps=TIMES - 1, seconds=SECONDS)  # after one more that is not timed
        answer = worker.ask("memory")
    return {**answer, "above": answer["peak"] - answer["baseline"]}


def measure(name: str, systems: Iterable[str], repeats: int) -> dict[str, dict[str, float]]:
    """Medians by system, printed."""
    medians: dict[str, dict[str, float]] = {}
    for system in systems:
        try:
            runs = [peak(system, name) for _ in range(repeats)]
        except WorkerError as error:
            print(error)
            continue
        figures = {key: statistics.median(run[key] for run in runs) for key in ("baseline", "peak", "above")}
        print(f"{name:30s} {system:10s} " + " ".join(f"{value:8.1f}" for value in figures.values()), flush=True)
        medians[system] = figures
    return medians


def main() -> int:
    """Read the command line, measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--workloads", nargs="+", choices=list(WORKLOADS), default=[*EAGER, *NETWORKS], metavar="NAME")
    parser.add_argument("--repeats", type=int, default=3, help="fresh processes for each system")
    add_common_arguments(parser)
    arguments = parser.parse_args()
    use_cores(arguments.cores)
    print(f"{'MiB':41s} {'imports':>8s} {'peak':>8s} {'above':>8s}   medians of {arguments.repeats} processes")
    verdicts: list[tuple[Bound, float | None]] = []
    for name in arguments.workloads:
        bounds = memory_bounds(name)
        medians = measure(name, (REFERENCE, *bounds), arguments.repeats)
        ratios = {
            system: medians[system]["above"] / medians[REFERENCE]["above"]
            if {system, REFERENCE} <= medians.keys()
            else None
            for system in bounds
        }
        verdicts += [(bound, ratios[system]) for system, bound in bounds.items()]
        if arguments.json:
            keep(arguments.json, "memory", {name: {"MiB": medians, "ratios": ratios}})
    return report(verdicts, arguments.check)


if __name__ == "__main__":
    sys.exit(main())
