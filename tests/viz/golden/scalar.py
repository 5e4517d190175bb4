"""p = x / (x + y): one tensor with two users."""

import tinygrad_cv as tg

x = tg.tensor(2.0, requires_grad=True)
y = tg.tensor(2.0, requires_grad=True)
z = x + y
p = x / z
view = tg.graph(p, names={"x": x, "y": y, "z": z, "p": p})
depths = [None]
