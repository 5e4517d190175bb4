"""What PyTorch recorded of a function: autograd nodes and their values, each with the gradients of it alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np
import torch

from ..trails import Recorded
from .torch_recorder import Key, Seen, key


def recorded(given: Sequence[Seen], seen: Sequence[Seen]) -> list[Recorded]:
    """What was seen, in the order of computation, after the inputs that were given."""
    known = {key(s.edge): s for s in (*given, *seen)}
    steps = []
    for s in seen:
        operands = [known[k] for k in dict.fromkeys(_frontier(s.edge.node, known))]
        values = [_numbers(x.value) for x in operands]
        constants = [_numbers(x) if isinstance(x, torch.Tensor) else x for x in s.constants]
        steps.append(Recorded(s.step, _numbers(s.value), values, constants, partial(_pull, s, operands)))
    return steps


def _pull(s: Seen, operands: Sequence[Seen], w: np.ndarray) -> list[np.ndarray | None]:
    """The gradients of w·y by the values that y was computed from.

    A hook keeps the gradient from flowing on from these to others of them.
    """
    edges = [x.edge for x in operands]
    cotangent = torch.from_numpy(w).to(s.value.device)
    with ExitStack() as stack:
        for node in {edge.node: None for edge in edges}:
            handle = node.register_prehook(_stopping([edge.output_nr for edge in edges if edge.node is node]))
            stack.callback(handle.remove)
        found = torch.autograd.grad([s.edge], edges, [cotangent], retain_graph=True, allow_unused=True)
    return [None if c is None else _numbers(c) for c in found]


def _stopping(numbers: Sequence[int]) -> Callable[..., tuple[Any, ...]]:
    """A hook that makes a node's cotangents 0 for these of its outputs."""

    def stop(cotangents: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(g * 0 if i in numbers and g is not None else g for i, g in enumerate(cotangents))

    return stop


def _frontier(node: Any, known: Mapping[Key, Seen]) -> Iterator[Key]:
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


def _numbers(x: torch.Tensor) -> np.ndarray:
    found: np.ndarray = x.detach().to_dense().numpy(force=True)
    return found
