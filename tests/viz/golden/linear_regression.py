"""The mean squared error of a linear model, as a function of its parameters: data appear as an input and constants."""

import tinygrad_cv as tg

X = tg.arange(12.0).reshape(4, 3)
t = tg.ones(4, 1)
w = tg.tensor([[0.5], [0.25], [-0.5]], requires_grad=True)
b = tg.tensor([0.5], requires_grad=True)


def loss(w, b):
    return ((X @ w + b - t) ** 2).mean()


view = tg.graph(loss, w, b, names={"X": X, "t": t})
depths = [None]
