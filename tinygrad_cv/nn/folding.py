"""Folding batch normalization, which is affine in evaluation mode, into the preceding layer."""

from __future__ import annotations

import copy
from collections import Counter
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ..core.annotations import explaining
from ..core.context import no_grad
from .batch_norm import BatchNorm1d, BatchNorm2d, BatchNorm3d
from .container import Sequential
from .conv_transpose import ConvolutionTranspose, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from .convolution import Conv1d, Conv2d, Conv3d
from .linear import Linear
from .module import Module
from .parameter import Parameter
from .shape import Identity

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor

M = TypeVar("M", bound=Module)

FOLDED: dict[type[Module], type[Module]] = {  # a layer, and the normalization that is folded into it
    Linear: BatchNorm1d,
    Conv1d: BatchNorm1d,
    Conv2d: BatchNorm2d,
    Conv3d: BatchNorm3d,
    ConvTranspose1d: BatchNorm1d,
    ConvTranspose2d: BatchNorm2d,
    ConvTranspose3d: BatchNorm3d,
}


@explaining
def fold_batch_norm(model: M) -> M:
    """A copy of the model in evaluation mode, each batch normalization in a Sequential folded into the layer before it.

    γ (W x + b - μ) / √(σ² + eps) + β = W' x + b', with W' = s W, b' = s (b - μ) + β and s = γ / √(σ² + eps) for each
    output. Outputs change by rounding only. An :class:`Identity` replaces the normalization, so that the other modules
    keep their names.

    Folded are adjacent pairs of a convolution, or a transpose of one, and a BatchNorm of its dimensions, or of Linear
    and BatchNorm1d, if the normalization keeps running averages and neither is used elsewhere in the model.

    >>> import tinygrad_cv as tg
    >>> model = tg.nn.Sequential(tg.nn.Conv2d(3, 8, 3, bias=False), tg.nn.BatchNorm2d(8), tg.nn.ReLU())
    >>> tg.nn.fold_batch_norm(model)
    Sequential(
      (0): Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1))
      (1): Identity()
      (2): ReLU()
    )
    """
    model = copy.deepcopy(model).eval()
    held = [child for module in model.modules() for child in vars(module).values() if isinstance(child, Module)]
    uses = Counter(map(id, held))
    for block in list(model.modules()):
        if isinstance(block, Sequential):
            for i in range(len(block) - 1):
                layer, norm = block[i], block[i + 1]
                if _fits(layer, norm) and uses[id(layer)] == uses[id(norm)] == 1:
                    fold_pair(layer, norm)
                    block[i + 1] = Identity().eval()
    return model


@explaining
def fold_pair(layer: M, norm: Module) -> M:
    """Fold the batch normalization that follows a convolution or Linear into its weight and bias, in place.

    Raises:
        ValueError: the two do not match, or the normalization keeps no running averages.
    """
    if not _fits(layer, norm):
        raise ValueError(
            f"fold_pair of {layer!r} and {norm!r}: it takes a convolution and a batch normalization of its dimensions, "
            "or a Linear and a BatchNorm1d, with as many outputs as features, and with running averages."
        )
    with no_grad():
        mean, var = norm.running_mean.astype(np.float64), norm.running_var.astype(np.float64)
        scale = 1.0 / (var + norm.eps).sqrt()
        shift = -mean if layer.bias is None else layer.bias.astype(np.float64) - mean
        if norm.weight is not None:
            scale = scale * norm.weight.astype(np.float64)
        shift = shift * scale if norm.bias is None else shift * scale + norm.bias.astype(np.float64)
        weight = layer.weight
        layer.weight = Parameter(_scaled(layer, scale).astype(weight.dtype), weight.requires_grad)
        layer.bias = Parameter(shift.astype(weight.dtype), weight.requires_grad)
    return layer


def _scaled(layer: Module, scale: Tensor) -> Tensor:
    """The weight in float64 with each output's part multiplied by its scale."""
    weight = layer.weight.astype(np.float64)
    rest = (1,) * (weight.ndim - 2)
    if not isinstance(layer, ConvolutionTranspose):
        return weight * scale.reshape(-1, 1, *rest)  # o ..., o
    grouped = weight.reshape(layer.groups, -1, *weight.shape[1:])  # (g c) o ... -> g c o ...
    return (grouped * scale.reshape(layer.groups, 1, -1, *rest)).reshape(weight.shape)


def _fits(layer: Module, norm: Module) -> bool:
    if type(norm) is not FOLDED.get(type(layer)):
        return False
    outputs = layer.out_features if isinstance(layer, Linear) else layer.out_channels
    return norm.running_mean is not None and outputs == norm.num_features
