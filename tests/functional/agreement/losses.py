"""Losses."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from tests.functional.agreement.row import Fixed, Row, Samples


def rows() -> Iterator[Row]:
    s = Samples("losses")
    for reduction in ("mean", "sum", "none"):
        for name in ("mse_loss", "l1_loss"):
            yield Row(name, (s.normal(4, 3), s.normal(4, 3)), {"reduction": reduction})
        x = s.normal(4, 3, scale=10.0)
        for target in (Fixed(np.float64(s.labels(2, 4, 3))), s.probabilities(4, 3)):
            for weight, pos_weight in itertools.product((None, (4, 3), (3,), (4, 1)), (None, (3,))):
                weights = {
                    "weight": weight and Fixed(s.positive(*weight)),
                    "pos_weight": pos_weight and Fixed(s.positive(*pos_weight)),
                }
                options = {**weights, "reduction": reduction}
                note = f"{'hard' if isinstance(target, Fixed) else 'soft'} {weight} {pos_weight}"
                yield Row("binary_cross_entropy_with_logits", (x, target), options, note=note)
        for rest, weighted in itertools.product(((), (3,), (3, 2)), (False, True)):
            weight = Fixed(s.positive(5)) if weighted else None
            x, labels = s.normal(6, 5, *rest, scale=3.0), s.labels(5, 6, *rest)
            for ignore_index in (-100, 2, 255):
                y = np.where((labels == 1) & (ignore_index == 255), 255, labels)
                options = {"weight": weight, "ignore_index": ignore_index, "reduction": reduction}
                yield Row("nll_loss", (x, Fixed(y)), options)
                for label_smoothing in (0.0, 0.1, 1.0):
                    yield Row("cross_entropy", (x, Fixed(y)), {**options, "label_smoothing": label_smoothing})
            for label_smoothing in (0.0, 0.1, 1.0):
                options = {"weight": weight, "reduction": reduction, "label_smoothing": label_smoothing}
                yield Row("cross_entropy", (x, s.probabilities(6, 5, *rest)), options, note="probabilities")
