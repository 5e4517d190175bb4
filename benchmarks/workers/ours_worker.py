"""tinygrad_cv: `python -m benchmarks.workers.ours_worker WORKLOAD [--jit | --eager-compiled]`."""

from __future__ import annotations

import itertools
import sys
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

import tinygrad_cv as tg
from benchmarks.workers.protocol import Measured, serve
from benchmarks.workers.tasks import TASKS, Framework, Function
from benchmarks.workloads import Workload
from tinygrad_cv import functional, models, nn, optim
from tinygrad_cv.eager import entries
from tinygrad_cv.eager.builder import settle


class Ours(Framework):
    """tinygrad_cv: eager, eager with compiled calls of composed functions, or compiled as a whole."""

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
        if "--eager-compiled" in sys.argv:
            return _eager_compiled(function)
        return tg.jit(function) if self._jit else function


def _eager_compiled(function: Function) -> Function:
    """The function with the switch on, which is compiled in the background: its first calls wait for that."""
    entries.WORTH = 0  # small arguments after as few calls as large ones
    tg.set_eager_compile(True)
    calls = itertools.count(1)

    def call(*args: Any) -> Any:
        result = function(*args)
        if next(calls) <= entries.CALLS:
            settle()
        return result

    return call


if {"--jit", "--eager-compiled"} & {
    *sys.argv
}:  # an import like PyTorch's own: its memory counts as such, and nothing is timed without it
    import llvmlite.binding  # noqa: F401


def make(workload: Workload, dtype: str) -> Measured:
    """The workload on tinygrad_cv, as the command line says."""
    return TASKS[workload.task](Ours("--jit" in sys.argv), workload, dtype)


if __name__ == "__main__":
    serve(make)
