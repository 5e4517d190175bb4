"""Times training steps by batch: they may grow no faster than the batch.

Run as `python -m benchmarks.growth --help`.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

from benchmarks.bounds import GROWTH, Bound
from benchmarks.compare import Plan, add_comparison_arguments, compare, tabulate
from benchmarks.measure import keep, report, use_cores
from benchmarks.systems import REFERENCE
from benchmarks.workloads import WORKLOADS

OURS = "ours_jit"
BATCHES = (16, 32, 64, 128, 256)


def growth_bound(name: str) -> Bound:
    """The bound of a workload."""
    return replace(GROWTH, what=f"{WORKLOADS[name].title} training step, {GROWTH.what}")


def growth(milliseconds: dict[int, float]) -> float | None:
    """The largest time a sample by that of the smallest batch; None where fewer than two were measured."""
    samples = [time / batch for batch, time in sorted(milliseconds.items())]
    return max(samples[1:]) / samples[0] if len(samples) > 1 else None


def main() -> int:
    """Read the command line, run, print, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--batches", nargs="+", type=int, default=BATCHES)
    add_comparison_arguments(parser, ["resnet20"], [REFERENCE, OURS])
    arguments = parser.parse_args()
    use_cores(arguments.cores)
    plan = Plan(arguments.rounds, arguments.steps, arguments.max_foreign)
    figures = []
    for name in arguments.workloads:
        ours: dict[int, float] = {}
        for batch in arguments.batches:
            rounds = compare(replace(WORKLOADS[name], batch=batch), arguments.systems, plan)
            table = tabulate(rounds, REFERENCE, plan.rounds)
            if OURS in table:
                ours[batch] = 1e3 * table[OURS]["median"]
        ratio = growth(ours)
        figures.append((growth_bound(name), ratio))
        if arguments.json:
            keep(arguments.json, "growth", {name: {"ms": ours, "ratio": ratio}})
    return report(figures, arguments.check)


if __name__ == "__main__":
    sys.exit(main())
