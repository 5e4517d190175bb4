"""One convolution for every kernel size, stride, padding and dilation, and its gradient with respect to the image.

The image lies in a frame of zeros, which is its padding; a dilated kernel is a larger one with zeros between; a stride
takes every S-th output of stride 1. So one compiled function of fixed sizes serves all settings, and the page only
puts numbers into their places.
"""

from __future__ import annotations

import numpy as np

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import Tensor

from .exports import Export

FRAME, KERNEL = 32, 13
OUTPUT = FRAME - KERNEL + 1


def exports() -> list[Export]:
    arrays = [np.zeros((side, side), np.float32) for side in (FRAME, KERNEL, OUTPUT)]
    return [Export("convolution", tg.jit(convolution), tuple(arrays))]


def convolution(frame: Tensor, kernel: Tensor, upstream: Tensor) -> dict[str, Tensor]:
    """The map, and the gradient of Σ upstream · map: which pixels the chosen outputs see, and how often."""
    frame = frame.detach().requires_grad_()
    output = F.conv2d(frame[None, None], kernel[None, None])[0, 0]
    (gradient,) = tg.grad((upstream * output).sum(), [frame])
    return {"output": output, "gradient": gradient}
