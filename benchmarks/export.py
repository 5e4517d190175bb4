"""Times an exported LeNet-BN training step in Chromium, in Node and from C, beside tg.jit and PyTorch.

Run as `python -m benchmarks.export --help`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import tinygrad_cv as tg
from benchmarks import bounds
from benchmarks.bounds import Bound
from benchmarks.browser import chromium
from benchmarks.live import LiveWorker
from benchmarks.measure import add_common_arguments, keep, report, summarize, use_cores
from benchmarks.workers import networks
from benchmarks.workloads import LEARNING_RATE, MOMENTUM, WORKLOADS, Workload, initial_values
from tinygrad_cv import functional as F

WORKLOAD = WORKLOADS["lenet"]
Timer = Callable[[float], list[float]]  # seconds -> milliseconds of each step

SCRIPT = """
import { load, loadWorkers } from './lenet.mjs';
const times = (m, inputs, seconds) => {
  const found = [], end = performance.now() + 1000 * seconds;
  while (performance.now() < end) {
    const start = performance.now();
    for (let i = 0; i < 5; i++) m.step(inputs);
    found.push((performance.now() - start) / 5);
  }
  return found;
};
const inputs = (images, labels) => ({ images: new Float32Array(images), labels: new Int32Array(labels) });
"""
PAGE = (
    "<!doctype html><title>export</title><script>let loaded, ready = new Promise((done) => (loaded = done));"
    "const first = () => ready;</script><script type='module'>"
    + SCRIPT
    + """
const fetched = async (name) => (await fetch(name)).arrayBuffer();
const given = inputs(await fetched('images.bin'), await fetched('labels.bin'));
const m = await load(), wide = await load('lenet.relaxed.wasm');
m.step(given);
const since = performance.now(); // the page began to load
const shared = await loadWorkers();
window.measure = (which, seconds) => times(which ? wide : m, given, seconds);
window.share = async (seconds) => {
  const found = [], end = performance.now() + 1000 * seconds;
  while (performance.now() < end) {
    const start = performance.now();
    await shared.step(given);
    found.push(performance.now() - start);
  }
  return found;
};
loaded(since);
</script>"""
)
NODE = (
    SCRIPT
    + """
