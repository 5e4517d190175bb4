"""Elements that change places between channels, space and columns."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from tests.functional.agreement.row import Row, Samples

WINDOWS: tuple[dict[str, Any], ...] = (
    {},
    {"stride": 2},
    {"padding": 1},
    {"dilation": 2},
    {"dilation": (1, 2), "padding": (2, 1), "stride": (2, 3)},
)


def rows() -> Iterator[Row]:
    s = Samples("rearrangements")
    for lead, r in itertools.product(((), (2,), (2, 3)), (1, 2, 3)):
        yield Row("pixel_shuffle", (s.normal(*lead, 2 * r * r, 3, 2), r), note=f"r={r}")
        yield Row("pixel_unshuffle", (s.normal(*lead, 2, 3 * r, 2 * r), r), note=f"r={r}")
    for size, groups in itertools.product(((5,), (3, 4), (2, 3, 2)), (1, 2, 3, 6)):
        yield Row("channel_shuffle", (s.normal(2, 6, *size), groups), note=f"G={groups}")
    for kernel, options, lead in itertools.product((1, 2, (3, 2)), WINDOWS, ((2,), ())):
        yield Row("unfold", (s.normal(*lead, 2, 7, 8),), {"kernel_size": kernel, **options})
    yield Row("unfold", (s.normal(2, 2, 4, 4), (2, 2), 1, 1, 2), note="by place")
    for kernel, options, lead in itertools.product((1, 2, (3, 2)), WINDOWS, ((2,), ())):
        columns = _windows(kernel, **options)
        area = kernel**2 if isinstance(kernel, int) else kernel[0] * kernel[1]
        options = {"output_size": (7, 8), "kernel_size": kernel, **options}
        yield Row("fold", (s.normal(*lead, 2 * area, columns),), options)
    yield Row("fold", (s.normal(2, 8, 4), 4, 2, 1, 0, 2), note="by place")


def _windows(kernel: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> int:
    """The number of windows over 7 x 8 pixels."""
    count = 1
    for axis, n in enumerate((7, 8)):
        k, d, p, s = (v if isinstance(v, int) else v[axis % len(v)] for v in (kernel, dilation, padding, stride))
        count *= (n + 2 * p - d * (k - 1) - 1) // s + 1
    return count
