"""Integers that stand for floats, by a scale and a zero point: for inference, since rounding has no derivative."""

from __future__ import annotations

import numpy as np

from ...frontend.tensor import Tensor
from ..errors import OnnxError
from ..registry import DType, Integers, operator
from .convolution import conv

DOUBLE = np.dtype(np.float64)  # holds all sums of products of 8 bits exactly


def _along(t: Tensor, x: Tensor, axis: int, block_size: int) -> Tensor:
    """Scales or zero points beside x: one for all, one for each place along an axis, or one for each block there."""
    if t.size == 1 and t.ndim <= 1:
        return t.reshape(())
    axis %= x.ndim
    if block_size:
        return t.repeat(block_size, axis)[(*(slice(None),) * axis, slice(x.shape[axis]))]
    if t.ndim != 1 or t.shape[0] != x.shape[axis]:
        raise OnnxError(f"scale or zero point of shape {t.shape}, input of shape {x.shape}, axis={axis}: no fit.")
    return t.reshape([-1 if i == axis else 1 for i in range(x.ndim)])


def _saturated(y: Tensor, zero: Tensor | None, dtype: np.dtype) -> Tensor:
    """Rounded, half to even, moved by the zero point, and limited to the range of an integer dtype."""
    limits = np.iinfo(dtype)
    y = y.round() if zero is None else y.round() + zero.astype(y.dtype)
    return y.clip(float(limits.min), float(limits.max)).astype(dtype)


@operator("QuantizeLinear", since=10)
def quantize(
    x: Tensor,
    scale: Tensor,
    zero_point: Tensor | None = None,
    *,
    axis: int = 1,
    saturate: bool = True,
    block_size: int = 0,
    output_dtype: DType | None = None,
    precision: DType | None = None,
) -> Tensor:
    """saturate(round(x / scale) + zero point)"""
    dtype = zero_point.dtype if zero_point is not None else output_dtype or np.dtype(np.uint8)
    wide = precision or (np.dtype(np.float32) if x.dtype.itemsize < 8 else x.dtype)
    zero = None if zero_point is None else _along(zero_point, x, axis, block_size)
    y = x.astype(wide) / _along(scale, x, axis, block_size).astype(wide)
    return _saturated(y.astype(DOUBLE), zero, dtype)


@operator("DequantizeLinear", since=10)
def dequantize(
    x: Tensor,
    scale: Tensor,
    zero_point: Tensor | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: DType | None = None,
) -> Tensor:
    """(x - zero point) · scale"""
    y = x.astype(np.float32)
    if zero_point is not None:
        y = y - _along(zero_point, x, axis, block_size).astype(np.float32)
    return (y * _along(scale, x, axis, block_size).astype(np.float32)).astype(output_dtype or scale.dtype)


@operator("DynamicQuantizeLinear", since=11)
def dynamic_quantize(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """x in 8 bits, by the scale and zero point that follow from its range, which has 0 in it."""
    high, low = x.max().maximum(0.0), x.min().minimum(0.0)
    scale = (high - low) / 255.0
    zero = (-low / scale).clip(0.0, 255.0).round()
    return _saturated(x / scale, zero, np.dtype(np.uint8)), scale, zero.astype(np.uint8)


def _shifted(x: Tensor, zero: Tensor | None, axis: int | None) -> Tensor:
    """x - zero point, exactly; along an axis if there is one for each place."""
    y = x.astype(DOUBLE)
    if zero is None:
        return y
    if zero.size > 1 and zero.ndim == 1 and axis is not None:
        zero = zero.reshape([-1 if i == axis % x.ndim else 1 for i in range(x.ndim)])
    return y - (zero.reshape(()) if zero.size == 1 else zero).astype(DOUBLE)


@operator("MatMulInteger", since=10)
def matmul_integer(
    a: Tensor, b: Tensor, a_zero_point: Tensor | None = None, b_zero_point: Tensor | None = None
) -> Tensor:
    return (_shifted(a, a_zero_point, -2) @ _shifted(b, b_zero_point, -1)).astype(np.int32)


@operator("QLinearMatMul", since=10)
def matmul_quantized(
    a: Tensor,
    a_scale: Tensor,
    a_zero_point: Tensor,
    b: Tensor,
    b_scale: Tensor,
    b_zero_point: Tensor,
    y_scale: Tensor,
    y_zero_point: Tensor,
) -> Tensor:
    y = _shifted(a, a_zero_point, -2) @ _shifted(b, b_zero_point, -1)
    return _saturated(y * (a_scale * b_scale / y_scale).astype(DOUBLE), y_zero_point, y_zero_point.dtype)


@operator("ConvInteger", since=10)
def conv_integer(
    x: Tensor,
    w: Tensor,
    x_zero_point: Tensor | None = None,
    w_zero_point: Tensor | None = None,
    *,
    auto_pad: str,
    group: int,
    dilations: Integers | None = None,
    kernel_shape: Integers | None = None,
    pads: Integers | None = None,
    strides: Integers | None = None,
) -> Tensor:
    """A convolution of integers; the padding is the zero point."""
    y = conv(
        _shifted(x, x_zero_point, None),
        _shifted(w, w_zero_point, 0),
        auto_pad=auto_pad,
        group=group,
        dilations=dilations,
        kernel_shape=kernel_shape,
        pads=pads,
        strides=strides,
    )
    return y.astype(np.int32)


@operator("QLinearConv", since=10)
def conv_quantized(
    x: Tensor,
    x_scale: Tensor,
    x_zero_point: Tensor,
    w: Tensor,
    w_scale: Tensor,
    w_zero_point: Tensor,
    y_scale: Tensor,
    y_zero_point: Tensor,
    b: Tensor | None = None,
    *,
    auto_pad: str,
    group: int,
    dilations: Integers | None = None,
    kernel_shape: Integers | None = None,
    pads: Integers | None = None,
    strides: Integers | None = None,
) -> Tensor:
    """A convolution of integers whose result is quantized; the bias is on the scale of the products."""
    y = conv(
        _shifted(x, x_zero_point, None),
        _shifted(w, w_zero_point, 0),
        None if b is None else b.astype(DOUBLE),
        auto_pad=auto_pad,
        group=group,
        dilations=dilations,
        kernel_shape=kernel_shape,
        pads=pads,
        strides=strides,
    )
    scale = (x_scale * w_scale / y_scale).astype(DOUBLE)
    scale = scale.reshape(()) if scale.size == 1 else scale.reshape(1, -1, *(1,) * (x.ndim - 2))
    return _saturated(y * scale, y_zero_point, y_zero_point.dtype)
