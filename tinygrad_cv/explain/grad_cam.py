"""Grad-CAM: the maps of one layer, weighted by how much the score of a class depends on each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..core.annotations import explaining
from ..core.context import enable_grad
from ..frontend.autodiff import grad
from ..frontend.creation import asarray
from ..frontend.tensor import Tensor
from ..nn import Module
from ..nn.modes import evaluating
from .maps import chosen, has_maps, layers_with_maps, single
from .scores import classes, picked

if TYPE_CHECKING:
    from ..frontend.typing import TensorLike


@explaining
def grad_cam(
    model: Module,
    images: TensorLike,
    target: int | Sequence[int] | None = None,
    layer: Module | str | None = None,
) -> Tensor:
    """Where a layer's maps A speak for a class c: relu(Σ_k α_k A_k), with α_k = 1/(h w) Σ_ij ∂y_c / ∂A_kij.

    images: N x C x H x W, as the model takes them. Scores y: N x classes, before a softmax. A: N x K x h x w. Result:
    N x h x w, at least 0, in units of the score; :func:`save_map` enlarges it to the image. What speaks against the
    class, or for none, is 0.

    The model runs in evaluation mode, and only what follows the layer is differentiated; gradients of parameters stay
    as they are. Of a layer that is called several times, the last call counts.

    Args:
        target: the class c, one for all images or one for each; by default each image's class of the highest score.
        layer: a module of the model, or its path; by default the last one with maps (:func:`layers_with_maps`).

    Raises:
        ValueError: there is no such class or layer, the layer gives no maps, or the model no scores N x classes.
        GraphError: the scores do not depend on the layer.

    Source: R. R. Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization",
    2017, eq. 1 and 2.

    >>> import numpy as np, tinygrad_cv as tg
    >>> model = tg.nn.Sequential(tg.nn.ReLU(), tg.nn.GlobalAvgPool2d(), tg.nn.Linear(1, 2))
    >>> model.load_state_dict({"2.weight": np.float32([[4], [-4]]), "2.bias": np.zeros(2, np.float32)})
    LoadResult(missing_keys=[], unexpected_keys=[])
    >>> grad_cam(model, tg.tensor([[[[1.0, 0.0], [2.0, -5.0]]]])).tolist()
    [[[1.0, 0.0], [2.0, 0.0]]]
    """
    x = asarray(images)
    path, module = chosen("grad_cam", model, x, layer)
    maps: list[Any] = []

    def cut(module: Module, args: Any, output: Any) -> Any:
        if not has_maps(output):
            maps[:] = [output]
            return output
        maps[:] = [single(output).detach().requires_grad_()]
        return (maps[0],) if isinstance(output, tuple) else maps[0]

    hook = module.register_forward_hook(cut)
    try:
        with evaluating(model), enable_grad():
            scores = model(x)
            chosen_classes = classes("grad_cam", scores, target)
            if not maps or not has_maps(maps[0]):
                raise _without_maps(path, maps, model, x)
            gradient = grad(picked(scores, chosen_classes).sum(), maps[0])
    finally:
        hook.remove()
    alpha = gradient.mean((2, 3), keepdims=True)  # n k h w -> n k 1 1
    return (alpha * maps[0].detach()).sum(1).maximum(0.0)  # n k h w -> n h w


def _without_maps(path: str, output: list[Any], model: Module, images: Tensor) -> ValueError:
    reason = "is not called"
    if output:
        shape = f"shape {output[0].shape}" if isinstance(output[0], Tensor) else f"type {type(output[0]).__name__}"
        reason = f"gives an output of {shape}, no maps N x K x h x w of more than one place"
    others = ", ".join(list(layers_with_maps(model, images))[-5:]) or "none"
    return ValueError(f"grad_cam: layer={path!r} {reason}. Give one of the layers with maps; the last are {others}.")
