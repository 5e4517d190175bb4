"""A NumPy function with a hand-written backward, in either of two forms."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.errors import DTypeError, GraphError
from ..frontend.tensor import Tensor
from .checked import Arrays, Checked, check_outputs
from .subject import Subject, float64, numbered, plain


def handwritten(
    f: Callable[..., object], backward: Callable[..., object], cache: bool | None, given: Sequence[Any]
) -> Subject:
    """A NumPy function and its backward, with its inputs."""
    names, notes = numbered(len(given)), list[str]()
    arrays = float64(plain(given, names), names, notes)
    return Subject(ArrayFunction(f, backward, cache), arrays, names, notes)


class ArrayFunction(Checked):
    """A function of NumPy arrays with a hand-written backward, which returns a gradient for each input.

        f(*inputs) -> y, or (y1, y2)             backward(g, *inputs); g is a tuple if f returns one
        f(*inputs) -> (y, cache), or more ys     backward(g, cache), with a g for each y

    Args:
        cache: whether the second form is meant; if None, what f returns and backward takes decides.
    """

    library = "NumPy"

    def __init__(self, f: Callable[..., object], backward: Callable[..., object], cache: bool | None = None):
        self.f, self.backward, self.cache = f, backward, cache

    @property
    def notes(self) -> list[str]:
        """Which of the two forms it has, if it is that of courses."""
        note = "the last value that f returned is backward's cache: it was called as backward(g, cache)"
        return [note] if self.cache else []

    def values(self, inputs: Arrays) -> list[np.ndarray]:
        """The outputs, without the cache."""
        return self._outputs(inputs, _copies(inputs))[0]

    def vjp(self, inputs: Arrays, cotangents: Sequence[np.ndarray]) -> list[np.ndarray | None]:
        """What ``backward`` returns: an array for each input."""
        copies, parts = _copies(inputs), list(cotangents)
        _, returned = self._outputs(inputs, copies)
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
        return [None if gradient is None else _array("backward", gradient) for gradient in found]

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
        check_outputs(outputs)
        return outputs, returned


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


def _copies(inputs: Arrays) -> list[np.ndarray]:
    return [np.array(x) for x in inputs]


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


def _check_untouched(who: str, inputs: Arrays, copies: Arrays) -> None:
    for i, (x, copy) in enumerate(zip(inputs, copies, strict=True)):
        if not np.array_equal(x, copy, equal_nan=True):
            raise GraphError(f"gradcheck: {who} changed input {i} in place. Work on a copy: x = x.copy().")
