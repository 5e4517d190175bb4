"""A backward written by hand, and what a gradient check says of it.

One learns to check a backward of one's own, here of layer normalization in NumPy, and why the check needs a random
cotangent: the most common mistake, to forget that sigma depends on x, does not show when the outputs are just summed.
"""

import sys

import numpy as np

import tinygrad_cv as tg

EPS = 1e-5


def layer_norm(x):
    """Each row of x: N x D with mean 0 and variance 1."""
    sigma = np.sqrt(x.var(axis=1, keepdims=True) + EPS)
    return (x - x.mean(axis=1, keepdims=True)) / sigma


def forgetful_backward(g, x):
    """With a mistake: the gradient goes through the mean, but sigma is taken for a constant."""
    sigma = np.sqrt(x.var(axis=1, keepdims=True) + EPS)
    return (g - g.mean(axis=1, keepdims=True)) / sigma


def right_backward(g, x):
    """The gradient also goes through sigma."""
    xhat = layer_norm(x)
    return forgetful_backward(g, x) - xhat * (g * xhat).mean(axis=1, keepdims=True) / np.sqrt(
        x.var(axis=1, keepdims=True) + EPS
    )


def main(folder="runs/examples"):
    x = np.random.default_rng(0).normal(size=(3, 5))

    ones = np.ones_like(x)  # the cotangent of y.sum()
    difference = np.abs(forgetful_backward(ones, x) - right_backward(ones, x)).max()
    print(f"of y.sum() the two gradients differ by {difference:.0e}: the sum does not see the mistake\n")
    assert difference < 1e-12

    wrong = tg.gradcheck(layer_norm, x, backward=forgetful_backward)
    print(f"sigma forgotten\n{wrong}\n")
    assert wrong.verdict == "wrong" and wrong.inputs[0].wrong.all()

    right = tg.gradcheck(layer_norm, x, backward=right_backward)
    print(f"with sigma\n{right}")
    assert right.verdict == "correct"


if __name__ == "__main__":
    main(*sys.argv[1:])
