"""A training with all that is random in it, which is killed and resumed: ``python -m tests.training.survivor --help``.

The weights at the end must be, bit for bit, those of a training that nobody disturbed.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import tinygrad_cv as tg
from tinygrad_cv import nn, optim
from tinygrad_cv.data import DataLoader, Dataset
from tinygrad_cv.data.randomness import current
from tinygrad_cv.training import MulticlassAccuracy, fit

EPOCHS, SAMPLES = 4, 90


class Shaken(Dataset):
    """Images of three classes with noise that is drawn for each sample and epoch anew."""

    def __init__(self) -> None:
        rng = np.random.default_rng(5)
        self.labels = rng.integers(0, 3, SAMPLES)
        self.images = rng.normal(size=(3, 1, 6, 6))[self.labels]

    def __len__(self) -> int:
        return SAMPLES

    def __getitem__(self, index):
        noise = current().normal(size=(1, 6, 6))
        return (self.images[index] + noise).astype(np.float32), self.labels[index]


def train(folder: str | Path, jit: bool, workers: int, accumulate: int = 1, epochs: int = EPOCHS, **options):
    """Go on with the training in a folder, or begin it; returns everything that must be equal in the end."""
    tg.manual_seed(1)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.3), nn.Flatten(), nn.Linear(144, 3)
    )
    optimizer = optim.AdamW(model.parameters(), lr=0.01)
    average = nn.AveragedModel(model)
    data = DataLoader(Shaken(), 8, shuffle=True, seed=3, num_workers=workers)
    history = fit(
        model,
        data,
        DataLoader(Shaken(), 32),
        epochs=epochs,
        optimizer=optimizer,
        scheduler=optim.CosineAnnealingLR(optimizer, EPOCHS * len(data)),
        interval="step",
        metrics={"accuracy": MulticlassAccuracy(3)},
        accumulate=accumulate,
        clip_norm=1.0,
        ema=average,
        folder=folder,
        resume=True,
        save_every=2,
        jit=jit,
        **options,
    )
    figures = [{name: value for name, value in row.items() if name not in ("seconds", "waiting")} for row in history]
    return {name: np.asarray(value) for name, value in (model.state_dict() | average.state_dict()).items()}, figures


def equal(one, other) -> bool:
    """Whether two trainings ended with the same bits."""
    return one[1] == other[1] and all(np.array_equal(one[0][name], other[0][name]) for name in one[0])


def killed(folder: Path, rng: random.Random, jit: bool, workers: int, accumulate: int) -> int:
    """Train in processes that are killed at random moments, until one of them comes to its end; how many were."""
    command = [sys.executable, "-m", "tests.training.survivor", "--train", str(folder)]
    command += ["--workers", str(workers), "--accumulate", str(accumulate), *([] if jit else ["--no-jit"])]
    for number in range(1000):
        process = subprocess.Popen(command)
        began, patience = time.monotonic(), rng.uniform(0.2, 2.0) * (1 + number)
        while process.poll() is None and time.monotonic() - began < patience:
            time.sleep(0.01)
        if process.poll() is not None:
            assert process.returncode == 0, "the training failed by itself"
            return number
        process.kill()
        process.wait()
    raise AssertionError("it never came to its end")


def main() -> int:
    """Kill and compare."""
    parser = argparse.ArgumentParser(description="Kill a training at random moments, and compare its weights.")
    parser.add_argument("--rounds", type=int, default=100, help="trainings, of which each is killed several times")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--train", metavar="FOLDER", help="only train, in this folder")
    parser.add_argument("--no-jit", action="store_true")
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--accumulate", type=int, default=1)
    options = parser.parse_args()
    if options.train:
        train(options.train, not options.no_jit, options.workers, options.accumulate)
        return 0
    rng, kills, wanted = random.Random(options.seed), 0, {}
    for number in range(options.rounds):
        kind = (rng.random() < 0.7, rng.choice((0, 2)), rng.choice((1, 3)))
        jit, workers, accumulate = kind
        with tempfile.TemporaryDirectory() as folder:
            if kind not in wanted:
                wanted[kind] = train(Path(folder, "whole"), jit, workers, accumulate)
            kills += killed(Path(folder, "killed"), rng, jit, workers, accumulate)
            if not equal(train(Path(folder, "killed"), jit, workers, accumulate), wanted[kind]):
                print(f"round {number}: other weights (jit={jit}, workers={workers}, accumulate={accumulate})")
                return 1
        print(f"round {number + 1}: {kills} kills so far, all trainings equal", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
