"""Convolution, bias and ReLU: one contraction; the padding becomes a border of zeros around a copy of the input."""

import tinygrad_cv as tg
import tinygrad_cv.functional as F


@tg.jit
def block(x, w, b):
    return F.relu(F.conv2d(x, w, b, padding=1))


block(tg.zeros(4, 8, 16, 16), tg.zeros(16, 8, 3, 3), tg.zeros(16))
