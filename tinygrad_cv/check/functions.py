"""A function of tensors as one that can be checked: its gradients come from the tape.

Parameters that it closes over are inputs like the others: they hold other values during a call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from ..core.errors import GraphError
from ..core.variable import gradients
from ..frontend.autodiff import jvp
from ..frontend.isolation import isolated
from ..frontend.movement import concatenate
from ..frontend.tensor import Tensor
from .checked import Arrays, Checked, check_outputs


class TensorFunction(Checked):
    """A function of tensors.

    Args:
        f: takes tensors.
        parameters: tensors that f closes over. They are the last inputs.
        buffers: tensors that f closes over as constants: float64 during a call.
    """

    library = "tinygrad_cv"

    def __init__(self, f: Callable[..., object], parameters: Sequence[Tensor] = (), buffers: Sequence[Tensor] = ()):
        self.f, self.parameters, self.buffers = f, tuple(parameters), tuple(buffers)

    def values(self, inputs: Arrays) -> list[np.ndarray]:
        """The outputs."""
        with isolated():
            return [y.value for y in self.outputs(_leaves(inputs))]

    def vjp(self, inputs: Arrays, cotangents: Sequence[np.ndarray]) -> list[np.ndarray | None]:
        """The gradients, from the tape."""
        leaves = _leaves(inputs)
        with isolated():
            outputs = self.outputs(leaves)
            found = _pull(outputs, leaves, map(Tensor._new, cotangents), create_graph=False)
        return [None if g is None else np.array(g.value) for g in found]

    def jvp(self, inputs: Arrays, direction: Arrays) -> np.ndarray:
        """J u, as one vector."""
        with isolated():

            def all_outputs(*leaves: Tensor) -> Tensor:
                return concatenate([y.reshape(-1) for y in self.outputs(leaves)])

            return jvp(all_outputs, _leaves(inputs), tuple(Tensor(u) for u in direction))[1].value

    def derivative(self) -> TensorFunction:
        """The function of (*inputs, v) whose outputs are the gradients of vᵀ f with respect to the inputs."""

        def gradient(*tensors: Tensor) -> list[Tensor]:
            *leaves, v = tensors
            outputs = self.outputs(leaves)
            found = _pull(outputs, leaves, _split(v, outputs), create_graph=True)
            return [x.detach() * 0 if g is None else g for x, g in zip(leaves, found, strict=True)]

        return TensorFunction(gradient)

    def outputs(self, leaves: Sequence[Tensor]) -> list[Tensor]:
        """What f returns, after checking that it is tensors of floats."""
        count = len(leaves) - len(self.parameters)
        with _replaced([*self.parameters, *self.buffers], [*leaves[count:], *map(_float64, self.buffers)]):
            returned = self.f(*leaves[:count])
        outputs: list[Tensor] = []
        for y in returned if isinstance(returned, (tuple, list)) else [returned]:
            if not isinstance(y, Tensor):
                raise GraphError(
                    f"gradcheck: f returned {type(y).__name__}; it must return a tensor, or a tuple of tensors. "
                    "A NumPy function is checked together with its backward: gradcheck(f, inputs, backward=...)."
                )
            outputs.append(y)
        check_outputs([y.value for y in outputs])
        return outputs


@contextmanager
def _replaced(tensors: Sequence[Tensor], others: Sequence[Tensor]) -> Iterator[None]:
    """Inside, tensors have the values of others, and their nodes."""
    own = [(tensor._value, tensor.node, tensor._grad) for tensor in tensors]
    try:
        for tensor, other in zip(tensors, others, strict=True):
            tensor._value, tensor.node = other._value, other.node
        yield
    finally:
        for tensor, (value, node, grad) in zip(tensors, own, strict=True):
            tensor._value, tensor.node, tensor._grad = value, node, grad


def _float64(buffer: Tensor) -> Tensor:
    return Tensor(buffer.value.astype(np.float64)) if buffer.dtype.kind == "f" else buffer


def _leaves(inputs: Arrays) -> list[Tensor]:
    return [Tensor(x, requires_grad=True) for x in inputs]


def _split(v: Tensor, outputs: Sequence[Tensor]) -> Iterator[Tensor]:
    """The parts of a vector that belong to the outputs."""
    start = 0
    for y in outputs:
        yield v[start : start + y.size].reshape(y.shape)
        start += y.size


def _pull(
    outputs: Sequence[Tensor], leaves: Sequence[Tensor], parts: Iterable[Tensor], create_graph: bool
) -> Sequence[Tensor | None]:
    """The gradients, for a cotangent of each output; None for a leaf that f does not depend on."""
    ys, cotangents = [], []
    for y, part in zip(outputs, parts, strict=True):
        if y.node is not None:
            ys.append(y)
            cotangents.append(part.astype(y.dtype))
    return gradients(ys, leaves, cotangents, create_graph=create_graph) if ys else [None] * len(leaves)
