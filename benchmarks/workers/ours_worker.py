"""tinygrad_cv, eager: `python -m benchmarks.workers.ours_worker WORKLOAD`."""

from __future__ import annotations

import tinygrad_cv as tg
from benchmarks.workers.networks import build
from benchmarks.workers.protocol import serve
from benchmarks.workers.training import Training
from benchmarks.workloads import Workload
from tinygrad_cv import functional, nn, optim


def make(workload: Workload, dtype: str) -> Training:
    """The workload on tinygrad_cv."""
    images, labels = map(tg.tensor, workload.data(dtype))
    model = build(workload.name, nn).to(dtype)
    return Training(model, images, labels, optim, functional, stored=lambda array: array)


if __name__ == "__main__":
    serve(make)
