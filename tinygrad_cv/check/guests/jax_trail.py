"""What JAX records of a function: the equations of its jaxpr, one by one, each with the gradients of it alone."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..checked import vector
from ..trails import Recorded, Step

OUTSIDE = (str(Path(jax.__file__).parent) + os.sep, str(Path(__file__).parents[2]) + os.sep)  # not the user's lines
CUT = "stop_gradient"


def recorded(jaxpr: Any, leaves: Sequence[jax.Array]) -> list[Recorded]:
    """The steps of a closed jaxpr, in their order."""
    steps = list[Recorded]()
    _walk(jaxpr.jaxpr, jaxpr.consts, leaves, "", steps)
    return steps


def _walk(jaxpr: Any, constants: Sequence[Any], given: Sequence[Any], module: str, steps: list[Recorded]) -> list[Any]:
    """Compute the equations; those of jitted functions by themselves."""
    known = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*constants, *given], strict=True))

    def read(variable: Any) -> Any:
        return variable.val if hasattr(variable, "val") else known[variable]

    for equation in jaxpr.eqns:
        operands = [read(variable) for variable in equation.invars]
        if equation.primitive.name == "jit":
            inner, name = equation.params["jaxpr"], equation.params["name"]
            found = _walk(inner.jaxpr, inner.consts, operands, f"{module}.{name}".lstrip("."), steps)
        else:
            found = _computed(equation, operands)
            if any(map(_is_float, found)):
                steps.append(_recorded(equation, operands, found, module))
        known.update(zip(equation.outvars, found, strict=True))
    return [read(variable) for variable in jaxpr.outvars]


def _computed(equation: Any, operands: Sequence[Any]) -> list[Any]:
    bound = equation.primitive.get_bind_params(equation.params)
    functions, params = bound if isinstance(bound, tuple) else ((), bound)  # by JAX's version
    found = equation.primitive.bind(*functions, *operands, **params)
    return list(found) if equation.primitive.multiple_results else [found]


def _recorded(equation: Any, operands: Sequence[Any], found: Sequence[Any], module: str) -> Recorded:
    read = [jnp.asarray(x) for x in operands if _is_float(x)]
    constants = list(map(np.asarray, read)) if equation.primitive.name == CUT else []
    value = vector([np.asarray(y) for y in found if _is_float(y)])
    pull = partial(_pull, equation, operands)
    return Recorded(_step(equation, module), value, list(map(np.asarray, read)), constants, pull)


def _pull(equation: Any, operands: Sequence[Any], w: np.ndarray) -> list[np.ndarray]:
    def floats(*xs: Any) -> list[Any]:
        given = iter(xs)
        found = _computed(equation, [next(given) if _is_float(x) else x for x in operands])
        return [y for y in found if _is_float(y)]

    outputs, pull = jax.vjp(floats, *[jnp.asarray(x) for x in operands if _is_float(x)])
    parts = np.split(np.conj(w), np.cumsum([y.size for y in outputs])[:-1])
    gradients = pull([jnp.asarray(part.reshape(y.shape), y.dtype) for part, y in zip(parts, outputs, strict=True)])
    return [np.conj(np.asarray(g)) for g in gradients]  # of a complex x, JAX's gradient is the conjugate of PyTorch's


def _is_float(x: Any) -> bool:
    return bool(jnp.issubdtype(jnp.result_type(x), jnp.inexact))


def _step(equation: Any, module: str) -> Step:
    """An equation's name; that of a function with a rule of its own is the function's, with where it is defined."""
    inner = equation.params.get("call_jaxpr")
    if inner is not None:
        name, _, source = inner.jaxpr.debug_info.func_src_info.partition(" at ")
        return Step(name, module, source)
    frames = equation.source_info.traceback.frames if equation.source_info.traceback else []
    own = (f"{frame.file_name}:{frame.line_num}" for frame in frames if not frame.file_name.startswith(OUTSIDE))
    return Step(equation.primitive.name, module, next(own, ""))
