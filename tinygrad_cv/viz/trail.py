"""All that was computed while a function ran: the tape holds only what a gradient flows through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from ..core.context import Scope, current, eager
from ..core.position import user_line
from ..core.primitive import Primitive


@dataclass(frozen=True)
class Application:
    """One operation that was applied.

    Attributes:
        value: what came out; alive here, so that no other array has its id.
        origin: in a backward pass, the tape's node whose derivative it is part of.
    """

    primitive: Primitive
    operands: list[Any]
    params: dict[str, Any]
    value: Any
    scope: Scope | None
    source: str | None
    origin: Any
    seconds: float


class Trail:
    """An interpreter that computes at once and notes what it did."""

    def __init__(self) -> None:
        self._steps: dict[int, Application] = {}  # by the id of the result

    def __call__(self, primitive: Any, values: list[Any], params: dict[str, Any]) -> Any:
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

    def step(self, value: Any) -> Application | None:
        """The operation that made an array."""
        return self._steps.get(id(value))

    def seconds(self, value: Any) -> float:
        """What it took to compute a value; 0 for others."""
        step = self.step(value)
        return step.seconds if step else 0.0

    def behind(self, value: Any, free: Callable[[Any], bool], recorded: Callable[[Any], bool]) -> list[Application]:
        """The operations to be drawn that lead to a value, in order.

        They depend on an input without gradient (free), or they compare what is recorded, as ReLU does. Of constants,
        and of recorded values that were detached, nothing is drawn.
        """
        drawn: dict[int, bool] = {}  # by the id of the result
        order: list[Application] = []
        stack = [(value, False)]
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
