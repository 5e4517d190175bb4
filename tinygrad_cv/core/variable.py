"""A value and its node in the graph. The frontend's Tensor, its only kind, adds the operations."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Container, Sequence
from itertools import chain, compress, starmap
from typing import TYPE_CHECKING, Any

import numpy as np

from . import memory, tape
from .backward import pull
from .context import current, read, write
from .errors import DTypeError, GraphError, ShapeError
from .fitting import fitted
from .hooks import RemovableHandle
from .ownership import COUNTS, References, owner_chain
from .position import describe

if TYPE_CHECKING:
    from typing_extensions import Self

    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike


class Variable:
    """An array with a derivative: ``value`` holds the numbers, ``node`` the operation that made them."""

    __slots__ = ("__weakref__", "_grad", "_value", "node")
    _value: Any  # a NumPy array; for a result within a trace, a value of the recorded graph
    node: tape.Node | None
    _grad: Tensor | None

    @staticmethod
    def _new(value: Any, node: tape.Node | None = None) -> Tensor:
        """A tensor that holds this value, without a copy, and this node. Defined by Tensor, which is not known here."""
        raise NotImplementedError

    def _concrete(self, caller: str) -> np.ndarray:
        """The array; raises within a trace, where it is not known."""
        raise NotImplementedError

    @property
    def value(self) -> np.ndarray:
        """The NumPy array. Treat it as read-only."""
        return self._value if current().trace is None else self._concrete("value")

    @value.setter
    def value(self, value: np.ndarray) -> None:
        write(self, value)

    @property
    def grad(self) -> Tensor | None:
        """The gradient that ``backward`` has accumulated, or None."""
        trace = current().trace
        return self._grad if trace is None else trace.grad_of(self)

    @grad.setter
    def grad(self, grad: Tensor | None) -> None:
        trace = current().trace
        if trace is None:
            self._grad = grad
        else:
            trace.set_grad(self, grad)

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded."""
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, flag: bool) -> None:
        self.requires_grad_(flag)

    def requires_grad_(self, flag: bool = True) -> Self:
        """Ask for this tensor's gradient (or stop asking), in place.

        Raises:
            DTypeError: integers and booleans have no gradient.
            GraphError: the result of a recorded operation cannot stop requiring one; use :meth:`detach`.
        """
        if not flag:
            if self.node is not None and not self.is_leaf:
                raise GraphError(
                    "requires_grad_(False) on the result of a recorded operation "
                    f"({describe(self.node)}): use .detach() to leave the graph."
                )
            self.node = None
        elif self.node is None:
            if self._value.dtype.kind != "f":
                raise DTypeError(
                    f"requires_grad on a tensor of dtype {self._value.dtype}: only floating-point tensors have "
                    "gradients. Use .astype('float32') first."
                )
            self.node = tape.leaf(self, weakref.ref(self))
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made this tensor."""
        return self.node is None or (self.node.primitive is None and not isinstance(self.node, tape.Replayed))

    def detach(self) -> Tensor:
        """The same values, without the graph."""
        result, trace = self._new(read(self)), current().trace
        if trace is not None:
            trace.moved(result, self)
        return result

    def retain_grad(self) -> Self:
        """Keep this result's gradient too: the next ``backward`` stores it in ``.grad``."""
        if self.node is None:
            raise GraphError("retain_grad() on a tensor that does not require grad: call requires_grad_() first.")
        self.node.sink = weakref.ref(self)
        return self

    def register_hook(self, hook: tape.Hook) -> RemovableHandle:
        """Call ``hook(gradient)`` when this tensor's gradient is ready; what it returns, if anything, replaces it.

        The handle that is returned removes the hook: ``handle.remove()``.
        """
        if self.node is None:
            raise GraphError("register_hook() on a tensor that does not require grad: call requires_grad_() first.")
        hooks = self.node.hooks = self.node.hooks or []
        hooks.append(hook)
        return RemovableHandle(lambda: hooks.remove(hook))

    def backward(
        self, gradient: TensorLike | None = None, retain_graph: bool | None = None, create_graph: bool = False
    ) -> None:
        """Add the gradients of this tensor to the ``.grad`` of the leaves it was computed from.

        Args:
            gradient: the cotangent, in this tensor's shape; for a scalar it defaults to 1.
            retain_graph: keep the graph for another backward pass; by default as ``create_graph``.
            create_graph: record the backward pass, so that it can be differentiated again.

        Raises:
            GraphError: there is no graph, it was freed, or a cotangent is missing.
            ShapeError: the cotangent's shape is not this tensor's.
        """
        root = self._root("backward()", gradient)
        retain = create_graph if retain_graph is None else retain_graph
        pull([root], retain_graph=retain, create_graph=create_graph)

    def _root(self, caller: str, gradient: Any = None) -> tuple[tape.Node, Tensor]:
        """This tensor's node and its cotangent, checked."""
        if self.node is None:
            raise GraphError(
                f"{caller} on a tensor of shape {self._value.shape} that has no graph: nothing it was computed from "
                "requires grad, or it was computed under no_grad() or detached."
            )
        shape, dtype = self._value.shape, self._value.dtype
        if gradient is None:
            if shape != () and self._value.size != 1:
                raise GraphError(
                    f"{caller} on a tensor of shape {shape} without a gradient: only a scalar has a default. "
                    "Reduce it to a scalar loss, or pass gradient= of the same shape."
                )
            return self.node, self._new(np.ones(shape, dtype))
        if not isinstance(gradient, Variable):
            gradient = self._new(np.array(gradient, dtype))
        if gradient._value.shape != shape:
            raise ShapeError(
                f"{caller}: the gradient has shape {gradient._value.shape}, the tensor {shape}; they must be equal."
            )
        if gradient._value.dtype != dtype:
            raise DTypeError(
                f"{caller}: the gradient has dtype {gradient._value.dtype}, the tensor {dtype}. "
                f"Use .astype({str(dtype)!r})."
            )
        return self.node, gradient

    def assign(self, other: TensorLike) -> Self:
        """Give this tensor new values of the same shape and dtype, in a new array.

        Parameters and running statistics are updated in this way. Graphs recorded before keep the old array.

        Raises:
            ShapeError, DTypeError: the new values do not fit.
            GraphError: the tensor requires grad and operations are being recorded; wrap the update in ``no_grad()``.
        """
        value = read(other) if isinstance(other, Variable) else np.array(fitted("assign", other, self._value.dtype))
        if value.shape != self._value.shape:
            raise ShapeError(f"assign: the tensor has shape {self._value.shape}, the new values {value.shape}.")
        if value.dtype != self._value.dtype:
            raise DTypeError(f"assign: the tensor has dtype {self._value.dtype}, the new values {value.dtype}.")
        self._check_unrecorded("assign()")
        write(self, value)
        return self

    def _check_owned(self, caller: str) -> None:
        """Raise if the array belongs to a caller, who would not see a change in place."""

    def _check_unrecorded(self, caller: str) -> None:
        self._check_owned(caller)
        if self.node is not None and current().recording:
            kind = "a leaf that requires grad" if self.is_leaf else f"a recorded result ({describe(self.node)})"
            raise GraphError(f"{caller} into {kind}: wrap it in `with no_grad():`, or change a .detach() of it.")


