"""Convolutions and their transposes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from tests.functional.agreement.row import Row, Samples


def rows() -> Iterator[Row]:
    s = Samples("convolutions")
    for options in (
        {},
        {"stride": 2},
        {"stride": (1, 3), "padding": (2, 1)},
        {"padding": 1, "dilation": 2},
        {"dilation": (1, 2)},
        {"padding": "same"},
        {"padding": "same", "dilation": (2, 1)},
        {"padding": "valid", "stride": 3},
    ):
        for groups, kernel in itertools.product((1, 2, 4), ((3, 3), (2, 1))):
            arguments = (s.normal(2, 4, 8, 7), s.normal(8, 4 // groups, *kernel), s.normal(8))
            yield Row("conv2d", arguments, {**options, "groups": groups}, note=f"K={kernel}")
    yield Row("conv2d", (s.normal(2, 4, 8, 7), s.normal(8, 4, 3, 3)), note="no bias")
    for options in (
        {},
        {"stride": 2, "padding": 1},
        {"stride": 2, "padding": 1, "output_padding": 1},
        {"stride": (3, 2), "output_padding": (2, 0)},
        {"padding": (1, 2), "dilation": (2, 3)},
    ):
        for groups in (1, 2, 4):
            arguments = (s.normal(2, 4, 5, 4), s.normal(4, 8 // groups, 3, 3), s.normal(8))
            yield Row("conv_transpose2d", arguments, {**options, "groups": groups})
    for lead in ((), (5,), (2, 3), (2, 1, 4)):
        yield Row("linear", (s.normal(*lead, 6), s.normal(3, 6), s.normal(3)))
    yield Row("linear", (s.normal(5, 6), s.normal(3, 6)), note="no bias")
    for lead in ((), (5,), (2, 3)):
        yield Row("linear", (s.normal(*lead, 6), s.normal(6)), note=f"one number a row {lead}")
    yield Row("linear", (s.normal(2, 3, 6), s.normal(6), s.normal()), note="one number a row, with a bias")
    for dims, name in ((1, "conv1d"), (3, "conv3d")):
        size = (5, 6, 4)[:dims]
        several: list[dict[str, Any]] = [
            {},
            {"stride": 2, "padding": 1},
            {"padding": "same", "dilation": 2},
            {"groups": 2},
        ]
        for case in several:
            arguments = (s.normal(2, 4, *size), s.normal(6, 4 // case.get("groups", 1), *(2,) * dims), s.normal(6))
            yield Row(name, arguments, case)
        several = [{}, {"stride": 3, "padding": 1, "output_padding": 2}, {"groups": 2, "dilation": 2}]
        for case in several:
            weight = s.normal(4, 6 // case.get("groups", 1), *(3,) * dims)
            yield Row(f"conv_transpose{dims}d", (s.normal(2, 4, *size), weight, s.normal(6)), case)
    for dims in (1, 2, 3):
        x = s.normal(4, *(5, 6, 4)[:dims])
        yield Row(f"conv{dims}d", (x, s.normal(2, 4, *(3,) * dims)), note="one image")
        yield Row(f"conv_transpose{dims}d", (x, s.normal(4, 2, *(3,) * dims)), note="one image")
