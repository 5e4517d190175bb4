"""Operators in their versions and with their attributes, as models of one node, beside ONNX Runtime."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from onnx import ModelProto, helper, numpy_helper

RNG = np.random.default_rng(0)
Array = np.ndarray


class Row(NamedTuple):
    """A node with its inputs: those at the places of ``known`` are initializers."""

    operator: str
    opset: int
    inputs: tuple[Array | None, ...]
    known: tuple[int, ...] = ()
    outputs: int = 1
    attributes: dict[str, Any] = {}  # noqa: RUF012 (never changed)

    def __str__(self) -> str:
        attributes = "".join(f", {name}={value}" for name, value in self.attributes.items())
        return f"{self.operator} {self.opset}{attributes}: {[x if x is None else x.shape for x in self.inputs]}"

    def model(self) -> ModelProto:
        names = ["" if x is None else f"x{i}" for i, x in enumerate(self.inputs)]
        results = [f"y{i}" for i in range(self.outputs)]
        node = helper.make_node(self.operator, names, results, **self.attributes)
        there = [(i, name, x) for i, (name, x) in enumerate(zip(names, self.inputs, strict=True)) if x is not None]
        inputs = [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
            for i, name, x in there
            if i not in self.known
        ]
        weights = [numpy_helper.from_array(x, name) for i, name, x in there if i in self.known]
        outputs = [helper.make_empty_tensor_value_info(name) for name in results]
        graph = helper.make_graph([node], "row", inputs, outputs, weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)

    def given(self) -> dict[str, Array]:
        return {f"x{i}": x for i, x in enumerate(self.inputs) if x is not None and i not in self.known}


def row(
    operator: str, opset: int, *inputs: Array | None, known: tuple[int, ...] = (), outputs: int = 1, **attributes: Any
) -> Row:
    """A row; attributes that are None are left out."""
    there = {name: value for name, value in attributes.items() if value is not None}
    return Row(operator, opset, inputs, known, outputs, there)


def normal(*shape: int) -> Array:
    return RNG.standard_normal(shape).astype(np.float32)


def whole(*numbers: int) -> Array:
    return np.array(numbers, np.int64)


def real(*numbers: float) -> Array:
    return np.array(numbers, np.float32)


def rows() -> Iterator[Row]:
    """All of them."""
    for family in (pooling, convolution, resizing, sampling, arrangement, reduction, normalization, recurrent, others):
        yield from family()


def pooling() -> Iterator[Row]:
    x = normal(2, 2, 7, 8)
    grid = product(
        (7, 10, 11, 18, 22),
        ("MaxPool", "AveragePool", "LpPool"),
        ((2, 3), (3, 3)),
        ((1, 1), (2, 3)),
        (None, (1, 0, 0, 1), (1, 1, 1, 1), (0, 1, 1, 2), "SAME_UPPER", "SAME_LOWER", "VALID"),
        (None, (2, 1)),
        (None, 1),
        (None, 1),
    )
    first = {"ceil": {"MaxPool": 10, "AveragePool": 10, "LpPool": 18}, "dilation": {"MaxPool": 10, "AveragePool": 19}}
    first["dilation"]["LpPool"] = 18
    for opset, name, kernel, strides, padding, dilation, ceil, last in product_without_repeats(grid):
        automatic = padding if isinstance(padding, str) else None
        if (dilation and (opset < first["dilation"][name] or automatic)) or (
            ceil and (opset < first["ceil"][name] or automatic)
        ):
            continue
        attributes = {"kernel_shape": kernel, "strides": strides, "dilations": dilation, "ceil_mode": ceil}
        attributes |= {"auto_pad": automatic} if automatic else {"pads": padding}
        if name == "AveragePool":
            yield row(name, opset, x, count_include_pad=last, **attributes)
        elif name == "LpPool" and not last:
            yield row(name, opset, x, p=3, **attributes)
        elif name == "MaxPool" and opset >= 8:
            yield row(name, opset, x, outputs=2, storage_order=last, **attributes)
        elif name == "MaxPool" and not last:
            yield row(name, opset, x, **attributes)
    for opset in (9, 11, 22):
        places = whole(5, 7, 13, 15).reshape(1, 1, 2, 2)
        yield row("MaxUnpool", opset, normal(1, 1, 2, 2), places, kernel_shape=[2, 2], strides=[2, 2])


def product_without_repeats(grid: Any) -> Iterator[Any]:
    return iter(dict.fromkeys(grid))


def convolution() -> Iterator[Row]:
    x = normal(2, 4, 5, 6)
    paddings = (None, (1, 0, 0, 1), (1, 1, 1, 1), "SAME_UPPER", "SAME_LOWER", "VALID")
    for opset, group, strides, padding, dilation, extra, bias in product(
        (7, 11, 22), (1, 2), ((1, 1), (2, 3)), paddings, (None, (2, 1)), (None, (1, 0)), (0, 1)
    ):
        automatic = padding if isinstance(padding, str) else None
        attributes = {"group": group, "strides": strides, "dilations": dilation}
        attributes |= {"auto_pad": automatic} if automatic else {"pads": padding}
        biases = (normal(6),) * bias
        if not extra and not (automatic and dilation):
            yield row("Conv", opset, x, normal(6, 4 // group, 3, 2), *biases, **attributes)
        if not extra or strides != (1, 1):
            weight = normal(4, 6 // group, 3, 4)
            yield row("ConvTranspose", opset, x, weight, *biases, output_padding=extra, **attributes)
    for shape, automatic in product(
        ((10, 18), (11, 17), (9, 19), (12, 20), (9, 16)), ("NOTSET", "SAME_UPPER", "SAME_LOWER")
    ):
        weight = normal(4, 6, 3, 4)
        yield row("ConvTranspose", 22, x, weight, strides=(2, 3), output_shape=shape, auto_pad=automatic)


def resizing() -> Iterator[Row]:
    x = normal(1, 2, 5, 6)
    factors = ((1, 1, 2, 1.5), (1, 1, 0.6, 0.5), (1, 1, 0.2, 3), (1, 1, 1, 2))
    positions = {"half_pixel": 11, "pytorch_half_pixel": 11, "align_corners": 11, "asymmetric": 11}
    positions |= {"tf_crop_and_resize": 11, "half_pixel_symmetric": 19}
    for opset, mode, (position, since), scales in product(
        (11, 13, 19), ("nearest", "linear", "cubic"), positions.items(), factors
    ):
        if opset < since or (mode, position) == ("nearest", "tf_crop_and_resize"):
            continue
        cut = position == "tf_crop_and_resize"
        roi = real(0, 0, 0.1, 0.2, 1, 1, 0.9, 1.1) if cut else real()
        attributes = {"mode": mode, "coordinate_transformation_mode": position}
        attributes |= {"extrapolation_value": 9.0} if cut else {}
        if cut and 1 in scales[2:]:  # ONNX Runtime does not cut such an axis
            continue
        roundings = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil") if mode == "nearest" else (None,)
        roundings = roundings[:2] if position == "half_pixel_symmetric" else roundings  # or rounding decides
        for rounding in roundings:
            yield row("Resize", opset, x, roi, real(*scales), known=(1, 2), nearest_mode=rounding, **attributes)
        sizes = whole(1, 2, max(1, int(5 * scales[2])), int(6 * scales[3]))
        empty = real() if opset < 13 else None
        yield row("Resize", opset, x, roi, empty, sizes, known=(1, 2, 3), **attributes)
        if mode == "cubic":
            options = {"exclude_outside": 1, "cubic_coeff_a": -0.5}
            yield row("Resize", opset, x, roi, real(*scales), known=(1, 2), **options, **attributes)
        if opset == 19 and mode != "nearest" and position in ("half_pixel", "asymmetric"):
            yield row("Resize", opset, x, None, real(*scales), known=(2,), antialias=1, **attributes)
    for policy, mode, axes in product(
        ("stretch", "not_larger", "not_smaller"), ("nearest", "linear", "cubic"), ([2, 3], [3, 2])
    ):
        options = {"mode": mode, "axes": axes, "keep_aspect_ratio_policy": policy}
        yield row("Resize", 18, x, None, None, whole(7, 9), known=(3,), **options)
    for mode, scales in product(("nearest", "linear"), factors):
        yield row("Resize", 10, x, real(*scales), known=(1,), mode=mode)
        if min(scales) >= 1:
            yield row("Upsample", 7, x, mode=mode, scales=list(map(float, scales)))
            yield row("Upsample", 9, x, real(*scales), known=(1,), mode=mode)


def sampling() -> Iterator[Row]:
    x = normal(1, 2, 5, 6)
    grid = RNG.uniform(-1.3, 1.3, (1, 4, 3, 2)).astype(np.float32)
    names = {16: ("bilinear", "nearest", "bicubic"), 20: ("linear", "nearest", "cubic")}
    for opset, number, padding, corners in product(names, range(3), ("zeros", "border", "reflection"), (0, 1)):
        options = {"padding_mode": padding, "align_corners": corners}
        yield row("GridSample", opset, x, grid, mode=names[opset][number], **options)
    for corners, size in product((0, 1), ((2, 3, 4, 5), (2, 3, 3, 4, 5))):
        dims = len(size) - 2
        yield row("AffineGrid", 20, normal(2, dims, dims + 1), whole(*size), known=(1,), align_corners=corners)
    boxes = real(0, 0, 3, 4, 1, 1, 4.5, 4, 2, 0, 2.1, 3).reshape(3, 4)
    for opset, mode, ratio, position, scale in product(
        (10, 16), ("avg", "max"), (0, 2), ("half_pixel", "output_half_pixel"), (1.0, 0.5)
    ):
        options = {"mode": mode, "sampling_ratio": ratio, "spatial_scale": scale}
        options |= {"coordinate_transformation_mode": position} if opset > 10 else {}
        yield row("RoiAlign", opset, x, boxes, whole(0, 0, 0), output_height=2, output_width=3, **options)


def arrangement() -> Iterator[Row]:
    x, border = normal(2, 3, 4, 5), [0, 0, 1, 2, 0, 0, 2, 1]
    for opset in (7, 9, 10, 11, 12):
        yield row("Squeeze", opset, normal(1, 3, 1, 2), axes=[0])
        yield row("Squeeze", opset, normal(1, 3, 1, 2))
        yield row("Unsqueeze", opset, normal(3, 2), axes=[0, 3])
        yield row("Split", opset, x, outputs=2, axis=2)
        yield row("Split", opset, x, outputs=3, axis=3, split=[1, 3, 1])
        for axis in (None, 0, 1, 3, 4):
            yield row("Flatten", opset, x, axis=axis)
        yield row("Tile", opset, x, whole(1, 2, 1, 3), known=(1,))
        yield row("Concat", opset, x, x, axis=2)
        yield row("DepthToSpace", opset, normal(1, 8, 2, 3), blocksize=2)
        yield row("SpaceToDepth", opset, normal(1, 2, 4, 6), blocksize=2)
        if opset < 10:
            yield row("Slice", opset, x, starts=[0, -3], ends=[2, 1000], axes=[1, 3])
            yield row("Slice", opset, x, starts=[1, 0], ends=[2, 2])
        else:
            numbers = whole(3, 0), whole(-100, 2), whole(3, 1), whole(-2, 1)
            yield row("Slice", opset, x, *numbers, known=(1, 2, 3, 4))
        for mode in ("constant", "reflect", "edge"):
            if opset < 11:
                yield row("Pad", opset, x, pads=border, mode=mode)
            else:
                yield row("Pad", opset, x, whole(*border), known=(1,), mode=mode)
        if opset < 11:
            yield row("Pad", opset, x, pads=[0, 0, -1, 2, 0, 0, 2, -1], value=3.0)
    yield row("Pad", 18, x, whole(1, 2, 3, 0), None, whole(2, -1), known=(1, 3), mode="edge")
    yield row("Pad", 19, x, whole(*border), known=(1,), mode="wrap")
    yield row("Split", 13, x, whole(1, 3, 1), known=(1,), outputs=3, axis=3)
    yield row("Split", 18, x, outputs=2, axis=3, num_outputs=2)
    yield row("Trilu", 14, x, np.array(1), known=(1,), upper=0)
    unique = RNG.permuted(np.broadcast_to(np.arange(3).reshape(1, 3, 1, 1), x.shape), axis=1)[:, :2]
    yield row("Scatter", 9, x, unique, normal(2, 2, 4, 5), axis=1)
    index = RNG.integers(0, 3, (2, 2, 4, 5))
    for reduction in ("add", "mul", "max", "min"):
        yield row("ScatterElements", 18, x, index, normal(2, 2, 4, 5), known=(1,), axis=1, reduction=reduction)
    yield row("GatherND", 12, x, whole(0, 1, 1, 2).reshape(2, 2))
    yield row("GatherElements", 13, x, RNG.integers(-3, 3, (2, 2, 4, 5)), axis=1)


def reduction() -> Iterator[Row]:
    x = np.abs(normal(2, 3, 4, 5)) + np.float32(0.1)
    names = "Sum Mean Max Min Prod L1 L2 SumSquare LogSumExp LogSum".split()  # noqa: SIM905
    for opset, name, (axes, keepdims) in product((7, 11, 18), names, ((None, None), ([1], 0), ([0, 2], 1), ([-1], 0))):
        if opset == 7 and axes == [-1]:
            continue
        if opset < (13 if name == "Sum" else 18):
            yield row(f"Reduce{name}", opset, x, axes=axes, keepdims=keepdims)
        else:
            extra = (None if axes is None else whole(*axes),)
            yield row(f"Reduce{name}", opset, x, *extra, known=(1,), keepdims=keepdims)
    for opset, name, axis, keepdims in product((7, 11, 13), ("ArgMax", "ArgMin"), (None, 1, 3), (None, 0)):
        yield row(name, opset, np.round(x * 2), axis=axis, keepdims=keepdims)
    yield row("ArgMax", 12, np.round(x * 2), axis=3, select_last_index=1)
    for opset in (7, 10, 11):
        number = () if opset < 10 else (whole(2),)
        k = {"k": 2} if opset < 10 else {}
        yield row("TopK", opset, x, *number, known=(1,), outputs=2, axis=1, **k)
    yield row("TopK", 11, np.round(x * 2), whole(3), known=(1,), outputs=2, axis=3, largest=0)
    for opset, name, axis in product((7, 11, 13), ("Softmax", "LogSoftmax", "Hardmax"), (None, 0, 1, 2, 3)):
        yield row(name, opset, x, axis=axis)
    yield row("CumSum", 11, x, np.array(2), known=(1,), exclusive=1, reverse=1)


def normalization() -> Iterator[Row]:
    x, var = normal(2, 3, 4, 5), np.abs(normal(3)) + np.float32(0.1)
    for opset in (7, 9, 14, 15):
        yield row("BatchNormalization", opset, x, normal(3), normal(3), normal(3), var)
    options = {"training_mode": 1, "momentum": 0.7}
    yield row("BatchNormalization", 14, x, normal(3), normal(3), normal(3), var, outputs=3, **options)
    for opset in (7, 13):
        yield row("LRN", opset, x, size=3, alpha=0.5, beta=0.6, bias=1.5)
        yield row("InstanceNormalization", opset, x, normal(3), normal(3))
        yield row("LpNormalization", opset, x, p=1, axis=1)
        yield row("LpNormalization", opset, x)
    for axes in (None, [2, 3]):
        yield row("MeanVarianceNormalization", 9, x, axes=axes)
    yield row("LayerNormalization", 17, x, normal(5), normal(5), outputs=3)
    yield row("LayerNormalization", 17, x, normal(4, 5), axis=2)
    for opset, count in ((18, 2), (21, 4)):
        yield row("GroupNormalization", opset, normal(2, 4, 3), normal(count), normal(count), num_groups=2)


def recurrent() -> Iterator[Row]:
    steps, n, d, h = 4, 2, 3, 5
    lengths = np.array([4, 2], np.int32)
    for opset, direction, lens in product((7, 14), ("forward", "reverse", "bidirectional"), (None, lengths)):
        count = 2 if direction == "bidirectional" else 1
        known = () if lens is None else (4,)
        options = {"direction": direction, "hidden_size": h}
        x, state = normal(steps, n, d), normal(count, n, h)

        def weights(gates: int, count: int = count) -> tuple[Array, ...]:
            return normal(count, gates * h, d), normal(count, gates * h, h), normal(count, 2 * gates * h)

        yield row("RNN", opset, x, *weights(1), lens, state, known=known, outputs=2, **options)
        yield row("GRU", opset, x, *weights(3), lens, state, known=known, outputs=2, **options)
        special = {"linear_before_reset": 1, "clip": 0.5}
        yield row("GRU", opset, x, *weights(3), lens, known=known, outputs=2, **special, **options)
        peepholes = normal(count, 3 * h)
        yield row("LSTM", opset, x, *weights(4), lens, state, state, peepholes, known=known, outputs=3, **options)
        special = {"activations": ["HardSigmoid", "Softsign", "Relu"] * count, "input_forget": 1}
        special |= {"activation_alpha": [0.3] * count, "activation_beta": [0.4] * count}
        yield row("LSTM", opset, x, *weights(4), lens, known=known, outputs=3, **special, **options)


def others() -> Iterator[Row]:
    x = normal(2, 3, 4, 5)
    for opset in (7, 11, 22):
        for name in ("Selu", "Elu", "LeakyRelu", "HardSigmoid", "Softplus", "Softsign", "Sigmoid", "Tanh", "Relu"):
            yield row(name, opset, x)
        yield row("PRelu", opset, x, normal(3, 1, 1))
        yield row("Gemm", opset, normal(3, 4), normal(4, 5), normal(5), alpha=0.5, beta=2.0)
        yield row("Gemm", opset, normal(4, 3), normal(5, 4), normal(3, 1), transA=1, transB=1)
        yield row("Pow", opset, np.abs(x), normal(5))
        yield row("MatMul", opset, normal(2, 3, 4), normal(4, 5))
    for opset in (7, 10):
        yield row("Clip", opset, x, min=-0.5, max=0.7)
        yield row("Clip", opset, x, max=0.7)
    yield row("Clip", 11, x, None, np.array(0.7, np.float32), known=(2,))
    yield row("Gelu", 20, x, approximate="tanh")
    yield row("OneHot", 11, whole(0, -1, 5, 2), whole(4), real(-1, 1), known=(1,), axis=0)
    for opset, how in product((12, 13), ("none", "sum", "mean")):
        labels, weights = RNG.integers(0, 3, (2, 4)), np.abs(normal(3))
        options = {"reduction": how, "ignore_index": 1}
        yield row("NegativeLogLikelihoodLoss", opset, normal(2, 3, 4), labels, weights, **options)
        yield row("SoftmaxCrossEntropyLoss", opset, normal(2, 3, 4), labels, weights, outputs=2, **options)
    image, filters = (RNG.integers(0, 200, shape).astype(np.uint8) for shape in ((1, 2, 5, 5), (3, 2, 3, 3)))
    zero = np.array(3, np.uint8)
    yield row("ConvInteger", 10, image, filters, zero, zero, pads=[1, 1, 1, 1])
    scales = np.array(0.1, np.float32), np.array(0.2, np.float32), np.array(30, np.float32)
    operands = image, scales[0], zero, filters, scales[1], zero, scales[2], zero, np.array([50, 60, 70], np.int32)
    yield row("QLinearConv", 10, *operands)
    yield row("QuantizeLinear", 13, x, real(0.1, 0.2, 0.3), np.array([1, 2, 3], np.uint8), axis=1)
    yield row("DequantizeLinear", 13, image, real(0.1, 0.2), np.array([1, 2], np.uint8), axis=1)
    yield row("DynamicQuantizeLinear", 11, x, outputs=3)
