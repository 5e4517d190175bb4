"""Times a loader of a folder of JPEG files beside PyTorch's, and watches the memory of a long run.

Run as ``python -m benchmarks.loader --help``.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.bounds import LOADER_MEMORY, LOADER_RATE, Bound
from benchmarks.measure import LoadGuard, add_common_arguments, keep, report, use_cores
from benchmarks.workers.pictures import Pictures, TorchPictures, write_folder
from tinygrad_cv.data import DataLoader

BATCH = 32
EPOCHS = 5
LOOKING = 4  # batches between two looks at the memory


def rate(loader: Iterable[Any], count: int) -> float:
    """Images a second over an epoch."""
    start = time.perf_counter()
    for images, _ in loader:
        assert images.shape[1:] == (3, 224, 224)
    return count / (time.perf_counter() - start)


def make_theirs(paths: list[str], workers: int) -> Iterable[Any] | None:
    """PyTorch's loader; None where it is not installed."""
    try:
        import torch
    except ImportError:
        print("torch is not installed: left out")
        return None
    torch.set_num_threads(1)
    return torch.utils.data.DataLoader(
        TorchPictures(paths), BATCH, shuffle=True, num_workers=workers, persistent_workers=workers > 0
    )


def compare(paths: list[str], workers: int, how: str, rounds: int) -> dict[str, float]:
    """Epochs in turn, workers kept from one to the next, the first of each left out: medians, and of ratios."""
    theirs = make_theirs(paths, workers)
    kept = {"num_workers": workers, "persistent_workers": True, "workers": how} if workers else {}
    ours = DataLoader(Pictures(paths), BATCH, shuffle=True, **kept)
    rates: dict[str, list[float]] = {"ours": [], "theirs": []}
    loaders = {"ours": ours, **({"theirs": theirs} if theirs is not None else {})}
    for loader in loaders.values():
        rate(loader, len(paths))
    guard = LoadGuard(child.pid for child in multiprocessing.active_children() if child.pid)
    for _ in range(rounds):
        for name, loader in loaders.items():
            rates[name].append(rate(loader, len(paths)))
    figures = {name: statistics.median(got) for name, got in rates.items() if got}
    if theirs is not None:
        pairs = zip(rates["ours"], rates["theirs"], strict=True)
        figures["ratio"] = statistics.median(one / other for one, other in pairs)
    foreign = guard.foreign()
    print(
        f"{workers} {how if workers else 'workers':10s}"
        + "".join(f"  {name} {value:8.2f}" for name, value in figures.items())
        + ("" if foreign is None else f"   (others used {100 * foreign:.0f} % of the machine)"),
        flush=True,
    )
    return figures


def resident(pid: int) -> int:
    """Bytes that a process has in memory, without what it shares with others by files."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return 1024 * sum(int(fields[name].split()[0]) for name in ("RssAnon", "RssShmem"))


def watch(loader: DataLoader[Any], epochs: int) -> float:
    """Memory of this process and its workers, a mean over each epoch; by how much it grows in one, as a share.

    The slope is that of a line through all epochs but the first, which fills caches and free lists.
    """
    taken: list[float] = []
    for epoch in range(epochs):
        within = []
        for n, _ in enumerate(loader):
            if n % LOOKING == LOOKING - 1:
                pids = [os.getpid(), *(child.pid for child in multiprocessing.active_children() if child.pid)]
                within.append(sum(map(resident, pids)))
        taken.append(statistics.mean(within))
        print(
            f"epoch {epoch}: {taken[-1] / 2**20:.1f} MB in {len(pids)} processes, at most {max(within) / 2**20:.1f}",
            flush=True,
        )
    steady = taken[1:]
    slope = statistics.linear_regression(range(len(steady)), steady).slope
    return slope / statistics.mean(steady)


def main() -> int:
    """Read the command line, measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loader", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=int, default=640, help="in the folder whose epochs are timed")
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--how", choices=["processes", "threads"], default="processes")
    parser.add_argument("--rounds", type=int, default=9, help="pairs of epochs")
    parser.add_argument(
        "--memory", type=int, metavar="IMAGES", help="instead watch the memory over five epochs of so many"
    )
    add_common_arguments(parser)
    arguments = parser.parse_args()
    use_cores(arguments.cores)
    with TemporaryDirectory() as folder:
        paths = write_folder(Path(folder), arguments.memory or arguments.images)
        figures: dict[str, Any] = {}
        verdicts: list[tuple[Bound, float | None]] = []
        for workers in arguments.workers:
            if arguments.memory:
                options = (
                    {"num_workers": workers, "persistent_workers": True, "workers": arguments.how} if workers else {}
                )
                growth = watch(DataLoader(Pictures(paths), BATCH, shuffle=True, **options), EPOCHS)
                figures[f"growth_{workers}"] = growth
                verdicts.append((LOADER_MEMORY, 100 * growth))
            else:
                figures[str(workers)] = compare(paths, workers, arguments.how, arguments.rounds)
                verdicts.append((LOADER_RATE, figures[str(workers)].get("ratio")))
    if arguments.json:
        keep(arguments.json, "loader", {arguments.how: figures})
    return report(verdicts, arguments.check)


if __name__ == "__main__":
    sys.exit(main())
