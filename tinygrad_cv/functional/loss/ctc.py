"""Connectionist temporal classification: the probability of a sequence, over all its alignments with the input."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ...core.context import location, read
from ...core.errors import DTypeError, ShapeError
from ...frontend.functions import composed
from ...frontend.indexing import iota
from ...frontend.promotion import cast
from .reduction import Reduction, check_reduction, reduced

if TYPE_CHECKING:
    from ...frontend.tensor import Tensor
    from ...frontend.typing import Accepted

INT = np.dtype(np.int64)


@composed
def ctc_loss(
    log_probs: Accepted,
    targets: Accepted,
    input_lengths: Accepted,
    target_lengths: Accepted,
    blank: int = 0,
    reduction: Reduction = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """-log of the probability of a sequence of classes, summed over its alignments (Graves et al., 2006, section 4.1).

    An alignment names a class or the blank at each time; without repetitions, and then without blanks, it is the
    sequence. The sums over alignments are a recursion over time, in logarithms, of which the gradient is the one over
    time reversed. Its derivative is that by log_probs themselves, and PyTorch's that by scores whose log_softmax they
    are; behind a log_softmax they are equal.

    Args:
        log_probs: T x N x C, log-probabilities of classes at each time; or T x C, one sequence.
        targets: class numbers, N x S, of which those beyond an example's length do not count; or all sequences one
            after another, as many as the lengths add up to. For compiled code give N x S: it does not know lengths, so
            that of targets after one another each may be as long as all.
        input_lengths, target_lengths: N, or a number; at most T and S.
        blank: the number of the blank among the C classes.
        reduction: "mean" divides each loss by the length of its target, or 1, and takes the mean over N.
        zero_infinity: a loss of a target that has no alignment, as it does not fit the input's length, is 0 instead of
            infinite. Its gradient is 0 in either case.

    Raises:
        ShapeError: shapes that do not match.
        DTypeError: class numbers or lengths that are not integers.
        IndexError: a class number out of range, or that of the blank.
        ValueError: a length out of range, or a blank that is no class.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> log_probs = F.log_softmax(tg.zeros(3, 1, 2), -1)
    >>> round(F.ctc_loss(log_probs, [[1]], [3], [1], reduction="sum").exp().item(), 4)  # 6 alignments of 8
    1.3333
    """
    check_reduction(reduction)
    single = log_probs.ndim == 2
    if single:
        log_probs = log_probs.expand_dims(1)
        targets = targets.expand_dims(0) if targets.ndim == 1 else targets
    if log_probs.ndim != 3:
        raise ShapeError(f"log_probs of shape {log_probs.shape}{location()}: they must be T x N x C, or T x C.")
    times, n, classes = log_probs.shape
    if not 0 <= blank < classes:
        raise ValueError(f"blank={blank} with {classes} classes{location()}: it must be in [0, {classes}).")
    inputs, lengths = _numbers("input_lengths", input_lengths, n), _numbers("target_lengths", target_lengths, n)
    targets = _integers("targets", targets)
    if targets.ndim not in (1, 2) or (targets.ndim == 2 and targets.shape[0] != n):
        raise ShapeError(
            f"targets of shape {targets.shape} for {n} examples{location()}: they must be ({n}, S), or one after "
            "another in one axis."
        )
    _check_lengths("input_lengths", inputs, times)
    _check_lengths("target_lengths", lengths, targets.shape[-1])
    labels = _labels(targets if targets.ndim == 2 else _rows(targets, lengths), lengths, blank, classes)
    losses = -_log_likelihood(log_probs, labels, inputs, lengths, blank)
    if zero_infinity:
        losses = (losses == math.inf).where(0.0, losses)
    if reduction == "mean":
        losses = losses / lengths.clip(1).astype(losses.dtype)
    return losses.squeeze(0) if single and reduction == "none" else reduced(losses, reduction)


def _log_likelihood(log_probs: Tensor, labels: Tensor, inputs: Tensor, lengths: Tensor, blank: int) -> Tensor:
    """log Σ over alignments, for each example.

    The states are the labels with a blank before, between and after them. A path starts in the first blank, before
    time 0, and ends in the last label or the blank after it. It stays in its state, goes on to the next, or leaps over
    a blank between two different labels.
    """
    times, n, classes = log_probs.shape
    states = labels.pad(((0, 0), (1, 1)), blank, (0, 1))  # n s
    leaping = (states[:, 2:] != blank) & (states[:, 2:] != states[:, :-2])
    leaping = leaping.pad(((0, 0), (2, 0)), False)
    rows = states + log_probs._new(np.arange(n)[:, None] * classes)
    emitted = log_probs.permute(1, 2, 0).reshape(n * classes, times).gather(rows).permute(2, 0, 1)  # t n s
    numbers = iota(states, states.shape, (1,), INT)
    paths = (numbers == 0).where(log_probs._new(np.zeros((), log_probs.dtype)), -math.inf)
    inputs, last = inputs.expand_dims(1), 2 * lengths.expand_dims(1)
    for t in range(times):
        step, leap = (paths[:, :-k].pad(((0, 0), (k, 0)), -math.inf) for k in (1, 2))
        paths = (inputs > t).where(_log_sum(paths, step, leaping.where(leap, -math.inf)) + emitted[t], paths)
    return ((numbers == last) | (numbers == last - 1)).where(paths, -math.inf).logsumexp(1)


def _log_sum(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """log(eᵃ + eᵇ + eᶜ), for numbers below ∞. The largest is subtracted, which cancels, so it is detached."""
    top = a.detach().maximum(b.detach()).maximum(c.detach())
    none = top == -math.inf
    top = none.where(0.0, top)
    total = (a - top).exp() + (b - top).exp() + (c - top).exp()
    return none.where(-math.inf, none.where(1.0, total).log() + top)


def _labels(targets: Tensor, lengths: Tensor, blank: int, classes: int) -> Tensor:
    """N x S class numbers, at least one for each example; beyond the length of an example the blank's.

    Raises:
        IndexError: one is out of range, or the blank's.
    """
    if targets.shape[1] == 0:
        targets = targets.pad(((0, 0), (0, 1)), blank)
    counted = iota(targets, targets.shape, (1,), INT) < lengths.expand_dims(1)
    right = ~counted | ((targets >= 0) & (targets < classes) & (targets != blank))
    if not right.holds():
        raise IndexError(
            f"class number {targets.numpy()[~right.numpy()][0]} with {classes} classes and blank={blank}{location()}: "
            f"class numbers must be in [0, {classes}), and none that of the blank."
        )
    return counted.where(targets, blank)


def _rows(targets: Tensor, lengths: Tensor) -> Tensor:
    """Sequences that follow each other in one axis as rows, as long as the longest, or as all if that is not known.

    Raises:
        ShapeError: the lengths add up to another number.
    """
    if not (lengths.sum() == targets.size).holds():
        raise ShapeError(
            f"targets of shape {targets.shape}, target_lengths that add up to {lengths.sum().item()}{location()}: of "
            "sequences one after another there must be as many targets; or give them as N x S."
        )
    known = read(lengths)
    longest = int(known.max(initial=0)) if isinstance(known, np.ndarray) else targets.size
    if longest == 0:
        return targets.reshape(lengths.shape[0], 0)
    starts = (lengths.cumsum(0) - lengths).expand_dims(1)
    places = starts + iota(targets, (lengths.shape[0], longest), (1,), INT)
    return targets.gather(places.clip(high=targets.size - 1))


def _integers(name: str, numbers: Tensor) -> Tensor:
    """Integers, as int64.

    Raises:
        DTypeError: they are not.
    """
    if numbers.dtype.kind not in "iu":
        raise DTypeError(f"{name} of dtype {numbers.dtype}{location()}: they must be integers (.astype('int64')).")
    return cast(numbers, INT)


def _numbers(name: str, lengths: Tensor, n: int) -> Tensor:
    """N integers.

    Raises:
        DTypeError, ShapeError: they are not.
    """
    lengths = _integers(name, lengths)
    if lengths.shape != (n,) and not (n == 1 and lengths.ndim == 0):
        raise ShapeError(f"{name} of shape {lengths.shape}{location()}: it must be ({n},), one for each example.")
    return lengths.reshape(n)


def _check_lengths(name: str, lengths: Tensor, most: int) -> None:
    if not ((lengths >= 0) & (lengths <= most)).holds():
        raise ValueError(f"{name}={lengths.tolist()}{location()}: each must be between 0 and {most}.")
