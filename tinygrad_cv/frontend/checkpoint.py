"""Recomputing a part of the graph in the backward pass instead of storing it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core import tape
from ..core.annotations import explaining
from ..core.context import current, no_grad, read, using
from ..core.errors import GraphError
from ..core.tape import Node
from .random import default_generator
from .tensor import Tensor


@explaining
def checkpoint(function: Callable[..., Tensor], *inputs: Any) -> Tensor:
    """``function(*inputs)`` without storing intermediate results: the backward pass computes them again.

    Trades time for memory (Chen et al., "Training deep nets with sublinear memory cost", 2016). Random numbers are
    the same both times, and running statistics are updated once.

    >>> import tinygrad_cv as tg
    >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> tg.checkpoint(lambda x: (x * x).exp(), x).sum().backward()
    """
    context = current()
    tensors = [x for x in inputs if isinstance(x, Tensor)]
    with no_grad(), default_generator.alone():
        state = read(default_generator.state)
        output = function(*inputs)
    if not isinstance(output, Tensor):
        raise GraphError(f"checkpoint: the function returned {type(output).__name__}; it must return one tensor.")
    if not context.recording:
        return output
    values = [read(x) for x in tensors]

    def replay(parents: tuple[Node | None, ...]) -> Tensor:
        fresh = iter([Tensor._new(value, node) for value, node in zip(values, parents, strict=True)])
        here = using(recording=True, interpret=context.interpret, scope=context.scope, replaying=True)
        with default_generator.rewound(state), here:
            return function(*(next(fresh) if isinstance(x, Tensor) else x for x in inputs))

    saved = tape.watched({(i, "value"): value for i, value in enumerate(values)})
    node = tape.Replayed(None, {}, tuple(x.node for x in tensors), saved, output._value, context)
    node.replay = replay
    return Tensor._new(read(output), node)
