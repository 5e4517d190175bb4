"""One call of an operator: inputs of two kinds, tensors and known numbers, go in as the operator takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..core.context import eager, using
from ..core.errors import TraceError
from ..frontend.tensor import Tensor
from .errors import OnnxError
from .registry import Operator

Value = Any  # a Tensor; known numbers, a NumPy array; a list of them, a sequence; None where an input is left out


class Call(NamedTuple):
    """An operator with its attributes, as a node of a file has it: nothing in it can change."""

    operator: Operator
    pairs: tuple[tuple[str, Any], ...]  # names and values of attributes
    outputs: int
    owned: tuple[int, ...]  # the places of the inputs that are this model's own running averages

    @property
    def attributes(self) -> dict[str, Any]:
        """The attributes."""
        return dict(self.pairs)

    def __call__(
        self, values: Sequence[Value], formal: int, training: bool, bodies: Mapping[str, Any]
    ) -> tuple[Value, ...]:
        """The outputs. What follows from known numbers alone is known, too, and no operation is recorded.

        Args:
            values: of the operator's inputs, as many as ``formal``, and those that its bodies read.
            bodies: the graphs among its attributes.
        """
        told = {"training": training, "outputs": self.outputs}
        more = {name: value for name, value in told.items() if self.operator.takes(name)} | dict(bodies)
        if self.operator.draws or not all(value is None or isinstance(value, np.ndarray) for value in values):
            return self._run(values[:formal], more)
        with using(trace=None, interpret=eager, recording=False):
            return tuple(map(known, self._run(values[:formal], more)))

    def _run(self, values: Sequence[Value], more: Mapping[str, Any]) -> tuple[Value, ...]:
        result = self.operator.function(*map(self._argument, range(len(values)), values), **self.attributes, **more)
        return result if isinstance(result, tuple) else (result,)

    def _argument(self, place: int, value: Value) -> Any:
        """An input as the function takes it."""
        role = self.operator.role(place)
        if value is None or isinstance(value, list) or role == "Any":
            return value
        if isinstance(value, np.ndarray) and (value.dtype == object) != (role == "Text"):
            raise OnnxError(f"input {place} is {'text' if value.dtype == object else value.dtype}; it must not be.")
        if role in ("Numbers", "Text"):
            return numbers(value, place)
        if isinstance(value, np.ndarray):
            return tensor_of(value)
        return value.clone() if role == "Statistics" and place not in self.owned else value


def tensor_of(value: Tensor | np.ndarray) -> Tensor:
    """Known numbers as a tensor, which shares their memory; a tensor stays itself."""
    return Tensor._new(value) if isinstance(value, np.ndarray) else value


def known(value: Value) -> Value:
    """A tensor's numbers."""
    return value.numpy() if isinstance(value, Tensor) else value


def numbers(value: Value, place: int) -> np.ndarray:
    """The numbers of an input that decides about shapes.

    Raises:
        OnnxError: they are not known, since they are computed within a trace.
    """
    if isinstance(value, np.ndarray):
        return value
    try:
        array: np.ndarray = value.numpy()
    except TraceError:
        raise OnnxError(
            f"input {place}, of shape {value.shape}, decides about shapes or axes, so its numbers must be known when "
            "the model is compiled, but they are computed from its inputs. Call it without tg.jit."
        ) from None
    return array
