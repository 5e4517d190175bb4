"""The three tasks for frameworks with PyTorch's interface: one code each, so that all do the same work."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from benchmarks.workers.networks import build
from benchmarks.workers.protocol import Measured
from benchmarks.workloads import LEARNING_RATE, MOMENTUM, Arrays, Workload

Function = Callable[..., Any]


class Framework(ABC):
    """Where PyTorch and tinygrad_cv differ: whole modules by name, and how tensors, models and functions are made."""

    nn: Any
    optim: Any
    functional: Any
    concatenate: Any

    @property
    @abstractmethod
    def models(self) -> Any:
        """Where the networks of the literature are."""

    @abstractmethod
    def tensor(self, array: np.ndarray) -> Any:
        """A tensor with these values, in the layout that is measured."""

    @abstractmethod
    def model(self, module: Any, dtype: str) -> Any:
        """The module with parameters of this dtype, in the layout that is measured."""

    @abstractmethod
    def zero(self, tensor: Any) -> None:
        """Make the values of a tensor zero, in place."""

    @abstractmethod
    def unrecorded(self) -> AbstractContextManager[Any]:
        """A context for inference."""

    def compile_part(self, function: Function) -> Function:
        """A forward pass or an update as it is measured, where such parts of a step are compiled; else itself."""
        return function

    def compile_whole(self, function: Function) -> Function:
        """A step as it is measured, where steps are compiled as a whole; else itself."""
        return function


class _Task(ABC):
    """A model. A subclass sets the measured function and its arguments, and reads what a call of it left."""

    _compiled: Any  # a function
    _arguments: tuple[Any, ...] = ()

    def __init__(self, framework: Framework, workload: Workload, dtype: str) -> None:
        self._framework = framework
        self._model = framework.model(build(workload.network, framework), dtype)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the parameters."""
        return {name: tuple(parameter.shape) for name, parameter in self._model.named_parameters()}

    def load(self, values: Arrays) -> None:
        """Take copies of these values."""
        state = dict(self._model.state_dict())
        state.update({name: self._framework.tensor(value.copy()) for name, value in values.items()})
        self._model.load_state_dict(state)

    def step(self) -> float | None:
        """Do the task once; the loss where there is one."""
        self._result = self._compiled(*self._arguments)
        return None

    @abstractmethod
    def results(self) -> Arrays:
        """What the last step computed, by name."""

    def kernels(self) -> list[Any]:
        """What the compiled step is made of, one row a kernel."""
        return list(self._compiled.kernels())

    def _gradients(self) -> Arrays:
        return {name: _gradient(parameter) for name, parameter in self._model.named_parameters()}


def _gradient(leaf: Any) -> np.ndarray:
    """What the backward pass left; zeros where the result does not depend on the leaf, which torch writes out."""
    return np.zeros(leaf.shape) if leaf.grad is None else leaf.grad.numpy()  # type: ignore[no-any-return]


class Training(_Task):
    """Forward, cross-entropy, backward, SGD with momentum."""

    def __init__(self, framework: Framework, workload: Workload, dtype: str) -> None:
        super().__init__(framework, workload, dtype)
        images, labels = map(framework.tensor, workload.data(dtype))
        model = self._model.train()
        self._optimizer = framework.optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
        forward = framework.compile_part(lambda x, y: framework.functional.cross_entropy(model(x), y))
        update = framework.compile_part(self._optimizer.step)

        def step(x: Any, y: Any) -> Any:
            loss = forward(x, y)
            self._optimizer.zero_grad()
            loss.backward()
            update()
            return loss

        self._compiled = framework.compile_whole(step)
        self._arguments = (images, labels)

    def load(self, values: Arrays) -> None:
        """Take copies of these parameters, and forget the momentum."""
        super().load(values)
        for slots in self._optimizer.state.values():
            self._framework.zero(slots["momentum_buffer"])

    def step(self) -> float | None:
        """Do one training step; return the loss from before the update."""
        return float(self._compiled(*self._arguments).item())

    def results(self) -> Arrays:
        """The gradients of the last step."""
        return self._gradients()


class Gradient(_Task):
    """Forward, and backward from a given cotangent to the parameters and to the input."""

    def __init__(self, framework: Framework, workload: Workload, dtype: str) -> None:
        super().__init__(framework, workload, dtype)
        self._images = images = framework.tensor(workload.data(dtype)[0]).requires_grad_()
        cotangent = framework.tensor(workload.cotangent(dtype))
        model = self._model.train()
        forward = framework.compile_part(lambda x: model(x))

        def step() -> Any:
            for leaf in (images, *model.parameters()):  # not self, which the results of each step change
                leaf.grad = None
            output = forward(images)
            output.backward(cotangent)
            return output.detach()

        self._compiled = framework.compile_whole(step)

    def results(self) -> Arrays:
        """The gradients and the output of the last step."""
        return {"input": _gradient(self._images), **self._gradients(), "output": self._result.numpy()}


class Inference(_Task):
    """Forward in evaluation mode; nothing is recorded."""

    def __init__(self, framework: Framework, workload: Workload, dtype: str) -> None:
        super().__init__(framework, workload, dtype)
        model = self._model.eval()
        self._compiled = framework.compile_whole(framework.compile_part(lambda x: model(x)))
        self._arguments = (framework.tensor(workload.data(dtype)[0]),)

    def step(self) -> float | None:
        """Compute the output."""
        with self._framework.unrecorded():
            return super().step()

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the parameters and of the running statistics."""
        return {
            name: tuple(value.shape)
            for name, value in self._model.state_dict().items()
            if not name.endswith("num_batches_tracked")
        }

    def results(self) -> Arrays:
        """The output of the last step."""
        return {"output": self._result.numpy()}


TASKS: dict[str, Callable[[Framework, Workload, str], Measured]] = {
    "training": Training,
    "gradient": Gradient,
    "inference": Inference,
}
