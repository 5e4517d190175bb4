"""What can be checked: a function of any library, which gives its outputs, and for a cotangent of them its gradients.

The check sees NumPy arrays only. How a library computes is known to one subclass of :class:`Checked` each.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np

from ..core.errors import DTypeError, GraphError, ShapeError
from .memory_layouts import LAYOUTS

if TYPE_CHECKING:
    from .trails import Trail

Arrays: TypeAlias = Sequence[np.ndarray]
Form: TypeAlias = Callable[[np.ndarray], Any]  # of a cotangent: another memory layout
REPEATABLE = 1e-6  # two calls of a deterministic function agree to this share


class Checked(ABC):
    """A function whose gradients :func:`gradcheck` can check, in whatever way its library computes them.

    The check hands in float64 arrays, and gets arrays back. For a library of your own write a subclass with the two
    abstract methods, and pass an instance of it: ``gradcheck(Mine(f), inputs)``. A library that differentiates its
    gradients adds ``derivative``, one with a forward mode ``jvp``.

    Attributes:
        library: its name, for messages.
        layouts: the memory layouts of cotangents that the library takes; the gradients must be those of plain arrays.

    >>> class Pair(Checked):
    ...     def values(self, inputs):
    ...         return [np.sin(inputs[0])]
    ...
    ...     def vjp(self, inputs, cotangents):
    ...         return [cotangents[0] * np.cos(inputs[0])]
    >>> import tinygrad_cv as tg
    >>> tg.gradcheck(Pair(), np.array([1.0, 2.0])).verdict
    'correct'
    """

    library: ClassVar[str] = "this library"
    layouts: ClassVar[Mapping[str, Form]] = LAYOUTS
    _like: list[tuple[tuple[int, ...], np.dtype]] | None = None  # shapes and dtypes of the outputs

    @property
    def notes(self) -> list[str]:
        """What the report should say of how the function was called."""
        return []

    @abstractmethod
    def values(self, inputs: Arrays) -> Sequence[np.ndarray]:
        """The outputs."""

    @abstractmethod
    def vjp(self, inputs: Arrays, cotangents: Sequence[Any]) -> Sequence[np.ndarray | None]:
        """The gradient by each input for a cotangent of each output; None if no output depends on an input."""

    def jvp(self, inputs: Arrays, direction: Arrays) -> np.ndarray:
        """J u, as one vector."""
        raise GraphError(f"gradcheck: mode='jvp', but {self.library} gives no forward products. Use mode='vjp'.")

    def derivative(self) -> Checked:
        """The function of (*inputs, v) whose outputs are the gradients of vᵀ f by the inputs."""
        raise GraphError(
            f"gradcheck: order above 1, but {self.library} does not differentiate its gradients. Use order=1."
        )

    def trail(self, inputs: Arrays, seed: int) -> Trail | None:
        """What was computed on the way, step by step, for the search for a wrong one; None where nobody can look."""
        return None

    def __call__(self, inputs: Arrays) -> np.ndarray:
        """All outputs, as one vector."""
        outputs = [np.asarray(y) for y in self.values(inputs)]
        check_outputs(outputs)
        self._like = [(y.shape, y.dtype) for y in outputs]
        return vector(outputs)

    def gradients(self, inputs: Arrays, v: np.ndarray, form: Form | None = None) -> list[np.ndarray]:
        """Jᵀ v, an array for each input; v is a vector, each output's part of which is handed over in some form."""
        if self._like is None:
            self(inputs)
        assert self._like is not None
        parts = [part.astype(dtype) for part, (_, dtype) in zip(self._split(v), self._like, strict=True)]
        found = self.vjp(inputs, parts if form is None else [form(part) for part in parts])
        if len(found) != len(inputs):
            raise GraphError(
                f"gradcheck: {self.library} gave {len(found)} gradients for {len(inputs)} inputs; it must be one for "
                "each, None where there is none."
            )
        return [np.zeros(x.shape) if g is None else np.asarray(g) for x, g in zip(inputs, found, strict=True)]

    def _split(self, v: np.ndarray) -> Iterator[np.ndarray]:
        """The parts of a vector that belong to the outputs, in their shapes."""
        assert self._like is not None
        start = 0
        for shape, _ in self._like:
            size = int(np.prod(shape))
            yield v[start : start + size].reshape(shape)
            start += size


def check_outputs(outputs: Arrays) -> None:
    """Raise an error unless the outputs are floats, and some."""
    for y in outputs:
        if y.dtype.kind != "f":
            raise DTypeError(f"gradcheck: f returned dtype {y.dtype}; only floats have derivatives: use .astype.")
    if sum(y.size for y in outputs) == 0:
        shapes = ", ".join(str(y.shape) for y in outputs) or "no output"
        raise ShapeError(f"gradcheck: f returned nothing to differentiate ({shapes}). Give it inputs with elements.")


def vector(outputs: Arrays) -> np.ndarray:
    """The elements of all arrays, one after the other."""
    return np.concatenate([y.ravel() for y in outputs])


def repeatable(a: np.ndarray, b: np.ndarray, size: float = 0.0) -> bool:
    """Whether two results agree as closely as those of a deterministic function, or of values of another size."""
    largest = max(float(np.abs(a).max(initial=0.0)), size)
    return bool(np.allclose(a, b, rtol=0.0, atol=REPEATABLE * largest, equal_nan=True))
