"""Connectionist temporal classification, by its definition: all alignments of a short sequence, one by one.

PyTorch's own loss has no second derivative, and a first one that is right only behind a log_softmax.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.functional.agreement.losses import REDUCTIONS, reduced
from tests.functional.agreement.row import Fixed, Row, Samples


def rows() -> Iterator[Row]:
    """Short ones, of which every alignment can be listed."""
    s = Samples("sequences")
    targets = np.array([[1, 2], [2, 2], [1, 0], [2, 1]])
    inputs, lengths = np.array([4, 4, 3, 2]), np.array([2, 2, 1, 2])
    for reduction, zero_infinity in itertools.product(REDUCTIONS, (False, True)):
        options = {**reduction, "zero_infinity": zero_infinity}
        for blank in (0, 2):
            numbers = np.where(targets == blank, 3, targets)
            joined = np.concatenate([row[:n] for row, n in zip(numbers, lengths, strict=True)])
            for given, note in ((numbers, "rows"), (joined, "joined")):
                arguments = (s.normal(4, 4, 4), Fixed(given), Fixed(inputs), Fixed(lengths))
                yield Row("ctc_loss", arguments, {**options, "blank": blank}, alignments, note)
        one = (s.normal(4, 3), Fixed(np.array([1, 2])), Fixed(np.array(4)), Fixed(np.array(2)))
        yield Row("ctc_loss", one, options, alignments, "one sequence")
        none = (s.normal(3, 2, 3), Fixed(np.zeros((2, 0), int)), Fixed(np.array([3, 1])), Fixed(np.array([0, 0])))
        yield Row("ctc_loss", none, options, alignments, "no label")


def alignments(
    T: Any, x: Any, targets: Any, inputs: Any, lengths: Any, reduction: str, blank: int = 0, zero_infinity: bool = False
) -> Any:
    """-log of the sum over all sequences of states that are the target without repetitions and blanks."""
    single, losses = x.ndim == 2, []
    x, ends = x.reshape(x.shape[0], -1, x.shape[-1]), [0, *np.cumsum(lengths.tolist())]
    for n, (time, size) in enumerate(zip(inputs.reshape(-1).tolist(), lengths.reshape(-1).tolist(), strict=True)):
        wanted = (targets[n, :size] if targets.ndim == 2 else targets[ends[n] : ends[n] + size]).tolist()
        fitting = [
            sum(x[t, n, state] for t, state in enumerate(path))
            for path in itertools.product(range(x.shape[-1]), repeat=time)
            if [state for state, _ in itertools.groupby(path) if state != blank] == wanted
        ]
        losses.append(-T.torch.stack(fitting).logsumexp(0) / (max(size, 1) if reduction == "mean" else 1))
    return losses[0] if single else reduced(T.torch.stack(losses), reduction)
