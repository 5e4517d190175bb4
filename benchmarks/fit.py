"""What ``fit`` costs beyond a bare loop of compiled steps: epochs of LeNet-BN, batch 128, in turn.

Run as ``python -m benchmarks.fit --help``.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from typing import Any

import numpy as np

from benchmarks.bounds import FIT_OVERHEAD
from benchmarks.measure import add_common_arguments, keep, report, use_cores
from benchmarks.workers.networks import build
from benchmarks.workers.ours_worker import Ours

BATCH = 128


def epochs(images: int, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Pairs of seconds: an epoch under ``fit``, and after it the same steps in a bare loop over batches that lie ready.

    Once on such batches as well, and once with a loader that shuffles, accuracy and a progress bar.
    """
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

    def bare() -> float:
        start = time.perf_counter()
        for x, y in batches:
            step(x, y).item()
        return time.perf_counter() - start

    def pairs(data: Any, **watched: Any) -> list[tuple[float, float]]:
        taken: list[tuple[float, float]] = []

        def after_epoch(state: Any) -> None:
            nonlocal start
            seconds = time.perf_counter() - start
            taken.append((seconds, bare()))
            start = time.perf_counter()

        start = time.perf_counter()
        model, optimizer = trained()
        fit(model, data, epochs=1 + rounds, optimizer=optimizer, after_epoch=after_epoch, **watched)
        return taken[1:]  # the first compiles

    loader = DataLoader(TensorDataset(inputs, targets), BATCH, shuffle=True)
    metrics = {"accuracy": MulticlassAccuracy(average="micro")}
    return {"fit": pairs(batches), "watched": pairs(loader, metrics=metrics, progress=True)}


def main() -> int:
    """Read the command line, measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fit", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=int, default=100 * BATCH, help="of an epoch, a multiple of the batch")
    parser.add_argument("--rounds", type=int, default=21, help="epochs of each")
    add_common_arguments(parser)
    arguments = parser.parse_args()
    use_cores(arguments.cores)
    figures = {}
    for name, pairs in epochs(arguments.images, arguments.rounds).items():
        figures[name] = statistics.median(seconds / bare for seconds, bare in pairs)
        times = [1e3 * BATCH / arguments.images * statistics.median(column) for column in zip(*pairs, strict=True)]
        print(f"{name:8s} {times[0]:.3f} ms a step, a bare loop {times[1]:.3f}: {figures[name]:.3f}")
    if arguments.json:
        keep(arguments.json, "fit", figures)
    return report([(FIT_OVERHEAD, figures["fit"])], arguments.check)


if __name__ == "__main__":
    sys.exit(main())
