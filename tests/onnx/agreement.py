"""How far a network's outputs are from ONNX Runtime's, and both from float64; and its derivative along a direction."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

import tinygrad_cv as tg

from .networks import Network, run


class Distances(NamedTuple):
    """Differences of outputs, by the largest output, of which the largest counts."""

    theirs: float  # from ONNX Runtime's
    compiled: float  # of compiled outputs from ONNX Runtime's
    exact: float  # from float64
    theirs_exact: float  # of ONNX Runtime's from float64
    derivative: float  # of the derivative along a direction from a difference quotient, in float64

    def __str__(self) -> str:
        return "".join(f"{name} {value:.1e}  " for name, value in self._asdict().items())


def distances(network: Network, compiled: bool = True) -> Distances:
    """All of them, for one network."""
    expected = run(network)
    net = tg.onnx.load(network.model)
    with tg.no_grad():
        ours = _arrays(net(network.x))
        fast = _arrays(tg.jit(net)(network.x)) if compiled else ours
        net.to("float64")
        exact = _arrays(net(network.x.astype(np.float64)))
    pairs = (ours, expected), (fast, expected), (ours, exact), (expected, exact)
    return Distances(*(_distance(a, b) for a, b in pairs), _derivative(net, network.x.astype(np.float64)))


def _arrays(outputs: object) -> list[np.ndarray]:
    return [y.numpy() for y in (outputs if isinstance(outputs, tuple) else (outputs,))]


def _distance(ours: list[np.ndarray], theirs: list[np.ndarray]) -> float:
    return max(float(abs(a - b).max() / abs(b).max()) for a, b in zip(ours, theirs, strict=True))


def _derivative(net: tg.onnx.Network, x: np.ndarray, h: float = 1e-8) -> float:
    """How far the gradient is from difference quotients along v, relative to them, for f of weighted outputs.

    It has the slope of one side where f has a kink, as where zeros meet ReLU.
    """
    rng = np.random.default_rng(2)
    v = rng.standard_normal(x.shape)
    weights: list[np.ndarray] = []

    def f(at: object) -> tg.Tensor:
        outputs = net(at)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        weights.extend(rng.standard_normal(y.shape) for y in outputs[len(weights) :])
        return sum((y * w).sum() for y, w in zip(outputs, weights, strict=True))

    leaf = tg.tensor(x, requires_grad=True)
    slope = float((tg.grad(f(leaf), leaf) * v).sum().item())
    with tg.no_grad():
        low, middle, high = (float(f(x + step * v).item()) for step in (-h, 0.0, h))
    quotients = (high - middle) / h, (middle - low) / h, (high - low) / (2 * h)
    return min(abs(slope - quotient) / abs(quotient) for quotient in quotients)
