"""Functions of JAX, jitted or not, with a custom rule or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...core.errors import DTypeError, GraphError
from ..checked import Arrays, Checked, vector
from ..subject import Parameters, Subject, failure, float64, plain
from ..trails import Recorded, Trail
from .jax_trail import recorded

try:
    from jax import enable_x64
except ImportError:  # where it was before
    from jax.experimental import enable_x64


def subject(f: Any, given: Sequence[Any], parameters: Parameters) -> Subject:
    """A function of JAX's arrays, or of dicts and lists of them. It is checked in float64, enabled or not."""
    if parameters is not None:
        raise GraphError("gradcheck: parameters= with a function of JAX: what has a gradient must be among its inputs.")
    leaves, tree = jax.tree_util.tree_flatten_with_path(tuple(given))
    names = [f"input {path[0].idx}{jax.tree_util.keystr(path[1:])}" for path, _ in leaves]
    values = [
        np.asarray(x) if isinstance(x, jax.Array) else plain([x], [name])[0]
        for (_, x), name in zip(leaves, names, strict=True)
    ]
    notes = list[str]()
    arrays = float64(values, names, notes)

    def called(*xs: jax.Array) -> Any:
        return f(*jax.tree_util.tree_unflatten(tree, xs))

    function = JaxFunction(called)
    if not jax.config.jax_enable_x64:
        notes.append("checked in float64, though jax_enable_x64 is off, and f is float32 elsewhere")
        if problem := failure(function, arrays):
            single = JaxFunction(called, wide=False)
            if not failure(single, arrays):
                function, notes = single, [f"checked in float32, to few digits, since f fails in float64: {problem}"]
    return Subject(function, arrays, names, notes)


class JaxFunction(Checked):
    """A function of JAX's arrays. It is called once as it is, and then compiled, if it can be.

    Args:
        wide: whether float64 is enabled while it runs.
    """

    library = "JAX"
    layouts = {}  # noqa: RUF012 # its arrays have none

    def __init__(self, f: Callable[..., Any], wide: bool = True):
        self.f, self.wide = f, wide
        self.passed_over = set[str]()
        self._compiled_outputs, self._compiled_pull = _compiled(self._outputs), _compiled(self._pull)
        self._called = False

    @property
    def notes(self) -> list[str]:
        """What f returns besides floats."""
        return [f"outputs of {', '.join(sorted(self.passed_over))} have no derivative"] if self.passed_over else []

    def values(self, inputs: Arrays) -> list[np.ndarray]:
        """The outputs."""
        outputs = self._compiled_outputs if self._called else self._outputs
        self._called = True
        with self._leaves(inputs) as leaves:
            return [np.asarray(y) for y in outputs(*leaves)]

    def vjp(self, inputs: Arrays, cotangents: Sequence[np.ndarray]) -> list[np.ndarray | None]:
        """The gradients, by reverse mode."""
        with self._leaves(inputs) as leaves:
            return [np.asarray(g) for g in self._compiled_pull(leaves, list(map(jnp.asarray, cotangents)))]

    def jvp(self, inputs: Arrays, direction: Arrays) -> np.ndarray:
        """J u, by forward mode."""
        with self._leaves(inputs) as leaves, self._leaves(direction) as tangents:
            return vector([np.asarray(t) for t in jax.jvp(self._outputs, leaves, tangents)[1]])

    def derivative(self) -> JaxFunction:
        """The function of (*inputs, v) whose outputs are the gradients of vᵀ f by the inputs."""

        def gradient(*xs: jax.Array) -> Any:
            *leaves, v = xs
            outputs, pull = jax.vjp(self._outputs, *leaves)
            ends = np.cumsum([y.size for y in outputs])
            return pull([part.reshape(y.shape) for part, y in zip(jnp.split(v, ends[:-1]), outputs, strict=True)])

        return JaxFunction(gradient, self.wide)

    def trail(self, inputs: Arrays, seed: int) -> Trail:
        """The equations of f's jaxpr, those of jitted functions inside among them."""
        with self._leaves(inputs) as leaves:
            jaxpr = jax.make_jaxpr(self._outputs)(*leaves)

        @contextmanager
        def record(inputs: Arrays) -> Iterator[list[Recorded]]:
            with self._leaves(inputs) as leaves:
                yield recorded(jaxpr, leaves)

        return Trail(record, inputs, seed)

    @contextmanager
    def _leaves(self, inputs: Arrays) -> Iterator[tuple[jax.Array, ...]]:
        with enable_x64(self.wide):
            yield tuple(jnp.asarray(x, np.float64 if self.wide else np.float32) for x in inputs)

    def _pull(self, leaves: Sequence[jax.Array], cotangents: list[jax.Array]) -> Any:
        return jax.vjp(self._outputs, *leaves)[1](cotangents)

    def _outputs(self, *leaves: jax.Array) -> list[jax.Array]:
        """The arrays of floats that f returns; of complex ones real and imaginary parts."""
        found = jax.tree_util.tree_leaves(self.f(*leaves))
        for y in found:
            if not isinstance(y, (jax.Array, np.ndarray, np.generic, float)):
                raise GraphError(f"gradcheck: f returned {type(y).__name__}; it must return arrays of JAX.")
        arrays = list(map(jnp.asarray, found))
        floats = [y for y in arrays if jnp.issubdtype(y.dtype, jnp.inexact)]
        if arrays and not floats:
            raise DTypeError(
                f"gradcheck: f returned {arrays[0].dtype}; only floats have derivatives: use .astype(float)."
            )
        self.passed_over.update(str(y.dtype) for y in arrays if not jnp.issubdtype(y.dtype, jnp.inexact))
        return [part for y in floats for part in ([y.real, y.imag] if jnp.iscomplexobj(y) else [y])]


def _compiled(f: Callable[..., Any]) -> Callable[..., Any]:
    """The function compiled, or as it is if it branches on values, which has no trace."""
    current = [jax.jit(f)]

    def call(*args: Any) -> Any:
        try:
            return current[0](*args)
        except Exception:
            if current[0] is f:
                raise
            current[0] = f
            return f(*args)

    return call
