"""Functions of HIPS autograd, which are NumPy functions of its boxes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import autograd
import numpy as np
from autograd.builtins import tuple as boxed_tuple
from autograd.core import VJPNode
from autograd.tracer import Node, notrace_primitives, register_notrace, trace

from ...core.errors import GraphError
from ..checked import Arrays, Checked
from ..subject import Parameters, Subject, float64, numbered, plain
from ..trails import Recorded, Step, Trail, user_line

NUMBERS = (np.ndarray, np.floating, float)
CHANGING = ("mut_add",)  # primitives that change an operand: what it was is gone when the node is made


def subject(f: Any, given: Sequence[Any], parameters: Parameters) -> Subject:
    """A function of arrays that computes with autograd.numpy."""
    if parameters is not None:
        raise GraphError("gradcheck: parameters= with a function of autograd: what has a gradient must be an input.")
    names, notes = numbered(len(given)), list[str]()
    function = AutogradFunction(f)
    arrays = float64(plain(given, names), names, notes)
    function.vjp(arrays, function.values(arrays))  # which fails if f computes with something else
    return Subject(function, arrays, names, notes)


class AutogradFunction(Checked):
    """A function of arrays that computes with autograd.numpy."""

    library = "autograd"

    def __init__(self, f: Any):
        self.f = f

    def values(self, inputs: Arrays) -> list[np.ndarray]:
        """The outputs."""
        returned = self.f(*_copies(inputs))
        return list(map(np.asarray, returned if isinstance(returned, (tuple, list)) else [returned]))

    def vjp(self, inputs: Arrays, cotangents: Sequence[np.ndarray]) -> list[np.ndarray | None]:
        """The gradients, by ``make_vjp``."""
        with _quiet():
            pull, y = self._pulled(_copies(inputs))
            return list(map(np.asarray, pull(tuple(cotangents) if isinstance(y, tuple) else cotangents[0])))

    def derivative(self) -> AutogradFunction:
        """The function of (*inputs, v) whose outputs are the gradients of vᵀ f by the inputs."""

        def gradient(*xs: Any) -> Any:
            *leaves, v = xs
            pull, y = self._pulled(leaves)
            several = autograd.builtins.isinstance(y, tuple)
            parts, start = [], 0
            for part in y if several else [y]:
                parts.append(v[start : start + part.size].reshape(part.shape))
                start += part.size
            return pull(boxed_tuple(parts) if several else parts[0])

        return AutogradFunction(gradient)

    def trail(self, inputs: Arrays, seed: int) -> Trail:
        """The primitives of autograd that f calls."""

        @contextmanager
        def record(inputs: Arrays) -> Iterator[list[Recorded]]:
            steps = list[Recorded]()
            with _quiet():
                trace(RecordingNode.new_root(steps), lambda xs: self._outputs(*xs), tuple(_copies(inputs)))
                yield steps

        return Trail(record, inputs, seed)

    def _pulled(self, inputs: Sequence[Any]) -> Any:
        return autograd.make_vjp(self._outputs, tuple(range(len(inputs))))(*inputs)

    def _outputs(self, *xs: Any) -> Any:
        returned = self.f(*xs)
        return boxed_tuple(returned) if isinstance(returned, (tuple, list)) else returned


class RecordingNode(Node):
    """A node of a trace that keeps what was computed."""

    __slots__ = ("steps",)

    def __init__(self, value: Any, fun: Any, args: Any, kwargs: Any, parent_argnums: Any, parents: Any):
        self.steps: list[Recorded] = parents[0].steps
        operands = [args[i] for i in parent_argnums]
        containers = not all(isinstance(x, NUMBERS) for x in [value, *operands])
        if not containers and fun.__name__ not in CHANGING:
            constants = [x for i, x in enumerate(args) if i not in parent_argnums and isinstance(x, NUMBERS)]
            pull = partial(_pull, fun, parent_argnums, args, kwargs)
            step = Step(fun.__name__, "", user_line("autograd"))
            self.steps.append(Recorded(step, np.array(value), list(map(np.array, operands)), constants, pull))

    def initialize_root(self, steps: list[Recorded]) -> None:
        """Start with an empty list."""
        self.steps = steps


for primitive in notrace_primitives[VJPNode]:  # those without a derivative
    register_notrace(RecordingNode, primitive)


def _pull(fun: Any, argnums: Any, args: Any, kwargs: Any, w: np.ndarray) -> list[np.ndarray]:
    pull, _ = autograd.make_vjp(fun, tuple(argnums))(*args, **kwargs)
    return list(map(np.asarray, pull(w)))


def _copies(inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    return [np.array(x) for x in inputs]


@contextmanager
def _quiet() -> Iterator[None]:
    """Inside, nothing is said where an output does not depend on the inputs: its gradient is 0."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Output seems independent of input")
        yield
