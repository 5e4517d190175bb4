"""Pooling of regions, which PyTorch leaves to others: compared with loops over boxes, bins and samples.

No function here names PyTorch's module, which jit would read whole: it follows what a row holds.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

from tests.functional.agreement.row import Row, Samples

# of two images of 6 x 7 pixels: the image, x1, y1, x2, y2
BOXES = (
    (0, 0.0, 0.0, 6.0, 5.0),
    (1, 1.25, 0.5, 4.75, 3.0),
    (1, 2.5, 3.5, 2.5, 3.5),  # of size 0
    (0, -3.0, -2.5, 12.0, 9.25),  # larger than the image
    (1, 8.0, 7.0, 11.0, 9.0),  # outside of it
    (0, 3.125, 0.0, 3.5, 5.5),  # narrow
)


def rows() -> Iterator[Row]:
    s = Samples("regions")
    for size, scale in itertools.product((1, (2, 3), 4), (1.0, 0.5)):
        note = f"{size}"
        yield Row("roi_pool", (s.normal(2, 3, 6, 7), BOXES, size), {"spatial_scale": scale}, theirs=roi_pool, note=note)
        for ratio in (-1, 1, 2):
            options: dict[str, Any] = {"spatial_scale": scale, "sampling_ratio": ratio, "aligned": scale == 0.5}
            yield Row("roi_align", (s.normal(2, 3, 6, 7), BOXES, size), options, theirs=roi_align, note=note)
    for aligned in (False, True):
        x = s.normal(2, 3, 6, 7)
        yield Row("roi_align", (x, BOXES[:1], 3), {"aligned": aligned}, theirs=roi_align, note="one box")
    for shape, mode in itertools.product(((2, 3, 6, 7), (3, 6, 7)), ("max", "avg")):
        for levels in ((1,), (1, 2, 4), ((2, 3), 5)):
            given = {"levels": levels, "mode": mode}
            yield Row("spatial_pyramid_pool2d", (s.normal(*shape),), given, theirs=pyramid)


def roi_align(
    T: Any, x: Any, boxes: Any, size: Any, spatial_scale: float = 1.0, sampling_ratio: int = -1, aligned: bool = False
) -> Any:
    """The mean of bilinear samples, one by one."""
    h, w = x.shape[2:]

    def bilinear(image: Any, y: float, x: float) -> Any:
        if not (-1 <= y <= h and -1 <= x <= w):
            return image[:, 0, 0] * 0
        y, x = min(max(y, 0.0), h - 1), min(max(x, 0.0), w - 1)
        top, left = math.floor(y), math.floor(x)
        return sum(
            (1 - abs(y - i)) * (1 - abs(x - j)) * image[:, i, j]
            for i in range(top, min(top + 2, h))
            for j in range(left, min(left + 2, w))
        )

    def samples(low: float, length: float, bins: int, i: int) -> list[float]:
        step = length / bins
        count = sampling_ratio if sampling_ratio > 0 else math.ceil(step)
        return [low + i * step + (k + 0.5) * step / count for k in range(count)]

    rows, columns = size if isinstance(size, tuple) else (size, size)
    found = []
    for image, *edges in boxes:
        left, top, right, bottom = (spatial_scale * edge - (0.5 if aligned else 0.0) for edge in edges)
        height, width = bottom - top, right - left
        if not aligned:
            height, width = max(height, 1.0), max(width, 1.0)
        for i, j in itertools.product(range(rows), range(columns)):
            ys, xs = samples(top, height, rows, i), samples(left, width, columns, j)
            total = sum((bilinear(x[image], a, b) for a in ys for b in xs), x[image][:, 0, 0] * 0)
            found.append(total / max(len(ys) * len(xs), 1))
    return T.torch.stack(found).reshape(len(boxes), rows, columns, -1).permute(0, 3, 1, 2)


def roi_pool(T: Any, x: Any, boxes: Any, size: Any, spatial_scale: float) -> Any:
    """The maximum of the pixels of each bin; 0 where there are none."""
    rows, columns = size if isinstance(size, tuple) else (size, size)

    def nearest(number: float) -> int:
        return math.floor(number + 0.5) if number >= 0 else -math.floor(0.5 - number)

    def pixels(low: int, high: int, bins: int, i: int, n: int) -> range:
        step = max(high - low + 1, 1) / bins
        return range(max(low + math.floor(i * step), 0), min(low + math.ceil((i + 1) * step), n))

    found = []
    for image, *edges in boxes:
        left, top, right, bottom = (nearest(spatial_scale * edge) for edge in edges)
        for i, j in itertools.product(range(rows), range(columns)):
            ys, xs = pixels(top, bottom, rows, i, x.shape[2]), pixels(left, right, columns, j, x.shape[3])
            part = x[image][:, ys.start : ys.stop, xs.start : xs.stop] if ys and xs else x[image][:, :1, :1] * 0
            found.append(part.flatten(1).max(1)[0])
    return T.torch.stack(found).reshape(len(boxes), rows, columns, -1).permute(0, 3, 1, 2)


def pyramid(T: Any, x: Any, levels: Any, mode: str) -> Any:
    pool = getattr(T, f"adaptive_{mode}_pool2d")
    return T.torch.cat([pool(x, level).flatten(-3) for level in levels], -1)
