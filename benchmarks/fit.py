"""What ``fit`` costs beyond a bare loop of compiled steps: epochs of LeNet-BN, batch 128, in turn.

Run as ``python -m benchmarks.fit --help``.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.bounds import FIT_OVERHEAD
from benchmarks.measure import add_common_arguments, keep, report, undisturbed, use_cores
from benchmarks.workers.networks import build
from benchmarks.workers.ours_worker import Ours

BATCH = 128


def measures(images: int) -> dict[str, Callable[[], float]]:
    """Seconds of an epoch: steps on batches that lie ready; the same under ``fit``; with loader, accuracy and bar."""
    import tinygrad_cv as tg
    from tinygrad_cv.data import DataLoader, TensorDataset
    from tinygrad_cv.training import MulticlassAccuracy, fit

    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((images, 1, 28, 28), np.float32)
    targets = rng.integers(0, 10, images)
    batches = [(inputs[i : i + BATCH], targets[i : i + BATCH]) for i in range(0, images, BATCH)]

    def trained() -> tuple[Any, Any]:
        model = build("lenet", Ours(jit=True))
        return model, tg.optim.SGD(model, lr=0.01, momentum=0.9)

    model, optimizer = trained()

    @tg.jit
    def step(x: Any, y: Any) -> Any:
        loss = tg.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss.detach()

    def bare() -> None:
        for x, y in batches:
            step(x, y).item()

    fitted, its_optimizer = trained()
    watched, last_optimizer = trained()
    loader = DataLoader(TensorDataset(inputs, targets), BATCH, shuffle=True)
    metrics = {"accuracy": MulticlassAccuracy(average="micro")}

    def timed(function: Callable[[], Any]) -> Callable[[], float]:
        def measure() -> float:
            start = time.perf_counter()
            function()
            return time.perf_counter() - start

        measure()  # compiled before it is timed
        return measure

    return {
        "bare": timed(bare),
        "fit": timed(lambda: fit(fitted, batches, epochs=1, optimizer=its_optimizer)),
        "watched": timed(
            lambda: fit(watched, loader, epochs=1, optimizer=last_optimizer, metrics=metrics, progress=True)
        ),
    }


def main() -> int:
    """Read the command line, measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fit", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=int, default=100 * BATCH, help="of an epoch")
    parser.add_argument("--rounds", type=int, default=21, help="epochs of each")
    add_common_arguments(parser)
    arguments = parser.parse_args()
    use_cores(arguments.cores)
    functions = measures(arguments.images)
    steps = -(-arguments.images // BATCH)
    samples: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(arguments.rounds):
        together = undisturbed(lambda: {name: run() for name, run in functions.items()}, limit=arguments.max_foreign)
        for name, seconds in (together or {}).items():
            samples[name].append(seconds)
    figures: dict[str, float | None] = dict.fromkeys(functions)
    for name, taken in samples.items():
        if taken:
            figures[name] = statistics.median(one / bare for one, bare in zip(taken, samples["bare"], strict=True))
            print(f"{name:8s} {1e3 * statistics.median(taken) / steps:7.3f} ms a step, {figures[name]:.3f} of bare")
    if arguments.json:
        keep(arguments.json, "fit", figures)
    return report([(FIT_OVERHEAD, figures["fit"])], arguments.check)


if __name__ == "__main__":
    sys.exit(main())
