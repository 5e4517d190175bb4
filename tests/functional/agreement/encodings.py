"""Class numbers as vectors."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from tests.functional.agreement.row import Fixed, Row, Samples

SHAPES: list[tuple[int, ...]] = [(2, 3), (4,), (), (2, 1, 3), (0,)]


def rows() -> Iterator[Row]:
    s = Samples("encodings")
    none = "class numbers have no derivative"
    for shape in SHAPES:
        numbers = s.labels(5, *shape)
        for num_classes in (5, 7):
            yield Row("one_hot", (numbers,), {"num_classes": num_classes}, order=0, why=none)
        for padding_idx, scaled in itertools.product((None, 2, -1, 0), (False, True)):
            options = {"padding_idx": padding_idx, "scale_grad_by_freq": scaled, "sparse": False}
            why = "PyTorch cannot differentiate a scaled gradient" if scaled else ""
            weight = s.normal(5, 3)
            yield Row("embedding", (Fixed(numbers), weight), options, order=1 if why else 2, why=why)
    yield Row("embedding", (Fixed(np.array([1, 1, 4], np.int32)), s.normal(5, 3)), note="int32")
    yield Row("embedding", (Fixed(s.labels(5, 4)), s.normal(5, 3), None, None, 1.0, False, False), note="positions")
