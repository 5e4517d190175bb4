"""What is found among known numbers: its count follows from them, so compiled calls must know them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..call import numbers, tensor_of
from ..registry import Numbers, operator

INDEX = np.dtype(np.int64)


@operator("NonMaxSuppression", since=10)
def non_max_suppression(
    boxes: Numbers,
    scores: Numbers,
    max_output_boxes_per_class: Numbers | None = None,
    iou_threshold: Numbers | None = None,
    score_threshold: Numbers | None = None,
    *,
    center_point_box: bool,
) -> np.ndarray:
    """Of boxes that overlap the one with the best score, K x (image, class, box), class by class.

    boxes: N x B x 4, two corners y, x in any order, or x, y of the centre with width and height; scores: N x C x B.
    """
    most = 0 if max_output_boxes_per_class is None else int(max_output_boxes_per_class.reshape(()))
    overlap = 0.0 if iou_threshold is None else float(iou_threshold.reshape(()))
    chosen = []
    for image, (own, classes) in enumerate(zip(boxes, scores, strict=True)):
        low, high = _corners(own, center_point_box)
        area = (high - low).prod(1)
        for label, row in enumerate(classes):
            order = np.argsort(-row, kind="stable")
            if score_threshold is not None:
                order = order[row[order] > float(score_threshold.reshape(()))]
            kept: list[int] = []
            for box in order:
                if len(kept) == most:
                    break
                sides = np.minimum(high[kept], high[box]) - np.maximum(low[kept], low[box])
                both = np.maximum(sides, 0).prod(1)
                if not (both > overlap * (area[kept] + area[box] - both)).any():
                    kept.append(int(box))
            chosen += [(image, label, box) for box in kept]
    return np.array(chosen, INDEX).reshape(-1, 3)


def _corners(boxes: np.ndarray, centred: bool) -> tuple[np.ndarray, np.ndarray]:
    """The corners with the lower and with the higher coordinates."""
    first, second = boxes[:, :2], boxes[:, 2:]
    if centred:
        return first - second / 2, first + second / 2
    return np.minimum(first, second), np.maximum(first, second)


@operator("Unique", since=11)
def unique(x: Any, *, axis: int | None = None, sorted: bool) -> tuple[Any, ...]:
    """Different elements, or parts along an axis, by size or as they appear; their places, and how many there are."""
    _, first, inverse, counts = np.unique(numbers(x, 0), True, True, True, axis=axis)
    inverse = inverse.reshape(-1)
    if not sorted:
        order = np.argsort(first)
        inverse = np.argsort(order)[inverse]
        first, counts = first[order], counts[order]
    several = tensor_of(x).reshape(-1) if axis is None else tensor_of(x)
    before: tuple[Any, ...] = (slice(None),) * (0 if axis is None else axis % several.ndim)
    return several[(*before, first)], first.astype(INDEX), inverse.astype(INDEX), counts.astype(INDEX)
