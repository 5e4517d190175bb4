"""The contraction of two operands, an einsum by letters; eagerly it runs on BLAS.

Letters fall into four groups: batch (in both operands and the output), contracted (in both operands only), and the
free letters of either operand. Grouped by these, the operands are matrices. The order of letters within a
group, and which free group is innermost in the result, can be chosen: it decides how fast windows are gathered and
which memory layout the next operation gets.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..core.primitive import Aval, define
from .arrays import HALF, in_single

if TYPE_CHECKING:
    from typing import Protocol

    class Shaped(Protocol):
        """An array, an aval or a value of a graph."""

        @property
        def shape(self) -> tuple[int, ...]: ...


CHUNK = 5 << 18  # elements of an operand gathered at a time; they stay in the cache until BLAS has read them
ROWS = 5 << 10  # long side of a piece: enough for BLAS to be efficient, few enough for the cache


class Groups(NamedTuple):
    """The terms of a contraction and its letters by group."""

    a: str
    b: str
    y: str
    batch: tuple[str, ...]
    contracted: tuple[str, ...]
    free_a: tuple[str, ...]
    free_b: tuple[str, ...]


@lru_cache(maxsize=1024)
def parse(spec: str) -> Groups:
    """The groups of letters of a spec such as 'ab,bc->ac'."""
    operands, y = spec.split("->")
    a, b = operands.split(",")
    return Groups(
        a,
        b,
        y,
        tuple(i for i in a if i in b and i in y),
        tuple(i for i in a if i in b and i not in y),
        tuple(i for i in a if i not in b),
        tuple(i for i in b if i not in a),
    )


def transposed(spec: str, operand: int) -> str:
    """The contraction that pulls a cotangent back to one operand: its result has that operand's letters."""
    g = parse(spec)
    return f"{g.y},{g.b}->{g.a}" if operand == 0 else f"{g.a},{g.y}->{g.b}"


def extents(groups: Groups, a: Shaped, b: Shaped) -> dict[str, int]:
    """The size of each letter."""
    return {**dict(zip(groups.a, a.shape, strict=True)), **dict(zip(groups.b, b.shape, strict=True))}


def _aval(a: Aval, b: Aval, *, spec: str) -> Aval:
    groups = parse(spec)
    extent = extents(groups, a, b)
    return Aval(tuple(extent[letter] for letter in groups.y), a.dtype)


class Order(NamedTuple):
    """The order of the letters in each group, chosen by the operands' memory layout."""

    groups: Groups
    batch: list[str]
    contracted: list[str]
    free_a: list[str]
    free_b: list[str]
    contracted_last: bool  # gather the first operand as (free, contracted), not as (contracted, free)
    b_last: bool  # the result as (free_a, free_b), not as (free_b, free_a)

    @property
    def result(self) -> list[str]:
        """The letters of the result in memory order."""
        return self.batch + (self.free_a + self.free_b if self.b_last else self.free_b + self.free_a)


def arrange(a: np.ndarray, b: np.ndarray, groups: Groups) -> Order:
    """Choose the order of letters by the operands' strides."""
    stride = dict(zip(groups.a, a.strides, strict=True))
    extent = extents(groups, a, b)

    def run(letter: str) -> tuple[int, int]:
        """A key, smallest for the letter that is best read innermost: small steps, and many of them."""
        return stride[letter], -extent[letter]

    contracted = sorted(groups.contracted, key=lambda i: -stride[i])
    free_a = sorted(groups.free_a, key=lambda i: -stride[i])
    free_b = sorted(groups.free_b, key=lambda i: extent[i])  # the longest innermost, for fast reading
    contracted_last = not free_a or (bool(contracted) and run(contracted[-1]) <= run(free_a[-1]))
    b_last = not free_a or (bool(free_b) and extent[free_b[-1]] >= extent[free_a[-1]])
    return Order(groups, list(groups.batch), contracted, free_a, free_b, contracted_last, b_last)


