"""How the proof asks for a gradient: by the tape, so that what is checked is the VJP that users get."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.proof.outcome import Wrong
from tinygrad_cv.core.context import eager
from tinygrad_cv.core.primitive import Primitive
from tinygrad_cv.core.tape import apply
from tinygrad_cv.core.variable import gradients
from tinygrad_cv.frontend.tensor import Tensor

Array = np.ndarray


def value(primitive: Primitive, arrays: Sequence[Array], params: dict[str, Any]) -> Array:
    """The primitive's own value."""
    return eager(primitive, list(arrays), params)


def floats(arrays: Sequence[Array]) -> list[int]:
    """The inputs that can have a derivative. One without a VJP has the derivative 0, right or wrong."""
    return [i for i, x in enumerate(arrays) if x.dtype.kind == "f"]


class Recorded:
    """A primitive applied, and recorded for its inputs at ``places``. No array is copied: layouts stay as they are."""

    def __init__(self, primitive: Primitive, arrays: Sequence[Array], params: dict[str, Any], places: Sequence[int]):
        tensors = [Tensor._new(x) for x in arrays]
        self.leaves = [tensors[i].requires_grad_() for i in places]
        self.y = apply(primitive, *tensors, **params)

    def pull(self, g: Any, create_graph: bool = False) -> list[Any]:
        """The leaves' cotangents, each found to be of its leaf's shape and dtype; zeros where nothing depends."""
        g = g if isinstance(g, Tensor) else Tensor._new(g)
        return pull(self.y, self.leaves, g, create_graph)


def pull(y: Any, leaves: Sequence[Any], g: Any, create_graph: bool = False) -> list[Any]:
    """Jᵀ g, one tensor a leaf. The graph stays for the next g."""
    if y.node is None:
        return [Tensor._new(np.zeros(x.shape, x.dtype)) for x in leaves]
    found = gradients([y], leaves, [g], retain_graph=True, create_graph=create_graph)
    filled = []
    for x, gradient in zip(leaves, found, strict=True):
        gradient = Tensor._new(np.zeros(x.shape, x.dtype)) if gradient is None else gradient
        if (gradient.shape, gradient.dtype) != (x.shape, x.dtype):
            raise Wrong(
                f"the gradient has shape {gradient.shape} and dtype {gradient.dtype}, the input {x.shape} and {x.dtype}"
            )
        filled.append(gradient)
    return filled


def vector(parts: Sequence[Any]) -> Array:
    """Tensors or arrays, one after another."""
    arrays = [part.value if isinstance(part, Tensor) else part for part in parts]
    return np.concatenate([array.ravel() for array in arrays]) if arrays else np.zeros(0)
