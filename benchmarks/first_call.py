"""Times the first step of a fresh process, with an empty cache and with a filled one.

Run as `python -m benchmarks.first_call --help`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from functools import partial
from tempfile import TemporaryDirectory

from benchmarks.bounds import FIRST_CALL, Bound
from benchmarks.live import LiveWorker, WorkerError
from benchmarks.measure import add_common_arguments, keep, report, undisturbed, use_cores
from benchmarks.systems import SYSTEMS
from benchmarks.workloads import WORKLOADS

OURS = "ours_jit"
STATES = ("cold", "warm")  # of the cache
CACHES = (
    "TGCV_CACHE_DIR",
    "TORCHINDUCTOR_CACHE_DIR",
    "JAX_COMPILATION_CACHE_DIR",
)  # where systems keep what they compiled


def first_call(system: str, name: str, cache: str) -> float:
    """Seconds that the first step of a workload takes in a fresh process, imports not counted."""
    with LiveWorker(system, WORKLOADS[name], dict.fromkeys(CACHES, cache)) as worker:
        return float(worker.ask("first")["times"][0])


def cold_and_warm(system: str, name: str) -> dict[str, float]:
    """Seconds with an empty cache, and then in another process with what the first left there."""
    with TemporaryDirectory() as cache:
        return {state: first_call(system, name, cache) for state in STATES}


def measure(system: str, name: str, repeats: int, max_foreign: float) -> dict[str, float]:
    """Medians over pairs of fresh processes, printed; empty where none was undisturbed."""
    try:
        tries = [undisturbed(partial(cold_and_warm, system, name), limit=max_foreign) for _ in range(repeats)]
    except WorkerError as error:
        print(error)
        return {}
    clean = [times for times in tries if times]
    if not clean:
        return {}
    medians = {state: statistics.median(times[state] for times in clean) for state in STATES}
    print(f"{name:30s} {system:30s} " + " ".join(f"{value:8.2f}" for value in medians.values()), flush=True)
    return medians


def main() -> int:
    """Read the command line, measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.first_call", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--workloads", nargs="+", choices=list(WORKLOADS), default=list(FIRST_CALL), metavar="NAME")
    parser.add_argument("--systems", nargs="+", choices=list(SYSTEMS), default=[OURS], metavar="NAME")
    parser.add_argument("--repeats", type=int, default=3, help="pairs of fresh processes for each system")
    add_common_arguments(parser)
    arguments = parser.parse_args()
    use_cores(arguments.cores)
    print(f"{'s':61s} {'cold':>8s} {'warm':>8s}   medians of {arguments.repeats}")
    verdicts: list[tuple[Bound, float | None]] = []
    for name in arguments.workloads:
        medians = {
            system: measure(system, name, arguments.repeats, arguments.max_foreign) for system in arguments.systems
        }
        if arguments.json:
            keep(arguments.json, "first_call", {name: medians})
        ours = medians.get(OURS, {})
        verdicts += [(bound, ours.get(state)) for state, bound in FIRST_CALL.get(name, {}).items()]
    return report(verdicts, arguments.check)


if __name__ == "__main__":
    sys.exit(main())
