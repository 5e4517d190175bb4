"""Gradients inside of a model: the operator that ONNX has for training, here by the tape."""

from __future__ import annotations

from ...core.context import enable_grad
from ...frontend.autodiff import grad
from ...frontend.creation import zeros_like
from ...frontend.tensor import Tensor
from ..registry import TRAINING, Body, Strings, operator


@operator("Gradient", since=1, domain=TRAINING)
def gradient(*inputs: Tensor, body: Body, xs: Strings, y: str, zs: Strings = ()) -> tuple[Tensor, ...]:
    """The gradients of a tensor's sum with respect to others, at the inputs; they have gradients themselves."""
    with enable_grad():
        leaves = [x if x.requires_grad else x.detach().requires_grad_() for x in inputs[: len(xs)]]
        (value,) = body(*leaves, *inputs[len(xs) :])
        gradients = grad(value.sum(), leaves, create_graph=True, allow_unused=True)
    return tuple(zeros_like(x) if g is None else g for x, g in zip(leaves, gradients, strict=True))
