"""A jitted training step: forward, backward, and the update of the weights."""

import tinygrad_cv as tg
import tinygrad_cv.functional as F

w = tg.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], requires_grad=True)
opt = tg.optim.SGD([w], lr=0.1)


@tg.jit
def step(x, y):
    loss = F.cross_entropy(x @ w.T, y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    return loss


view = tg.graph(step, tg.ones(4, 2), tg.tensor([0, 1, 2, 0]))
depths = [None, 1]