import { readFileSync } from 'node:fs';
const bytes = (name) => { const b = readFileSync(name); return b.buffer.slice(b.byteOffset, b.byteOffset + b.length); };
const m = await load();
console.log(JSON.stringify(times(m, inputs(bytes('images.bin'), bytes('labels.bin')), +process.argv[2])));
"""
)
C = """
#include <time.h>
#include "NAME.h"
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return 1e3 * t.tv_sec + 1e-6 * t.tv_nsec;
}
static int fill(void *to, size_t size, const char *path) {
  FILE *file = fopen(path, "rb");
  return file && fread(to, 1, size, file) == size && !fclose(file);
}
int main(int argc, char **argv) {
  NAME *m = NAME_new();
  double end = now() + 1e3 * atof(argv[argc - 1]);
  static int64_t labels[BATCH];
  static int32_t narrow[BATCH];
  if (!m || NAME_load(m, "NAME.safetensors") < 0 || !fill(m->in.images, sizeof m->in.images, "images.bin")) return 1;
  if (!fill(narrow, sizeof narrow, "labels.bin")) return 1;
  for (int i = 0; i < BATCH; i++) labels[i] = narrow[i];
  memcpy(m->in.labels, labels, sizeof labels);
  while (now() < end) {
    double start = now();
    if (NAME_step(m)) return 1;
    printf("%.6f\\n", now() - start);
  }
  return 0;
}
"""


def training(workload: Workload) -> Callable[..., Any]:
    """The step of the workload, with the initial values that all systems have."""
    model = networks.build(workload.network, tg).train()
    state = dict(model.state_dict())
    shapes = {name: tuple(x.shape) for name, x in state.items() if not name.endswith("num_batches_tracked")}
    model.load_state_dict({**state, **{name: tg.tensor(x) for name, x in initial_values(shapes).items()}})
    optimizer = tg.optim.SGD(model, lr=LEARNING_RATE, momentum=MOMENTUM)

    @tg.jit
    def step(images: tg.Tensor, labels: tg.Tensor) -> tg.Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    return step


def here(step: Callable[..., Any], data: tuple[np.ndarray, np.ndarray]) -> Timer:
    """tg.jit in this process."""
    images, labels = map(tg.tensor, data)

    def timed(seconds: float) -> list[float]:
        times, end = [], time.perf_counter() + seconds
        while time.perf_counter() < end:
            start = time.perf_counter()
            step(images, labels)
            times.append(1e3 * (time.perf_counter() - start))
        return times

    return timed


def run(command: list[Any], folder: Path, seconds: float) -> str:
    """What a program prints that is told for how long it shall run."""
    return subprocess.run([*command, str(seconds)], cwd=folder, capture_output=True, text=True, check=True).stdout


def programs(folder: Path, batch: int) -> dict[str, Timer]:
    """The programs that there are compilers for, or interpreters."""
    found: dict[str, Timer] = {}
    if compiler := shutil.which("cc") or shutil.which("gcc"):
        text = C.replace("NAME", "lenet").replace("BATCH", str(batch))
        (folder / "timed.c").write_text(text, encoding="utf-8")
        subprocess.run([compiler, "-O2", "timed.c", "lenet.o", "-lm", "-o", "timed"], cwd=folder, check=True)
        found["C object, one thread"] = lambda seconds: [float(x) for x in run(["./timed"], folder, seconds).split()]
    if node := shutil.which("node"):
        (folder / "timed.mjs").write_text(NODE, encoding="utf-8")
        found["Node"] = lambda seconds: json.loads(run([node, "timed.mjs"], folder, seconds))
    return found


def files(folder: Path) -> tuple[Callable[..., Any], tuple[np.ndarray, np.ndarray], dict[str, float]]:
    """The exported files, the step that they were made of, its data, and sizes in kB."""
    images, labels = data = WORKLOAD.data()
    step = training(WORKLOAD)
    for target in ("wasm32", "native"):
        options = {"relaxed_simd": True, "threads": 2} if target == "wasm32" else {}
        tg.export(step, *map(tg.tensor, data), target=target, path=folder / "lenet", **options)
    model = networks.build(WORKLOAD.network, tg).eval()
    with tg.no_grad():
        inference = tg.export(model, tg.tensor(images[:1]), target="native", path=folder / "inference")
    images.tofile(folder / "images.bin")
    labels.astype(np.int32).tofile(folder / "labels.bin")
    (folder / "index.html").write_text(PAGE, encoding="utf-8")
    code = (folder / "lenet.wasm").read_bytes()
    sizes = {
        "module": len(code) / 1e3,
        "compressed": len(gzip.compress(code, 9)) / 1e3,
        "inference object": inference.files[0].stat().st_size / 1e3,
    }
    return step, data, sizes


def compare(timers: dict[str, Timer], rounds: int, seconds: float) -> dict[str, list[list[float]]]:
    """Times of all, in turns."""
    times: dict[str, list[list[float]]] = {name: [] for name in timers}
    for _ in range(rounds):
        for name, timer in timers.items():
            times[name].append(timer(seconds))
    return times


def ratio(times: dict[str, list[list[float]]], one: str, other: str) -> float | None:
    """The median over the rounds of medians; None where one of the two was not measured."""
    if one not in times or other not in times:
        return None
    return median(median(a) / median(b) for a, b in zip(times[one], times[other], strict=True))


def main() -> int:
    """Read the command line, run, print, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.export", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each system in a round")
    add_common_arguments(parser)
    arguments = parser.parse_args()
    use_cores(arguments.cores)
    tg.set_num_threads(1)
    with TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        step, data, sizes = files(folder)
        timers: dict[str, Timer] = {"tg.jit, one thread": here(step, data), **programs(folder, WORKLOAD.batch)}
        first = None
        page = stack.enter_context(chromium(folder))
        if page is not None:
            firsts = []
            for _ in range(3):
                page.open("index.html")
                firsts.append(page.call("first"))
            first = min(firsts)
            timers["Chromium"] = lambda seconds: page.call("window.measure", 0, seconds)
            timers["Chromium, relaxed SIMD"] = lambda seconds: page.call("window.measure", 1, seconds)
            timers["Chromium, two workers"] = lambda seconds: page.call("window.share", seconds)
        try:
            torch = stack.enter_context(LiveWorker("torch", WORKLOAD))
            timers["torch eager, two threads"] = lambda seconds: [
                1e3 * t for t in torch.ask("time", steps=10_000, seconds=seconds)["times"]
            ]
        except Exception as error:  # not installed
            print(f"  torch is left out: {error}", file=sys.stderr)
        for timer in timers.values():
            timer(0.3)
        times = compare(timers, arguments.rounds, arguments.seconds)
    print(f"LeNet-BN training step, batch {WORKLOAD.batch}; ms: median, least")
    summaries = {name: summarize([t for turn in turns for t in turn]) for name, turns in times.items()}
    for name, summary in summaries.items():
        print(f"  {name:<28} {summary.median:8.2f} {summary.minimum:8.2f}")
    figures: list[tuple[Bound, float | None]] = [
        (bounds.EXPORT["chromium"], ratio(times, "Chromium", "tg.jit, one thread")),
        (bounds.EXPORT["chromium_torch"], ratio(times, "Chromium", "torch eager, two threads")),
        (bounds.EXPORT["workers"], ratio(times, "Chromium, two workers", "Chromium")),
        (bounds.EXPORT["c"], ratio(times, "C object, one thread", "tg.jit, one thread")),
        (bounds.EXPORT["first"], first),
        *((bounds.EXPORT[name], size) for name, size in sizes.items()),
    ]
    if arguments.json:
        rows = {name: {"median": s.median, "minimum": s.minimum} for name, s in summaries.items()}
        keep(arguments.json, "export", {"ms": rows, "kB": sizes, "first": first})
    return report(figures, arguments.check)


if __name__ == "__main__":
    sys.exit(main())
