"""Networks from ONNX files under ``tg.jit`` beside ONNX Runtime with its default options, same cores, in turn.

Real networks with their weights (text detection, direction and recognition), the light architectures of
onnx.backend.test with random weights, and networks of ``tg.models`` that are exported for this. Outputs are compared
before anything is timed. Run as ``python -m benchmarks.onnx --help``.

The two take turns of several runs. After a run, threads of ONNX Runtime go on looking for work for some 25 ms, on the
core that the other one would use: so a turn begins when all threads sleep, with a run that is not counted.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.bounds import ONNX_EACH, ONNX_FIRST_CALL, ONNX_LOAD, ONNX_MEAN
from benchmarks.jit import kernel_classes
from benchmarks.measure import add_common_arguments, keep, report, use_cores

TEXT = {"text detector": (1, 3, 640, 640), "text direction": (1, 3, 48, 192), "text recognizer": (1, 3, 48, 320)}
EXPORTED = {"resnet50": 8, "squeezenet1_1": 8, "densenet121": 8, "shufflenet_v2_x1_0": 8}  # and their batch
RUNS = 3  # of a turn, after one that is not counted
CLOSE = 1e-3  # of the largest output; the detector adds up a thousand roundings of noise


def networks(only: str) -> Iterator[tuple[str, Any, np.ndarray]]:
    """The names, models and inputs."""
    import tinygrad_cv as tg
    from tests.onnx.networks import LIGHT, light, shipped

    rng = np.random.default_rng(0)
    for name, shape in TEXT.items():
        if only in name and (network := shipped(name)) is not None:
            yield name, network.model, rng.standard_normal(shape, np.float32)
    for name in LIGHT:
        if only in name:
            yield f"{name}, batch 1", light(name).model, light(name).x
    for name, batch in EXPORTED.items():
        if only in name:
            tg.manual_seed(0)
            x = rng.standard_normal((batch, 3, 224, 224), np.float32)
            yield f"{name}, batch {batch}", tg.onnx.export(tg.models.get(name), x), x


class Pair(NamedTuple):
    """One run of a model here and in ONNX Runtime.

    Attributes:
        first: seconds until the first result here, compiling included.
        kernels: times its kernels, each alone.
    """

    ours: Callable[[], Any]
    theirs: Callable[[], Any]
    first: float
    kernels: Callable[[], Iterable[Any]]


def pair(model: Any, x: np.ndarray) -> Pair:
    """Both, with results that agree."""
    import onnxruntime

    import tinygrad_cv as tg

    onnxruntime.set_default_logger_severity(3)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    net = tg.onnx.load(model).eval()
    compiled, tensor = tg.jit(net), tg.tensor(x)

    def ours() -> Any:
        with tg.no_grad():
            return compiled(tensor)

    def theirs() -> Any:
        return session.run(None, {name: x})

    start = time.perf_counter()
    y = ours()
    first = time.perf_counter() - start
    for a, b in zip(y if isinstance(y, tuple) else (y,), theirs(), strict=True):
        error = np.abs(a.numpy() - b).max() / np.abs(b).max()
        if not error <= CLOSE:
            raise AssertionError(f"outputs differ by {error:.1e} of the largest")

    def kernels() -> Iterable[Any]:
        with tg.no_grad():
            return compiled.kernels(tensor)

    return Pair(ours, theirs, first, kernels)


def seconds(run: Callable[[], Any]) -> float:
    """The time of one run."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def compared(model: Any, x: np.ndarray, rounds: int) -> dict[str, Any]:
    """Milliseconds here and in ONNX Runtime, their ratio, the seconds of the first call, and where the time goes."""
    both = pair(model, x)
    times = [(turn(both.ours), turn(both.theirs)) for _ in range(rounds)]
    a, b = (1e3 * statistics.median(column) for column in zip(*times, strict=True))
    return {
        "ours": a,
        "onnxruntime": b,
        "ratio": statistics.median(a / b for a, b in times),
        "first call": both.first,
        "kernels": kernel_classes(map(asdict, both.kernels())),
    }


def turn(run: Callable[[], Any]) -> float:
    """The median time of some runs, one after the other, when nothing else of this process runs."""
    wait_until_asleep()
    run()
    return statistics.median(seconds(run) for _ in range(RUNS))


def wait_until_asleep(limit: float = 2.0) -> None:
    """Wait until no thread of this process uses its core, or so many seconds have passed."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        used = time.process_time()
        time.sleep(0.005)
        if time.process_time() - used < 0.0005:
            return


def loading() -> float:
    """Seconds to load ResNet-50 from a file."""
    import tinygrad_cv as tg

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "resnet50.onnx")
        tg.onnx.export(tg.models.resnet50(), np.zeros((1, 3, 224, 224), np.float32), path)
        return min(seconds(lambda: tg.onnx.load(path)) for _ in range(5))


def main() -> int:
    """Read the command line, measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.onnx", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", help="networks whose name contains this")
    parser.add_argument("--rounds", type=int, default=15)
    add_common_arguments(parser)
    arguments = parser.parse_args()
    use_cores(arguments.cores)
    figures: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as cache:  # an empty one: first calls compile
        os.environ["TGCV_CACHE_DIR"] = cache
        for name, model, x in networks(arguments.only):
            figures[name] = row = compared(model, x, arguments.rounds)
            print(
                f"{name:28s} {row['ours']:8.2f} ms, ONNX Runtime {row['onnxruntime']:8.2f}: {row['ratio']:.2f}; "
                f"first call {row['first call']:.1f} s",
                flush=True,
            )
    ratios = [row["ratio"] for row in figures.values()]
    mean = math.exp(statistics.mean(map(math.log, ratios))) if ratios else None
    load = loading()
    if arguments.json:
        keep(arguments.json, "onnx", {"networks": figures, "mean": mean, "load": load})
    measured = [
        (ONNX_MEAN, mean),
        (ONNX_EACH, max(ratios, default=None)),
        (ONNX_FIRST_CALL, max((row["first call"] for row in figures.values()), default=None)),
        (ONNX_LOAD, load),
    ]
    return report(measured, arguments.check)


if __name__ == "__main__":
    sys.exit(main())
