"""What can be checked: a function of tensors, or a NumPy function with a backward written by hand.

Either becomes the same thing: inputs to one vector of outputs, and a cotangent of that vector to one gradient an input.
Parameters that a function takes from outside are inputs like all others: they are lent other values during a call.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..core.errors import DTypeError, GraphError, ShapeError
from ..core.variable import gradients
from ..frontend.autodiff import jvp
from ..frontend.isolation import isolated
from ..frontend.movement import concatenate
from ..frontend.tensor import Tensor

Arrays = Sequence[np.ndarray]
REPEATABLE = 1e-6  # two calls of a deterministic function agree to this share


class TensorFunction:
    """A function of tensors; its gradients come from the tape.

    Args:
        f: takes tensors.
        parameters: tensors that f takes from outside. They are the last inputs.
        buffers: tensors that f takes from outside as constants: in float64 during a call.
    """

    def __init__(self, f: Callable[..., Any], parameters: Sequence[Tensor] = (), buffers: Sequence[Tensor] = ()):
        self.f, self.parameters, self.buffers = f, tuple(parameters), tuple(buffers)

    def __call__(self, inputs: Arrays) -> np.ndarray:
        with isolated():
            return _vector([y.value for y in self.outputs(_leaves(inputs))])

    def gradients(self, inputs: Arrays, v: np.ndarray) -> list[Any]:
        """Jᵀ v, one array for each input."""
        return self.pulled(inputs, lambda outputs: _split(Tensor(v), outputs))

    def pulled(self, inputs: Arrays, cotangents: Callable[[list[Tensor]], Iterator[Any]]) -> list[Any]:
        """The gradients for cotangents that are made when the outputs are there."""
        leaves = _leaves(inputs)
        with isolated():
            outputs = self.outputs(leaves)
            found = _pull(outputs, leaves, cotangents(outputs), create_graph=False)
        return [np.zeros(x.shape) if g is None else np.array(g.value) for x, g in zip(inputs, found, strict=True)]

    def pushed(self, inputs: Arrays, direction: Arrays) -> np.ndarray:
        """J u, as one vector."""
        with isolated():

            def all_outputs(*leaves: Tensor) -> Tensor:
                return concatenate([y.reshape(-1) for y in self.outputs(leaves)])

            return jvp(all_outputs, _leaves(inputs), tuple(Tensor(u) for u in direction))[1].value

    def derivative(self) -> TensorFunction:
        """The function of (*inputs, v) whose outputs are the gradients of vᵀ f with respect to the inputs."""

        def gradient(*tensors: Tensor) -> list[Tensor]:
            *leaves, v = tensors
            outputs = self.outputs(leaves)
            found = _pull(outputs, leaves, _split(v, outputs), create_graph=True)
            return [x.detach() * 0 if g is None else g for x, g in zip(leaves, found, strict=True)]

        return TensorFunction(gradient)

    def outputs(self, leaves: Sequence[Tensor]) -> list[Tensor]:
        """What f returns for tensors, found to be tensors of floats."""
        count = len(leaves) - len(self.parameters)
        with _lent([*self.parameters, *self.buffers], [*leaves[count:], *map(_wide, self.buffers)]):
            returned = self.f(*leaves[:count])
        outputs = list(returned) if isinstance(returned, (tuple, list)) else [returned]
        for y in outputs:
            if not isinstance(y, Tensor):
                raise GraphError(
                    f"gradcheck: f returned {type(y).__name__}; it must return a tensor, or a tuple of tensors. "
                    "A NumPy function is checked together with its backward: gradcheck(f, inputs, backward=...)."
                )
        _check_outputs([y.value for y in outputs])
        return outputs


@contextmanager
def _lent(tensors: Sequence[Tensor], others: Sequence[Tensor]) -> Iterator[None]:
    """Inside, tensors have other tensors' values, and their places in the graph."""
    own = [(tensor._value, tensor.node, tensor._grad) for tensor in tensors]
    try:
        for tensor, other in zip(tensors, others, strict=True):
            tensor._value, tensor.node = other._value, other.node
        yield
    finally:
        for tensor, (value, node, grad) in zip(tensors, own, strict=True):
            tensor._value, tensor.node, tensor._grad = value, node, grad


