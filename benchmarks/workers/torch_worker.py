"""PyTorch, eager: `python -m benchmarks.workers.torch_worker WORKLOAD [--channels-last]`."""

from __future__ import annotations

import sys

import torch

from benchmarks.workers.networks import build
from benchmarks.workers.protocol import serve
from benchmarks.workers.training import Training
from benchmarks.workloads import THREADS, Workload


def make(workload: Workload, dtype: str) -> Training:
    """The workload on PyTorch, in its default layout or in channels_last."""
    torch.set_num_threads(THREADS)
    layout = torch.channels_last if "--channels-last" in sys.argv else torch.contiguous_format
    images, labels = map(torch.from_numpy, workload.data(dtype))
    model = build(workload.name, torch.nn).to(dtype=images.dtype, memory_format=layout)
    images = images.contiguous(memory_format=layout)
    return Training(model, images, labels, torch.optim, torch.nn.functional, stored=torch.from_numpy)


if __name__ == "__main__":
    serve(make)
