"""The two losses that have operators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .registry import function

if TYPE_CHECKING:
    from .block import Block
    from .program import Call


@function("cross_entropy")
def cross_entropy(block: Block, call: Call) -> str | None:
    return None if call["label_smoothing"] else _classes(block, call, "SoftmaxCrossEntropyLoss")


@function("nll_loss")
def nll_loss(block: Block, call: Call) -> str | None:
    return _classes(block, call, "NegativeLogLikelihoodLoss")


def _classes(block: Block, call: Call, op: str) -> str | None:
    scores, target = call["input"], call["target"]
    old = call["size_average"] is not None or call["reduce"] is not None
    if old or scores.ndim < 2 or target.dtype.kind != "i":
        return None
    inputs = [block.of(scores), block.of(target), block.optional(call["weight"])]
    return block.node(op, *inputs, ignore_index=call["ignore_index"], reduction=call["reduction"])
