"""Times the first ResNet-20 training step of a fresh process, with an empty cache and with a filled one.

Run as `python -m benchmarks.first_call --help`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from functools import partial
from tempfile import TemporaryDirectory

from benchmarks.bounds import FIRST_CALL
from benchmarks.live import LiveWorker, WorkerError
from benchmarks.measure import add_common_arguments, keep, report, undisturbed, use_cores
from benchmarks.systems import SYSTEMS
from benchmarks.workloads import WORKLOADS

OURS = "ours_jit"
CACHES = (
    "TGCV_CACHE_DIR",
    "TORCHINDUCTOR_CACHE_DIR",
    "JAX_COMPILATION_CACHE_DIR",
)  # where systems keep what they compiled


def first_call(system: str, cache: str) -> float:
    """Seconds that the first step of a fresh process takes, imports not counted."""
    with LiveWorker(system, WORKLOADS["resnet20"], dict.fromkeys(CACHES, cache)) as worker:
        return float(worker.ask("first")["times"][0])


def cold_and_warm(system: str) -> dict[str, float]:
    """Seconds with an empty cache, and then in another process with what the first left there."""
    with TemporaryDirectory() as cache:
        return {state: first_call(system, cache) for state in FIRST_CALL}


def main() -> int:
    """Read the command line, measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.first_call", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--systems", nargs="+", choices=list(SYSTEMS), default=[OURS], metavar="NAME")
    parser.add_argument("--repeats", type=int, default=3, help="pairs of fresh processes for each system")
    add_common_arguments(parser)
    arguments = parser.parse_args()
    use_cores(arguments.cores)
    print(f"{'s':30s} {'cold':>8s} {'warm':>8s}   medians of {arguments.repeats}")
    medians: dict[str, dict[str, float]] = {}
    for system in arguments.systems:
        try:
            tries = [
                undisturbed(partial(cold_and_warm, system), limit=arguments.max_foreign)
                for _ in range(arguments.repeats)
            ]
        except WorkerError as error:
            print(error)
            continue
        if clean := [times for times in tries if times]:
            medians[system] = {state: statistics.median(times[state] for times in clean) for state in FIRST_CALL}
            print(f"{system:30s} " + " ".join(f"{value:8.2f}" for value in medians[system].values()), flush=True)
    if arguments.json:
        keep(arguments.json, "first_call", medians)
    figures = [(bound, medians.get(OURS, {}).get(state)) for state, bound in FIRST_CALL.items()]
    return report(figures, arguments.check)


if __name__ == "__main__":
    sys.exit(main())
