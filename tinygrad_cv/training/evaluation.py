"""A model's loss and metrics on data, and its predictions, in evaluation mode."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from .. import functional as F
from ..core.annotations import explaining
from ..core.context import no_grad
from ..nn import Module
from ..nn.modes import evaluating
from .metrics import MeanMetric, Metric, Result, check_metrics
from .ranks import Ranks, bare

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor

Forward: TypeAlias = "Callable[[Any], Tensor]"  # inputs -> outputs
Batches: TypeAlias = Iterable[tuple[Any, Any]]  # (inputs, targets)


@explaining
def evaluate(
    model: Module,
    data: Batches,
    loss: Callable[..., Any] = F.cross_entropy,
    metrics: Mapping[str, Metric] | None = None,
    forward: Forward | None = None,
) -> dict[str, Result]:
    """The loss over all samples, and metrics, by name.

    If the model is a `nn.parallel.DistributedDataParallel`, all ranks call this, each with its own batches, such as
    those of a `data.DistributedSampler` with ``pad=False``, and get the figures of all.

    Args:
        data: batches (inputs, targets), such as a data loader.
        loss: (outputs, targets) -> the mean over the batch.
        metrics: by name; they are reset first.
        forward: the model, possibly compiled by ``tg.jit``.

    >>> import numpy as np
    >>> from tinygrad_cv import nn
    >>> from tinygrad_cv.training.metrics import MulticlassAccuracy
    >>> model = nn.Linear(2, 2)
    >>> batches = [(np.zeros((3, 2), np.float32), np.array([0, 1, 1]))]
    >>> evaluate(model, batches, metrics={"accuracy": MulticlassAccuracy(2)}).keys()
    dict_keys(['loss', 'accuracy'])
    """
    check_metrics("evaluate", metrics)
    return measure(Ranks("evaluate", model), bare(model), data, loss, metrics or {}, forward)


def measure(
    ranks: Ranks,
    model: Module,
    data: Batches,
    loss: Callable[..., Any],
    metrics: Mapping[str, Metric],
    forward: Forward | None,
) -> dict[str, Result]:
    """The same for what is known to be right; figures of all ranks, each of which has its own batches."""
    forward, mean = forward or model, MeanMetric()
    for metric in metrics.values():
        metric.reset()
    with evaluating(model), no_grad():
        for inputs, targets in data:
            outputs = forward(inputs)
            mean.update(loss(outputs, targets).item(), len(targets))
            for metric in metrics.values():
                metric.update(outputs.numpy(), targets)
    ranks.gather([mean, *metrics.values()])
    return ranks.decide(lambda: {"loss": mean.compute(), **{name: m.compute() for name, m in metrics.items()}})


@explaining
def predict(model: Module, inputs: np.ndarray, batch_size: int = 250, forward: Forward | None = None) -> np.ndarray:
    """Outputs of a model for N inputs, such as scores N x classes.

    Args:
        inputs: N x ...
        batch_size: inputs at a time.
        forward: the model, possibly compiled by ``tg.jit``.
    """
    forward = forward or model
    with evaluating(model), no_grad():
        parts = [forward(inputs[i : i + batch_size]).numpy() for i in range(0, max(len(inputs), 1), batch_size)]
    return np.concatenate(parts)
