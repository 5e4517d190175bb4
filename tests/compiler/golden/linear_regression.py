"""A step of linear regression: forward, backward, gradient descent with momentum; the parameter is assigned to."""

import tinygrad_cv as tg
from tinygrad_cv import optim

w = tg.zeros(3).requires_grad_()
optimizer = optim.SGD([w], lr=0.1, momentum=0.9)


@tg.jit
def step(x, y):
    loss = (x @ w - y).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


step(tg.zeros(200, 3), tg.zeros(200))
step(tg.zeros(200, 3), tg.zeros(200))  # from here on there is a velocity
