"""PyTorch: `python -m benchmarks.workers.torch_worker WORKLOAD [--channels-last] [--compile] [--freeze]`."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch

from benchmarks.torchvision_models import torchvision_models
from benchmarks.workers.protocol import Measured, serve
from benchmarks.workers.tasks import TASKS, Framework, Function
from benchmarks.workloads import Workload


class Torch(Framework):
    """PyTorch in one of its layouts, eager or compiled."""

    nn = torch.nn
    optim = torch.optim
    functional = torch.nn.functional
    concatenate = staticmethod(torch.concatenate)

    def __init__(self, layout: torch.memory_format, compiled: bool) -> None:
        self._layout = layout
        self._compiled = compiled

    @property
    def models(self) -> Any:
        """torchvision's."""
        return torchvision_models()

    def tensor(self, array: np.ndarray) -> torch.Tensor:
        """A tensor over the array; images are copied into the layout."""
        tensor = torch.from_numpy(array)
        axes = {torch.channels_last: 4, torch.channels_last_3d: 5}.get(self._layout)
        return tensor.contiguous(memory_format=self._layout) if tensor.ndim == axes else tensor

    def model(self, module: torch.nn.Module, dtype: str) -> torch.nn.Module:
        """The module in this dtype and in the layout."""
        return module.to(dtype=getattr(torch, dtype), memory_format=self._layout)  # type: ignore[call-overload]

    def zero(self, tensor: torch.Tensor) -> None:
        """Make the values zero, in place."""
        tensor.zero_()

    def unrecorded(self) -> AbstractContextManager[Any]:
        """Nothing is recorded for a backward pass."""
        return torch.no_grad()

    def compile_part(self, function: Function) -> Function:
        """Compiled, with the backward pass that PyTorch derives; the call of `backward` itself is not compiled."""
        return torch.compile(function) if self._compiled else function


def make(workload: Workload, dtype: str) -> Measured:
    """The workload on PyTorch, as the command line says."""
    last = torch.channels_last_3d if len(workload.image) == 4 else torch.channels_last
    layout = last if "--channels-last" in sys.argv else torch.contiguous_format
    if "--freeze" in sys.argv:  # parameters become constants: batch normalization is folded, weights are packed
        torch._inductor.config.freezing = True
    return TASKS[workload.task](Torch(layout, "--compile" in sys.argv), workload, dtype)


if __name__ == "__main__":
    serve(make)
