"""What L-BFGS remembers: an estimate of the inverse Hessian, and where it is between two calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..frontend.creation import zeros
from ..frontend.movement import concatenate, stack
from ..frontend.tensor import Tensor

SCALARS = ("func_evals", "n_iter", "t", "H_diag", "prev_loss")
VECTORS = ("d", "prev_flat_grad")
LISTS = ("old_dirs", "old_stps")  # of vectors
CURVATURE = 1e-10  # pairs of less are not kept


class Memory(NamedTuple):
    """The last changes of the gradient and of the parameters."""

    changes: list[Tensor]  # y
    steps: list[Tensor]  # s
    weights: list[Tensor]  # 1 / yᵀs
    scale: Tensor | float  # of the identity, which the estimate begins with

    def after(self, y: Tensor, s: Tensor, size: int) -> Memory:
        """With one more pair, if the curvature along it is positive, of at most ``size``."""
        curvature = y @ s
        if not curvature.item() > CURVATURE:
            return self
        first = max(0, len(self.steps) - size + 1)
        changes, steps, weights = self.changes[first:], self.steps[first:], self.weights[first:]
        return Memory([*changes, y], [*steps, s], [*weights, 1.0 / curvature], curvature / (y @ y))

    def direction(self, g: Tensor) -> Tensor:
        """-H g, by the two-loop recursion."""
        pairs = list(zip(self.changes, self.steps, self.weights, strict=True))
        q, shares = -g, []
        for y, s, rho in reversed(pairs):
            shares.append((s @ q) * rho)
            q = q - y * shares[-1]
        r = q * self.scale
        for (y, s, rho), share in zip(pairs, reversed(shares), strict=True):
            r = r + s * (share - (y @ r) * rho)
        return r


class Walk(NamedTuple):
    """Where a minimization is after some steps."""

    n_iter: int
    func_evals: int
    memory: Memory
    d: Tensor  # the last direction
    t: float  # how far along it
    gradient: Tensor  # before
    loss: float

    def slots(self, parameters: Sequence[Tensor]) -> list[dict[str, Tensor]]:
        """As state of each parameter: its part of every vector, and the numbers that all share."""
        memory, d = self.memory, self.d
        scale = memory.scale.item() if isinstance(memory.scale, Tensor) else memory.scale
        numbers = (self.func_evals, self.n_iter, self.t, scale, self.loss)
        shared = {key: Tensor(float(value), np.float64) for key, value in zip(SCALARS, numbers, strict=True)}
        shared["ro"] = stack(memory.weights) if memory.weights else zeros((0,), dtype=d.dtype)
        lists = [stack(x) if x else zeros((0, d.size), dtype=d.dtype) for x in (memory.changes, memory.steps)]
        whole = zip((*VECTORS, *LISTS), (d, self.gradient, *lists), strict=True)
        parts = {key: parts_of(x, parameters) for key, x in whole}
        return [{**shared, **{key: x[i].clone() for key, x in parts.items()}} for i in range(len(parameters))]

    @classmethod
    def of(cls, slots: Sequence[Mapping[str, Tensor]]) -> Walk:
        """From the state of all parameters."""
        numbers = {key: slots[0][key].item() for key in SCALARS}
        d, gradient = (flat([s[key] for s in slots]) for key in VECTORS)
        weights = slots[0]["ro"]
        changes, steps = ([flat([s[key][i] for s in slots]) for i in range(len(weights))] for key in LISTS)
        memory = Memory(changes, steps, [weights[i] for i in range(len(weights))], numbers["H_diag"])
        n_iter, func_evals = int(numbers["n_iter"]), int(numbers["func_evals"])
        return cls(n_iter, func_evals, memory, d, numbers["t"], gradient, numbers["prev_loss"])


def flat(tensors: Sequence[Tensor]) -> Tensor:
    """All elements as one vector."""
    return concatenate([x.detach().reshape(-1) for x in tensors])


def parts_of(x: Tensor, parameters: Sequence[Any]) -> list[Tensor]:
    """A vector, or several beneath each other, cut up and in the shapes of the parameters."""
    parts, begin = [], 0
    for p in parameters:
        parts.append(x[..., begin : begin + p.size].reshape(*x.shape[:-1], *p.shape))
        begin += p.size
    return parts
