"""The training step for systems that have PyTorch's interface: one loop, so that both do the same work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.workloads import LEARNING_RATE, MOMENTUM, Arrays


class Training:
    """A model, a fixed batch, cross-entropy, and SGD with momentum.

    `stored` turns an array into what the model's `load_state_dict` takes.
    """

    def __init__(
        self, model: Any, images: Any, labels: Any, optim: Any, functional: Any, stored: Callable[[np.ndarray], Any]
    ) -> None:
        self._model = model.train()
        self._images = images
        self._labels = labels
        self._optim = optim
        self._cross_entropy = functional.cross_entropy
        self._stored = stored
        self._optimizer: Any = None

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the parameters."""
        return {name: tuple(parameter.shape) for name, parameter in self._model.named_parameters()}

    def load(self, parameters: Arrays) -> None:
        """Take copies of these parameters, and forget the optimizer's state."""
        state = dict(self._model.state_dict())
        state.update({name: self._stored(value.copy()) for name, value in parameters.items()})
        self._model.load_state_dict(state)
        self._optimizer = self._optim.SGD(self._model.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)

    def step(self) -> float:
        """Do one training step; return the loss from before the update."""
        self._optimizer.zero_grad()
        loss = self._cross_entropy(self._model(self._images), self._labels)
        loss.backward()
        self._optimizer.step()
        return float(loss.item())

    def gradients(self) -> Arrays:
        """The gradients of the last step."""
        return {name: parameter.grad.numpy() for name, parameter in self._model.named_parameters()}