def _wide(buffer: Tensor) -> Tensor:
    return Tensor(buffer.value.astype(np.float64)) if buffer.dtype.kind == "f" else buffer


class ArrayFunction:
    """A function of NumPy arrays and its backward, written by hand, which returns one gradient for each input.

        f(*inputs) -> y, or (y1, y2)             backward(g, *inputs), where g is a tuple if f returns one
        f(*inputs) -> (y, cache), or more ys     backward(g, cache), with a g for each y

    Args:
        cache: whether the second form is meant; None looks at what f returns and backward takes.
    """

    def __init__(self, f: Callable[..., Any], backward: Callable[..., Any], cache: bool | None = None):
        self.f, self.backward, self.cache = f, backward, cache

    def __call__(self, inputs: Arrays) -> np.ndarray:
        return _vector(self._outputs(inputs, _copies(inputs))[0])

    def gradients(self, inputs: Arrays, v: np.ndarray) -> list[Any]:
        """What ``backward`` returns for the cotangent v: one array for each input."""
        return self.pulled(inputs, lambda outputs: _split(v, outputs))

    def pulled(self, inputs: Arrays, cotangents: Callable[[list[np.ndarray]], Iterator[Any]]) -> list[Any]:
        """The gradients for cotangents that are made when the outputs are there."""
        copies = _copies(inputs)
        outputs, returned = self._outputs(inputs, copies)
        parts: list[Any] = [
            part.astype(y.dtype, copy=False) for part, y in zip(cotangents(outputs), outputs, strict=True)
        ]
        before = _copies(parts)
        if self.cache:
            found = self.backward(*parts, returned[-1])
        else:
            found = self.backward(tuple(parts) if isinstance(returned, (tuple, list)) else parts[0], *copies)
        _check_untouched("backward", inputs, copies)
        if not all(np.array_equal(part, copy, equal_nan=True) for part, copy in zip(parts, before, strict=True)):
            raise GraphError("gradcheck: backward changed the cotangent g in place. Work on a copy: g = g.copy().")
        found = found if isinstance(found, (tuple, list)) else (found,)
        if len(found) != len(inputs):
            raise GraphError(
                f"gradcheck: backward returned {len(found)} gradients for {len(inputs)} inputs; it must return one for "
                "each, None where there is none."
            )
        return [np.zeros(x.shape) if d is None else _array("backward", d) for x, d in zip(inputs, found, strict=True)]

    def _outputs(self, inputs: Arrays, copies: list[np.ndarray]) -> tuple[list[np.ndarray], Any]:
        """f's outputs without the cache, and all that it returned."""
        returned = self.f(*copies)
        _check_untouched("f", inputs, copies)
        if self.cache is None:
            self.cache = _takes_cache(self.f, self.backward, returned, copies)
        if self.cache and not (isinstance(returned, (tuple, list)) and len(returned) > 1):
            raise GraphError(
                f"gradcheck: cache=True, but f returned {type(returned).__name__}; it must return (y, cache)."
            )
        many = isinstance(returned, (tuple, list))
        outputs = [_array("f", y) for y in (returned[: len(returned) - self.cache] if many else [returned])]
        _check_outputs(outputs)
        return outputs, returned


def _takes_cache(f: Any, backward: Any, returned: Any, inputs: Arrays) -> bool:
    """Whether the last of what f returned is meant for backward, instead of the inputs.

    The number of backward's parameters decides. Where it fits both forms, what is no array of floats, or an input
    itself, is a cache; for the rest backward's parameters bear the names of f's if they are the inputs.
    """
    ours = _parameters(backward)
    count = len(returned) if isinstance(returned, (tuple, list)) else 0
    for_inputs, for_cache = _fits(ours, 1 + len(inputs)), count > 1 and _fits(ours, count)
    if not for_inputs and not for_cache:
        raise GraphError(
            f"gradcheck: backward{inspect.signature(backward)} takes neither g and the {len(inputs)} inputs, which is "
            f"backward(g, *inputs), nor what f returned, {_described(returned)}: where f returns (y, cache) it is "
            "backward(g, cache)."
        )
    if for_inputs != for_cache:
        return for_cache
    last = returned[-1]
    if any(last is x for x in inputs) or not _is_floats(last):
        return True
    theirs = _parameters(f)
    names = [parameter.name for parameter in ours or ()][1 : 1 + len(inputs)]
    if theirs is None:
        return any("cache" in name for name in names)
    return bool(names) and names != [parameter.name for parameter in theirs][: len(inputs)]


