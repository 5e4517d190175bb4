"""The rows of sliding windows and of their adjoint, the overlapping sum."""

from __future__ import annotations

from typing import Any

import tinygrad_cv.functional as F
from tests.primitives.draws import Shape, of, real
from tests.primitives.movement import linear
from tests.primitives.oracles import folded, windowed
from tests.primitives.row import Case, use

WHOLE = "a cut of the whole is the whole"


def windowing(kernel: Shape, stride: Shape, dilation: Shape) -> dict[str, Any]:
    return {"kernel": kernel, "stride": stride, "dilation": dilation}


def folding(stride: Shape, dilation: Shape, size: Shape) -> dict[str, Any]:
    return {"stride": stride, "dilation": dilation, "size": size}


ROWS = [
    linear(
        "windows",
        lambda x, kernel, stride, dilation: x.windows(kernel, stride, dilation),
        windowed,
        [
            ((), windowing((), (), ())),
            ((1,), windowing((1,), (1,), (1,))),
            ((5,), windowing((2,), (1,), (2,))),
            ((7,), windowing((2,), (3,), (1,))),
            ((1, 3, 1), windowing((1,), (1,), (1,))),
            ((0, 4), windowing((3,), (1,), (1,))),
            ((2, 2), windowing((3,), (1,), (1,))),
            ((2, 4, 5), windowing((2, 3), (2, 1), (1, 1))),
            ((1, 2, 4, 3), windowing((2, 2), (1, 2), (2, 1))),
        ],
        uses=(use(lambda x: x.windows((2, 1), (1, 2), (2, 1)), of(real, 4, 3)),),
        large=(
            Case(((4, 3, 40, 40),), windowing((3, 3), (1, 1), (1, 1))),
            Case(((4, 3, 40, 40),), windowing((2, 3), (2, 3), (2, 1))),
        ),
    ),
    linear(
        "fold",
        lambda w, stride, dilation, size: w.fold(stride, dilation, size),
        folded,
        [
            ((), folding((), (), ())),
            ((1, 1), folding((1,), (1,), (1,))),
            ((3, 2), folding((1,), (2,), (5,))),
            ((3, 2), folding((1,), (1,), (7,))),
            ((1, 1, 1), folding((1,), (1,), (1,))),
            ((0, 2, 3), folding((1,), (1,), (4,))),
            ((2, 0, 3), folding((1,), (1,), (2,))),
            ((2, 3, 2), folding((2,), (1,), (6,))),
            ((1, 2, 2, 2, 2), folding((1, 2), (2, 1), (4, 5))),
            ((1, 2, 2, 2, 2, 2), folding((1, 2), (2, 1), (4, 5))),
        ],
        uses=(
            use(lambda w: w.fold((1, 2), (2, 1), (4, 3)), of(real, 2, 2, 2, 1)),
            use(lambda w: w.fold((1,), (1,), (6,)), of(real, 3, 2)),
            use(lambda x, w: F.conv_transpose2d(x, w, stride=2), of(real, 1, 1, 2, 2), of(real, 1, 1, 2, 2)),
        ),
        large=(
            Case(((8, 3, 38, 38, 3, 3),), folding((1, 1), (1, 1), (40, 40))),
            Case(((8, 3, 20, 10, 2, 3),), folding((2, 3), (1, 2), (42, 40))),
        ),
        equivalent={
            (0, "return w.slice((0,) * w.ndim, w_shape)"): WHOLE,
            (0, "return w if w.shape == w_shape[::-1] else w.slice((0,) * w.ndim, w_shape)"): (
                f"{WHOLE}; shapes that differ by more windows than are wanted are not each other reversed"
            ),
        },
    ),
]
