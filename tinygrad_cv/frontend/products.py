"""Products of tensors: matmul, einsum, and the contraction that both consist of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..core.context import location
from ..core.errors import ShapeError
from ..core.tape import apply
from ..core.variable import Variable
from ..ops import contraction
from ..ops.arrays import HALF
from .forward import Tensor
from .precision import in_single
from .promotion import cast, common_dtype, given, operand, operands

if TYPE_CHECKING:
    from .typing import TensorLike

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


class ProductMethods(Variable):
    """Matrix products and contractions."""

    __slots__ = ()

    def contract(self: Tensor, other: TensorLike, spec: str) -> Tensor:
        """The primitive einsum of two operands, in which every letter is in exactly two of the three terms."""
        a, b = self, given("contract", other, self)
        if a._value.dtype != b._value.dtype:
            a, b = common_dtype("contract", a, b)
        return (_halves if a._value.dtype == HALF else _contract)(a, b, spec)

    def __matmul__(self: Tensor, other: TensorLike) -> Tensor:
        other = operand(other, self)
        return NotImplemented if other is NotImplemented else matmul(self, other)

    def __rmatmul__(self: Tensor, other: TensorLike) -> Tensor:
        other = operand(other, self)
        return NotImplemented if other is NotImplemented else matmul(other, self)

    def matmul(self: Tensor, other: TensorLike) -> Tensor:
        """The matrix product, as ``numpy.matmul`` defines it."""
        return self @ other

    dot = matmul

    def outer(self: Tensor, other: TensorLike) -> Tensor:
        """Every element times every element of another vector, as a matrix."""
        other = given("outer", other, self)
        if self._value.ndim != 1 or other._value.ndim != 1:
            raise ShapeError(
                f"outer of shapes {self._value.shape} and {other._value.shape}{location()}: each must have one axis; "
                "np.outer(x, y) takes all elements in one."
            )
        return self.expand_dims(1) * other


def _contract(a: Tensor, b: Tensor, spec: str) -> Tensor:
    return apply(contraction.contract, a, b, spec=spec)


_halves = in_single(_contract)  # each operand's VJP is a contraction, and second derivatives add them


def matmul(a: TensorLike, b: TensorLike) -> Tensor:
    """The matrix product ... i k, ... k j -> ... i j; leading axes broadcast.

    Raises:
        ShapeError: the inner sizes differ, or an operand has no axis.

    >>> import tinygrad_cv as tg
    >>> tg.matmul(tg.ones(5, 2, 3), tg.ones(3, 4)).shape
    (5, 2, 4)
    """
    a, b = operands("matmul", a, b)
    if a.ndim == 0 or b.ndim == 0:
        raise ShapeError(f"matmul of shapes {a.shape} and {b.shape}: each needs at least one axis; use * for numbers.")
    inner = b.shape[-2 if b.ndim > 1 else 0]
    if a.shape[-1] != inner:
        raise ShapeError(
            f"matmul of shapes {a.shape} and {b.shape}{location()}: the last axis of the first ({a.shape[-1]}) must "
            f"equal the {'second to last' if b.ndim > 1 else 'only'} axis of the second ({inner})."
        )
    rows = "i" if a.ndim > 1 else ""
    columns = "j" if b.ndim > 1 else ""
    lead = max(a.ndim, b.ndim, 2) - 2
    letters = [c for c in LETTERS if c not in "ijk"][:lead]
    a_lead, b_lead = letters[lead - max(a.ndim - 2, 0) :], letters[lead - max(b.ndim - 2, 0) :]
    return einsum(f"{''.join(a_lead)}{rows}k,{''.join(b_lead)}k{columns}->{''.join(letters)}{rows}{columns}", a, b)


@in_single
def einsum(spec: str, *items: TensorLike) -> Tensor:
    """Sums of products by letters, as ``numpy.einsum`` defines it; operands are contracted from left to right.

    Raises:
        ShapeError: a letter has two sizes, or the letters do not fit the operands.

    >>> import tinygrad_cv as tg
    >>> tg.einsum("oc,nchw->nohw", tg.ones(8, 3), tg.ones(2, 3, 5, 5)).shape
    (2, 8, 5, 5)
    """
    tensors = operands("einsum", *items)
    terms, result = _parse(spec, tensors)
    sizes: dict[str, int] = {}
    for term, tensor in zip(terms, tensors, strict=True):
        for letter, n in zip(term, tensor.shape, strict=True):
            if n != 1 and sizes.get(letter, 1) not in (1, n):
                raise ShapeError(
                    f"einsum {spec!r} of shapes {', '.join(str(t.shape) for t in tensors)}{location()}: "
                    f"{letter!r} is both {sizes[letter]} and {n}."
                )
            sizes[letter] = n if n != 1 else sizes.get(letter, 1)
    pairs = [_simplify(term, tensor, sizes) for term, tensor in zip(terms, tensors, strict=True)]
    term, total = pairs[0]
    for i, (right, tensor) in enumerate(pairs[1:], 2):
        later = set(result).union(*(t for t, _ in pairs[i:]))
        term, total = _product(term, total, right, tensor, later)
    total = _summed(total, tuple(i for i, letter in enumerate(term) if letter not in result))
    term = "".join(letter for letter in term if letter in result)
    total = total.permute(*(term.index(letter) for letter in result if letter in term))
    shape = [sizes[letter] for letter in result]
    total = cast(total, tensors[0].dtype)  # sums of integers are int64
    return total.reshape([n if letter in term else 1 for letter, n in zip(result, shape, strict=True)]).expand(shape)


def _summed(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """The sum over axes, if there are any."""
    return x.sum(axes) if axes else x


def _parse(spec: str, tensors: Sequence[Tensor]) -> tuple[list[str], str]:
    left, arrow, result = spec.replace(" ", "").partition("->")
    terms = left.split(",")
    spare = [c for c in LETTERS if c not in spec]
    if len(terms) != len(tensors):
        raise ShapeError(f"einsum {spec!r} names {len(terms)} operands, but got {len(tensors)}.")
    ranks = [t.ndim - len(term.replace("...", "")) for term, t in zip(terms, tensors, strict=True) if "..." in term]
    rank = max(ranks, default=0)
    dots = "".join(spare[:rank]) if rank > 0 else ""
    full = []
    for term, t in zip(terms, tensors, strict=True):
        own = t.ndim - len(term.replace("...", ""))
        term = term.replace("...", dots[len(dots) - own :] if own > 0 else "")
        if len(term) != t.ndim or (not term.isalpha() and term):
            raise ShapeError(f"einsum {spec!r}: {term!r} does not name the {t.ndim} axes of shape {t.shape}.")
        full.append(term)
    joined = "".join(full)
    if not arrow:
        result = dots + "".join(sorted(c for c in set(joined) if joined.count(c) == 1 and c not in dots))
    if arrow and dots and "..." not in result:
        raise ShapeError(f"einsum {spec!r}: the result must keep the axes of '...'.")
    result = result.replace("...", dots)
    if not set(result) <= set(joined) or len(set(result)) != len(result):
        raise ShapeError(f"einsum {spec!r}: the result {result!r} must name letters of the operands, each once.")
    return full, result


def _simplify(term: str, tensor: Tensor, sizes: dict[str, int]) -> tuple[str, Tensor]:
    """A term without repeated letters (it takes the diagonal) and without axes of size 1 that broadcast."""
    for letter in dict.fromkeys(term):
        while term.count(letter) > 1:
            first, second = term.index(letter), term.rindex(letter)
            tensor = tensor.moveaxis((first, second), (-2, -1))
            n = tensor.shape[-1]
            tensor = tensor[..., np.arange(n), np.arange(n)]
            term = term[:first] + term[first + 1 : second] + term[second + 1 :] + letter
    thin = [i for i, letter in enumerate(term) if tensor.shape[i] == 1 and sizes[letter] != 1]
    return "".join(c for i, c in enumerate(term) if i not in thin), tensor.squeeze(thin) if thin else tensor


def _product(a_term: str, a: Tensor, b_term: str, b: Tensor, later: set[str]) -> tuple[str, Tensor]:
    """The contraction of two terms; letters that only one of them has, and no later term, are summed first."""
    a = _summed(a, tuple(i for i, c in enumerate(a_term) if c not in b_term and c not in later))
    a_term = "".join(c for c in a_term if c in b_term or c in later)
    b = _summed(b, tuple(i for i, c in enumerate(b_term) if c not in a_term and c not in later))
    b_term = "".join(c for c in b_term if c in a_term or c in later)
    term = "".join(dict.fromkeys(c for c in a_term + b_term if c in later))
    return term, a.contract(b, f"{a_term},{b_term}->{term}")