class Writes:
    """A transaction over tensors: new values and gradients, committed together.

    An interrupt such as Ctrl-C finds all of them written or none: Python checks for it between bytecode instructions,
    and ``commit`` writes in a single one. It also holds what it replaced: freeing an array or a tensor may run other
    code, so that happens when the transaction is forgotten.
    """

    __slots__ = ("_before", "_calls", "_done", "_grads", "_memory", "_over", "_values")

    def __init__(self) -> None:
        self._done: list[bool] = []
        self._over = References()
        self.clear()

    def clear(self) -> None:
        """Forget what was to be written."""
        self._calls: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []
        self._memory: list[tuple[np.ndarray, Any]] = []
        self._values: list[tuple[Variable, Any]] = []
        self._grads: list[tuple[Variable, Tensor | None]] = []
        self._before: list[Any] = []
        self._over.clear()

    def value(self, tensor: Variable, value: Any) -> None:
        """Set the tensor's value."""
        self._values.append((tensor, value))

    def memory(self, tensor: Variable, value: Any) -> None:
        """Write into the tensor's array, so that its views change too."""
        if tensor._value.flags.writeable:
            memory.stamp(tensor._value)
            self._memory.append((tensor._value, value))
        else:
            self.value(tensor, value)

    def grad(self, tensor: Variable, grad: Tensor | None) -> None:
        """Set the tensor's gradient."""
        self._grads.append((tensor, grad))

    def over(self, tensor: Variable, references: int, taken: Container[int]) -> np.ndarray | None:
        """The tensor's array, which ``commit`` writes over if nobody else refers to it; None if that cannot be.

        Args:
            references: how many others the caller has.
            taken: the ids of objects that somebody else refers to, as far as is known.
        """
        found = owner_chain(tensor._value) if COUNTS else []
        if not found or any(id(array) in taken for array in found):
            return None
        for place, array in enumerate(found):
            self._over.add(array, 1 if place else 1 + references)
        memory.store(found[0])  # before, so that no interrupt leaves it out
        return found[0]

    def over_grad(self, tensor: Variable, references: int, taken: Container[int]) -> np.ndarray | None:
        """The same for the array of its gradient, which :meth:`grad` sets to another tensor with this array."""
        old = tensor._grad
        if old is None or id(old) in taken or (array := self.over(old, 1 + references, taken)) is None:
            return None
        self._over.add(old, 2)  # the tensor's, and the one in commit
        return array

    def call(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        """Call a function in C first, which writes over arrays."""
        self._calls.append((function, arguments))

    def commit(self) -> set[int]:
        """Write everything. Nothing if somebody else refers to what is written over: returns the ids of these."""
        calls = chain.from_iterable([starmap(function, (arguments,)) for function, arguments in self._calls])
        arrays = starmap(np.copyto, self._memory)
        values, grads = starmap(_set_value, self._values), starmap(_set_grad, self._grads)
        done = map(self._done.append, (True,))
        self._before = [tensor._value for tensor, _ in self._values]
        self._before += [tensor._grad for tensor, _ in self._grads]
        everything = chain(calls, arrays, values, grads, done)
        deque(chain.from_iterable(compress((everything,), map(all, (self._over.right(),)))), 0)
        if not self._done:
            return self._over.others()
        for array in (*self._over.arrays(), *(array for array, _ in self._memory)):
            memory.store(array)  # again, since another thread may have read it meanwhile
        return set()

    @property
    def done(self) -> bool:
        """Whether ``commit`` has finished."""
        return bool(self._done)


_set_value, _set_grad = (vars(Variable)[name].__set__ for name in ("_value", "_grad"))


def gradients(
    outputs: Sequence[Variable],
    inputs: Sequence[Variable],
    cotangents: Sequence[TensorLike | None],
    retain_graph: bool | None = None,
    create_graph: bool = False,
) -> list[Tensor | None]:
    """The cotangents of the inputs; None for an input that the outputs do not depend on."""
    nodes: list[tape.Node] = []
    for i, tensor in enumerate(inputs):
        if tensor.node is None:
            raise GraphError(f"grad: input {i} does not require grad: call requires_grad_() before it is used.")
        nodes.append(tensor.node)
    roots = [output._root("grad", g) for output, g in zip(outputs, cotangents, strict=True)]
    retain = create_graph if retain_graph is None else retain_graph
    found = pull(roots, nodes, retain_graph=retain, create_graph=create_graph)
    return [found.get(node) for node in nodes]


def stamp(tensor: Variable, caller: str) -> np.ndarray:
    """The tensor's array, about to change in place: made writable and stamped."""
    tensor._check_unrecorded(caller)
    if not tensor._value.flags.writeable:
        tensor._value = tensor._value.copy()
    memory.stamp(tensor._value)
    return tensor._value
