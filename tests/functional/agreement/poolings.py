"""Pooling."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from tests.functional.agreement.row import Row, Samples


def rows() -> Iterator[Row]:
    s = Samples("poolings")
    windows: list[dict[str, Any]] = [
        {"kernel_size": 2},
        {"kernel_size": 3, "stride": 2},
        {"kernel_size": 3, "stride": 2, "padding": 1},
        {"kernel_size": (2, 3), "stride": (1, 2), "padding": (1, 0)},
        {"kernel_size": 2, "stride": 3},
    ]
    for window, ceil_mode in itertools.product(windows, (False, True)):
        options = {**window, "ceil_mode": ceil_mode}
        for dilation in (1, 2):
            yield Row("max_pool2d", (s.normal(2, 3, 8, 9),), {**options, "dilation": dilation})
        for count_include_pad, divisor_override in itertools.product((True, False), (None, 3)):
            averaged = {"count_include_pad": count_include_pad, "divisor_override": divisor_override}
            yield Row("avg_pool2d", (s.normal(2, 3, 8, 9),), {**options, **averaged})
    for name in ("max_pool2d", "avg_pool2d"):
        yield Row(name, (s.normal(2, 3, 2, 2),), {"kernel_size": 3, "stride": 2, "ceil_mode": True})
    for output_size in (1, 3, (2, 3), (7, 5), (3, 2), (9, 6), (None, 2)):
        for name in ("adaptive_avg_pool2d", "adaptive_max_pool2d"):
            yield Row(name, (s.normal(2, 3, 7, 5),), {"output_size": output_size})
    x = s.normal(2, 3, 5, 4)
    yield Row("global_avg_pool2d", (x,), theirs=lambda T, x: T.adaptive_avg_pool2d(x, 1).flatten(1))
    yield Row("global_max_pool2d", (x,), theirs=lambda T, x: T.adaptive_max_pool2d(x, 1).flatten(1))
