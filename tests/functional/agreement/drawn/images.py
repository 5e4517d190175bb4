"""Borders, rearrangements, resizing, sampling, regions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.functional.agreement.drawn.draws import Draws
from tests.functional.agreement.regions import roi_align, roi_pool
from tests.functional.agreement.resamplings import LINEAR, STEEPNESS
from tests.functional.agreement.row import Row
from tests.functional.agreement.samplings import WHY, decided


def pad(d: Draws) -> Row:
    dims, mode = d.integer(1, 3), d.choice("constant", "reflect", "replicate", "circular")
    size = d.each(dims, 2, 5)
    most = {"constant": lambda n: 3, "reflect": lambda n: n - 1, "replicate": lambda n: 3, "circular": lambda n: n}[
        mode
    ]
    widths = [d.integer(-1 if n > 2 else 0, most(n)) for n in reversed(size) for _ in range(2)]
    options: dict[str, Any] = {"pad": d.choice(tuple, list)(widths), "mode": mode}
    if mode == "constant":
        options |= d.some(value=lambda: d.choice(None, 0.0, 2, -1.5))
    return Row("pad", (d.normal(*d.lead(2), *size),), options)


def pixel_shuffle(d: Draws) -> Row:
    r = d.integer(1, 3)
    return Row("pixel_shuffle", (d.normal(*d.shape(0, 2), d.integer(1, 2) * r * r, *d.each(2, 1, 3)), r))


def pixel_unshuffle(d: Draws) -> Row:
    r = d.integer(1, 3)
    h, w = d.each(2, 1, 3)
    return Row("pixel_unshuffle", (d.normal(*d.shape(0, 2), d.integer(1, 2), h * r, w * r), r))


def channel_shuffle(d: Draws) -> Row:
    groups = d.integer(1, 4)
    return Row("channel_shuffle", (d.normal(d.integer(1, 3), groups * d.integer(1, 3), *d.shape(1, 3)), groups))


def resized(d: Draws, name: str = "interpolate") -> Row:
    dims = d.integer(1, 3)
    modes = ["nearest", "nearest-exact", "area", LINEAR[dims], *(["bicubic"] if dims == 2 else [])]
    mode = d.choice(*modes)
    size = d.each(dims, 1, 6)
    options: dict[str, Any] = {"mode": mode}
    if d.flag():
        options["size"] = d.written(d.each(dims, 1, 8))
    else:
        factors = tuple(d.integer(4, 40) / 16 for _ in range(dims))
        while any(int(n * f) < 1 for n, f in zip(size, factors, strict=True)):
            factors = tuple(2 * f for f in factors)
        options["scale_factor"] = factors if d.flag() else max(factors)
        options |= d.some(recompute_scale_factor=lambda: d.choice(None, True, False))
        if all(int(n * f) == n for n, f in zip(size, _factors(options, dims), strict=True)):
            options["recompute_scale_factor"] = True  # PyTorch returns an image of the same size as it is
        if mode.startswith("nearest"):  # the gradient of PyTorch's values is another there
            options["recompute_scale_factor"] = True
    smooth = mode in (LINEAR[dims], "bicubic")
    if smooth:
        options |= d.some(align_corners=lambda: d.choice(None, True, False))
    if dims == 2 and smooth and not options.get("align_corners") and size[1] > 1 and d.integer(0, 3) == 3:
        options["antialias"] = True
    x = d.normal(d.integer(1, 2), d.integer(1, 3), *size)
    return Row(name, (x,), options, steepness=2 * STEEPNESS.get(mode, 1.0))


def _factors(options: dict[str, Any], dims: int) -> tuple[float, ...]:
    factor = options["scale_factor"]
    return factor if isinstance(factor, tuple) else (factor,) * dims


def upsample(d: Draws) -> Row:
    row = resized(d, "upsample")
    for option in ("recompute_scale_factor", "antialias"):
        row.options.pop(option, None)
    if "scale_factor" in row.options:
        row.options["scale_factor"] = d.integer(2, 3)
    row.theirs = interpolate
    return row


def interpolate(T: Any, *arguments: Any, **options: Any) -> Any:
    return T.interpolate(*arguments, **options)


def grid_sample(d: Draws) -> Row:
    dims = d.integer(2, 3)
    mode = d.choice("bilinear", "nearest", *(["bicubic"] if dims == 2 else []))
    options = {"mode": mode, "padding_mode": d.choice("zeros", "border", "reflection")}
    options |= d.some(align_corners=lambda: d.choice(None, True, False))
    n, scale = d.integer(1, 2), d.choice(0.3, 1.5)
    image, out = d.each(dims, 1, 5), d.each(dims, 1, 4)
    arguments = (d.normal(n, d.integer(1, 2), *image), d.normal(n, *out, dims, scale=scale))
    return Row("grid_sample", arguments, options, decided("grid_sample"), f"{scale}", 4.0, order=1, why=WHY)


def affine_grid(d: Draws) -> Row:
    dims, n = d.integer(2, 3), d.integer(1, 3)
    arguments = (d.normal(n, dims, dims + 1), (n, d.integer(1, 3), *d.each(dims, 1, 5)))
    options = d.some(align_corners=lambda: d.choice(None, True, False))
    return Row("affine_grid", arguments, options, decided("affine_grid"), f"{arguments[1]}")


def boxes(d: Draws, n: int, height: int, width: int) -> tuple[tuple[float, ...], ...]:
    """Boxes in images, over their edges, and outside; as numbers, by which nothing is differentiated."""
    found = []
    for _ in range(d.integer(1, 4)):
        left, top = d.number(-2, width), d.number(-2, height)
        found.append((d.integer(0, n - 1), left, top, left + d.number(0, width + 2), top + d.number(0, height + 2)))
    return tuple(found)


def align(d: Draws) -> Row:
    n, (h, w) = d.integer(1, 2), d.each(2, 2, 6)
    arguments = (d.normal(n, 2, h, w), boxes(d, n, h, w), d.choice(1, 2, (2, 3)))
    options = {"spatial_scale": d.choice(1.0, 0.5), "sampling_ratio": d.integer(0, 2), "aligned": d.flag()}
    return Row("roi_align", arguments, options, roi_align, f"{arguments[1:]}")


def region_pool(d: Draws) -> Row:
    n, (h, w) = d.integer(1, 2), d.each(2, 2, 6)
    arguments = (d.distinct(n, 2, h, w), boxes(d, n, h, w), d.choice(1, 2, (2, 3)))
    return Row("roi_pool", arguments, {"spatial_scale": d.choice(1.0, 0.5)}, roi_pool, f"{arguments[1:]}")


def one_hot(d: Draws) -> Row:
    classes = d.integer(1, 6)
    numbers = d.labels(classes, *d.shape(0, 3, 0)).astype(np.int64)  # PyTorch takes no others
    return Row("one_hot", (numbers,), {"num_classes": classes + d.integer(0, 2)}, order=0, why="integers")


def embedding(d: Draws) -> Row:
    vectors, scaled = d.integer(1, 5), d.flag()
    numbers = d.labels(vectors, *d.shape(0, 3, 0)).astype(d.choice(np.int64, np.int32))
    options = {"padding_idx": d.choice(None, d.integer(-vectors, vectors - 1)), "scale_grad_by_freq": scaled}
    why = "PyTorch cannot differentiate a scaled gradient" if scaled else ""
    arguments = (numbers, d.normal(vectors, d.integer(1, 3)))
    return Row("embedding", arguments, options, order=1 if why else 2, why=why)


DRAWN: dict[str, Callable[[Draws], Row]] = {
    "pad": pad,
    "pixel_shuffle": pixel_shuffle,
    "pixel_unshuffle": pixel_unshuffle,
    "channel_shuffle": channel_shuffle,
    "interpolate": resized,
    "upsample": upsample,
    "grid_sample": grid_sample,
    "affine_grid": affine_grid,
    "roi_align": align,
    "roi_pool": region_pool,
    "one_hot": one_hot,
    "embedding": embedding,
}
