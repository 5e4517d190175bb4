"""Systems side by side on one workload: started, checked against each other, timed in turns."""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.agreement import ROUNDED, TOLERANCES, disagreements, results
from benchmarks.live import LiveWorker, WorkerError
from benchmarks.measure import add_common_arguments, summarize, undisturbed
from benchmarks.systems import REFERENCE, SYSTEMS
from benchmarks.workloads import WORKLOADS, Workload, initial_values

SECONDS = 2.0  # after which a round of a slow system ends early
Rounds = dict[str, dict[int, list[float]]]  # system -> round -> seconds of each step
Workers = dict[str, LiveWorker]


class Disagreement(RuntimeError):
    """A system computes something else than the reference, so its time would say nothing."""


@dataclass(frozen=True)
class Plan:
    """How much is measured, and how calm the machine must be."""

    rounds: int
    steps: int | None
    max_foreign: float


def start(stack: ExitStack, workload: Workload, systems: Iterable[str]) -> Workers:
    """A live worker for each system that starts and can be asked for the workload; the reference must."""
    workers = {}
    for system in dict.fromkeys((REFERENCE, *systems)):
        if not SYSTEMS[system].runs(workload):
            continue
        try:
            workers[system] = stack.enter_context(LiveWorker(system, workload))
        except WorkerError as error:
            print(f"  {error}", flush=True)
    if REFERENCE not in workers:
        raise Disagreement("the reference did not start, so nothing can be checked")
    return workers


def verify(workers: Workers) -> None:
    """Give all workers the same initial values, and compare what they compute with the reference in float64.

    A system that fails or disagrees is reported and taken out of `workers`.

    Raises:
        Disagreement: the reference does not agree with itself in another dtype, or fails.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        values: dict[str, Any] = initial_values(workers[REFERENCE].ask("shapes")["shapes"])
        np.savez(folder / "values.npz", **values)
        for system, worker in list(workers.items()):
            try:
                worker.ask("load", path=str(folder / "values.npz"))
                found = {dtype: results(worker, dtype, folder) for dtype in SYSTEMS[system].dtypes}
                if system == REFERENCE:
                    expected = found["float64"]
                    rounded = {"float32": found["float32"]}
                for dtype, mine in found.items():
                    if system == REFERENCE:
                        differences = disagreements(mine, expected, ROUNDED)
                    else:
                        differences = disagreements(mine, expected, TOLERANCES[dtype], rounded.get(dtype))
                    if differences:
                        raise Disagreement(f"{system} in {dtype} disagrees:" + "\n    ".join(["", *differences]))
            except (Disagreement, WorkerError) as error:
                if system == REFERENCE:
                    raise
                print(f"  not timed: {error}", flush=True)
                del workers[system]
    print(f"  {', '.join(workers)} agree", flush=True)


def measure(workers: Workers, workload: Workload, plan: Plan) -> Rounds:
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


def fastest(rounds: Rounds, systems: Iterable[str]) -> str | None:
    """The one of the systems with the smallest median time; None where none has a round."""
    medians = {s: summarize(_flat(rounds[s])).median for s in systems if rounds.get(s)}
    return min(medians, key=medians.__getitem__) if medians else None


def tabulate(rounds: Rounds, base: str, asked: int) -> dict[str, Any]:
    """Print one line a system, with ratios to the system `base`, and return the same figures."""
    overall = {system: summarize(_flat(mine)) for system, mine in rounds.items() if mine}
    width = max(map(len, rounds), default=0)
    head = f"  {'ms a step':{width}s} {'median':>8s} {'p10':>8s} {'min':>8s} {'steps':>6s} {'rounds':>7s}"
    print(f"{head}   ratio to {base}: median of rounds, of medians")
    table: dict[str, Any] = {}
    for system, mine in rounds.items():
        if not mine:
            print(f"  {system:{width}s} no round was clean")
            continue
        summary = overall[system]
        paired = paired_ratio(mine, rounds[base])
        medians = summary.median / overall[base].median if base in overall else None
        table[system] = {**asdict(summary), "rounds": len(mine), "paired_ratio": paired, "ratio_of_medians": medians}
        milliseconds = " ".join(f"{1e3 * value:8.2f}" for value in (summary.median, summary.p10, summary.minimum))
        ratios = " ".join(f"{ratio:8.2f}" if ratio else f"{'-':>8s}" for ratio in (paired, medians))
        print(
            f"  {system:{width}s} {milliseconds} {summary.count:6d} {len(mine):4d}/{asked:<3d}   {ratios}", flush=True
        )
    return table


def add_comparison_arguments(parser: argparse.ArgumentParser, workloads: Iterable[str], systems: Iterable[str]) -> None:
    """The arguments that the commands which compare share, with these workloads and systems by default."""
    parser.add_argument("--workloads", nargs="+", choices=list(WORKLOADS), default=list(workloads), metavar="NAME")
    parser.add_argument("--systems", nargs="+", choices=list(SYSTEMS), default=list(systems), metavar="NAME")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--steps", type=int, help="steps a round (default: the workload's)")
    add_common_arguments(parser)


def compare(
    workload: Workload, systems: Iterable[str], plan: Plan, finish: Callable[[Workers], Any] = lambda workers: None
) -> Rounds:
    """Start, verify and time the systems on one workload; `finish` sees the workers before they end."""
    print(f"{workload.title}, batch {workload.batch}", flush=True)
    try:
        with ExitStack() as stack:
            workers = start(stack, workload, systems)
            verify(workers)
            rounds = measure(workers, workload, plan)
            finish(workers)
    except (Disagreement, WorkerError) as error:
        print(f"  not timed: {error}")
        return {}
    return rounds


def _flat(rounds: dict[int, list[float]]) -> list[float]:
    return [seconds for times in rounds.values() for seconds in times]
