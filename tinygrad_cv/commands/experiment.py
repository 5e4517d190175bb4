"""``python -m tinygrad_cv experiment batchnorm``: a deep network without and with normalization."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from ..training.experiment import Training, batch_norm_experiment, save, table
from .options import OK, UsageError, natural, positive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("name", choices=("batchnorm",), help="which experiment")
    parser.add_argument("--images", type=positive(int), default=12000, help="per training (default: %(default)s)")
    parser.add_argument("--seed", type=natural, default=0, help="seed of all random numbers (default: %(default)s)")
    parser.add_argument("--no-jit", action="store_true", help="run on NumPy instead of compiled code")
    parser.add_argument(
        "--out", type=Path, default=Path("experiments"), help="folder for table and picture (default: %(default)s)"
    )


def run(options: argparse.Namespace) -> int:
    """Train, and write ``batchnorm.md`` and ``batchnorm.png``."""
    start = time.perf_counter()
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out: {options.out} cannot be made ({error}). Give a folder that can.") from None

    def watch(training: Training) -> None:
        print(
            f"{training.norm:8s} lr {training.rate:<8g} batch {training.batch:2d}   "
            f"last loss {training.losses[-1]:7.4f}   test accuracy {100 * training.accuracy:5.1f} %   "
            f"{time.perf_counter() - start:4.0f} s",
            flush=True,
        )

    trainings = batch_norm_experiment(options.images, options.seed, not options.no_jit, watch)
    save(trainings, options.out)
    print(f"\n{table(trainings)}\nresults in {options.out}, in {time.perf_counter() - start:.0f} s")
    return OK
