"""Normalization by statistics of the batch, of images, or of neighbouring channels; and dropout."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import functional as F
from ...frontend.tensor import Tensor
from ...functional.normalization import with_statistics
from ..errors import OnnxError
from ..registry import Integers, Numbers, Statistics, operator


def several_outputs(attributes: dict[str, Any], outputs: int, inputs: list[Any]) -> bool:
    """Whether a batch normalization of before opset 14 is in training mode: it has outputs of that mode alone."""
    return outputs > 1


@operator("BatchNormalization", since=1, trained=lambda attributes, outputs, inputs: not attributes["is_test"])
def batch_norm_or_test(
    x: Tensor,
    scale: Tensor,
    b: Tensor,
    mean: Statistics,
    var: Statistics,
    *,
    training: bool,
    outputs: int,
    epsilon: float,
    momentum: float,
    is_test: bool = False,
    spatial: bool = True,
) -> tuple[Tensor, ...]:
    """Before opset 7 the file's mode is that of training, unless is_test says otherwise."""
    return batch_norm_of_five(
        x, scale, b, mean, var, training=training, outputs=outputs, epsilon=epsilon, momentum=momentum, spatial=spatial
    )


@operator("BatchNormalization", since=7, trained=several_outputs)
def batch_norm_of_five(
    x: Tensor,
    scale: Tensor,
    b: Tensor,
    mean: Statistics,
    var: Statistics,
    *,
    training: bool,
    outputs: int,
    epsilon: float,
    momentum: float,
    spatial: bool = True,
) -> tuple[Tensor, ...]:
    """Before opset 14: five outputs, the running averages and the statistics of the batch."""
    if not spatial:
        raise OnnxError("spatial=0: statistics for each pixel, which opset 9 has abolished.")
    y = batch_norm(x, scale, b, mean, var, training=training, outputs=outputs, epsilon=epsilon, momentum=momentum)
    axes = (0, *range(2, x.ndim))
    return (*y, x.mean(axes), x.var(axes))[:outputs] if outputs > 3 else y


@operator("BatchNormalization", since=14, trained=lambda attributes, outputs, inputs: attributes["training_mode"])
def batch_norm(
    x: Tensor,
    scale: Tensor,
    b: Tensor,
    mean: Statistics,
    var: Statistics,
    *,
    training: bool,
    outputs: int,
    epsilon: float,
    momentum: float,
    training_mode: bool = False,
) -> tuple[Tensor, ...]:
    """In training the averages become momentum · average + (1 - momentum) · statistic; σ² is that of the batch itself.

    training_mode is the mode in which the node begins.
    """
    y = F.batch_norm(x, mean, var, scale, b, training, 1.0 - momentum, epsilon, unbiased=False)
    return (y, *(average.detach().clone() for average in (mean, var)))[:outputs]


@operator("InstanceNormalization", since=6)
def instance_norm(x: Tensor, scale: Tensor, b: Tensor, *, epsilon: float) -> Tensor:
    axes = tuple(range(2, x.ndim))
    shape = (1, -1, *(1,) * len(axes))  # c -> 1 c 1 1
    return F.standardize(x, axes, epsilon, scale.reshape(shape), b.reshape(shape))


@operator("LayerNormalization", since=17)
def layer_norm(
    x: Tensor, scale: Tensor, b: Tensor | None = None, *, outputs: int, axis: int, epsilon: float, stash_type: int
) -> Tensor | tuple[Tensor, ...]:
    """Normalized over the axes from one on; and, in float32, the means and the inverse deviations."""
    axes = tuple(range(axis % x.ndim, x.ndim))
    if outputs == 1:
        return F.standardize(x, axes, epsilon, scale, b)
    wide = [t if t is None or t.dtype != np.float16 else t.astype(np.float32) for t in (x, scale, b)]
    z, *weights = wide
    assert z is not None
    y, mean, var = with_statistics(z, axes, epsilon, *weights)
    return (y.astype(x.dtype), mean, 1.0 / (var + epsilon).sqrt())[:outputs]


