"""Pooling."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.functional.agreement.row import Fixed, Row, Samples, exact

SIZES = {1: (8,), 2: (8, 9), 3: (5, 6, 7)}
WINDOWS: dict[int, list[dict[str, Any]]] = {
    1: [
        {"kernel_size": 2},
        {"kernel_size": 3, "stride": 2, "padding": 1},
        {"kernel_size": 4, "stride": (3,), "padding": (2,)},
        {"kernel_size": 2, "stride": 3},
    ],
    2: [
        {"kernel_size": 2},
        {"kernel_size": 3, "stride": 2},
        {"kernel_size": 3, "stride": 2, "padding": 1},
        {"kernel_size": (2, 3), "stride": (1, 2), "padding": (1, 0)},
        {"kernel_size": 2, "stride": 3},
    ],
    3: [
        {"kernel_size": 2},
        {"kernel_size": 3, "stride": 2, "padding": 1},
        {"kernel_size": (1, 3, 2), "stride": (1, 2, 2), "padding": (0, 1, 1)},
    ],
}


def rows() -> Iterator[Row]:
    s = Samples("poolings")
    for dims, size in SIZES.items():
        yield from windowed(s, dims, (2, 3, *size))
        yield from adaptive(s, dims, (2, 3, *(7, 5, 4)[:dims]))
        yield from unpooled(s, dims, (2, 3, *size))
    yield from powers(s)
    yield from fractional(s)


def windowed(s: Samples, dims: int, shape: tuple[int, ...]) -> Iterator[Row]:
    """Maxima and means over windows of each kind."""
    for window, ceil_mode in itertools.product(WINDOWS[dims], (False, True)):
        options = {**window, "ceil_mode": ceil_mode}
        for dilation, return_indices in itertools.product((1, 2), (False, True)):
            more = {"dilation": dilation, "return_indices": return_indices}
            yield Row(f"max_pool{dims}d", (s.normal(*shape),), {**options, **more})
        for include, divisor in itertools.product((True, False), (None, 3) if dims > 1 else (None,)):
            averaged = {"count_include_pad": include, **({"divisor_override": divisor} if dims > 1 else {})}
            yield Row(f"avg_pool{dims}d", (s.normal(*shape),), {**options, **averaged})
    small = (2, 3, *(2,) * dims)
    for name in (f"max_pool{dims}d", f"avg_pool{dims}d"):
        if name != "avg_pool3d":  # PyTorch refuses this one
            yield Row(name, (s.normal(*small),), {"kernel_size": 3, "stride": 2, "ceil_mode": True})
        yield Row(name, (s.normal(*shape[1:]),), {"kernel_size": 2}, note="one image")


def adaptive(s: Samples, dims: int, shape: tuple[int, ...]) -> Iterator[Row]:
    """Windows that tile the image, evenly and not, and one for all of it."""
    wanted: list[Any] = [1, 3, (2, 3, 4)[:dims], shape[2:], (9, 6, 5)[:dims]]
    wanted += [(None, 2, 3)[:dims]] if dims > 1 else []
    for output_size in wanted:
        yield Row(f"adaptive_avg_pool{dims}d", (s.normal(*shape),), {"output_size": output_size})
        for return_indices in (False, True):
            options = {"output_size": output_size, "return_indices": return_indices}
            yield Row(f"adaptive_max_pool{dims}d", (s.normal(*shape),), options)
    for name in (f"adaptive_avg_pool{dims}d", f"adaptive_max_pool{dims}d"):
        yield Row(name, (s.normal(*shape[1:]),), {"output_size": 2}, note="one image")
    for kind, image in itertools.product(("avg", "max"), (shape, shape[1:])):
        yield Row(f"global_{kind}_pool{dims}d", (s.normal(*image),), theirs=whole(dims, kind))


def whole(dims: int, kind: str) -> Any:
    """Global pooling by PyTorch."""

    def call(T: Any, x: Any) -> Any:
        return getattr(T, f"adaptive_{kind}_pool{dims}d")(x, 1).flatten(-dims).squeeze(-1)

    return call


def unpooled(s: Samples, dims: int, shape: tuple[int, ...]) -> Iterator[Row]:
    """Windows side by side: where they overlap PyTorch keeps one of several that have the same place."""
    windows: list[dict[str, Any]] = [
        {"kernel_size": 2},
        {"kernel_size": 2, "stride": 3},
        {"kernel_size": 2, "stride": 2, "padding": 1},
        {"kernel_size": (3, 2, 1)[:dims]},
    ]
    for window in windows:
        found, usual = places(s, shape, **window)
        for output_size in (None, shape[2:], shape):
            if output_size is not None or usual == shape[2:]:
                given = {**window, "output_size": output_size}
                yield Row(f"max_unpool{dims}d", (s.normal(*found.shape), found), given)
                if output_size is not shape:
                    yield Row(f"max_unpool{dims}d", (s.normal(*found.shape[1:]), found[0]), given, note="one image")


def places(
    s: Samples, shape: tuple[int, ...], kernel_size: Any, stride: Any = None, padding: int = 0
) -> tuple[np.ndarray, tuple[int, ...]]:
    """A flat place in each window, as max pooling finds one, and the usual size of the output."""
    n, c, *size = shape
    kernel = kernel_size if isinstance(kernel_size, tuple) else (kernel_size,) * len(size)
    steps = kernel if stride is None else stride if isinstance(stride, tuple) else (stride,) * len(size)
    counts = [(m + 2 * padding - k) // t + 1 for m, k, t in zip(size, kernel, steps, strict=True)]
    place = np.zeros((n, c, *counts), np.int64)
    for axis, (m, k, t, count) in enumerate(zip(size, kernel, steps, counts, strict=True)):
        start = (np.arange(count) * t - padding).reshape(-1, *(1,) * (len(size) - 1 - axis))
        place = place * m + np.clip(start + s.rng.integers(0, k, place.shape), 0, m - 1)
    usual = [(count - 1) * t - 2 * padding + k for count, t, k in zip(counts, steps, kernel, strict=True)]
    return place, tuple(usual)


def powers(s: Samples) -> Iterator[Row]:
    for dims, size in SIZES.items():
        windows: list[dict[str, Any]] = []
        for window in WINDOWS[dims]:
            bare = {key: value for key, value in window.items() if key != "padding"}
            windows += [] if bare in windows else [bare]
        for p, window, ceil_mode in itertools.product((1, 2, 3, 4.0, 1.5, 0.5), windows, (False, True)):
            yield Row(
                f"lp_pool{dims}d", (s.positive(2, 3, *size), p), {**window, "ceil_mode": ceil_mode}, note=f"p={p}"
            )
        for p in (2, 4, float("inf"), -float("inf")):
            yield Row(f"lp_pool{dims}d", (s.normal(3, *size), p, 2), note=f"one image, of either sign, p={p}")


def fractional(s: Samples) -> Iterator[Row]:
    for dims in (2, 3):
        shape = (2, 3, *(8, 9, 7)[:dims])
        counts: list[dict[str, Any]] = [
            {"output_size": 4},
            {"output_size": (1, 5, 3)[:dims]},
            {"output_ratio": 0.6},
            {"output_ratio": (0.5, 0.7, 0.4)[:dims]},
        ]
        for kernel, count, return_indices in itertools.product((2, (3, 1, 2)[:dims]), counts, (False, True)):
            ratio = count.get("output_ratio")
            for image in (shape, shape[1:]):
                samples = Fixed(exact(s.rng.random(((len(image) > dims + 1 and 2) or 1, 3, dims))))
                yield Row(
                    f"fractional_max_pool{dims}d",
                    (s.normal(*image), kernel),
                    {**count, "return_indices": return_indices, "_random_samples": samples},
                    theirs=ratios(dims) if isinstance(ratio, float) else None,
                    note=f"K={kernel}",
                )


def ratios(dims: int) -> Any:
    """PyTorch's documentation has one ratio for all axes; its code takes one for each only."""

    def call(T: Any, x: Any, kernel: Any, output_ratio: float, **options: Any) -> Any:
        return getattr(T, f"fractional_max_pool{dims}d")(x, kernel, output_ratio=(output_ratio,) * dims, **options)

    return call
