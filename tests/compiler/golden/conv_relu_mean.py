"""Convolution, ReLU and the mean of each channel: two loop nests over an image, while it is in the cache."""

import tinygrad_cv as tg
import tinygrad_cv.functional as F


@tg.jit
def features(x, w, b):
    return F.relu(F.conv2d(x, w, b, padding=1)).mean((2, 3))


features(tg.zeros(8, 16, 16, 16), tg.zeros(32, 16, 3, 3), tg.zeros(32))