@operator("RMSNormalization", since=23)
def rms_norm(x: Tensor, scale: Tensor, *, axis: int, epsilon: float, stash_type: int) -> Tensor:
    return F.rms_norm(x, x.shape[axis % x.ndim :], None, epsilon) * scale


@operator("GroupNormalization", since=18)
def group_norm_by_group(x: Tensor, scale: Tensor, b: Tensor, *, epsilon: float, num_groups: int) -> Tensor:
    """Before opset 21 scale and bias have one number for each group."""
    each = x.shape[1] // num_groups
    return F.group_norm(x, num_groups, scale.repeat(each, 0), b.repeat(each, 0), epsilon)


@operator("GroupNormalization", since=21)
def group_norm(x: Tensor, scale: Tensor, b: Tensor, *, epsilon: float, num_groups: int, stash_type: int) -> Tensor:
    return F.group_norm(x, num_groups, scale, b, epsilon)


@operator("MeanVarianceNormalization", since=9)
def mean_variance_norm(x: Tensor, *, axes: Integers = (0, 2, 3)) -> Tensor:
    """(x - μ) / (σ + 1e-9)"""
    return (x - x.mean(axes, keepdims=True)) / (x.std(axes, keepdims=True) + 1e-9)


@operator("LpNormalization", since=1)
def lp_norm(x: Tensor, *, axis: int, p: int) -> Tensor:
    """x / (Σ |x|ᵖ)^(1/p), for p of 1 or 2; 0 where the divisor is."""
    if p not in (1, 2):
        raise OnnxError(f"p={p}: it must be 1 or 2.")
    length = abs(x).sum(axis, keepdims=True) if p == 1 else x.norm(axis, keepdims=True)
    zero = length == 0
    return zero.where(0.0, x / zero.where(1.0, length))


@operator("LRN", since=1)
def local_response_norm(x: Tensor, *, size: int, alpha: float, beta: float, bias: float) -> Tensor:
    """x / (bias + alpha / size · Σ x²)^beta, over ``size`` channels; of an even number one more is after x's."""
    n, c = x.shape[:2]
    before = (size - 1) // 2
    squares = x.square().reshape(n, c, -1).pad(((0, 0), (before, size - 1 - before), (0, 0)))
    activity = squares.windows((size, 1), (1, 1), (1, 1)).sum((-2, -1)).reshape(x.shape)  # n c m u 1 -> n c m
    return x / (bias + activity * (alpha / size)) ** beta


@operator("Dropout", since=1, trained=lambda attributes, outputs, inputs: not attributes["is_test"])
def dropout_or_test(x: Tensor, *, training: bool, outputs: int, ratio: float, is_test: bool) -> Any:
    return _dropped(x, ratio, training, outputs)


@operator("Dropout", since=7)
def dropout_of_ratio(x: Tensor, *, training: bool, outputs: int, ratio: float) -> Any:
    return _dropped(x, ratio, training, outputs)


@operator("Dropout", since=12, mode=2, trained=lambda attributes, outputs, inputs: _says_so(inputs))
def dropout(
    x: Tensor,
    ratio: Numbers | None = None,
    training_mode: Numbers | None = None,
    *,
    training: bool,
    outputs: int,
    seed: int = 0,
) -> Any:
    """Elements become 0 with the probability of the ratio; the others are divided by 1 - ratio.

    Random numbers are those of ``tg.manual_seed``, whatever seed the file has. A mode that is an input of the model is
    given with each call; a constant one is where the node begins.
    """
    p = 0.5 if ratio is None else float(ratio)
    return _dropped(x, p, training if training_mode is None else bool(training_mode), outputs)


def _says_so(inputs: list[Any]) -> bool:
    """Whether the third input is known to be true."""
    return len(inputs) > 2 and inputs[2] is not None and bool(inputs[2])


def _dropped(x: Tensor, p: float, training: bool, outputs: int) -> Any:
    if outputs == 1:
        return F.dropout(x, p, training)
    if not training or p == 0:
        return x.clone(), x._new(np.ones(x.shape, bool))
    factors = F.dropout(x._new(np.ones(x.shape, x.dtype)), p)
    return x * factors, factors != 0
