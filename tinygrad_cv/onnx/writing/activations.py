"""Activations: functions of each element, and softmax."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .registry import function

if TYPE_CHECKING:
    from .block import Block
    from .program import Call

EXACT = {"float16": 8.0, "float32": 17.0, "float64": 37.0}  # from here on softplus(x) is x, rounded
PLAIN = {
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "softsign": "Softsign",
    "selu": "Selu",
}


@function(*PLAIN)
def plain(block: Block, call: Call) -> str:
    return block.node(PLAIN[call.name], block.of(call["input"]))


@function("leaky_relu")
def leaky_relu(block: Block, call: Call) -> str:
    return block.node("LeakyRelu", block.of(call["input"]), alpha=float(call["negative_slope"]))


@function("elu")
def elu(block: Block, call: Call) -> str:
    return block.node("Elu", block.of(call["input"]), alpha=float(call["alpha"]))


@function("celu")
def celu(block: Block, call: Call) -> str | None:
    x = call["input"]
    return block.node("Celu", block.of(x), alpha=float(call["alpha"])) if x.dtype == "float32" else None


@function("prelu")
def prelu(block: Block, call: Call) -> str | None:
    x, weight = call["input"], call["weight"]
    if not x.ndim:
        return None
    name = block.of(weight)
    if weight.ndim == 1 and weight.size > 1 and x.ndim > 2:  # C, to be broadcast over what follows the channels
        name = block.node("Unsqueeze", name, block.integers(list(range(1, x.ndim - 1))))
    return block.node("PRelu", block.of(x), name)


@function("softplus")
def softplus(block: Block, call: Call) -> str | None:
    if call["beta"] != 1.0 or call["threshold"] < EXACT[str(call["input"].dtype)]:
        return None
    return block.node("Softplus", block.of(call["input"]))


@function("relu6")
def relu6(block: Block, call: Call) -> str:
    return _clipped(block, call, 0.0, 6.0)


@function("hardtanh")
def hardtanh(block: Block, call: Call) -> str:
    return _clipped(block, call, call["min_val"], call["max_val"])


def _clipped(block: Block, call: Call, low: float, high: float) -> str:
    x = call["input"]
    return block.node("Clip", block.of(x), block.constant(low, x.dtype), block.constant(high, x.dtype))


@function("hardsigmoid")
def hardsigmoid(block: Block, call: Call) -> str:
    return block.node("HardSigmoid", block.of(call["input"]), alpha=1.0 / 6.0, beta=0.5)


@function("hardswish")
def hardswish(block: Block, call: Call) -> str | None:
    return block.node("HardSwish", block.of(call["input"])) if block.opset >= 14 else None


@function("silu")
def silu(block: Block, call: Call) -> str:
    x = block.of(call["input"])
    return block.node("Mul", x, block.node("Sigmoid", x))


@function("mish")
def mish(block: Block, call: Call) -> str | None:
    return block.node("Mish", block.of(call["input"])) if block.opset >= 18 else None


@function("gelu")
def gelu(block: Block, call: Call) -> str | None:
    """Before it is an operator: x / 2 (1 + erf(x / sqrt 2)), in the order in which ONNX Runtime recognizes it."""
    x, dtype = block.of(call["input"]), call["input"].dtype
    if block.opset >= 20:
        return block.node("Gelu", x, approximate=call["approximate"])
    if call["approximate"] != "none":
        return None
    erf = block.node("Erf", block.node("Div", x, block.constant(math.sqrt(2.0), dtype)))
    twice = block.node("Mul", x, block.node("Add", erf, block.constant(1.0, dtype)))
    return block.node("Mul", twice, block.constant(0.5, dtype))


@function("threshold")
def threshold(block: Block, call: Call) -> str | None:
    if call["value"] != 0.0:
        return None
    return block.node("ThresholdedRelu", block.of(call["input"]), alpha=float(call["threshold"]))


@function("hardshrink")
def hardshrink(block: Block, call: Call) -> str:
    return block.node("Shrink", block.of(call["input"]), lambd=float(call["lambd"]), bias=0.0)


@function("softshrink")
def softshrink(block: Block, call: Call) -> str:
    return block.node("Shrink", block.of(call["input"]), lambd=float(call["lambd"]), bias=float(call["lambd"]))


@function("softmax", "log_softmax")
def softmax(block: Block, call: Call) -> str | None:
    x, dim = call["input"], call["dim"]
    if dim is None or call["dtype"] is not None or not x.ndim:
        return None
    return block.node("Softmax" if call.name == "softmax" else "LogSoftmax", block.of(x), axis=dim)
