"""Costs that do not depend on the data's size: recording, backward per node, a compiled call, import.

Run as `python -m benchmarks.overhead --help`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.bounds import BACKWARD_PER_NODE, IMPORT_TIME, JIT_CALL, RECORDED_ADD, Bound
from benchmarks.measure import (
    ROOT,
    add_common_arguments,
    clean_environment,
    keep,
    report,
    summarize,
    undisturbed,
    use_cores,
)

SIZE = 10
CALLS = 20_000
LENGTH = 2_000  # nodes of a chain
PASSES = 10  # backward passes in a sample, which makes it long enough for the guard's clock

_IMPORT = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"


def add_time(first: Any, second: Any) -> float:
    """Microseconds that one `first + second` takes."""
    start = time.perf_counter()
    for _ in range(CALLS):
        first + second
    return 1e6 * (time.perf_counter() - start) / CALLS


def call_time(function: Callable[[Any], Any], argument: Any) -> float:
    """Microseconds that one `function(argument)` takes."""
    start = time.perf_counter()
    for _ in range(CALLS):
        function(argument)
    return 1e6 * (time.perf_counter() - start) / CALLS


def adds(x: Any, other: Any) -> Any:
    """Adds of the same operand, one after another."""
    y = x
    for _ in range(LENGTH):
        y = y + other
    return y


def mixed(x: Any, other: Any) -> Any:
    """Multiply, subtract, exponentiate, negate, over and over; values stay in -1..0."""
    y = x
    for _ in range(LENGTH // 4):
        y = -(y * other - other).exp()
    return y


# Each chain is measured with a constant as its second operand, and with one that receives a gradient from every node.
CHAINS = {
    "backward, adds": (adds, False),
    "backward, adds, both sides": (adds, True),
    "backward, mixed": (mixed, False),
    "backward, mixed, both sides": (mixed, True),
}


def backward_time(chain: Callable[[Any, Any], Any], recorded_operand: bool) -> float:
    """Microseconds that one node of a chain takes in the backward pass."""
    import tinygrad_cv as tg

    values = np.full(SIZE, 0.5, np.float32)
    x = tg.tensor(values, requires_grad=True)
    other = tg.tensor(values, requires_grad=recorded_operand)
    elapsed = 0.0
    for _ in range(PASSES):
        total = chain(x, other).sum()
        start = time.perf_counter()
        total.backward()
        elapsed += time.perf_counter() - start
        x.grad = other.grad = None
    return 1e6 * elapsed / (PASSES * (LENGTH + 1))


def import_time(module: str, cache: str) -> float:
    """Milliseconds that the import takes in a fresh process, whose bytecode is kept in the folder `cache`."""
    command = [sys.executable, "-c", _IMPORT.format(module)]
    environment = {**clean_environment(), "PYTHONPYCACHEPREFIX": cache}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    run = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=ROOT)
    return 1e3 * float(run.stdout)


def interleaved(measures: dict[str, Callable[[], float]], repeats: int, limit: float) -> dict[str, list[float]]:
    """Samples of each measure, taken in turn, without those during which others used the machine."""
    samples: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(repeats):
        for name, measure in measures.items():
            sample = undisturbed(measure, limit=limit)
            if sample is not None:
                samples[name].append(sample)
    return samples


def engine_measures() -> dict[str, Callable[[], float]]:
    """The adds, the compiled call and the backward passes, by the name that is printed."""
    import tinygrad_cv as tg

    values = np.ones(SIZE, np.float32)
    constant = tg.tensor(values)
    double = tg.jit(lambda x: x + x)
    double(constant)  # traced and compiled, before it is timed
    recorded = tg.tensor(values, requires_grad=True), tg.tensor(values, requires_grad=True)
    return {
        "add, NumPy": lambda: add_time(values, values),
        "add, recorded": lambda: add_time(*recorded),
        "add, compiled": lambda: call_time(double, constant),
        **{name: lambda case=case: backward_time(*case) for name, case in CHAINS.items()},  # type: ignore[misc]
    }


def import_measures(cache: str) -> dict[str, Callable[[], float]]:
    """The two imports, after one each that compiles the bytecode."""
    for module in ("numpy", "tinygrad_cv"):
        import_time(module, cache)
    return {
        "import numpy": lambda: import_time("numpy", cache),
        "import tinygrad_cv": lambda: import_time("tinygrad_cv", cache),
    }


def tabulate(samples: dict[str, list[float]], unit: str) -> dict[str, float]:
    """Print a line for each measure; return the medians."""
    medians = {}
    print(f"{unit:28s} {'median':>8s} {'p10':>8s} {'min':>8s} {'count':>6s}")
    for name, mine in samples.items():
        if not mine:
            print(f"{name:28s} no sample was clean")
            continue
        found = summarize(mine)
        print(f"{name:28s} {found.median:8.2f} {found.p10:8.2f} {found.minimum:8.2f} {found.count:6d}")
        medians[name] = found.median
    return medians


def main() -> int:
    """Read the command line, measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overhead", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=15)
    add_common_arguments(parser)
    arguments = parser.parse_args()
    use_cores(arguments.cores)
    medians = tabulate(interleaved(engine_measures(), arguments.repeats, arguments.max_foreign), "us")
    with TemporaryDirectory() as cache:
        medians |= tabulate(interleaved(import_measures(cache), arguments.repeats, arguments.max_foreign), "ms")
    figures: list[tuple[Bound, float | None]] = [
        (RECORDED_ADD, medians.get("add, recorded")),
        (JIT_CALL, medians.get("add, compiled")),
    ]
    figures += [(replace(BACKWARD_PER_NODE, what=f"{name}, per node"), medians.get(name)) for name in CHAINS]
    ours, numpy = medians.get("import tinygrad_cv"), medians.get("import numpy")
    figures.append((IMPORT_TIME, ours / numpy if ours and numpy else None))
    if arguments.json:
        keep(arguments.json, "overhead", medians)
    return report(figures, arguments.check)


if __name__ == "__main__":
    sys.exit(main())
