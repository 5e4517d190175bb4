"""The state dict of a module: its parameters and saved buffers by path. Loading changes all of them, or none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..core.context import no_grad
from ..core.errors import CheckpointError, check_state_dict
from ..frontend.tensor import Tensor
from .parameter import Parameter, UninitializedParameter, existing

if TYPE_CHECKING:
    from ..frontend.typing import TensorLike
    from .module import Module


class LoadResult(NamedTuple):
    """The names that ``load_state_dict(..., strict=False)`` skipped."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def dotted(path: str, name: str) -> str:
    """The path of an attribute of the module at ``path``."""
    return f"{path}.{name}" if path else name


def saved(module: Module, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """Every parameter and persistent buffer with its path; a shared tensor once for each of its paths."""
    for path, owner in module._walk(prefix):
        for name, attribute in vars(owner).items():
            value = existing(dotted(path, name), attribute)
            if isinstance(value, Parameter):
                yield dotted(path, name), value
        for name, persistent in owner._buffers.items():
            if persistent and vars(owner)[name] is not None:
                yield dotted(path, name), vars(owner)[name]


@contextmanager
def _sized(module: Module, state: Mapping[str, TensorLike]) -> Iterator[None]:
    """Lazily sized layers made to fit the state dict; as they were if an error comes of it."""
    waiting = [
        (path, owner, type(owner), dict(vars(owner)))
        for path, owner in module._walk()
        if any(isinstance(value, UninitializedParameter) for value in vars(owner).values())
    ]
    try:
        for path, owner, *_ in waiting:
            prefix = dotted(path, "")
            shapes = {name.removeprefix(prefix): _shape(x) for name, x in state.items() if name.startswith(prefix)}
            owner.make_parameters(shapes)
        yield
    except BaseException:
        for _, owner, kind, attributes in waiting:
            owner.__class__ = kind
            vars(owner).clear()
            vars(owner).update(attributes)
        raise


def load(module: Module, state: Mapping[str, TensorLike], strict: bool) -> LoadResult:
    """:meth:`Module.load_state_dict`, which says what it does."""
    with checked(module, state, strict) as commit:
        return commit()


@contextmanager
def checked(module: Module, state: Mapping[str, TensorLike], strict: bool = True) -> Iterator[Callable[[], LoadResult]]:
    """Check a state dict, for a block that calls the function it gets to load it. Lazily sized layers have their sizes
    in the block; they are as they were if it raises."""
    check_state_dict(type(module).__name__, state)
    with _sized(module, state):
        yield _checked(module, state, strict)


def _checked(module: Module, state: Mapping[str, TensorLike], strict: bool) -> Callable[[], LoadResult]:
    own = dict(saved(module))
    missing = [name for name in own if name not in state]
    unexpected = [name for name in state if name not in own]
    not_negative = {dotted(path, name) for path, owner in module._walk() for name in owner._not_negative}
    arrays: dict[str, np.ndarray] = {}
    problems = []
    for name, tensor in own.items():
        problem = _fit(tensor, state[name], name, arrays, name in not_negative) if name in state else None
        if problem:
            problems.append(problem)
    if strict:
        problems = [
            *(f"missing {name} of shape {own[name].shape}" for name in missing),
            *(f"unexpected {name} of shape {_shape(state[name])}" for name in unexpected),
            *problems,
        ]
    if problems:
        lines = "".join(f"\n  {problem}" for problem in problems)
        raise CheckpointError(
            f"load_state_dict into {type(module).__name__}: {len(problems)} problem(s):{lines}\nNothing was loaded. "
            "Build the model with the sizes and names of the saved one"
            + ("; strict=False skips missing and unexpected names." if missing or unexpected else ".")
        )

    def commit() -> LoadResult:
        with no_grad():
            for name, array in arrays.items():
                own[name].assign(array)
        return LoadResult(missing, unexpected)

    return commit


def _shape(value: Any) -> tuple[int, ...]:  # NumPy's annotations know neither DLPack nor tensors
    return tuple(value.shape if hasattr(value, "shape") else np.shape(value))


def _fit(tensor: Tensor, value: TensorLike, name: str, arrays: dict[str, np.ndarray], not_negative: bool) -> str | None:
    """Add the value to ``arrays``, converted to the tensor's dtype; or describe why it does not fit."""
    try:
        array = np.asarray(value.detach() if hasattr(value, "detach") else value)
    except (TypeError, ValueError) as error:
        return f"{name}: {error}"
    if array.shape != tensor.shape:
        return f"{name} has shape {array.shape}, the model needs {tensor.shape}"
    kinds = "f" if tensor.dtype.kind == "f" else "iu"
    if array.dtype.kind not in kinds:
        return f"{name} has dtype {array.dtype}, the model needs {tensor.dtype}"
    with np.errstate(all="ignore"):
        arrays[name] = fitted = array.astype(tensor.dtype)
    if not np.array_equal(np.isfinite(fitted), np.isfinite(array)) or (kinds == "iu" and (fitted != array).any()):
        return f"{name} has values up to {abs(array).max()}, too large for {tensor.dtype}"
    if not_negative and (fitted < 0).any():
        return f"{name} has the value {fitted.min()}; it must not be negative"
    return None
