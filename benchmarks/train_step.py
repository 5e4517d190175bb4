"""Times whole eager training steps of tinygrad_cv beside other systems.

Run as `python -m benchmarks.train_step --help`.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.bounds import SPEEDUP_OVER_MYGRAD, TRAIN_STEP, Bound
from benchmarks.compare import Plan, Rounds, add_comparison_arguments, compare, paired_ratio, tabulate
from benchmarks.measure import keep, report, use_cores
from benchmarks.systems import REFERENCE
from benchmarks.workloads import TRAINING, WORKLOADS, Workload

SYSTEMS = [REFERENCE, "torch_channels_last", "mygrad", "ours", "ours_eager_compiled"]


def bounds(workload: Workload, rounds: Rounds, systems: list[str]) -> list[tuple[Bound, float | None]]:
    """The bounds that apply to the systems asked for, with what was measured."""
    figures: list[tuple[Bound, float | None]] = []
    if "ours" in systems and workload.name in TRAIN_STEP:
        ours = rounds.get("ours", {})
        figures.append((TRAIN_STEP[workload.name], paired_ratio(ours, rounds.get(REFERENCE, {}))))
        if "mygrad" in systems and workload.name in SPEEDUP_OVER_MYGRAD:
            figures.append((SPEEDUP_OVER_MYGRAD[workload.name], paired_ratio(rounds.get("mygrad", {}), ours)))
    return figures


def main() -> int:
    """Read the command line, run, print, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.train_step", description=(__doc__ or "").splitlines()[0]
    )
    add_comparison_arguments(parser, TRAINING, SYSTEMS)
    arguments = parser.parse_args()
    use_cores(arguments.cores)
    plan = Plan(arguments.rounds, arguments.steps, arguments.max_foreign)
    tables, figures = {}, []
    for name in arguments.workloads:
        rounds = compare(WORKLOADS[name], arguments.systems, plan)
        if rounds:
            tables[name] = tabulate(rounds, REFERENCE, plan.rounds)
        figures += bounds(WORKLOADS[name], rounds, arguments.systems)
    if arguments.json:
        keep(arguments.json, "train_step", tables)
    return report(figures, arguments.check)


if __name__ == "__main__":
    sys.exit(main())