def _contract(a: np.ndarray, b: np.ndarray, spec: str) -> np.ndarray:
    if a.dtype == HALF:
        return in_single(_contract, a, b, spec=spec)
    if a.dtype.kind != "f":
        return np.einsum(spec, a, b)
    groups = parse(spec)
    if b.size > a.size:
        a, b, groups = b, a, parse(f"{groups.b},{groups.a}->{groups.y}")
    order = arrange(a, b, groups)
    letter = _cut(a, b, order)
    if letter is None:
        out = multiply(a, b, order)
        return out.transpose([order.result.index(i) for i in groups.y])
    pieces = _pieces(a, order, letter)
    scratch = np.empty(a.size // a.shape[groups.a.index(letter)] * pieces[0].stop, a.dtype)
    if letter in order.free_a:
        b = arranged(b, order)
        extent = extents(groups, a, b)
        out = np.empty([extent[i] for i in order.result], a.dtype)
        for piece in pieces:
            place = (*[slice(None)] * order.result.index(letter), piece)
            multiply(_take(a, groups.a, letter, piece), b, order, scratch, out[place])
    else:
        products = (
            multiply(_take(a, groups.a, letter, piece), _take(b, groups.b, letter, piece), order, scratch)
            for piece in pieces
        )
        out = next(products)
        for product in products:
            out += product
    return out.transpose([order.result.index(i) for i in groups.y])


def arranged(b: np.ndarray, order: Order) -> np.ndarray:
    """The second operand with its matrix contiguous, so that it is not copied for every piece of the first."""
    axes = [order.groups.b.index(i) for i in order.batch + order.contracted + order.free_b]
    return np.asarray(b.transpose(axes), order="C").transpose(np.argsort(axes))


def multiply(
    a: np.ndarray, b: np.ndarray, order: Order, scratch: np.ndarray | None = None, out: np.ndarray | None = None
) -> np.ndarray:
    """Multiply both operands as matrices; the result has its letters in memory order, and is ``out`` if that is given.

    The first operand is gathered into ``scratch``, if given: reused memory causes no page faults.
    """
    groups, batch, contracted, free_a, free_b, contracted_last, b_last = order
    extent = extents(groups, a, b)
    lead = [math.prod(extent[i] for i in batch)] if batch else []
    m, k, n = (math.prod(extent[i] for i in letters) for letters in (free_a, contracted, free_b))
    rows, columns = (free_a, contracted) if contracted_last else (contracted, free_a)
    a = a.transpose([groups.a.index(i) for i in batch + rows + columns])
    if scratch is not None:
        gathered = scratch[: a.size].reshape(a.shape)
        np.copyto(gathered, a)
        a = gathered
    a_matrix = a.reshape(*lead, m, k) if contracted_last else a.reshape(*lead, k, m).swapaxes(-1, -2)
    b_matrix = b.transpose([groups.b.index(i) for i in batch + contracted + free_b]).reshape(*lead, k, n)
    if not b_last:
        a_matrix, b_matrix = b_matrix.swapaxes(-1, -2), a_matrix.swapaxes(-1, -2)
    if out is not None and out.flags.c_contiguous:
        np.matmul(a_matrix, b_matrix, out=out.reshape(*lead, *((m, n) if b_last else (n, m))))
        return out
    product = np.matmul(a_matrix, b_matrix).reshape([extent[i] for i in order.result])
    if out is None:
        return product
    out[...] = product
    return out


def _cut(a: np.ndarray, b: np.ndarray, order: Order) -> str | None:
    """The letter along which a large operand is gathered piece by piece; None if its matrix is a view or small.

    It is a contracted letter if the result is small enough that adding one result per piece costs little.
    """
    if a.size <= CHUNK or not _overlapping(a):
        return None
    extent = extents(order.groups, a, b)
    result = math.prod(extent[i] for i in order.result)
    add_up = result * (a.size // CHUNK) < a.size // 8
    letters = (order.contracted if add_up else order.free_a) or order.free_a or order.contracted
    return next((i for i in letters if extent[i] > 1), None)


def _overlapping(a: np.ndarray) -> bool:
    """Whether the array repeats its memory, as windows do, so that its matrix is a large copy."""
    span = a.itemsize + sum(abs(stride) * (n - 1) for n, stride in zip(a.shape, a.strides, strict=True))
    return a.nbytes > 1.5 * span


def _pieces(a: np.ndarray, order: Order, letter: str) -> list[slice]:
    """Slices along a letter; a piece has at most ``CHUNK`` elements and, as a matrix, a long side of ``ROWS``."""
    extent = dict(zip(order.groups.a, a.shape, strict=True))
    sides = (math.prod(extent[i] for i in letters) for letters in (order.free_a, order.contracted))
    n = extent[letter]
    step = max(1, min(CHUNK, ROWS * min(sides)) * n // a.size)
    return [slice(i, i + step) for i in range(0, n, step)]


def _take(array: np.ndarray, letters: str, letter: str, piece: slice) -> np.ndarray:
    return array[(*[slice(None)] * letters.index(letter), piece)]


contract = define(
    "contract",
    eval=_contract,
    aval=_aval,
    inputs=("a", "b"),
    vjps=[
        lambda g, b, spec: g.contract(b, transposed(spec, 0)),
        lambda g, a, spec: a.contract(g, transposed(spec, 1)),
    ],
    family="contraction",
    formula="y = Σ a b over the letters that the result lacks",
)
