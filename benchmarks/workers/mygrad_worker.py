"""MyGrad, LeNet-BN only: `python -m benchmarks.workers.mygrad_worker lenet`.

MyGrad has no optimizer, no running statistics and no convolution whose stride leaves a remainder. The SGD step here is
NumPy in place, running statistics are left out, and its memory guard is off: each is in its favour.
"""

from __future__ import annotations

from typing import Any

import mygrad
import numpy as np
from mygrad.nnet import batchnorm, conv_nd, max_pool, relu, softmax_crossentropy

from benchmarks.workers.protocol import serve
from benchmarks.workloads import CLASSES, EPSILON, LEARNING_RATE, MOMENTUM, Arrays, Workload

_SHAPES: dict[str, tuple[int, ...]] = {
    "0.weight": (6, 1, 5, 5),
    "1.weight": (6,),
    "1.bias": (6,),
    "4.weight": (16, 6, 5, 5),
    "5.weight": (16,),
    "5.bias": (16,),
    "9.weight": (120, 400),
    "9.bias": (120,),
    "11.weight": (84, 120),
    "11.bias": (84,),
    "13.weight": (CLASSES, 84),
    "13.bias": (CLASSES,),
}


class LeNet:
    """LeNet-BN on MyGrad; its parameters are named as in `networks.lenet_bn`."""

    def __init__(self, workload: Workload, dtype: str) -> None:
        self._images, self._labels = workload.data(dtype)
        self._parameters: dict[str, Any] = {}
        self._velocity: Arrays = {}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the parameters."""
        return _SHAPES

    def load(self, parameters: Arrays) -> None:
        """Take copies of these parameters, and forget the optimizer's state."""
        self._parameters = {name: mygrad.tensor(value) for name, value in parameters.items()}
        self._velocity = {name: np.zeros_like(value) for name, value in parameters.items()}

    def step(self) -> float:
        """Do one training step; return the loss from before the update."""
        for parameter in self._parameters.values():
            parameter.null_grad()
        loss = softmax_crossentropy(self._logits(), self._labels)
        loss.backward()
        for name, parameter in self._parameters.items():
            velocity = self._velocity[name]
            velocity *= MOMENTUM
            velocity += parameter.grad
            parameter.data -= LEARNING_RATE * velocity
        return float(loss.item())

    def results(self) -> Arrays:
        """The gradients of the last step."""
        return {name: np.asarray(parameter.grad) for name, parameter in self._parameters.items()}

    def _logits(self) -> Any:
        x = self._convolve(self._images, "0", "1", padding=2)
        x = self._convolve(x, "4", "5", padding=0).reshape(len(self._images), -1)
        return self._linear(relu(self._linear(relu(self._linear(x, "9")), "11")), "13")

    def _convolve(self, x: Any, convolution: str, norm: str, padding: int) -> Any:
        x = conv_nd(x, self._parameters[f"{convolution}.weight"], stride=1, padding=padding)
        gamma, beta = self._parameters[f"{norm}.weight"], self._parameters[f"{norm}.bias"]
        return max_pool(relu(batchnorm(x, gamma=gamma, beta=beta, eps=EPSILON)), (2, 2), 2)

    def _linear(self, x: Any, layer: str) -> Any:
        return mygrad.matmul(x, self._parameters[f"{layer}.weight"].T) + self._parameters[f"{layer}.bias"]


def make(workload: Workload, dtype: str) -> LeNet:
    """LeNet-BN on MyGrad; no other workload can be had."""
    if workload.name != "lenet":
        raise SystemExit(f"MyGrad runs LeNet-BN only, not {workload.title}")
    mygrad.turn_memory_guarding_off()
    return LeNet(workload, dtype)


if __name__ == "__main__":
    serve(make)
