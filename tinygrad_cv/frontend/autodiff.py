"""Derivatives as functions: grad, vjp, jvp, hvp, jacobian, hessian."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from ..core.annotations import explaining
from ..core.context import enable_grad
from ..core.errors import GraphError, ShapeError
from ..core.variable import gradients
from .creation import asarray
from .indexing import iota
from .movement import stack
from .tensor import Tensor

if TYPE_CHECKING:
    from .typing import Inputs, TensorLike

    Function = Callable[..., Tensor]
    Single = Tensor | np.ndarray | float  # one input; several are a sequence


@overload
def grad(
    outputs: Inputs,
    inputs: Tensor,
    grad_outputs: TensorLike | Sequence[TensorLike | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: Literal[False] = False,
) -> Tensor: ...
@overload
def grad(
    outputs: Inputs,
    inputs: Sequence[Tensor],
    grad_outputs: TensorLike | Sequence[TensorLike | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: Literal[False] = False,
) -> tuple[Tensor, ...]: ...
@overload
def grad(
    outputs: Inputs,
    inputs: Tensor,
    grad_outputs: TensorLike | Sequence[TensorLike | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    *,
    allow_unused: bool,
) -> Tensor | None: ...
@overload
def grad(
    outputs: Inputs,
    inputs: Sequence[Tensor],
    grad_outputs: TensorLike | Sequence[TensorLike | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    *,
    allow_unused: bool,
) -> tuple[Tensor | None, ...]: ...
@explaining
def grad(
    outputs: Inputs,
    inputs: Inputs,
    grad_outputs: TensorLike | Sequence[TensorLike | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> Tensor | tuple[Tensor | None, ...] | None:
    """The gradients of ``outputs`` with respect to ``inputs``, returned instead of stored.

    Args:
        outputs: a scalar tensor, or several tensors with their cotangents in ``grad_outputs``.
        inputs: one tensor (one gradient is returned) or a sequence (a tuple is returned).
        create_graph: record the computation of the gradients, so that they can be differentiated again.
        allow_unused: return None, rather than raise, for an input that the outputs do not depend on.

    Raises:
        GraphError: an input does not require grad, is not used, or the graph was freed.

    >>> import tinygrad_cv as tg
    >>> x = tg.tensor(2.0, requires_grad=True)
    >>> dy = tg.grad(x ** 3, x, create_graph=True)
    >>> dy.item(), tg.grad(dy, x).item()
    (12.0, 12.0)
    """
    ys, xs = _tuple(outputs), _tuple(inputs)
    cotangents = (None,) * len(ys) if grad_outputs is None else _tuple(grad_outputs)
    if len(cotangents) != len(ys):
        raise GraphError(f"grad: {len(ys)} outputs need {len(ys)} cotangents, but got {len(cotangents)}.")
    found = gradients(ys, xs, cotangents, retain_graph, create_graph)
    for i, g in enumerate(found):
        if g is None and not allow_unused:
            raise GraphError(
                f"grad: the outputs do not depend on input {i} of shape {xs[i].shape}. "
                "Pass allow_unused=True to get None."
            )
    return tuple(found) if isinstance(inputs, (tuple, list)) else found[0]


def _tuple(tensors: Any) -> tuple[Any, ...]:
    """One input or several as a tuple."""
    return tuple(tensors) if isinstance(tensors, (tuple, list)) else (tensors,)


def _recorded(function: Function, inputs: Single | Sequence[TensorLike]) -> tuple[tuple[Tensor, ...], Tensor]:
    """New tensors for the inputs, in the inputs' graph if there is one, and the function's output."""
    given = tuple(map(asarray, _tuple(inputs)))
    with enable_grad():
        leaves = tuple(x * 1 if x.requires_grad else x.detach().requires_grad_() for x in given)
        return leaves, function(*leaves)


def _like(inputs: Any, results: Sequence[Any]) -> Any:
    """A tuple of results for several inputs, one result for one."""
    return tuple(results) if isinstance(inputs, (tuple, list)) else results[0]


def _pulled(
    output: Tensor, leaves: Sequence[Tensor], v: Tensor | None, create_graph: bool, retain: bool = True
) -> list[Tensor]:
    """vᵀJ for each input; zeros if the output does not depend on it."""
    if output.node is None:
        return [x.detach() * 0 for x in leaves]
    found = gradients([output], leaves, [v], retain_graph=retain, create_graph=create_graph)
    return [x.detach() * 0 if g is None else g for x, g in zip(leaves, found, strict=True)]


@overload
def vjp(
    function: Function, inputs: Single, v: TensorLike | None = None, create_graph: bool = False
) -> tuple[Tensor, Tensor]: ...
@overload
def vjp(
    function: Function, inputs: Sequence[TensorLike], v: TensorLike | None = None, create_graph: bool = False
) -> tuple[Tensor, tuple[Tensor, ...]]: ...
@explaining
def vjp(
    function: Function, inputs: Single | Sequence[TensorLike], v: TensorLike | None = None, create_graph: bool = False
) -> tuple[Tensor, Any]:
    """The output and the vector-Jacobian product vᵀJ, with the shapes of the inputs.

    >>> import tinygrad_cv as tg
    >>> tg.vjp(lambda x: x * x, tg.tensor([1.0, 2.0]), tg.tensor([1.0, 10.0]))[1].tolist()
    [2.0, 40.0]
    """
    leaves, output = _recorded(function, inputs)
    products = _pulled(output, leaves, _cotangent("vjp", output, v), create_graph)
    return (output if create_graph else output.detach()), _like(inputs, products)


def _cotangent(op: str, output: Tensor, v: TensorLike | None) -> Tensor:
    if v is None:
        if output.size != 1:
            raise GraphError(
                f"{op}: the output has shape {output.shape}; pass v of that shape; only a scalar needs none."
            )
        return output.detach() * 0 + 1
    return _vector(op, v, "output", output)


def _vector(op: str, v: TensorLike, what: str, like: Tensor) -> Tensor:
    """A vector for a product; numbers and arrays take the dtype of ``like``."""
    v = v if isinstance(v, Tensor) else Tensor(v, like.dtype)
    if v.shape != like.shape:
        raise ShapeError(f"{op}: v has shape {v.shape}, the {what} {like.shape}; they must be equal.")
    return v


def _directions(op: str, inputs: Any, leaves: Sequence[Tensor], v: Any) -> list[Tensor]:
    """One vector for each input, of its shape."""
    vs = tuple(v) if isinstance(inputs, (tuple, list)) else (v,)
    if len(vs) != len(leaves):
        raise GraphError(f"{op}: {len(leaves)} inputs need {len(leaves)} vectors, but got {len(vs)}.")
    return [_vector(op, d, "input", x) for d, x in zip(vs, leaves, strict=True)]


@explaining
def jvp(
    function: Function,
    inputs: Single | Sequence[TensorLike],
    v: TensorLike | Sequence[TensorLike],
    create_graph: bool = False,
) -> tuple[Tensor, Tensor]:
    """The output and the Jacobian-vector product Jv, with the shape of the output.

    A vector-Jacobian product is linear in its vector u, and the derivative of uᵀJ v with respect to u is Jv: two
    reverse passes make a forward one (Townsend, "A new trick for calculating Jacobian vector products", 2017).

    >>> import tinygrad_cv as tg
    >>> tg.jvp(lambda x: x * x, tg.tensor([1.0, 2.0]), tg.tensor([1.0, 10.0]))[1].tolist()
    [2.0, 40.0]
    """
    leaves, output = _recorded(function, inputs)
    vs = _directions("jvp", inputs, leaves, v)
    with enable_grad():
        u = (output.detach() * 0).requires_grad_()
        products = _pulled(output, leaves, u, create_graph=True)
        along = sum((g * direction).sum() for g, direction in zip(products, vs, strict=True))
    result = _pulled(along, [u], None, create_graph)[0] if isinstance(along, Tensor) else u.detach()
    return (output if create_graph else output.detach()), result


@overload
def hvp(function: Function, inputs: Single, v: TensorLike, create_graph: bool = False) -> tuple[Tensor, Tensor]: ...
@overload
def hvp(
    function: Function, inputs: Sequence[TensorLike], v: Sequence[TensorLike], create_graph: bool = False
) -> tuple[Tensor, tuple[Tensor, ...]]: ...
@explaining
def hvp(
    function: Function, inputs: Single | Sequence[TensorLike], v: Any, create_graph: bool = False
) -> tuple[Tensor, Any]:
    """The output of a scalar function and the Hessian-vector product Hv, with the shapes of the inputs.

    >>> import tinygrad_cv as tg
    >>> tg.hvp(lambda x: (x ** 3).sum(), tg.tensor([1.0, 2.0]), tg.tensor([1.0, 1.0]))[1].tolist()
    [6.0, 12.0]
    """
    leaves, output = _recorded(function, inputs)
    vs = _directions("hvp", inputs, leaves, v)
    with enable_grad():
        first = _pulled(output, leaves, _cotangent("hvp", output, None), create_graph=True)
        along: Any = sum((g * d).sum() for g, d in zip(first, vs, strict=True))  # not 0: there is an input
    return (output if create_graph else output.detach()), _like(inputs, _pulled(along, leaves, None, create_graph))


@overload
def jacobian(function: Function, inputs: Single, create_graph: bool = False) -> Tensor: ...
@overload
def jacobian(function: Function, inputs: Sequence[TensorLike], create_graph: bool = False) -> tuple[Tensor, ...]: ...
@explaining
def jacobian(function: Function, inputs: Single | Sequence[TensorLike], create_graph: bool = False) -> Any:
    """The Jacobian: shape (output's axes, input's axes), one for each input.

    >>> import tinygrad_cv as tg
    >>> tg.jacobian(lambda x: x * x, tg.tensor([1.0, 2.0])).tolist()
    [[2.0, 0.0], [0.0, 4.0]]
    """
    return _jacobian(function, inputs, create_graph)


def _jacobian(function: Function, inputs: Single | Sequence[TensorLike], create_graph: bool) -> Any:
    leaves, output = _recorded(function, inputs)
    rows: list[list[Tensor]] = []
    numbers = iota(output, output.shape, tuple(range(output.ndim)), np.int64)
    for i in range(output.size):
        unit = (numbers == i).astype(output.dtype)
        rows.append(_pulled(output, leaves, unit, create_graph))
    whole = [
        stack([row[k] for row in rows]).reshape(*output.shape, *x.shape)
        if rows
        else Tensor(np.zeros((*output.shape, *x.shape), output.dtype))
        for k, x in enumerate(leaves)
    ]
    return _like(inputs, whole)


@overload
def hessian(function: Function, inputs: Single, create_graph: bool = False) -> Tensor: ...
@overload
def hessian(
    function: Function, inputs: Sequence[TensorLike], create_graph: bool = False
) -> tuple[tuple[Tensor, ...], ...]: ...
@explaining
def hessian(function: Function, inputs: Single | Sequence[TensorLike], create_graph: bool = False) -> Any:
    """The Hessian of a scalar function; for several inputs, a tuple of tuples of its blocks.

    >>> import tinygrad_cv as tg
    >>> tg.hessian(lambda x: (x ** 3).sum(), tg.tensor([1.0, 2.0])).tolist()
    [[6.0, 0.0], [0.0, 12.0]]
    """
    many = isinstance(inputs, (tuple, list))

    def first(i: int) -> Function:
        def partial(*xs: Tensor) -> Tensor:
            output = function(*xs)
            return _pulled(output, xs, _cotangent("hessian", output, None), create_graph=True)[i]

        return partial

    count = len(_tuple(inputs))
    blocks = tuple(_jacobian(first(i), _tuple(inputs), create_graph) for i in range(count))
    return blocks if many else blocks[0][0]
