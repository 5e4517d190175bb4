"""User-defined functions with a VJP of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..core import tape
from ..core.backward import foreign
from ..core.context import current, no_grad, read
from ..core.errors import GraphError
from ..core.primitive import OUTPUT, Primitive
from .creation import asarray
from .tensor import Tensor


class FunctionContext:
    """What a :class:`CustomFunction` passes from its forward to its backward."""

    def __init__(self) -> None:
        self.tensors: tuple[Tensor, ...] = ()

    def save_for_backward(self, *tensors: Tensor) -> None:
        """FunctionContext tensors for ``backward``, as ``saved_tensors``."""
        self.tensors = tensors

    @property
    def saved_tensors(self) -> tuple[Tensor, ...]:
        """The tensors that ``forward`` saved."""
        return self.tensors


class CustomFunction:
    """A function with a VJP of its own. Subclass it, then call ``Name.apply(...)``.

    ``forward(ctx, *inputs)`` computes one tensor, and may ``ctx.save_for_backward(...)``. ``backward(ctx, g)`` returns
    one cotangent, or None, for each tensor input; if it uses tensor operations, it is differentiable itself.

    >>> import tinygrad_cv as tg
    >>> class Clamp(tg.CustomFunction):  # straight-through: the gradient ignores the clamping
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         return x.clip(0, 1)
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         return g
    >>> x = tg.tensor([-1.0, 0.5, 2.0], requires_grad=True)
    >>> Clamp.apply(x).sum().backward()
    >>> x.grad.tolist()
    [1.0, 1.0, 1.0]
    """

    @staticmethod
    def forward(ctx: FunctionContext, *inputs: Any, **_: Any) -> Tensor:  # so a subclass may name them
        """Compute the output."""
        raise NotImplementedError

    @staticmethod
    def backward(ctx: FunctionContext, g: Tensor) -> Tensor | Sequence[Tensor | None] | None:
        """Pull the cotangent back to the inputs."""
        raise NotImplementedError

    @classmethod
    def apply(cls, *inputs: Any) -> Tensor:
        """Call the function."""
        ctx = FunctionContext()
        context = current()
        tensors = [x for x in inputs if isinstance(x, Tensor)]
        with no_grad():
            output = cls.forward(ctx, *inputs)
        if not isinstance(output, Tensor):
            raise GraphError(f"{cls.__name__}.forward returned {type(output).__name__}; it must return one tensor.")
        parents = tuple(x.node for x in tensors)
        if not context.recording or not any(parents):
            return output
        saved = tape.watched({(i, "value"): read(x) for i, x in enumerate(ctx.tensors)})
        node = CustomNode(cls._primitive(), {}, parents, saved, output._value, context)
        node.function, node.ctx = cls, ctx
        if context.operands:
            node.operands, node.inputs, node.origin = [read(x) for x in tensors], inputs, context.origin
        own = {id(x): x.node for x in tensors}
        node.nodes = [OUTPUT if x is output else own.get(id(x)) for x in ctx.tensors]  # not the node itself: no cycle
        ctx.tensors = tuple(x.detach() for x in ctx.tensors)
        return Tensor._new(read(output), node)

    @classmethod
    def _primitive(cls) -> Primitive:
        """A record for drawings and messages, outside of the closed set."""
        return Primitive(cls.__name__, cls.forward, cls.forward, family="custom", formula=cls.__doc__ or "")


class CustomNode(tape.Node):
    """A node whose VJP the user wrote."""

    __slots__ = ("ctx", "function", "inputs", "nodes")
    function: type[CustomFunction]
    inputs: tuple[Any, ...]  # the arguments, if Context.operands
    ctx: FunctionContext | None
    nodes: list[Any]  # of the saved tensors: an input's node, OUTPUT for this one, None for a constant

    def cotangents(self, g: Tensor, wanted: Callable[[tape.Node], bool]) -> Iterator[tuple[tape.Node, Tensor]]:
        assert self.ctx is not None
        ctx = FunctionContext()
        ctx.__dict__.update(self.ctx.__dict__)
        if self.saved:
            self._check_saved()
        nodes = [self if node is OUTPUT else node for node in self.nodes]
        ctx.tensors = tuple(Tensor._new(read(x), node) for x, node in zip(self.ctx.tensors, nodes, strict=True))
        returned = self.function.backward(ctx, g)
        shares = returned if isinstance(returned, (tuple, list)) else (returned,)
        if len(shares) != len(self.parents):
            raise GraphError(
                f"{self.name}.backward returned {len(shares)} gradients for {len(self.parents)} tensor inputs; "
                "it must return one for each, or None."
            )
        for parent, share in zip(self.parents, shares, strict=True):
            if parent is not None and share is not None and wanted(parent):
                yield parent, foreign(f"{self.name}.backward", asarray(share), parent)

    def free(self) -> None:
        super().free()
        self.ctx = None
