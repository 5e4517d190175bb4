"""Borders and rearrangement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .registry import function

if TYPE_CHECKING:
    from .block import Block
    from .program import Call

MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


@function("pad")
def pad(block: Block, call: Call) -> str | None:
    x, widths, mode = call["input"], list(call["pad"]), call["mode"]
    if any(width < 0 for width in widths) or (mode == "circular" and block.opset < 19):
        return None
    lead = [0] * (x.ndim - len(widths) // 2)
    pads = lead + widths[::2][::-1] + lead + widths[1::2][::-1]
    fill = block.constant(call["value"] or 0, x.dtype) if mode == "constant" else ""
    return block.node("Pad", block.of(x), block.integers(pads), fill, mode=MODES[mode])


@function("pixel_shuffle")
def pixel_shuffle(block: Block, call: Call) -> str | None:
    x = call["input"]
    if x.ndim != 4:
        return None
    return block.node("DepthToSpace", block.of(x), blocksize=int(call["upscale_factor"]), mode="CRD")
