"""The command train on two ranks: one voice, one set of files, and what cannot be shared is refused."""

import csv
import os
import subprocess
import sys

import numpy as np
import pytest

from tests.distributed import ranks


def launch(folder, *words):
    """The finished command on two ranks."""
    pytest.importorskip("mpi4py")
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ranks.ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "tinygrad_cv", "launch", "-n", "2", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def curves(folder):
    with open(folder / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    return [[float(row[name]) for name in row if name not in ("seconds", "waiting")] for row in rows]


def test_two_ranks_train_as_one_process_does(tmp_path):
    rng = np.random.default_rng(0)
    labels = np.arange(46) % 2
    images = np.uint8(100 * labels[:, None, None] + rng.integers(0, 90, (46, 8, 8)))
    np.savez(tmp_path / "set.npz", x_train=images[:32], y_train=labels[:32], x_test=images[32:], y_test=labels[32:])
    options = [
        "--data",
        "set.npz",
        "--norm",
        "group",
        "--augment",
        "shift",
        "flip",
        "--no-jit",
        "--batch-size",
        "8",
        "--epochs",
    ]
    done = launch(tmp_path, "train", *options, "2", "--out", "two")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "2 ranks train together, each on 4 images of a step" in lines
    assert [line.split()[:2] for line in lines if line.startswith("epoch")] == [["epoch", "1"], ["epoch", "2"]]
    assert sum(line.startswith("test accuracy") for line in lines) == 1
    alone = [sys.executable, "-m", "tinygrad_cv", "train", *options, "2", "--out", "one"]
    subprocess.run(alone, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ranks.ROOT)}, check=True, timeout=100)
    assert sorted(path.name for path in (tmp_path / "two").iterdir()) == sorted(
        path.name for path in (tmp_path / "one").iterdir()
    )
    np.testing.assert_allclose(curves(tmp_path / "two"), curves(tmp_path / "one"), 2e-3)
    refused = launch(tmp_path, "train", *options, "1", "--batch-size", "9", "--out", "odd")
    assert refused.returncode == 2
    assert "error: --batch-size: 9 images a step" in refused.stderr.splitlines()[-1], refused.stderr
    assert not (tmp_path / "odd").exists()
