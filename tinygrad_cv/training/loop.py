"""The training loop: one epoch over a loader, and the evaluation of a model on a set of images."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from .. import functional as F
from ..core.context import no_grad
from ..frontend.creation import tensor
from ..nn import Module
from ..optim import Optimizer

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike

Step: TypeAlias = "Callable[[Tensor, TensorLike], tuple[Tensor, Tensor]]"  # (images, labels) -> (loss, scores)
Forward: TypeAlias = "Callable[[Tensor], Tensor]"  # images -> scores


class Epoch(NamedTuple):
    """Means over the images of one pass."""

    loss: float
    accuracy: float  # the fraction of correct predictions, 0 to 1


def training_step(model: Module, optimizer: Optimizer) -> Step:
    """One step of gradient descent, as a function of a batch: (images, labels) -> (loss, scores). For ``tg.jit``."""

    def step(images: Tensor, labels: TensorLike) -> tuple[Tensor, Tensor]:
        scores: Tensor = model(images)
        loss = F.cross_entropy(scores, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss, scores

    return step


def train_epoch(
    model: Module,
    optimizer: Optimizer,
    batches: Iterable[tuple[np.ndarray, np.ndarray]],
    after_step: Callable[[], object] = lambda: None,
    step: Step | None = None,
) -> Epoch:
    """One pass of gradient descent over (images, labels) batches; ``after_step`` is called after every update.

    ``step`` is the :func:`training_step`, possibly compiled by ``tg.jit``.

    >>> import numpy as np
    >>> from tinygrad_cv import nn, optim
    >>> model = nn.Linear(2, 2)
    >>> batches = [(np.eye(2, dtype=np.float32), np.arange(2))] * 50
    >>> train_epoch(model, optim.SGD(model, lr=1.0), batches).loss < 0.7
    True
    """
    model.train()
    step = step or training_step(model, optimizer)
    seen, loss_sum, correct = 0, 0.0, 0
    for images, labels in batches:
        loss, scores = step(tensor(images), labels)
        after_step()
        seen += len(labels)
        loss_sum += loss.item() * len(labels)
        correct += int((scores.numpy().argmax(1) == labels).sum())
    return Epoch(loss_sum / max(seen, 1), correct / max(seen, 1))


def predict(model: Module, images: np.ndarray, batch_size: int = 250, forward: Forward | None = None) -> np.ndarray:
    """Scores, N x classes, in evaluation mode (running averages, no dropout); the model's mode is restored.

    ``forward`` is the model, possibly compiled by ``tg.jit``.
    """
    forward = forward or model
    was_training = model.training
    model.eval()
    try:
        with no_grad():
            parts = [forward(tensor(images[i : i + batch_size])).numpy() for i in range(0, len(images), batch_size)]
    finally:
        model.train(was_training)
    return np.concatenate(parts)


def evaluate(
    model: Module, images: np.ndarray, labels: np.ndarray, batch_size: int = 250, forward: Forward | None = None
) -> Epoch:
    """Loss and accuracy in evaluation mode; arguments as for :func:`predict`."""
    scores = tensor(predict(model, images, batch_size, forward))
    correct = (scores.numpy().argmax(1) == labels).mean()
    return Epoch(F.cross_entropy(scores, labels).item(), float(correct))
