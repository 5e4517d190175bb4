"""Exported objects as programs: compiled without a warning, run with batches."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

STRICT = ("-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-pedantic")


def linked(stem: Path, compiler: str = "gcc", *options: str) -> Path:
    """The example as a program."""
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    program = stem.with_suffix(".program")
    command = [compiler, *STRICT, *options, f"{stem}_main.c", f"{stem}.o", "-lm", "-o", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return program


def run(
    program: Path, data: list[tuple[np.ndarray, np.ndarray]], *files: Path, under: tuple[str, ...] = ()
) -> list[str]:
    """The lines that the program prints for batches. ``under``: what runs it."""
    given = b"".join(x.tobytes() + y.astype(np.int64).tobytes() for x, y in data)
    done = subprocess.run([*under, program, *files], input=given, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().splitlines()


def losses_in(lines: list[str]) -> list[float]:
    assert all(line.startswith("loss ") for line in lines)
    return [float(np.float32(line.removeprefix("loss "))) for line in lines]


def losses_of(program: Path, data: list[tuple[np.ndarray, np.ndarray]], start: Path) -> list[float]:
    """The losses of all batches, from a state."""
    return losses_in(run(program, data, start))
