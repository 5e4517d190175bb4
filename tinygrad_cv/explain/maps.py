"""The layers of a model that give maps: N x K x h x w, of more than one place."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from ..core.annotations import explaining
from ..core.context import no_grad
from ..frontend.creation import asarray
from ..frontend.tensor import Tensor
from ..nn import Module
from ..nn.modes import evaluating

if TYPE_CHECKING:
    from ..frontend.typing import TensorLike


@explaining
def layers_with_maps(model: Module, images: TensorLike) -> dict[str, tuple[int, ...]]:
    """The paths of the modules that give maps K x h x w with h w > 1, in the order in which they are done, and K, h, w.

    Modules of modules are among them, the model itself is not. Of one that is called again the last call counts.

    Args:
        images: N x C x H x W, with which the model is called, in evaluation mode.

    >>> import tinygrad_cv as tg
    >>> model = tg.nn.Sequential(tg.nn.Conv2d(1, 4, 3), tg.nn.ReLU(), tg.nn.GlobalAvgPool2d(), tg.nn.Linear(4, 2))
    >>> layers_with_maps(model, tg.zeros(1, 1, 8, 8))
    {'0': (4, 6, 6), '1': (4, 6, 6)}
    """
    found: dict[str, tuple[int, ...]] = {}
    paths = {id(module): path for path, module in model.named_modules()}

    def note(module: Module, args: Any, output: Any) -> None:
        path = paths[id(module)]
        found.pop(path, None)
        if has_maps(output) and path:
            found[path] = single(output).shape[1:]

    hooks = [module.register_forward_hook(note) for module in model.modules()]
    try:
        with evaluating(model), no_grad():
            model(asarray(images))
    finally:
        for hook in hooks:
            hook.remove()
    return found


def single(output: Any) -> Any:
    """The output of a module; of a tuple of one, as nodes of an ONNX model give, the one."""
    return output[0] if isinstance(output, tuple) and len(output) == 1 else output


def has_maps(output: Any) -> bool:
    """Whether the output of a module is N x K x h x w with more than one place."""
    output = single(output)
    return isinstance(output, Tensor) and output.ndim == 4 and output.shape[2] * output.shape[3] > 1


def chosen(caller: str, model: Module, images: Tensor, layer: Module | str | None) -> tuple[str, Module]:
    """The path of a layer with maps, and the layer: the last there is, or the one that is given.

    Raises:
        ValueError: there is none, or the one that is given has none or is none of the model's.
    """
    modules = dict(model.named_modules())
    if layer is None:
        maps = layers_with_maps(model, images)
        if not maps:
            raise ValueError(
                f"{caller}: no layer of the {type(model).__name__} gives maps N x K x h x w of more than one place for "
                f"images of shape {images.shape}. Give larger images, or a convolutional network."
            )
        layer = list(maps)[-1]
    if isinstance(layer, Module):
        path = next((path for path, module in modules.items() if module is layer), None)
        if path is None:
            raise ValueError(f"{caller}: layer is a {type(layer).__name__} that is no part of the model. Give its own.")
        return path, layer
    if layer not in modules:
        near = difflib.get_close_matches(str(layer), modules, 3, 0.4) or list(layers_with_maps(model, images))[-3:]
        raise ValueError(f"{caller}: layer={layer!r} is no module of the model; there is {', '.join(near)}.")
    return layer, modules[layer]
