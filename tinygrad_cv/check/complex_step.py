"""A second witness: complex-step derivatives, which subtract nothing and so lose no digits.

For an analytic function f, Im f(x + i h u) / h = J u - O(h²), and h may be so small that h² vanishes (Squire and Trapp,
"Using complex variables to estimate derivatives of real functions", 1998). The recorded primitives are evaluated once
more on complex numbers: elementwise ones by NumPy's complex functions, linear ones on the imaginary part alone,
bilinear ones by the product rule. None of the library's derivatives takes part.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..core.tape import Node, reachable
from ..frontend.isolation import isolated
from ..frontend.tensor import Tensor
from .functions import TensorFunction

H = 1e-100  # the scale of the imaginary parts: its square vanishes

ANALYTIC: dict[str, np.ufunc] = {
    "neg": np.negative,
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "times": np.multiply,
    "div": np.divide,
    "square": np.square,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": np.log,
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "pow": np.power,
}
LINEAR = {"all_reduce", "sum", "cumsum", "gather", "scatter_add"}  # and the families that move elements
BILINEAR = {"contract"}
CONSTANT = {"floor"}  # between its steps


class NotAnalytic(Exception):
    """A primitive has no complex-step derivative; the message names it."""


def directional(function: TensorFunction, inputs: Sequence[np.ndarray], direction: Sequence[np.ndarray]) -> np.ndarray:
    """J u, as one vector.

    Raises:
        NotAnalytic: a primitive in the graph is not analytic.
    """
    leaves = [Tensor(x, requires_grad=True) for x in inputs]
    with isolated(operands=True):
        outputs = function.outputs(leaves)
    tangents: dict[Node, np.ndarray] = {
        leaf.node: np.asarray(u, np.float64)  # type: ignore[misc]
        for leaf, u in zip(leaves, direction, strict=True)
    }
    with np.errstate(all="ignore"):
        for node in reachable(y.node for y in outputs if y.node is not None):
            if node not in tangents:
                tangents[node] = np.asarray(_tangent(node, tangents))
    return np.concatenate([(tangents[y.node] if y.node is not None else np.zeros(y.shape)).ravel() for y in outputs])


def _tangent(node: Node, known: dict[Node, np.ndarray]) -> np.ndarray:
    """The tangent of a node's value."""
    primitive = node.primitive
    if node.operands is None or primitive is None:
        if not node.parents:  # a parameter that is not among the inputs
            return np.zeros(node.shape)
        raise NotAnalytic(f"{node.name} hides what it computes")
    values = [np.asarray(v, np.float64) if v.dtype.kind == "f" else v for v in node.operands]
    moves = [np.zeros(v.shape) if p is None else known[p] for v, p in zip(values, node.parents, strict=True)]
    name, params = primitive.name, node.params
    if name in ANALYTIC:
        operands = list(zip(values, moves, node.parents, strict=True))
        try:
            with np.errstate(under="raise"):
                return np.imag(ANALYTIC[name](*[v + 1j * (H * m) if p is not None else v for v, m, p in operands])) / H
        except FloatingPointError:
            raise NotAnalytic(f"{name} underflows in complex numbers") from None
    if name == "cast":
        return moves[0]
    if name == "pad":
        return primitive.eval(*moves, **{**params, "value": 0.0})
    if name in LINEAR or primitive.family in ("movement", "window"):
        return primitive.eval(*[m if v.dtype.kind == "f" else v for v, m in zip(values, moves, strict=True)], **params)
    if name in BILINEAR:
        (a, b), (da, db) = values, moves
        return primitive.eval(da, b, **params) + primitive.eval(a, db, **params)
    if name in CONSTANT:
        return np.zeros(node.shape)
    if name == "where":
        return np.where(values[0], moves[1], moves[2])
    if name == "maximum":
        if (values[0] == values[1]).any():
            raise NotAnalytic("maximum has a tie")
        return np.where(values[0] > values[1], *moves)
    if name == "max":
        chosen = values[0] == primitive.eval(values[0], **params)
        if (chosen.sum(params["axis"]) > 1).any():
            raise NotAnalytic("max has a tie")
        return np.where(chosen, moves[0], 0.0).sum(params["axis"], keepdims=True)
    raise NotAnalytic(f"{name} has no complex function in NumPy")
