"""Wrong VJPs for the proof to find."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tinygrad_cv.core.primitive import _bind
from tinygrad_cv.ops import PRIMITIVES


@contextmanager
def wrong(name: str, index: int, vjp: Callable[..., Any] | None) -> Iterator[None]:
    """Inside, one input of a primitive has another VJP."""
    primitive = PRIMITIVES[name]
    right = primitive.vjps
    changed = list(right)
    changed[index] = vjp and _bind(name, vjp, primitive.inputs, primitive.params)
    try:
        _set(primitive, tuple(changed))
        yield
    finally:
        _set(primitive, right)


def _set(primitive: Any, vjps: tuple[Any, ...]) -> None:
    primitive.vjps = vjps
    primitive._kept.clear()
    for derived in ("differentiable", "keeps_nothing"):
        primitive.__dict__.pop(derived, None)
