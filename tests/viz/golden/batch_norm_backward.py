"""The backward pass of batch normalization, as it emerges from the forward pass."""

import tinygrad_cv as tg
import tinygrad_cv.functional as F

x = tg.tensor([[1.0, 2.0, 4.0], [3.0, 8.0, 5.0], [7.0, 1.0, 2.0], [0.0, 4.0, 9.0]], requires_grad=True)
g = tg.arange(12.0).reshape(4, 3)
y = F.batch_norm(x, training=True)
dx = tg.grad(y, x, grad_outputs=g, create_graph=True)
view = tg.graph(dx, names={"x": x, "g": g, "dx": dx})
depths = [None]
