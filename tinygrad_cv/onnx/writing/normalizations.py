"""Normalizations, and dropout, which training mode has too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .registry import function

if TYPE_CHECKING:
    from ...ir.graph import Value
    from .block import Block
    from .program import Call


def _channels(block: Block, value: Value | None, like: Value, fill: float) -> str:
    """Numbers for each channel; all the same where there are none."""
    if value is not None:
        return block.of(value)
    count = block.sizes.pairs(like)[1]
    if count[0] != count[1]:
        return block.node("Expand", block.constant(fill, like.dtype), block.dims([count]))
    return block.constant(np.full(count[0], fill, like.dtype))


@function("batch_norm")
def batch_norm(block: Block, call: Call) -> str | None:
    """By running averages. By those of the batch it is written as composed.

    There is an operator for that too, but ONNX Runtime 1.32 stores its new running averages in weight and bias where
    their values are equal, as in a new layer, so that each run has other results.
    """
    x, mean, var = call["input"], call["running_mean"], call["running_var"]
    if call["training"] or mean is None:
        return None
    scale, shift = _channels(block, call["weight"], x, 1.0), _channels(block, call["bias"], x, 0.0)
    inputs = [block.of(x), scale, shift, block.of(mean), block.of(var)]
    return block.node("BatchNormalization", *inputs, epsilon=float(call["eps"]))


@function("instance_norm")
def instance_norm(block: Block, call: Call) -> str | None:
    x = call["input"]
    if not call["use_input_stats"]:
        return None
    scale, shift = _channels(block, call["weight"], x, 1.0), _channels(block, call["bias"], x, 0.0)
    return block.node("InstanceNormalization", block.of(x), scale, shift, epsilon=float(call["eps"]))


@function("layer_norm")
def layer_norm(block: Block, call: Call) -> str | None:
    x, shape = call["input"], call["normalized_shape"]
    if block.opset < 17:
        return None
    count = 1 if isinstance(shape, int) else len(shape)
    scale = call["weight"]
    scale = block.constant(np.ones(x.shape[-count:], x.dtype)) if scale is None else block.of(scale)
    bias = block.optional(call["bias"])
    return block.node("LayerNormalization", block.of(x), scale, bias, axis=-count, epsilon=float(call["eps"]))


@function("rms_norm")
def rms_norm(block: Block, call: Call) -> str | None:
    x, shape, eps = call["input"], call["normalized_shape"], call["eps"]
    if block.opset < 23 or eps is None:
        return None
    count = 1 if isinstance(shape, int) else len(shape)
    scale = call["weight"]
    scale = block.constant(np.ones(x.shape[-count:], x.dtype)) if scale is None else block.of(scale)
    return block.node("RMSNormalization", block.of(x), scale, axis=-count, epsilon=float(eps))


@function("group_norm")
def group_norm(block: Block, call: Call) -> str | None:
    x = call["input"]
    if block.opset < 21 or not x.size:
        return None
    scale, shift = _channels(block, call["weight"], x, 1.0), _channels(block, call["bias"], x, 0.0)
    attributes = {"num_groups": call["num_groups"], "epsilon": float(call["eps"])}
    return block.node("GroupNormalization", block.of(x), scale, shift, **attributes)


@function("local_response_norm")
def local_response_norm(block: Block, call: Call) -> str | None:
    x, size = call["input"], call["size"]
    if x.ndim != 4 or not isinstance(size, int) or size % 2 == 0:  # an even window has its odd channel elsewhere
        return None
    attributes = {"size": size, "alpha": float(call["alpha"]), "beta": float(call["beta"]), "bias": float(call["k"])}
    return block.node("LRN", block.of(x), **attributes)


@function("dropout")
def dropout(block: Block, call: Call) -> str | None:
    return _dropped(block, call, None)


@function("dropout1d", "dropout2d", "dropout3d")
def channel_dropout(block: Block, call: Call) -> str | None:
    """Ones for each channel are dropped, and multiplied."""
    x, dims = call["input"], int(call.name[7])
    return _dropped(block, call, [*range(x.ndim - dims, x.ndim)])


@function("stochastic_depth")
def stochastic_depth(block: Block, call: Call) -> str | None:
    """Ones for each image, or one for all, are dropped, and multiplied."""
    return _dropped(block, call, [*range(0 if call["mode"] == "batch" else 1, call["input"].ndim)])


def _dropped(block: Block, call: Call, same: list[int] | None) -> str | None:
    x, p = call["input"], call["p"]
    if not call["training"] or p == 0.0:
        return None
    if p == 1.0:
        return block.node("Mul", block.of(x), block.constant(0, x.dtype))
    if same is None:
        return _by_mask(block, block.of(x), p, x.dtype)
    pairs = [(1, 1) if i in same else pair for i, pair in enumerate(block.sizes.pairs(x))]
    ones = block.node("Expand", block.constant(1, x.dtype), block.dims(pairs))
    return block.node("Mul", block.of(x), _by_mask(block, ones, p, x.dtype))


def _by_mask(block: Block, name: str, p: float, dtype: np.dtype) -> str:
    """Dropout, and its mask once more: ONNX Runtime takes it out where nobody reads the mask, in training mode too."""
    inputs = [name, block.constant(p, "float32"), block.constant(True)]
    y, mask = block.several("Dropout", inputs, 2, {})
    return block.node("Where", mask, y, block.constant(0, dtype))
