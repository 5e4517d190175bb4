"""Long programs: thousands of operations on one small matrix, every movement among them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.compiler.programs import Node, Program, input_

ROWS, COLUMNS = 6, 8
SHAPE = ROWS, COLUMNS


class Long:
    """A program under construction; each step makes a matrix of ``SHAPE`` from recent ones."""

    def __init__(self, seed: int):
        self.rng = np.random.default_rng(seed)
        self.nodes = [input_(SHAPE, "float32", "normal", seed), input_((ROWS,), "int64", f"below {ROWS}", seed)]
        self.recent = [0]

    def apply(self, op: str, *args: int, **params: Any) -> int:
        self.nodes.append(Node(op, args, params))
        return len(self.nodes) - 1

    def slice(self, x: int, start: tuple[int, ...], stop: tuple[int, ...], step: tuple[int, ...] = (1, 1)) -> int:
        return self.apply("slice", x, start=start, stop=stop, step=step)

    def literal(self, number: float) -> int:
        value = self.apply("literal", value=number, dtype=np.dtype(np.float32))
        return self.apply("expand", value, shape=SHAPE)

    def rows_moved(self, x: int) -> int:
        """The rows in two parts, joined again: one is scaled, or they change places."""
        at = int(self.rng.integers(1, ROWS))
        first, rest = self.slice(x, (0, 0), (at, COLUMNS)), self.slice(x, (at, 0), SHAPE)
        if self.rng.random() < 0.5:
            return self.apply("concatenate", rest, first, axis=0)
        return self.apply("concatenate", first, self.apply("neg", rest), axis=0)

    def shifted(self, x: int) -> int:
        padded = self.apply("pad", x, width=((1, 0), (0, 2)), interior=(0, 0), value=0.5)
        return self.slice(padded, (0, 2), (ROWS, COLUMNS + 2))

    def spread(self, x: int) -> int:
        """Every other column, with zeros between."""
        half = self.slice(x, (0, 1), SHAPE, (1, 2))
        return self.apply("pad", half, width=((0, 0), (0, 1)), interior=(0, 1), value=0.0)

    def flipped(self, x: int) -> int:
        return self.apply("flip", x, axis=(int(self.rng.integers(2)),))

    def turned(self, x: int) -> int:
        return self.apply("reshape", self.apply("permute", x, axes=(1, 0)), shape=SHAPE)

    def regrouped(self, x: int) -> int:
        shapes = ((4, 12), (2, 24), (2, 3, 8), (6, 2, 4), (12, 4))
        parts = self.apply("reshape", x, shape=shapes[int(self.rng.integers(len(shapes)))])
        axes = tuple(map(int, self.rng.permutation(len(self.shape(parts)))))
        return self.apply("reshape", self.apply("permute", parts, axes=axes), shape=SHAPE)

    def shape(self, x: int) -> tuple[int, ...]:
        return self.nodes[x].params["shape"]

    def gathered(self, x: int) -> int:
        return self.apply("gather", x, 1)

    def repeated(self, x: int) -> int:
        return self.apply("expand", self.slice(x, (2, 0), (3, COLUMNS)), shape=SHAPE)

    def pooled(self, x: int) -> int:
        """The mean or the maximum of windows of 2 by 2."""
        padded = self.apply("pad", x, width=((1, 0), (0, 1)), interior=(0, 0), value=0.0)
        found = self.apply("windows", padded, kernel=(2, 2), stride=(1, 1), dilation=(1, 1))
        if self.rng.random() < 0.5:
            found = self.apply("max", found, axis=(2, 3), ties="even")
        else:
            found = self.apply("sum", found, axis=(2, 3))
        return self.apply("mul", self.apply("reshape", found, shape=SHAPE), self.literal(0.25))

    def folded(self, x: int) -> int:
        """Windows of 2 by 2, every other one or all of them, put together again."""
        stride = int(self.rng.integers(1, 3))
        found = self.apply("windows", x, kernel=(2, 2), stride=(stride, stride), dilation=(1, 1))
        found = self.apply("fold", found, stride=(stride, stride), dilation=(1, 1), size=SHAPE)
        return self.apply("mul", found, self.literal(0.25 if stride == 1 else 1.0))

    def added(self, x: int) -> int:
        return self.apply("mul", self.apply("add", x, self.some()), self.literal(0.5))

    def some(self) -> int:
        """One of the last few."""
        return self.recent[int(self.rng.integers(len(self.recent)))]

    def take(self, step: Callable[[Long, int], int]) -> None:
        """Apply a step to the last matrix, or to one before."""
        x = self.recent[-1] if self.rng.random() < 0.8 else self.some()
        self.recent = [*self.recent[-5:], step(self, x)]

    def program(self) -> Program:
        return Program(tuple(self.nodes), (self.recent[-1],))


MOVEMENTS = (
    Long.rows_moved,
    Long.shifted,
    Long.spread,
    Long.flipped,
    Long.turned,
    Long.regrouped,
    Long.gathered,
    Long.repeated,
    Long.pooled,
    Long.folded,
    Long.added,
)


def mixed(seed: int, operations: int) -> Program:
    """So many operations, all kinds among each other."""
    long = Long(seed)
    while len(long.nodes) < operations:
        long.take(MOVEMENTS[int(long.rng.integers(len(MOVEMENTS)))])
        if long.rng.random() < 0.1:
            long.take(Long.added)
    return long.program()


def repeated(step: Callable[[Long, int], int], operations: int) -> Program:
    """One kind again and again."""
    long = Long(0)
    while len(long.nodes) < operations:
        long.take(step)
    return long.program()
