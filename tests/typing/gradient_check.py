"""Checking gradients, and looking at a graph."""

import numpy as np

import tinygrad_cv as tg
import tinygrad_cv.functional as F

x = tg.tensor(np.linspace(-1.0, 1.0, 12).reshape(1, 1, 3, 4), dtype=np.float64)
w = tg.randn(2, 1, 2, 2, dtype="float64")

report = tg.gradcheck(lambda x, w: F.conv2d(x, w, padding=1), (x, w))
reveal_type(report)  # Report
reveal_type(bool(report))  # bool

view = tg.graph(lambda x: F.relu(x), x)
text = view.text(depth=1)
reveal_type(text)  # str

with tg.detect_anomaly():
    y = F.softmax(x, dim=-1)
reveal_type(y)  # Tensor
