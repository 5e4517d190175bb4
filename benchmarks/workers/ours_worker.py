"""tinygrad_cv, eager or compiled: `python -m benchmarks.workers.ours_worker WORKLOAD [--jit]`."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

import tinygrad_cv as tg
from benchmarks.workers.protocol import Measured, serve
from benchmarks.workers.tasks import TASKS, Framework, Function
from benchmarks.workloads import Workload
from tinygrad_cv import functional, models, nn, optim


class Ours(Framework):
    """tinygrad_cv, eager or compiled."""

    nn = nn
    optim = optim
    functional = functional
    concatenate = staticmethod(tg.concatenate)
    models = models

    def __init__(self, jit: bool) -> None:
        self._jit = jit

    def tensor(self, array: np.ndarray) -> tg.Tensor:
        """A tensor with the array's values."""
        return tg.tensor(array)

    def model(self, module: nn.Module, dtype: str) -> nn.Module:
        """The module in this dtype."""
        return module.to(dtype)

    def zero(self, tensor: tg.Tensor) -> None:
        """Make the values zero."""
        tensor.assign(tg.zeros_like(tensor))

    def unrecorded(self) -> AbstractContextManager[Any]:
        """Nothing is recorded for a backward pass."""
        return tg.no_grad()

    def compile_whole(self, function: Function) -> Function:
        """Compiled, forward and backward together."""
        return tg.jit(function) if self._jit else function


if "--jit" in sys.argv:  # an import like PyTorch's own: its memory counts as such, and nothing is timed without it
    import llvmlite.binding  # noqa: F401


def make(workload: Workload, dtype: str) -> Measured:
    """The workload on tinygrad_cv, as the command line says."""
    return TASKS[workload.task](Ours("--jit" in sys.argv), workload, dtype)


if __name__ == "__main__":
    serve(make)
