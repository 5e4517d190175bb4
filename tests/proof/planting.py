"""Wrong VJPs where the right ones stand, for the proof to find."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tinygrad_cv.core.primitive import Primitive, Vjp, _bind
from tinygrad_cv.ops import PRIMITIVES


@contextmanager
def exchanged(primitive: Primitive, index: int, vjp: Vjp | None) -> Iterator[None]:
    """Inside, one input of a primitive has another VJP."""
    right = primitive.vjps
    try:
        primitive.derive_by((*right[:index], vjp, *right[index + 1 :]))
        yield
    finally:
        primitive.derive_by(right)


@contextmanager
def wrong(name: str, index: int, vjp: Callable[..., Any] | None) -> Iterator[None]:
    """The same by name and function."""
    primitive = PRIMITIVES[name]
    bound = vjp and _bind(name, vjp, primitive.inputs, primitive.params)
    with exchanged(primitive, index, bound):
        yield
