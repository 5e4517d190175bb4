"""What can be checked: a function of tensors, or a NumPy function with a hand-written backward.

Both have the same form: from inputs to a vector of outputs, and from a cotangent of that vector to a gradient for each
input. Parameters that a function closes over are inputs like the others: they hold other values during a call.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias, TypeVar

import numpy as np

from ..core.errors import DTypeError, GraphError, ShapeError
from ..core.variable import gradients
from ..frontend.autodiff import jvp
from ..frontend.isolation import isolated
from ..frontend.movement import concatenate
from ..frontend.tensor import Tensor

Arrays: TypeAlias = Sequence[np.ndarray]
V = TypeVar("V", Tensor, np.ndarray)
REPEATABLE = 1e-6  # two calls of a deterministic function agree to this share


class TensorFunction:
    """A function of tensors; its gradients come from the tape.

    Args:
        f: takes tensors.
        parameters: tensors that f closes over. They are the last inputs.
        buffers: tensors that f closes over as constants: float64 during a call.
    """

    def __init__(self, f: Callable[..., object], parameters: Sequence[Tensor] = (), buffers: Sequence[Tensor] = ()):
        self.f, self.parameters, self.buffers = f, tuple(parameters), tuple(buffers)

    def __call__(self, inputs: Arrays) -> np.ndarray:
        with isolated():
            return _vector([y.value for y in self.outputs(_leaves(inputs))])

    def gradients(self, inputs: Arrays, v: np.ndarray) -> list[np.ndarray]:
        """Jᵀ v, an array for each input."""
        return self.vjp(inputs, lambda outputs: _split(Tensor(v), outputs))

    def vjp(self, inputs: Arrays, cotangents: Callable[[list[Tensor]], Iterable[Tensor]]) -> list[np.ndarray]:
        """The gradients, for cotangents that are made from the outputs."""
        leaves = _leaves(inputs)
        with isolated():
            outputs = self.outputs(leaves)
            found = _pull(outputs, leaves, cotangents(outputs), create_graph=False)
        return [np.zeros(x.shape) if g is None else np.array(g.value) for x, g in zip(inputs, found, strict=True)]

    def jvp(self, inputs: Arrays, direction: Arrays) -> np.ndarray:
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
        """What f returns, after checking that it is tensors of floats."""
        count = len(leaves) - len(self.parameters)
        with _replaced([*self.parameters, *self.buffers], [*leaves[count:], *map(_float64, self.buffers)]):
            returned = self.f(*leaves[:count])
        outputs: list[Tensor] = []
        for y in returned if isinstance(returned, (tuple, list)) else [returned]:
            if not isinstance(y, Tensor):
                raise GraphError(
                    f"gradcheck: f returned {type(y).__name__}; it must return a tensor, or a tuple of tensors. "
                    "A NumPy function is checked together with its backward: gradcheck(f, inputs, backward=...)."
                )
            outputs.append(y)
        _check_outputs([y.value for y in outputs])
        return outputs


@contextmanager
def _replaced(tensors: Sequence[Tensor], others: Sequence[Tensor]) -> Iterator[None]:
    """Inside, tensors have the values of others, and their nodes."""
    own = [(tensor._value, tensor.node, tensor._grad) for tensor in tensors]
    try:
        for tensor, other in zip(tensors, others, strict=True):
            tensor._value, tensor.node = other._value, other.node
        yield
    finally:
        for tensor, (value, node, grad) in zip(tensors, own, strict=True):
            tensor._value, tensor.node, tensor._grad = value, node, grad


def _float64(buffer: Tensor) -> Tensor:
    return Tensor(buffer.value.astype(np.float64)) if buffer.dtype.kind == "f" else buffer


class ArrayFunction:
    """A function of NumPy arrays with a hand-written backward, which returns a gradient for each input.

        f(*inputs) -> y, or (y1, y2)             backward(g, *inputs); g is a tuple if f returns one
        f(*inputs) -> (y, cache), or more ys     backward(g, cache), with a g for each y

    Args:
        cache: whether the second form is meant; if None, what f returns and backward takes decides.
    """

    def __init__(self, f: Callable[..., object], backward: Callable[..., object], cache: bool | None = None):
        self.f, self.backward, self.cache = f, backward, cache

    def __call__(self, inputs: Arrays) -> np.ndarray:
        return _vector(self._outputs(inputs, _copies(inputs))[0])

    def gradients(self, inputs: Arrays, v: np.ndarray) -> list[np.ndarray]:
        """What ``backward`` returns for the cotangent v: an array for each input."""
        return self.vjp(inputs, lambda outputs: _split(v, outputs))

    def vjp(self, inputs: Arrays, cotangents: Callable[[list[np.ndarray]], Iterable[np.ndarray]]) -> list[np.ndarray]:
        """The gradients, for cotangents that are made from the outputs."""
        copies = _copies(inputs)
        outputs, returned = self._outputs(inputs, copies)
        parts = [part.astype(y.dtype, copy=False) for part, y in zip(cotangents(outputs), outputs, strict=True)]
        before = _copies(parts)
        if self.cache and isinstance(returned, (tuple, list)):
            given = self.backward(*parts, returned[-1])
        else:
            given = self.backward(tuple(parts) if isinstance(returned, (tuple, list)) else parts[0], *copies)
        _check_untouched("backward", inputs, copies)
        if not all(np.array_equal(part, copy, equal_nan=True) for part, copy in zip(parts, before, strict=True)):
            raise GraphError("gradcheck: backward changed the cotangent g in place. Work on a copy: g = g.copy().")
        found = given if isinstance(given, (tuple, list)) else (given,)
        if len(found) != len(inputs):
            raise GraphError(
                f"gradcheck: backward returned {len(found)} gradients for {len(inputs)} inputs; it must return one for "
                "each, None where there is none."
            )
        return [np.zeros(x.shape) if d is None else _array("backward", d) for x, d in zip(inputs, found, strict=True)]

    def _outputs(self, inputs: Arrays, copies: list[np.ndarray]) -> tuple[list[np.ndarray], object]:
        """f's outputs without the cache, and all that it returned."""
        returned = self.f(*copies)
        _check_untouched("f", inputs, copies)
        if self.cache is None:
            self.cache = _takes_cache(self.f, self.backward, returned, copies)
        if self.cache and not (isinstance(returned, (tuple, list)) and len(returned) > 1):
            raise GraphError(
                f"gradcheck: cache=True, but f returned {type(returned).__name__}; it must return (y, cache)."
            )
        ys = returned[: len(returned) - self.cache] if isinstance(returned, (tuple, list)) else [returned]
        outputs = [_array("f", y) for y in ys]
        _check_outputs(outputs)
        return outputs, returned


