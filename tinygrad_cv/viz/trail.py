"""All operations that ran, including those without a gradient, which the tape does not record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from ..core.context import Scope, current, eager
from ..core.position import user_line
from ..core.primitive import Primitive
from ..core.tape import Node


@dataclass(frozen=True)
class Application:
    """One operation that ran.

    Attributes:
        value: its result, held so that no other array gets the same id.
        source: the user's line, if it was recorded.
        origin: in a backward pass, the node of the tape whose derivative it is part of.
        seconds: how long it took.
    """

    primitive: Primitive
    operands: list[np.ndarray]
    params: dict[str, Any]
    value: np.ndarray
    scope: Scope | None
    source: str | None
    origin: Node | None
    seconds: float


class Trail:
    """An interpreter that computes at once and records what it computed."""

    def __init__(self) -> None:
        self._steps: dict[int, Application] = {}  # by the id of the result

    def __call__(self, primitive: Primitive, values: list[np.ndarray], params: dict[str, Any]) -> np.ndarray:
        start = perf_counter()
        value = eager(primitive, values, params)
        seconds = perf_counter() - start
        if all(value is not given for given in values):
            context = current()
            source = user_line() if context.sources else None
            self._steps[id(value)] = Application(
                primitive, values, params, value, context.scope, source, context.origin, seconds
            )
        return value

    def step(self, value: object) -> Application | None:
        """The operation that made an array."""
        return self._steps.get(id(value))

    def seconds(self, value: object) -> float:
        """How long it took to compute an array; 0 if that was not recorded."""
        step = self.step(value)
        return step.seconds if step else 0.0

    def leading_to(
        self, value: object, free: Callable[[object], bool], recorded: Callable[[object], bool]
    ) -> list[Application]:
        """The operations to draw that lead to an array, in order.

        They depend on an input without gradient (``free``), or compare a recorded value, as ReLU does. How constants
        were computed, or recorded values that were detached, is not drawn.
        """
        drawn: dict[int, bool] = {}  # by the id of the result
        order: list[Application] = []
        stack: list[tuple[object, bool]] = [(value, False)]
        while stack:
            array, done = stack.pop()
            step = self.step(array)
            if step is None or free(array) or recorded(array):
                continue
            if done:
                compares = step.value.dtype.kind != "f"
                drawn[id(array)] = any(free(x) or drawn.get(id(x)) or (compares and recorded(x)) for x in step.operands)
                if drawn[id(array)]:
                    order.append(step)
            elif id(array) not in drawn:
                drawn[id(array)] = False
                stack.append((array, True))
                stack += [(x, False) for x in reversed(step.operands)]
        return order
