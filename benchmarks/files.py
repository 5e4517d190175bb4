"""Files: how long a checkpoint of ResNet-18 takes to write and to read, and the memory that reading large files takes.

Run as `python -m benchmarks.files --help`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.bounds import LOAD, LOAD_MEMORY, SAVE, Bound
from benchmarks.measure import ROOT, add_common_arguments, clean_environment, keep, report, use_cores
from benchmarks.overhead import interleaved, tabulate

PEAK = """
import sys, tinygrad_cv as tg
peak = lambda: int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) << 10
tg.load(sys.argv[1])  # a small one, for what is imported
before = peak()
kept = tg.load(sys.argv[2])
print(peak() - before)
"""


def checkpoint_measures(folder: str) -> dict[str, Callable[[], float]]:
    """Seconds that ResNet-18 and its SGD with momentum take to be written, on the disk, and to be read."""
    import tinygrad_cv as tg

    model = tg.models.resnet18()
    optimizer = tg.optim.SGD(model, lr=0.1, momentum=0.9)
    for parameter in model.parameters():
        parameter.grad = tg.ones_like(parameter)
    optimizer.step()
    path = f"{folder}/last.safetensors"

    def timed(function: Callable[[], Any]) -> float:
        start = time.perf_counter()
        function()
        return time.perf_counter() - start

    def save() -> None:
        tg.save(tg.training.collect(model=model, optimizer=optimizer), path)

    def load() -> None:
        tg.training.restore(tg.load(path), model=model, optimizer=optimizer)

    save()
    return {"save": lambda: timed(save), "read": lambda: timed(lambda: tg.load(path)), "load": lambda: timed(load)}


def write_files(folder: Path, megabytes: int) -> list[Path]:
    """Files of that size in every form that can be written here."""
    import tinygrad_cv as tg

    rng = np.random.default_rng(0)
    arrays = {f"w{i}": rng.random((1 << 16, 4), np.float32) for i in range(megabytes)}
    for suffix in (".safetensors", ".npz"):
        tg.save(arrays, folder / f"arrays{suffix}")
    try:
        import torch
    except ImportError:
        print("PyTorch is not installed: its files are left out")
    else:
        tensors = {name: torch.from_numpy(array).T for name, array in arrays.items()}
        torch.save(tensors, folder / "zip.pt")
        torch.save(tensors, folder / "stream.pt", _use_new_zipfile_serialization=False)
    return sorted(folder.iterdir())


def memory_of_loading(path: Path, small: Path) -> float:
    """The resident memory that a fresh process needs to load a file, as a share of the file."""
    command = [sys.executable, "-c", PEAK, str(small), str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=True, env=clean_environment(), cwd=ROOT)
    return int(run.stdout) / os.path.getsize(path)


def main() -> int:
    """Read the command line, measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.files", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--megabytes", type=int, default=1024, help="of the large files")
    parser.add_argument("--folder", help="on the disk that is measured; by default that of temporary files")
    add_common_arguments(parser)
    arguments = parser.parse_args()
    use_cores(arguments.cores)
    with TemporaryDirectory(dir=arguments.folder) as folder:
        measures = checkpoint_measures(folder)
        medians = tabulate(interleaved(measures, arguments.repeats, arguments.max_foreign), "s")
    figures: list[tuple[Bound, float | None]] = [(SAVE, medians.get("save")), (LOAD, medians.get("load"))]
    with TemporaryDirectory(dir=arguments.folder) as large, TemporaryDirectory(dir=arguments.folder) as small:
        little = {path.name: path for path in write_files(Path(small), 1)}
        shares = {
            path.name: memory_of_loading(path, little[path.name])
            for path in write_files(Path(large), arguments.megabytes)
        }
    for name, share in shares.items():
        print(f"{name:28s} {share:.3f} times the file")
    figures.append((LOAD_MEMORY, max(shares.values())))
    if arguments.json:
        keep(arguments.json, "files", {**medians, **shares})
    return report(figures, arguments.check)


if __name__ == "__main__":
    sys.exit(main())
