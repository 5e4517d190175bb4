"""Times whole training steps of tinygrad_cv beside other systems.

Run as `python -m benchmarks.train_step --help`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.agreement import TOLERANCES, disagreements, results
from benchmarks.bounds import SPEEDUP_OVER_MYGRAD, TRAIN_STEP, Bound
from benchmarks.live import COMMANDS, REFERENCE, LiveWorker, WorkerError
from benchmarks.measure import MAX_FOREIGN, report, summarize, undisturbed
from benchmarks.workloads import WORKLOADS, Workload, initial_parameters

SECONDS = 2.0  # after which a round of a slow system ends early
Rounds = dict[str, dict[int, list[float]]]  # system -> round -> seconds of each step


class Disagreement(RuntimeError):
    """A system computes something else than the reference, so its time would say nothing."""


@dataclass(frozen=True)
class Plan:
    """How much is measured, and how calm the machine must be."""

    rounds: int
    steps: int | None
    max_foreign: float


def start(stack: ExitStack, workload: Workload, systems: list[str]) -> dict[str, LiveWorker]:
    """A live worker for each system that starts; the reference must."""
    workers = {}
    for system in [REFERENCE, *(system for system in systems if system != REFERENCE)]:
        try:
            workers[system] = stack.enter_context(LiveWorker(system, workload))
        except WorkerError as error:
            print(f"  {error}")
    if REFERENCE not in workers:
        raise Disagreement("the reference did not start, so nothing can be checked")
    return workers


def verify(workers: dict[str, LiveWorker]) -> None:
    """Give all workers the same parameters and compare losses and gradients; raise Disagreement where they differ."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parameters: dict[str, Any] = initial_parameters(workers[REFERENCE].ask("shapes")["shapes"])
        np.savez(folder / "parameters.npz", **parameters)
        for worker in workers.values():
            worker.ask("load", path=str(folder / "parameters.npz"))
        reference = results(workers[REFERENCE], "float64", folder)
        for system, worker in workers.items():
            for dtype, tolerance in TOLERANCES.items():
                differences = disagreements(results(worker, dtype, folder), reference, tolerance)
                if differences:
                    raise Disagreement(
                        f"{system} in {dtype} disagrees with {REFERENCE}:\n    " + "\n    ".join(differences)
                    )
    print(f"  {', '.join(workers)} agree")


def measure(workers: dict[str, LiveWorker], workload: Workload, plan: Plan) -> Rounds:
    """Interleaved rounds; one without a calm attempt is left out."""
    rounds: Rounds = {system: {} for system in workers}
    for number in range(plan.rounds):
        for system, worker in workers.items():
            ask = partial(worker.ask, "time", steps=plan.steps or workload.steps, seconds=SECONDS)
            answer = undisturbed(ask, [worker.pid], plan.max_foreign)
            if answer is not None:
                rounds[system][number] = answer["times"]
    return rounds


def paired_ratio(slow: dict[int, list[float]], fast: dict[int, list[float]]) -> float | None:
    """Median over the rounds of slow's median time by fast's; None where no round has both."""
    both = slow.keys() & fast.keys()
    return statistics.median(summarize(slow[r]).median / summarize(fast[r]).median for r in both) if both else None


def tabulate(rounds: Rounds, asked: int) -> dict[str, Any]:
    """Print one line a system, and return the same figures."""
    reference = rounds[REFERENCE]
    flat = {system: [t for times in mine.values() for t in times] for system, mine in rounds.items()}
    head = f"  {'ms a step':20s} {'median':>8s} {'p10':>8s} {'min':>8s} {'steps':>6s} {'rounds':>7s}"
    print(f"{head}   ratio to {REFERENCE}: median of rounds, of medians")
    table: dict[str, Any] = {}
    for system, times in flat.items():
        if not times:
            print(f"  {system:20s} no round was clean")
            continue
        summary = summarize(times)
        paired = paired_ratio(rounds[system], reference)
        overall = summary.median / summarize(flat[REFERENCE]).median if flat[REFERENCE] else None
        table[system] = {
            **asdict(summary),
            "rounds": len(rounds[system]),
            "paired_ratio": paired,
            "ratio_of_medians": overall,
        }
        milliseconds = " ".join(f"{1e3 * value:8.2f}" for value in (summary.median, summary.p10, summary.minimum))
        ratios = " ".join(f"{ratio:8.2f}" if ratio else f"{'-':>8s}" for ratio in (paired, overall))
        print(f"  {system:20s} {milliseconds} {summary.count:6d} {len(rounds[system]):4d}/{asked:<3d}   {ratios}")
    return table


def bounds(workload: Workload, rounds: Rounds, systems: list[str]) -> list[tuple[Bound, float | None]]:
    """The bounds that apply to the systems asked for, with what was measured."""
    figures: list[tuple[Bound, float | None]] = []
    if "ours" in systems:
        ours = rounds.get("ours", {})
        figures.append((TRAIN_STEP[workload.name], paired_ratio(ours, rounds.get(REFERENCE, {}))))
        if "mygrad" in systems and workload.name in SPEEDUP_OVER_MYGRAD:
            figures.append((SPEEDUP_OVER_MYGRAD[workload.name], paired_ratio(rounds.get("mygrad", {}), ours)))
    return figures


def run(workload: Workload, systems: list[str], plan: Plan) -> tuple[dict[str, Any], Rounds]:
    """Start, verify and time the systems on one workload."""
    print(f"{workload.title}, batch {workload.batch}", flush=True)
    with ExitStack() as stack:
        workers = start(stack, workload, systems)
        verify(workers)
        rounds = measure(workers, workload, plan)
    return tabulate(rounds, plan.rounds), rounds


def main() -> int:
    """Read the command line, run, print, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.train_step", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--workloads", nargs="+", choices=list(WORKLOADS), default=list(WORKLOADS))
    parser.add_argument("--systems", nargs="+", choices=list(COMMANDS), default=list(COMMANDS))
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--steps", type=int, help="steps a round (default: the workload's)")
    parser.add_argument(
        "--max-foreign", type=float, default=MAX_FOREIGN, help="load by others that spoils a round (0..1)"
    )
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--check", action="store_true", help="exit with code 1 where a bound is missed")
    arguments = parser.parse_args()
    plan = Plan(arguments.rounds, arguments.steps, arguments.max_foreign)
    written: dict[str, Any] = {"time": time.strftime("%Y-%m-%dT%H:%M:%S"), "plan": asdict(plan), "workloads": {}}
    figures = []
    for name in arguments.workloads:
        systems = [s for s in arguments.systems if s != "mygrad" or name in SPEEDUP_OVER_MYGRAD]
        rounds: Rounds = {}
        try:
            written["workloads"][name], rounds = run(WORKLOADS[name], systems, plan)
        except (Disagreement, WorkerError) as error:
            print(f"  not timed: {error}")
        figures += bounds(WORKLOADS[name], rounds, systems)
    if arguments.json:
        written["bounds"] = [{**asdict(bound), "value": value, "holds": bound.holds(value)} for bound, value in figures]
        arguments.json.write_text(json.dumps(written, indent=2))
    return report(figures, arguments.check)


if __name__ == "__main__":
    sys.exit(main())
