"""Convolution, pooling, resampling: functions of N x C x H x W, and of C x H x W, with one operator for 1 to 3 axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...functional.arguments import Pads, sizes
from ...functional.convolution import paddings
from ...functional.resampling import scales
from ...functional.windows import Windows, windows_of
from ...ir.graph import Value
from .registry import function

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .block import Block
    from .program import Call


def _batched(block: Block, x: Value, dims: int) -> str:
    name = block.of(x)
    return name if x.ndim == dims + 2 else block.node("Unsqueeze", name, block.integers([0]))


def _unbatched(block: Block, name: str, x: Value, dims: int) -> str:
    return name if x.ndim == dims + 2 else block.node("Squeeze", name, block.integers([0]))


def _lows_and_highs(pads: Pads) -> list[int]:
    return [low for low, _ in pads] + [high for _, high in pads]


def _open(block: Block, x: Value, dims: int) -> bool:
    """Whether the size of an image is left open."""
    return any(not isinstance(n, int) for n in block.sizes.shape(x)[-dims:])


@function("conv1d", "conv2d", "conv3d")
def conv(block: Block, call: Call) -> str | None:
    x, weight, dims = call["input"], call["weight"], int(call.name[4])
    size, kernel = x.shape[-dims:], weight.shape[2:]
    stride, dilation = sizes("", call["stride"], dims), sizes("", call["dilation"], dims)
    if call["padding"] == "same" and max(stride) > 1 and _open(block, x, dims):  # the padding follows from the size
        if max(dilation) > 1:
            return None
        padding: dict[str, Any] = {"auto_pad": "SAME_UPPER"}
    else:
        padding = {"pads": _lows_and_highs(paddings(call["padding"], size, kernel, stride, dilation))}
    y = block.node(
        "Conv",
        _batched(block, x, dims),
        block.of(weight),
        block.optional(call["bias"]),
        kernel_shape=list(kernel),
        strides=list(stride),
        dilations=list(dilation),
        group=call["groups"],
        **padding,
    )
    return _unbatched(block, y, x, dims)


@function("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def conv_transpose(block: Block, call: Call) -> str:
    x, weight, dims = call["input"], call["weight"], int(call.name[14])
    y = block.node(
        "ConvTranspose",
        _batched(block, x, dims),
        block.of(weight),
        block.optional(call["bias"]),
        kernel_shape=list(weight.shape[2:]),
        strides=list(sizes("", call["stride"], dims)),
        dilations=list(sizes("", call["dilation"], dims)),
        group=call["groups"],
        pads=[*sizes("", call["padding"], dims, 0)] * 2,
        output_padding=list(sizes("", call["output_padding"], dims, 0)),
    )
    return _unbatched(block, y, x, dims)


@function("linear")
def linear(block: Block, call: Call) -> str | None:
    x, weight, bias = call["input"], call["weight"], call["bias"]
    if weight.ndim != 2:
        return None
    if x.ndim == 2:
        return block.node("Gemm", block.of(x), block.of(weight), block.optional(bias), transB=1)
    y = block.node("MatMul", block.of(x), block.node("Transpose", block.of(weight), perm=[1, 0]))
    return y if bias is None else block.node("Add", y, block.of(bias))


@function("max_pool1d", "max_pool2d", "max_pool3d")
def max_pool(block: Block, call: Call) -> str | None:
    """What lies beyond the image is -inf, so that a last window of ceil_mode is one with more padding."""
    if call["return_indices"]:  # ONNX counts over the whole batch, PyTorch and this library in each channel
        return None
    x, dims = call["input"], int(call.name[8])
    windows = _windows(call, dims)
    fixed = not _open(block, x, dims)
    spans = [d * (k - 1) + 1 for k, d in zip(windows.kernel, windows.dilation, strict=True)]
    if fixed and any(high >= span for span, (_, high) in zip(spans, windows.pads, strict=True)):
        return None
    pads = {"pads": _lows_and_highs(windows.pads)} if fixed else _rounded(call, windows)
    return _pooled(block, "MaxPool", x, dims, windows, dilations=list(windows.dilation), **pads)


@function("avg_pool1d", "avg_pool2d", "avg_pool3d")
def avg_pool(block: Block, call: Call) -> str | None:
    if call.arguments.get("divisor_override") is not None:
        return None
    x, dims = call["input"], int(call.name[8])
    windows = _windows(call, dims)
    included = int(call["count_include_pad"])
    if _open(block, x, dims) or (call["ceil_mode"] and included):
        if not _open(block, x, dims) and _dropped(x.shape[-dims:], windows):
            return None
        return _pooled(block, "AveragePool", x, dims, windows, count_include_pad=included, **_rounded(call, windows))
    if any(high >= k for k, (_, high) in zip(windows.kernel, windows.pads, strict=True)):
        return None
    pads = _lows_and_highs(windows.pads)
    return _pooled(block, "AveragePool", x, dims, windows, count_include_pad=included, pads=pads)


def _windows(call: Call, dims: int) -> Windows:
    a = call.arguments
    given = (a["kernel_size"], a["stride"], a.get("padding", 0), a.get("dilation", 1), a["ceil_mode"])
    return windows_of(a["input"].shape[-dims:], *given)


def _rounded(call: Call, windows: Windows) -> dict[str, Any]:
    """Padding as it was asked for, and whether the last window is kept that is not whole."""
    return {"pads": [*windows.padding, *windows.padding], "ceil_mode": int(call["ceil_mode"])}


def _dropped(size: Sequence[int], windows: Windows) -> bool:
    """Whether a last window of nothing but padding is left out, which ONNX's formula keeps."""
    steps = zip(size, windows.kernel, windows.stride, windows.padding, windows.counts, strict=True)
    return any(-(-(n + 2 * p - k) // s) + 1 != count for n, k, s, p, count in steps)


def _pooled(block: Block, op: str, x: Value, dims: int, windows: Windows, **attributes: Any) -> str:
    kernel, stride = list(windows.kernel), list(windows.stride)
    y = block.node(op, _batched(block, x, dims), kernel_shape=kernel, strides=stride, **attributes)
    return _unbatched(block, y, x, dims)


@function("lp_pool1d", "lp_pool2d", "lp_pool3d")
def lp_pool(block: Block, call: Call) -> str | None:
    """The powers that are even: of others the operator takes absolute values, PyTorch and this library do not."""
    x, p, dims = call["input"], call["norm_type"], int(call.name[7])
    if p not in (2, 4, 6) or call["ceil_mode"]:
        return None
    return _pooled(block, "LpPool", x, dims, _windows(call, dims), p=int(p))


@function("global_avg_pool1d", "global_avg_pool2d", "global_avg_pool3d")
def global_avg_pool(block: Block, call: Call) -> str:
    return _global(block, "GlobalAveragePool", call["input"], int(call.name[15]))


@function("global_max_pool1d", "global_max_pool2d", "global_max_pool3d")
def global_max_pool(block: Block, call: Call) -> str:
    return _global(block, "GlobalMaxPool", call["input"], int(call.name[15]))


def _global(block: Block, op: str, x: Value, dims: int) -> str:
    y = block.node(op, _batched(block, x, dims))
    y = block.node("Squeeze", y, block.integers(list(range(2, dims + 2))))
    return _unbatched(block, y, x, dims)


@function("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d")
def adaptive_avg_pool(block: Block, call: Call) -> str | None:
    return _adaptive(block, call, "AveragePool", int(call.name[17]))


@function("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d")
def adaptive_max_pool(block: Block, call: Call) -> str | None:
    return None if call["return_indices"] else _adaptive(block, call, "MaxPool", int(call.name[17]))


def _adaptive(block: Block, call: Call, op: str, dims: int) -> str | None:
    x, (y, *_) = call["input"], call.results
    size, counts = x.shape[-dims:], y.shape[-dims:]
    if all(count == 1 for count in counts):
        return _unbatched(block, block.node(f"Global{op}", _batched(block, x, dims)), x, dims)
    if _open(block, x, dims) or any(n % count for n, count in zip(size, counts, strict=True)):
        return None
    kernel = [n // count for n, count in zip(size, counts, strict=True)]
    return _unbatched(block, block.node(op, _batched(block, x, dims), kernel_shape=kernel, strides=kernel), x, dims)


MODES = {"nearest": "nearest", "linear": "linear", "bilinear": "linear", "trilinear": "linear", "bicubic": "cubic"}


@function("interpolate", "upsample", free=("size",))
def interpolate(block: Block, call: Call) -> str | None:
    x, (y,), mode = call["input"], call.results, call["mode"]
    antialias = call.arguments.get("antialias", False)
    if mode not in MODES or x.dtype.kind != "f" or (antialias and block.opset < 18):
        return None
    factor = call["scale_factor"]
    if call.arguments.get("recompute_scale_factor") and factor is not None:
        return None
    if factor is None:
        inputs = ["", "", "", block.dims(block.sizes.pairs(y))]
    else:
        inputs = ["", "", block.constant([1.0, 1.0, *scales(factor, x.ndim - 2)], "float32")]
    aligned = bool(call["align_corners"])
    inputs[0] = block.of(x)
    return block.node(
        "Resize",
        *inputs,
        mode=MODES[mode],
        coordinate_transformation_mode=(
            "align_corners" if aligned else "asymmetric" if mode == "nearest" else "half_pixel"
        ),
        nearest_mode="floor" if mode == "nearest" else None,
        cubic_coeff_a=(-0.5 if antialias else -0.75) if mode == "bicubic" else None,
        antialias=1 if antialias else None,
        exclude_outside=1 if antialias else None,  # weights of what lies beyond the image go to the rest, as in Pillow
    )


@function("grid_sample")
def grid_sample(block: Block, call: Call) -> str | None:
    x, mode = call["input"], call["mode"]
    if block.opset < 16 or (x.ndim != 4 and block.opset < 20):
        return None
    new = {"bilinear": "linear", "bicubic": "cubic"}
    return block.node(
        "GridSample",
        block.of(x),
        block.of(call["grid"]),
        mode=new.get(mode, mode) if block.opset >= 20 else mode,
        padding_mode=call["padding_mode"],
        align_corners=int(bool(call["align_corners"])),
    )


@function("roi_align")
def roi_align(block: Block, call: Call) -> str:
    if block.opset < 16:
        raise block.refused("roi_align needs opset 16 or later")
    boxes = _numbered(block, call["boxes"], call["input"].dtype)
    numbers = block.node("Squeeze", _columns(block, boxes, 0, 1), block.integers([1]))
    height, width = sizes("", call["output_size"], 2)
    return block.node(
        "RoiAlign",
        block.of(call["input"]),
        _columns(block, boxes, 1, 5),
        block.node("Cast", numbers, to=np.dtype(np.int64)),
        output_height=height,
        output_width=width,
        spatial_scale=float(call["spatial_scale"]),
        sampling_ratio=max(call["sampling_ratio"], 0),
        coordinate_transformation_mode="half_pixel" if call["aligned"] else "output_half_pixel",
    )


def _numbered(block: Block, boxes: Any, dtype: np.dtype) -> str:
    """The boxes K x 5, with the number of the image in front."""

    def name(box: Any) -> str:
        return block.of(box) if isinstance(box, Value) else block.constant(box, dtype)

    if not isinstance(boxes, list) or (boxes and not isinstance(boxes[0], Value) and np.ndim(boxes[0]) < 2):
        return name(boxes)
    pads = block.integers([0, 1, 0, 0])
    parts = [block.node("Pad", name(box), pads, block.constant(i, dtype)) for i, box in enumerate(boxes)]
    return block.node("Concat", *parts, axis=0)


def _columns(block: Block, name: str, start: int, stop: int) -> str:
    return block.node("Slice", name, *[block.integers([number]) for number in (start, stop, 1)])


@function("roi_pool")
def roi_pool(block: Block, call: Call) -> str:
    raise block.refused("the bins of roi_pool are as large as the boxes say; roi_align has an operator")
