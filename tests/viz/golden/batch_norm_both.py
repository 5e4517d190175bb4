"""Batch normalization and the backward pass that emerges from it, side by side."""

import tinygrad_cv as tg
import tinygrad_cv.functional as F

x = tg.tensor([[1.0, 2.0, 4.0], [3.0, 8.0, 5.0], [7.0, 1.0, 2.0], [0.0, 4.0, 9.0]])
view = tg.graph(lambda x: F.batch_norm(x, training=True), x, part="both")
depths = [None, 1]
