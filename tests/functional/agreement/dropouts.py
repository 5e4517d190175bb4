"""Dropout. The libraries draw different numbers: PyTorch computes the formula with ours."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from tests.functional.agreement.row import Row, SameDraws, Samples

FLOOR = -1.0507009873554804934193349852946 * 1.6732632423543772848170429916717  # SELU(-∞)
SAME = SameDraws()
# the shapes that each function takes, and how many of their axes its mask has
SHAPES: dict[str, tuple[tuple[tuple[int, ...], int], ...]] = {
    "dropout": (((2, 3, 4), 3), ((5,), 1), ((), 0)),
    "dropout1d": (((2, 3, 4), 2), ((3, 4), 1)),
    "dropout2d": (((2, 3, 4, 2), 2), ((2, 3, 4), 2)),
    "dropout3d": (((2, 3, 2, 3, 2), 2), ((3, 2, 3, 2), 1)),
    "alpha_dropout": (((2, 3, 4), 3), ((5,), 1)),
    "feature_alpha_dropout": (((2, 3, 4), 2), ((2, 3, 4, 2), 2), ((4, 3), 2)),
}


def rows() -> Iterator[Row]:
    s = Samples("dropouts")
    for name, shapes in SHAPES.items():
        low = FLOOR if "alpha" in name else 0.0
        for shape, axes in shapes:
            for p, training in itertools.product((0.0, 0.3, 1.0), (True, False)):
                if not training or p in (0.0, 1.0):
                    warns = name == "dropout2d" and len(shape) == 3  # PyTorch, that it may mean something else
                    theirs = _all_or_nothing if warns else None
                    yield Row(name, (s.normal(*shape),), {"p": p, "training": training}, theirs)
            for p in (0.3, 0.75):
                mask = (*shape[:axes], *(1,) * (len(shape) - axes))
                options: dict[str, Any] = {"p": p, "training": True, "generator": SAME}
                yield Row(name, (s.normal(*shape),), options, dropped(mask, low))
    for mode, shape in itertools.product(("batch", "row"), ((6, 3, 2), (6,))):
        mask = (6 if mode == "row" else 1, *(1,) * (len(shape) - 1))
        for p in (0.2, 0.7):
            options = {"p": p, "mode": mode, "training": True, "generator": SAME}
            yield Row("stochastic_depth", (s.normal(*shape),), options, dropped(mask, 0.0))
        for p, training in ((0.0, True), (1.0, True), (0.4, False)):
            options = {"p": p, "mode": mode, "training": training}
            yield Row("stochastic_depth", (s.normal(*shape),), options, _all_or_nothing)


def dropped(mask: tuple[int, ...], low: float) -> Any:
    """The definition: x or ``low``, mapped so that the mean stays; if low is not 0, the variance too."""

    def call(T: Any, x: Any, p: float, generator: SameDraws, **_: Any) -> Any:
        keep = x.new_tensor(generator.drawn(*mask) >= p)
        a = ((1.0 - p) * (1.0 + p * low**2)) ** -0.5 if low else 1.0 / (1.0 - p)
        return a * (x * keep + low * (1.0 - keep)) - a * p * low

    return call


def _all_or_nothing(T: Any, x: Any, p: float, training: bool, mode: str = "") -> Any:
    return x * 0.0 if training and p == 1.0 else x * 1.0
