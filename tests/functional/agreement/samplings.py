"""Images read at any positions."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.functional.agreement.row import Row, Samples

IMAGES = {2: ((4, 5), (3, 6)), 3: ((3, 4, 2), (2, 3, 4))}  # of the images, and of the grids
WHY = "PyTorch has no second derivative of grid_sample"


def rows() -> Iterator[Row]:
    s = Samples("samplings")
    paddings = ("zeros", "border", "reflection")
    for dims, (size, out) in IMAGES.items():
        modes = ("bilinear", "nearest", "bicubic")[: 5 - dims]
        for mode, padding, align in itertools.product(modes, paddings, (None, False, True)):
            options = {"mode": mode, "padding_mode": padding, "align_corners": align}
            for scale in (0.4, 1.5):  # inside, and far outside as well
                arguments = (s.normal(2, 3, *size), s.normal(2, *out, dims, scale=scale))
                yield Row("grid_sample", arguments, options, decided("grid_sample"), f"{scale}", order=1, why=WHY)
        for padding, align in itertools.product(paddings, (False, True)):
            options = {"padding_mode": padding, "align_corners": align}
            single = (s.normal(1, 2, *(1,) * dims), s.normal(1, *out, dims))
            yield Row("grid_sample", single, options, order=1, why=WHY)
            # on pixels and on edges, where the slope is one of two
            places = np.stack(np.meshgrid(*[np.linspace(-1.5, 1.5, 7)] * dims), -1)[None]
            arguments = (s.normal(1, 2, *size), places)
            yield Row("grid_sample", arguments, options, note="edges", order=1, why=WHY)
        for wanted, align in itertools.product((out, size, (1, 2, 3)[:dims]), (None, False, True)):
            theta, shape = s.normal(2, dims, dims + 1), (2, 5, *wanted)
            yield Row("affine_grid", (theta, shape), {"align_corners": align}, decided("affine_grid"), f"{wanted}")


def decided(name: str) -> Any:
    """PyTorch's function, which warns where corners are not decided on, and of axes of one pixel."""

    def call(T: Any, *arguments: Any, align_corners: bool | None = None, **options: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return getattr(T, name)(*arguments, **options, align_corners=align_corners)

    return call
