"""Digits for the panels: strokes drawn by code, so that what a reader draws is made of the same ink.

A digit is a list of strokes, a stroke a list of points in the unit square, x to the right and y down.
`page/lib/ink.mjs` does to the strokes of a drawing what `fitted` and `ink` do here; a test compares the two.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Stroke = NDArray[np.float64]

SIDE = 28
BOX = 20.0  # the longer side of a digit, in pixels
WIDTH = 2.4  # of the pen

# Each digit in the ways in which people write it. Strokes of more than two points are curves, unless they are CORNERED.
CORNERED = "-"
OVAL = ((0.5, 0), (0.12, 0.25), (0.1, 0.7), (0.5, 1), (0.9, 0.7), (0.88, 0.25), (0.5, 0))
BELLY = ((0.3, 0.45), (0.75, 0.5), (0.9, 0.75), (0.55, 1), (0.1, 0.88))
RING = ((0.85, 0.28), (0.5, 0.52), (0.13, 0.28), (0.5, 0), (0.85, 0.28))
WAYS: dict[int, tuple[tuple, ...]] = {
    0: ((OVAL,),),
    1: (
        (((0.5, 0), (0.5, 1)),),
        ((CORNERED, (0.28, 0.22), (0.52, 0), (0.52, 1)),),
        ((CORNERED, (0.28, 0.22), (0.52, 0), (0.52, 1)), ((0.25, 1), (0.8, 1))),
    ),
    2: (
        (((0.1, 0.25), (0.4, 0), (0.85, 0.2), (0.6, 0.6), (0.1, 1)), ((0.1, 1), (0.9, 1))),
        (((0.1, 0.2), (0.5, 0), (0.8, 0.25), (0.3, 0.9), (0.12, 0.85), (0.3, 0.8), (0.9, 1)),),
    ),
    3: (
        (((0.12, 0.12), (0.5, 0), (0.82, 0.2), (0.65, 0.42), (0.3, 0.45)), BELLY),
        ((CORNERED, (0.12, 0), (0.85, 0), (0.3, 0.45)), BELLY),
    ),
    4: (
        ((CORNERED, (0.62, 0), (0.05, 0.65), (0.95, 0.65)), ((0.66, 0.3), (0.66, 1))),
        ((CORNERED, (0.7, 1), (0.7, 0), (0.05, 0.65), (0.95, 0.65)),),
        ((CORNERED, (0.15, 0), (0.1, 0.5), (0.8, 0.5)), ((0.8, 0), (0.78, 1))),
    ),
    5: (
        ((CORNERED, (0.85, 0), (0.2, 0), (0.16, 0.45)), ((0.16, 0.45), (0.6, 0.38), (0.9, 0.66), (0.6, 1), (0.1, 0.9))),
    ),
    6: (
        (((0.72, 0), (0.3, 0.3), (0.1, 0.7), (0.45, 1), (0.85, 0.76), (0.5, 0.52), (0.14, 0.72)),),
        (((0.4, 0), (0.15, 0.5), (0.2, 0.9), (0.6, 1), (0.85, 0.75), (0.5, 0.55), (0.16, 0.75)),),
    ),
    7: (
        ((CORNERED, (0.1, 0), (0.9, 0), (0.4, 1)),),
        ((CORNERED, (0.1, 0), (0.9, 0), (0.4, 1)), ((0.3, 0.5), (0.8, 0.5))),
        ((CORNERED, (0.1, 0.25), (0.1, 0), (0.85, 0), (0.75, 1)),),
    ),
    8: (
        (
            ((0.5, 0.46), (0.18, 0.22), (0.5, 0), (0.82, 0.22), (0.5, 0.46)),
            ((0.5, 0.46), (0.12, 0.75), (0.5, 1), (0.88, 0.75), (0.5, 0.46)),
        ),
        (((0.8, 0.1), (0.4, 0), (0.2, 0.22), (0.8, 0.7), (0.5, 1), (0.15, 0.75), (0.75, 0.25), (0.8, 0.1)),),
    ),
    9: (
        (RING, ((0.85, 0.28), (0.8, 0.7), (0.6, 1))),
        (RING, ((0.85, 0.28), (0.85, 0.75), (0.55, 1), (0.2, 0.9))),
    ),
}


def digits(each: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images, 10 each x 1 x 28 x 28, and their labels, in turn 0, 1, ..., 9, 0, 1, ..."""
    rng = np.random.RandomState(seed)
    labels = np.tile(np.arange(10, dtype=np.uint8), each)
    return np.stack([ink(written(int(d), rng), rng.uniform(0.8, 1.3) * WIDTH) for d in labels])[:, None], labels