def _parameters(function: Any) -> list[inspect.Parameter] | None:
    """The parameters that a call without names fills; None where any number fits, or nobody knows."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return None
    return [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


def _fits(parameters: list[inspect.Parameter] | None, count: int) -> bool:
    if parameters is None:
        return True
    return sum(p.default is p.empty for p in parameters) <= count <= len(parameters)


def _is_floats(value: Any) -> bool:
    return isinstance(value, (np.ndarray, np.floating, float, Tensor)) and np.asarray(value).dtype.kind == "f"


def _described(returned: Any) -> str:
    kind = type(returned).__name__
    return f"a {kind} of {len(returned)}" if isinstance(returned, (tuple, list)) else kind


def repeatable(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two results agree to all the digits that a deterministic function repeats."""
    return bool(np.allclose(a, b, rtol=0.0, atol=REPEATABLE * np.abs(a).max(initial=0.0), equal_nan=True))


def _leaves(inputs: Arrays) -> list[Tensor]:
    return [Tensor(x, requires_grad=True) for x in inputs]


def _copies(inputs: Arrays) -> list[np.ndarray]:
    return [np.array(x) for x in inputs]


def _pull(
    outputs: Sequence[Tensor], leaves: Sequence[Tensor], parts: Iterator[Tensor], create_graph: bool
) -> list[Any]:
    """The gradients for one cotangent an output; None for a leaf that f does not depend on."""
    ys, cotangents = [], []
    for y, part in zip(outputs, parts, strict=True):
        if y.node is not None:
            ys.append(y)
            cotangents.append(part.astype(y.dtype))
    return gradients(ys, leaves, cotangents, create_graph=create_graph) if ys else [None] * len(leaves)


def _vector(outputs: Arrays) -> np.ndarray:
    return np.concatenate([y.ravel() for y in outputs])


def _split(v: Any, outputs: Sequence[Any]) -> Iterator[Any]:
    """The parts of a vector, or of a tensor, that belong to the outputs."""
    start = 0
    for y in outputs:
        yield v[start : start + y.size].reshape(y.shape)
        start += y.size


def _array(who: str, returned: Any) -> np.ndarray:
    if isinstance(returned, Tensor):
        raise GraphError(
            f"gradcheck: {who} returned a Tensor, but backward= was given: then f and backward work on NumPy arrays. "
            "Leave backward= out to check the gradients of a function of tensors."
        )
    try:
        array = np.asarray(returned)
    except ValueError:  # a tuple of arrays of several shapes
        array = np.asarray(None)
    if array.dtype.kind not in "fiub":
        raise DTypeError(
            f"gradcheck: {who} returned {type(returned).__name__}; it must return NumPy arrays of floats. "
            "What f keeps for backward stands last: return y, cache."
        )
    return array


def _check_outputs(outputs: Sequence[np.ndarray]) -> None:
    for y in outputs:
        if y.dtype.kind != "f":
            raise DTypeError(f"gradcheck: f returned dtype {y.dtype}; only floats have derivatives: use .astype.")
    if sum(y.size for y in outputs) == 0:
        shapes = ", ".join(str(y.shape) for y in outputs) or "no output"
        raise ShapeError(f"gradcheck: f returned nothing to differentiate ({shapes}). Give it inputs with elements.")


def _check_untouched(who: str, inputs: Arrays, copies: Arrays) -> None:
    for i, (x, copy) in enumerate(zip(inputs, copies, strict=True)):
        if not np.array_equal(x, copy, equal_nan=True):
            raise GraphError(f"gradcheck: {who} changed input {i} in place. Work on a copy: x = x.copy().")
