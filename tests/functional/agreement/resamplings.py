"""Resizing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from tests.functional.agreement.row import Row, Samples

SIZES = {1: (7,), 2: (6, 5), 3: (3, 4, 2)}
WANTED: dict[int, list[dict[str, Any]]] = {  # up, down, both, by factors, whole and not
    1: [{"size": 12}, {"size": (3,)}, {"scale_factor": 2}, {"scale_factor": 1.7}, {"scale_factor": 0.4}, {"size": 1}],
    2: [
        {"size": 9},
        {"size": (4, 10)},
        {"scale_factor": 2},
        {"scale_factor": (1.5, 0.7)},
        {"scale_factor": 2.3, "recompute_scale_factor": True},
        {"scale_factor": 2.3, "recompute_scale_factor": False},
        {"size": (1, 5)},
    ],
    3: [{"size": 5}, {"size": (2, 7, 3)}, {"scale_factor": 2}, {"scale_factor": (2, 0.6, 1.5)}],
}
STEEPNESS = {"bicubic": 2.0, "lanczos": 2.0}  # a position is rounded, and the kernel's slope magnifies that
LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}


def rows() -> Iterator[Row]:
    s = Samples("resamplings")
    for dims, size in SIZES.items():
        modes = ["nearest", "nearest-exact", "area", LINEAR[dims], *(["bicubic"] if dims == 2 else [])]
        for wanted, mode in itertools.product(WANTED[dims], modes):
            smooth = mode in (LINEAR[dims], "bicubic")
            for align_corners in (None, False, True) if smooth else (None,):
                options = {**wanted, "mode": mode, "align_corners": align_corners}
                yield Row("interpolate", (s.normal(2, 2, *size),), options, steepness=STEEPNESS.get(mode, 1.0))
    # Not of width 1 and another height: PyTorch reads those columns by wrong strides.
    wanted_sizes: list[Any] = [13, (4, 9), (1, 2), (5, 6), 1]
    for new, mode in itertools.product(wanted_sizes, ("bilinear", "bicubic", "lanczos")):
        options = {"size": new, "mode": mode, "antialias": True}
        yield Row("interpolate", (s.normal(2, 2, 9, 8),), options, steepness=STEEPNESS.get(mode, 1.0))
    options = {"scale_factor": 0.45, "mode": "bilinear", "antialias": True}
    yield Row("interpolate", (s.normal(1, 2, 9, 8),), options)
    yield Row("interpolate", (s.normal(2, 3, 1, 1),), {"size": (4, 3), "mode": "bilinear", "align_corners": True})
    yield Row("interpolate", (s.normal(2, 3, 4, 4),), {"size": (1, 3), "mode": "bicubic", "align_corners": True})
    yield Row("interpolate", (s.normal(2, 2, 3), 5, None, "linear", True), note="by place")
    for dims, size in SIZES.items():
        for options in ({"scale_factor": 2}, {"size": 4}, {"scale_factor": 2, "mode": LINEAR[dims]}):
            yield Row("upsample", (s.normal(1, 2, *size),), options, theirs=_interpolate)
        arguments = (s.normal(1, 2, *size), 4, None, LINEAR[dims], True)
        yield Row("upsample", arguments, theirs=_interpolate, note="by place")


def _interpolate(T: Any, *arguments: Any, **options: Any) -> Any:
    """``upsample`` warns of its age."""
    return T.interpolate(*arguments, **options)
