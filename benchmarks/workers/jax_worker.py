"""JAX, compiled: `python -m benchmarks.workers.jax_worker WORKLOAD [--channels-last]`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.workers.jax_layers import KERNEL, Arrayed, layers, to_jax, to_numpy
from benchmarks.workers.networks import build
from benchmarks.workers.protocol import Measured, serve
from benchmarks.workloads import LEARNING_RATE, MOMENTUM, Arrays, Workload

STATISTICS = ("running_mean", "running_var")


class _Task:
    """A network as a pure function of its parameters, its running statistics and the images."""

    def __init__(self, workload: Workload, last: bool) -> None:
        self._last = last
        self._network = build(workload.network, SimpleNamespace(nn=layers(last)))
        images, labels = workload.data()
        self._images, self._labels = to_jax(images, last), jnp.asarray(labels)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the parameters."""
        return {name: shape for name, shape in self._all_shapes().items() if not name.endswith(STATISTICS)}

    def load(self, values: Arrays) -> None:
        """Take copies of these values, and of the statistics that are not among them their initial ones."""
        for name, shape in self._all_shapes().items():
            if name not in values:
                values = {**values, name: (np.ones if name.endswith("var") else np.zeros)(shape, np.float32)}
        arrays = {name: to_jax(value, self._last, KERNEL) for name, value in values.items()}
        self._statistics = {name: value for name, value in arrays.items() if name.endswith(STATISTICS)}
        self._parameters = {name: value for name, value in arrays.items() if name not in self._statistics}

    def _all_shapes(self) -> dict[str, tuple[int, ...]]:
        layers = self._network.layers()
        return {prefix + name: shape for prefix, layer in layers for name, shape in layer.shapes.items()}

    def _forward(self, parameters: Arrayed, statistics: Arrayed, images: Any) -> tuple[Any, Arrayed]:
        """The output and the new statistics."""
        self._network.bind({**parameters, **statistics})
        output = self._network(images)
        return output, self._network.bound(STATISTICS)

    def _by_name(self, gradients: Arrayed) -> Arrays:
        return {name: to_numpy(gradients[name], self._last, KERNEL) for name in self.shapes()}


class Training(_Task):
    """Forward, cross-entropy, backward, SGD with momentum, compiled as one function that reuses its state's memory."""

    def __init__(self, workload: Workload, last: bool) -> None:
        super().__init__(workload, last)
        self._compiled = jax.jit(self._train, donate_argnums=(0, 1, 2))

    def load(self, values: Arrays) -> None:
        """Take copies of these parameters, and forget the momentum."""
        super().load(values)
        self._velocity = jax.tree.map(jnp.zeros_like, self._parameters)

    def step(self) -> float:
        """Do one training step; return the loss from before the update."""
        loss, *state = self._compiled(self._parameters, self._velocity, self._statistics, self._images, self._labels)
        self._parameters, self._velocity, self._statistics = jax.block_until_ready(state)
        return float(loss)

    def results(self) -> Arrays:
        """The gradients of the first step, which the momentum holds after it."""
        return self._by_name(self._velocity)

    def _train(self, parameters: Arrayed, velocity: Arrayed, statistics: Arrayed, images: Any, labels: Any) -> Any:
        (loss, statistics), gradients = jax.value_and_grad(self._loss, has_aux=True)(
            parameters, statistics, images, labels
        )
        velocity = jax.tree.map(lambda v, g: MOMENTUM * v + g, velocity, gradients)
        parameters = jax.tree.map(lambda p, v: p - LEARNING_RATE * v, parameters, velocity)
        return loss, parameters, velocity, statistics

    def _loss(self, parameters: Arrayed, statistics: Arrayed, images: Any, labels: Any) -> tuple[Any, Arrayed]:
        logits, statistics = self._forward(parameters, statistics, images)
        chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1)
        return -chosen.mean(), statistics


class Gradient(_Task):
    """Forward, and backward from a given cotangent to the parameters and to the input."""

    def __init__(self, workload: Workload, last: bool) -> None:
        super().__init__(workload, last)
        self._cotangent = to_jax(workload.cotangent(), last)
        self._compiled = jax.jit(self._pull_back, donate_argnums=1)

    def step(self) -> None:
        """Compute the output and the gradients."""
        self._output, self._statistics, self._gradients = jax.block_until_ready(
            self._compiled(self._parameters, self._statistics, self._images, self._cotangent)
        )

    def results(self) -> Arrays:
        """The gradients and the output of the last step."""
        parameters, images = self._gradients
        return {
            "input": to_numpy(images, self._last),
            **self._by_name(parameters),
            "output": to_numpy(self._output, self._last),
        }

    def _pull_back(self, parameters: Arrayed, statistics: Arrayed, images: Any, cotangent: Any) -> Any:
        output, pull_back, statistics = jax.vjp(
            lambda p, x: self._forward(p, statistics, x), parameters, images, has_aux=True
        )
        return output, statistics, pull_back(cotangent)


class Inference(_Task):
    """Forward in evaluation mode."""

    def __init__(self, workload: Workload, last: bool) -> None:
        super().__init__(workload, last)
        for _, layer in self._network.layers():
            layer.training = False
        self._compiled = jax.jit(lambda parameters, statistics, x: self._forward(parameters, statistics, x)[0])

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the parameters and of the running statistics."""
        return self._all_shapes()

    def step(self) -> None:
        """Compute the output."""
        self._output = jax.block_until_ready(self._compiled(self._parameters, self._statistics, self._images))

    def results(self) -> Arrays:
        """The output of the last step."""
        return {"output": to_numpy(self._output, self._last)}


TASKS: dict[str, Callable[[Workload, bool], Measured]] = {
    "training": Training,
    "gradient": Gradient,
    "inference": Inference,
}


def make(workload: Workload, dtype: str) -> Measured:
    """The workload on JAX in float32; it has other dtypes only where the whole process has."""
    assert dtype == "float32"
    return TASKS[workload.task](workload, "--channels-last" in sys.argv)


if __name__ == "__main__":
    serve(make)
