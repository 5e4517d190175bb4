"""Class numbers as vectors: of zeros and a one, or learned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..core.context import is_replaying, location, no_grad, scoped
from ..core.errors import DTypeError, ShapeError
from ..frontend.creation import converted
from ..frontend.functions import accepting, composed
from ..frontend.indexing import iota
from ..frontend.precision import in_single
from ..frontend.promotion import cast
from .arguments import LARGEST, changeable
from .distance import length

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import Accepted, TensorLike

INT = np.dtype(np.int64)


@composed
def one_hot(input: Accepted, num_classes: int = -1) -> Tensor:
    """1 at the place of each class number, 0 at all others, as int64: ... to ... x C.

    Args:
        input: class numbers of any shape, integers.
        num_classes: C; -1: the largest class number and one more. Compiled code does not know that: give it there.

    Raises:
        DTypeError: class numbers that are not integers.
        IndexError: a class number out of range.
        ValueError: another num_classes below 1, or -1 for no class numbers at all.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.one_hot(tg.tensor([2, 0])).tolist()
    [[0, 0, 1], [1, 0, 0]]
    """
    numbers = _class_numbers(input)
    if num_classes == -1:
        known = numbers._concrete("one_hot without num_classes")
        if known.size == 0:
            raise ValueError(f"input of shape {input.shape}{location()}: it names no class; give num_classes.")
        num_classes = int(known.max()) + 1
    elif not 1 <= num_classes <= LARGEST:
        rule = f"it must be at least 1 and at most {LARGEST}, or -1 for as many as needed"
        raise ValueError(f"num_classes={num_classes}{location()}: {rule}.")
    _check_range(numbers, num_classes, "num_classes")
    shape = (*numbers.shape, num_classes)
    return (iota(numbers, shape, (numbers.ndim,), INT) == numbers.expand_dims(-1)).astype(INT)


@accepting
@scoped
def embedding(
    input: Accepted,
    weight: TensorLike,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """weight[input]: a learned vector for each number.

    Args:
        input: numbers of any shape, integers in [0, V).
        weight: V x D.
        padding_idx: the vector of this number has no gradient; -1 is the last.
        max_norm: first shorten the vectors of ``weight`` itself that are used here and are longer: v is divided by
            (|v| + 1e-7) / max_norm, as in PyTorch. The gradient is that of the shorter vectors.
        norm_type: p of that length; see :func:`pairwise_distance`.
        scale_grad_by_freq: divide the gradient of a vector by how often its number occurs in the input.
        sparse: accepted and without meaning; gradients are arrays.

    Raises:
        ShapeError: a weight that has not two axes.
        DTypeError: numbers that are not integers, or a weight that is not a tensor and is to be shortened.
        IndexError: a number out of range.
        ValueError: a negative max_norm, or a padding_idx out of range.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.embedding(tg.tensor([1, 0]), tg.tensor([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [[3.0, 4.0], [1.0, 2.0]]
    """
    numbers, vectors = _class_numbers(input), converted("embedding", "weight", weight)
    if vectors.ndim != 2:
        raise ShapeError(f"weight of shape {vectors.shape}{location()}: it must be V x D, a vector for each number.")
    count = vectors.shape[0]
    if padding_idx is not None and not -count <= padding_idx < count:
        raise ValueError(f"padding_idx={padding_idx}{location()}: it must be in [{-count}, {count}).")
    _check_range(numbers, count, "the weight's first axis")
    if max_norm is not None:
        if not max_norm >= 0:
            raise ValueError(f"max_norm={max_norm}{location()}: it must be a number of at least 0, or None.")
        changeable("weight", weight, "max_norm shortens its vectors in place")
        if not is_replaying():
            with no_grad():
                vectors.assign(_shortened(vectors, numbers, max_norm, norm_type))
    return _looked_up(numbers, vectors, padding_idx, scale_grad_by_freq)


@in_single
def _shortened(vectors: Tensor, numbers: Tensor, max_norm: float, p: float) -> Tensor:
    """The vectors, of which those that are named are at most as long as max_norm."""
    lengths = length(vectors, p, 1, True)
    used = _occurrences(numbers, vectors).expand_dims(1) > 0
    return (used & (lengths > max_norm)).where(vectors * (max_norm / (lengths + 1e-7)), vectors)


@in_single
def _looked_up(numbers: Tensor, weight: Tensor, padding_idx: int | None, scaled: bool) -> Tensor:
    vectors = weight.gather(numbers)
    if scaled:
        share = 1.0 / _occurrences(numbers, weight).gather(numbers).expand_dims(-1)
        vectors = vectors.detach() + (vectors - vectors.detach()) * share
    if padding_idx is None:
        return vectors
    return (numbers == padding_idx % weight.shape[0]).expand_dims(-1).where(vectors.detach(), vectors)


def _occurrences(numbers: Tensor, weight: Tensor) -> Tensor:
    """How often each vector is named."""
    ones = numbers.astype(weight.dtype) * 0.0 + 1.0
    return ones.reshape(-1).scatter_add(numbers.reshape(-1), weight.shape[0])


def _class_numbers(input: Tensor) -> Tensor:
    if input.dtype.kind not in "iu":
        raise DTypeError(f"input of dtype {input.dtype}{location()}: it must be integers (.astype('int64')).")
    return cast(input, INT)


def _check_range(numbers: Tensor, count: int, what: str) -> None:
    right = (numbers >= 0) & (numbers < count)
    if not right.holds():
        raise IndexError(
            f"number {numbers.numpy()[~right.numpy()].flat[0]}{location()}: it must be in [0, {count}), by {what}."
        )
