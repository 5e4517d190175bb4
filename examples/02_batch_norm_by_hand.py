"""Batch normalization composed by hand: nobody writes its derivative, it comes out of the graph.

One learns how mean, subtraction, square and square root make batch norm on x: N x D, that the gradient goes through
mu and sigma as well, and that it equals the closed form of the textbooks, which takes a page of algebra to find.
"""

import sys

import numpy as np

import tinygrad_cv as tg

N, D, EPS = 6, 4, 1e-5


def batch_norm(x, gamma, beta):
    """y = gamma (x - mu) / sqrt(sigma^2 + eps) + beta, with x: N x D and mu, sigma, gamma, beta: 1 x D."""
    mu = x.mean(axis=0, keepdims=True)
    var = (x - mu).square().mean(axis=0, keepdims=True)
    xhat = (x - mu) / (var + EPS).sqrt()
    return gamma * xhat + beta


def textbook_backward(g, x, gamma):
    """The same derivative with pen and paper, in NumPy: Ioffe and Szegedy, "Batch normalization", 2015, section 3."""
    sigma = np.sqrt(x.var(axis=0, keepdims=True) + EPS)
    xhat = (x - x.mean(axis=0, keepdims=True)) / sigma
    dbeta = g.sum(axis=0, keepdims=True)
    dgamma = (g * xhat).sum(axis=0, keepdims=True)
    dx = gamma / (N * sigma) * (N * g - dbeta - xhat * dgamma)
    return dx, dgamma, dbeta


def main(folder="runs/examples"):
    rng = np.random.default_rng(0)
    x, gamma, beta = (tg.tensor(rng.normal(size=shape), requires_grad=True) for shape in [(N, D), (1, D), (1, D)])
    g = rng.normal(size=(N, D))  # the cotangent: what the layers above would send back

    batch_norm(x, gamma, beta).backward(g)
    expected = textbook_backward(g, x.numpy(), gamma.numpy())
    print("largest difference from the textbook's closed form")
    for name, tensor, by_hand in zip(("x", "gamma", "beta"), (x, gamma, beta), expected, strict=True):
        difference = np.abs(tensor.grad.numpy() - by_hand).max()
        print(f"  d/d{name:5s} {difference:.1e}")
        assert difference < 1e-12

    report = tg.gradcheck(batch_norm, (x, gamma, beta), order=2)
    print(f"first and second derivatives against finite differences: {report.verdict}")
    assert report


if __name__ == "__main__":
    main(*sys.argv[1:])
