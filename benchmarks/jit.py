"""Times what `tg.jit` makes of training steps, blocks and inference beside all other systems.

Run as `python -m benchmarks.jit --help`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from benchmarks.bounds import JIT, Bound
from benchmarks.compare import Plan, Workers, add_comparison_arguments, compare, fastest, paired_ratio, tabulate
from benchmarks.live import WorkerError
from benchmarks.measure import keep, machine, report, use_cores
from benchmarks.systems import PEERS, REFERENCE
from benchmarks.workloads import STEPS, WORKLOADS

OURS = "ours_jit"
Row = dict[str, Any]


def kernel_classes(kernels: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Kernels summed by kind, the longest first.

    The roofline's time of a kernel is what its operations or its bytes take at least, its share that by the time
    measured; the share of a class is the sum of the ones by the sum of the others. A class that took no time, as of
    views that nothing computes, has no row.
    """
    classes: dict[str, Row] = {}
    for kernel in kernels:
        if kernel["kind"] == "kept":  # from an earlier call
            continue
        total = classes.setdefault(
            kernel["kind"], {"kernels": 0, "flops": 0, "bytes": 0, "ms": 0.0, "roofline_ms": 0.0}
        )
        total["kernels"] += 1
        total["roofline_ms"] += kernel["share"] * kernel["ms"]
        for name in ("flops", "bytes", "ms"):
            total[name] += kernel[name]
    rows = [
        {"kind": kind, **total, "share": total["roofline_ms"] / total["ms"]}
        for kind, total in classes.items()
        if total["ms"]
    ]
    return sorted(rows, key=lambda row: -row["ms"])


def show(classes: Iterable[Row]) -> None:
    """Print a line for each class of kernels."""
    print(f"  {'kernels':20s} {'count':>6s} {'ms':>8s} {'GFLOP/s':>8s} {'GB/s':>8s} {'roofline':>8s}")
    for row in classes:
        rates = (row[name] / row["ms"] / 1e6 for name in ("flops", "bytes"))
        print(
            f"  {row['kind']:20s} {row['kernels']:6d} {row['ms']:8.2f} "
            + " ".join(f"{rate:8.1f}" for rate in rates)
            + f" {row['share']:8.0%}"
        )


def shares_of_limit(classes: Iterable[Row], table: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """By system, the roofline's time of our kernels by the median of its steps: where all are low, all are slow."""
    limit = sum(row["roofline_ms"] for row in classes)
    return {system: limit / (1e3 * row["median"]) for system, row in table.items()}


def main(
    command: str = "jit",
    about: str | None = __doc__,
    workloads: Iterable[str] = STEPS,
    systems: Iterable[str] = (*PEERS, "ours", OURS),
) -> int:
    """Read the command line, run, print, and return the exit code; with these workloads and systems by default."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{command}", description=(about or "").splitlines()[0])
    add_comparison_arguments(parser, workloads, systems)
    arguments = parser.parse_args()
    use_cores(arguments.cores)
    plan = Plan(arguments.rounds, arguments.steps, arguments.max_foreign)
    figures: list[tuple[Bound, float | None]] = []
    for name in arguments.workloads:
        classes: list[Row] = []

        def look(workers: Workers, classes: list[Row] = classes) -> None:
            if OURS in workers:
                try:
                    classes += kernel_classes(workers[OURS].ask("kernels")["kernels"])
                except WorkerError as error:  # the times stand
                    print(f"  no table of kernels: {error}")

        rounds = compare(WORKLOADS[name], arguments.systems, plan, finish=look)
        peer = fastest(rounds, PEERS)
        ratio = paired_ratio(rounds.get(OURS, {}), rounds[peer]) if peer else None
        if rounds:
            table = tabulate(rounds, peer or REFERENCE, plan.rounds)
            if classes:
                show(classes)
                shares = shares_of_limit(classes, table).items()
                print("  roofline by step: " + ", ".join(f"{system} {share:.0%}" for system, share in shares))
            if arguments.json:
                row = {"systems": table, "peer": peer, "ratio": ratio, "kernels": classes}
                keep(arguments.json, "machine", machine())
                keep(arguments.json, "jit", {name: row})
        if OURS in arguments.systems:
            figures.append((JIT[name], ratio))
    return report(figures, arguments.check)


if __name__ == "__main__":
    sys.exit(main())