Checked: TypeAlias = TensorFunction | ArrayFunction


def _takes_cache(f: Callable[..., object], backward: Callable[..., object], returned: object, inputs: Arrays) -> bool:
    """Whether the last value that f returned is a cache for backward, which then does not take the inputs.

    The number of backward's parameters decides. If it fits both forms, a value that is not an array of floats, or is
    itself an input, is a cache; otherwise backward takes the inputs if its parameters have the names of f's.
    """
    ours = _parameters(backward)
    values = returned if isinstance(returned, (tuple, list)) else ()
    count = len(values)
    for_inputs, for_cache = _fits(ours, 1 + len(inputs)), count > 1 and _fits(ours, count)
    if not for_inputs and not for_cache:
        raise GraphError(
            f"gradcheck: backward{inspect.signature(backward)} takes neither g and the {len(inputs)} inputs, which is "
            f"backward(g, *inputs), nor what f returned, {_described(returned)}: where f returns (y, cache) it is "
            "backward(g, cache)."
        )
    if for_inputs != for_cache:
        return for_cache
    last = values[-1]
    if any(last is x for x in inputs) or not _is_floats(last):
        return True
    theirs = _parameters(f)
    names = [parameter.name for parameter in ours or ()][1 : 1 + len(inputs)]
    if theirs is None:
        return any("cache" in name for name in names)
    return bool(names) and names != [parameter.name for parameter in theirs][: len(inputs)]


def _parameters(function: Callable[..., object]) -> list[inspect.Parameter] | None:
    """The positional parameters; None if there may be any number, or if they are not known."""
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


def _is_floats(value: object) -> bool:
    return isinstance(value, (np.ndarray, np.floating, float, Tensor)) and np.asarray(value).dtype.kind == "f"


def _described(returned: object) -> str:
    kind = type(returned).__name__
    return f"a {kind} of {len(returned)}" if isinstance(returned, (tuple, list)) else kind


def repeatable(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two results agree as closely as those of a deterministic function."""
    return bool(np.allclose(a, b, rtol=0.0, atol=REPEATABLE * np.abs(a).max(initial=0.0), equal_nan=True))


def _leaves(inputs: Arrays) -> list[Tensor]:
    return [Tensor(x, requires_grad=True) for x in inputs]


def _copies(inputs: Arrays) -> list[np.ndarray]:
    return [np.array(x) for x in inputs]


def _pull(
    outputs: Sequence[Tensor], leaves: Sequence[Tensor], parts: Iterable[Tensor], create_graph: bool
) -> Sequence[Tensor | None]:
    """The gradients, for a cotangent of each output; None for a leaf that f does not depend on."""
    ys, cotangents = [], []
    for y, part in zip(outputs, parts, strict=True):
        if y.node is not None:
            ys.append(y)
            cotangents.append(part.astype(y.dtype))
    return gradients(ys, leaves, cotangents, create_graph=create_graph) if ys else [None] * len(leaves)


def _vector(outputs: Arrays) -> np.ndarray:
    return np.concatenate([y.ravel() for y in outputs])


def _split(v: V, outputs: Sequence[V]) -> Iterator[V]:
    """The parts of a vector that belong to the outputs."""
    start = 0
    for y in outputs:
        yield v[start : start + y.size].reshape(y.shape)
        start += y.size


def _array(who: str, returned: object) -> np.ndarray:
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
            "What f keeps for backward comes last: return y, cache."
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
