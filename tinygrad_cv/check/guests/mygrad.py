"""Functions of MyGrad's tensors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import mygrad
import numpy as np
from mygrad.operation_base import Operation

from ...core.errors import GraphError
from ..checked import Arrays, Checked
from ..subject import Parameters, Subject, float64, numbered, plain
from ..trails import Recorded, Step, Trail


def subject(f: Any, given: Sequence[Any], parameters: Parameters) -> Subject:
    """A function of MyGrad's tensors."""
    if parameters is not None:
        raise GraphError("gradcheck: parameters= with a function of MyGrad: what has a gradient must be an input.")
    names, notes = numbered(len(given)), list[str]()
    values = [
        x.data if isinstance(x, mygrad.Tensor) else plain([x], [name])[0] for x, name in zip(given, names, strict=True)
    ]
    return Subject(MyGradFunction(f), float64(values, names, notes), names, notes)


class MyGradFunction(Checked):
    """A function of MyGrad's tensors."""

    library = "MyGrad"

    def __init__(self, f: Any):
        self.f = f

    def values(self, inputs: Arrays) -> list[np.ndarray]:
        """The outputs."""
        return [y.data for y in self._outputs(_leaves(inputs))]

    def vjp(self, inputs: Arrays, cotangents: Sequence[np.ndarray]) -> list[np.ndarray | None]:
        """The gradients, by ``backward``; of several outputs that of a sum of products, which clears the graph once."""
        leaves = _leaves(inputs)
        outputs = self._outputs(leaves)
        if len(outputs) == 1:
            outputs[0].backward(cotangents[0])
        else:
            sum((y * c).sum() for y, c in zip(outputs, cotangents, strict=True)).backward()
        return [x.grad for x in leaves]

    def trail(self, inputs: Arrays, seed: int) -> Trail:
        """The operations that created the outputs."""

        @contextmanager
        def record(inputs: Arrays) -> Iterator[list[Recorded]]:
            outputs = self._outputs(_leaves(inputs))
            yield [_recorded(y) for y in _created(outputs)]

        return Trail(record, inputs, seed)

    def _outputs(self, leaves: Sequence[mygrad.Tensor]) -> list[mygrad.Tensor]:
        returned = self.f(*leaves)
        outputs = list(returned) if isinstance(returned, (tuple, list)) else [returned]
        for y in outputs:
            if not isinstance(y, mygrad.Tensor):
                raise GraphError(f"gradcheck: f returned {type(y).__name__}; it must return tensors of MyGrad.")
        return outputs


def _leaves(inputs: Arrays) -> list[mygrad.Tensor]:
    return [mygrad.tensor(x, dtype=np.float64, constant=False) for x in inputs]


def _created(outputs: Sequence[mygrad.Tensor]) -> list[mygrad.Tensor]:
    """The tensors that operations created, in the order of computation."""
    found: dict[int, mygrad.Tensor] = {}
    waiting = list(outputs)
    while waiting:
        y = waiting[-1]
        before = [x for x in y.creator.variables if x.creator and id(x) not in found] if y.creator else []
        if before and id(y) not in found:
            waiting += before
        else:
            waiting.pop()
            if y.creator and not y.constant:
                found.setdefault(id(y), y)
    return list(found.values())


def _recorded(y: mygrad.Tensor) -> Recorded:
    operation = y.creator
    operands = list({id(x): x for x in operation.variables if not x.constant}.values())
    constants = [x.data for x in operation.variables if x.constant]
    step = Step(type(operation).__name__)
    return Recorded(step, y.data, [x.data for x in operands], constants, partial(_pull, operation, operands))


def _pull(operation: Operation, operands: Sequence[mygrad.Tensor], w: np.ndarray) -> list[np.ndarray | None]:
    for x in operands:
        x.null_grad()
    operation.backward(w.copy())
    return [x._grad for x in operands]  # a view's grad would be read from its base's
