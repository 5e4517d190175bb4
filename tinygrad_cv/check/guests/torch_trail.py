"""What PyTorch records of a function: its autograd nodes and their values, each with the gradients of it alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any, TypeAlias

import numpy as np
import torch

from ..checked import Arrays
from ..trails import Step
from .torch_recorder import Key, Seen, key

Local: TypeAlias = list[tuple[int, torch.Tensor]]  # places of values, and gradients by them
Run: TypeAlias = Callable[[Arrays], AbstractContextManager[tuple[list[Seen], list[Seen]]]]


class TorchTrail:
    """The trail of a function of PyTorch's.

    Args:
        run: records the function at some inputs, as long as the context lasts: its inputs, and all that it computed.
    """

    def __init__(self, run: Run, inputs: Arrays, seed: int):
        self.run = run
        generator = torch.Generator().manual_seed(seed)
        with run(inputs) as (leaves, seen):
            self.steps: Sequence[Step] = [s.step for s in seen]
            self.start = len(leaves)
            self.constants = [s.constants for s in seen]
            known = {key(s.edge): i for i, s in enumerate([*leaves, *seen])}
            self.weights = [_weight(s.value, generator) for s in seen]
            self.local = [_local(s, w, known, [*leaves, *seen]) for s, w in zip(seen, self.weights, strict=True)]

    def sums(self, inputs: Arrays) -> np.ndarray:
        """w·y for each step, and then Σ cᵢ·xᵢ for each."""
        with self.run(inputs) as (leaves, seen):
            if not self._same(seen):
                return np.full(2 * len(self.steps), np.nan)
            values = [s.value for s in [*leaves, *seen]]
            after = [_dot(w, y) for w, y in zip(self.weights, values[self.start :], strict=True)]
            before = [sum(_dot(c, values[i]) for i, c in pairs) for pairs in self.local]
        return np.array([*after, *before], np.float64)

    def moving(self, inputs: Arrays) -> Sequence[bool]:
        """For each step, whether a constant that it reads is another one at other inputs."""
        with self.run(inputs) as (_, seen):
            if not self._same(seen):
                return [False] * len(self.steps)
            return [_differ(a, s.constants) for a, s in zip(self.constants, seen, strict=True)]

    def _same(self, seen: Sequence[Seen]) -> bool:
        return [(s.step.name, s.value.shape) for s in seen] == [
            (step.name, w.shape) for step, w in zip(self.steps, self.weights, strict=True)
        ]


def _weight(y: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Random numbers of which none is near 0, such that w·y is of size 1 at most."""
    signs = torch.randint(0, 2, y.shape, generator=generator) * 2 - 1
    w = signs * (0.5 + torch.rand(y.shape, generator=generator, dtype=torch.float64))
    size = float(torch.nan_to_num(y, 0, 0, 0).abs().sum())
    return (w / size if size else w).to(y.device, y.dtype)


def _local(
    s: Seen, w: torch.Tensor, known: Mapping[Key, int], values: Sequence[Seen]
) -> list[tuple[int, torch.Tensor]]:
    """The gradients of w·y by the values that y was computed from, with their places among all.

    A hook keeps the gradient from flowing on from these to others of them.
    """
    places = sorted({known[k] for k in _frontier(s.edge.node, known)})
    if not places:
        return []
    edges = [values[i].edge for i in places]
    with ExitStack() as stack:
        for node in {edge.node: None for edge in edges}:
            handle = node.register_prehook(_stopping([edge.output_nr for edge in edges if edge.node is node]))
            stack.callback(handle.remove)
        found = torch.autograd.grad([s.edge], edges, [w], retain_graph=True, allow_unused=True)
    return [(i, c.detach()) for i, c in zip(places, found, strict=True) if c is not None]


def _stopping(numbers: Sequence[int]) -> Callable[..., tuple[Any, ...]]:
    """A hook that makes a node's cotangents 0 for these of its outputs."""

    def stop(cotangents: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(g * 0 if i in numbers and g is not None else g for i, g in enumerate(cotangents))

    return stop


def _frontier(node: Any, known: Mapping[Key, int]) -> Iterator[Key]:
    """The nearest known values that a node's were computed from."""
    waiting, visited = list(node.next_functions), set[Key]()
    while waiting:
        before, number = waiting.pop()
        if before is None or (id(before), number) in visited:
            continue
        visited.add((id(before), number))
        if (id(before), number) in known:
            yield id(before), number
        else:
            waiting += before.next_functions


def _dot(a: torch.Tensor, b: torch.Tensor) -> float:
    """Re Σ conj(a) b, where b is finite."""
    return float((a.to_dense().conj() * torch.nan_to_num(b, 0, 0, 0)).real.sum(dtype=torch.float64))


def _differ(a: Sequence[Any], b: Sequence[Any]) -> bool:
    """Whether numbers or tensors are not the same."""
    if len(a) != len(b):
        return True
    return any(
        not (torch.equal(x, y) if isinstance(x, torch.Tensor) and isinstance(y, torch.Tensor) else x == y)
        for x, y in zip(a, b, strict=True)
    )