def written(digit: int, rng: np.random.RandomState) -> list[Stroke]:
    """A digit as somebody may write it: one of its ways, bent, leaning and a little off the middle, in pixels."""
    ways = WAYS[digit]
    strokes = [_curve(stroke) for stroke in ways[rng.randint(len(ways))]]
    turn, lean, narrow = rng.normal(0, 0.12), rng.normal(0.05, 0.15), rng.uniform(0.5, 0.95)
    across = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    across = across @ np.array([[narrow, -lean], [0, 1]])
    waves, phases, bend = rng.normal(0, 0.6, (2, 2)), rng.uniform(0, 2 * np.pi, 2), rng.normal(0, 0.05, 2)
    bent = [p + bend * np.sin(2 * np.pi * p @ waves + phases) for p in strokes]
    size, off = rng.uniform(0.8, 1.05), rng.normal(0, 0.8, 2)
    return [(p - SIDE / 2) * size + SIDE / 2 + off for p in fitted([p @ across.T for p in bent])]


def fitted(strokes: list[Stroke]) -> list[Stroke]:
    """The strokes in pixels: in the middle of the image, the longer side BOX long. A dot stays a dot."""
    points = np.concatenate(strokes)
    low, high = points.min(0), points.max(0)
    scale = BOX / max((high - low).max(), 1e-6)
    return [(p - (low + high) / 2) * min(scale, 1e3) + SIDE / 2 for p in strokes]


def ink(strokes: list[Stroke], width: float = WIDTH) -> NDArray[np.uint8]:
    """28 x 28 pixels: 255 inside of a line of this width, falling to 0 over one pixel at its edge."""
    starts = np.concatenate([p[:-1] if len(p) > 1 else p for p in strokes])
    ends = np.concatenate([p[1:] if len(p) > 1 else p for p in strokes])
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5
    pixels = np.stack([x, y], -1)[:, :, None]  # h w 1 2
    along = ends - starts
    squares = np.maximum((along**2).sum(-1), 1e-12)
    at = np.clip(((pixels - starts) * along).sum(-1) / squares, 0, 1)  # h w segments
    distance = np.sqrt(((pixels - starts - at[..., None] * along) ** 2).sum(-1)).min(-1)
    return np.floor(255 * np.clip(width / 2 + 0.5 - distance, 0, 1) + 0.5).astype(np.uint8)


def _curve(points: tuple) -> Stroke:
    """Through the points, straight or by Catmull and Rom's cubics."""
    if points[0] == CORNERED:
        return np.array(points[1:], dtype=np.float64)
    p = np.array(points, dtype=np.float64)
    if len(p) == 2:
        return p
    closed = np.array_equal(p[0], p[-1])
    before, after = (p[-2], p[1]) if closed else (2 * p[0] - p[1], 2 * p[-1] - p[-2])
    a, b, c, d = (np.concatenate([[before], p, [after]])[i : i + len(p) - 1, None] for i in range(4))
    t = np.linspace(0, 1, 6, endpoint=False)[None, :, None]
    pieces = b + t / 2 * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    return np.concatenate([pieces.reshape(-1, 2), p[-1:]])
