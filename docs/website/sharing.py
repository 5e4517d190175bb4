"""Which elements of N x C x H x W share a number, drawn: a row for each image, a square of pixels for each channel."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from docs.website.figures import Figure, Words, words

CELL, GAP = 9, 7


def sharing_figure(shared: Mapping[Words, np.ndarray]) -> Figure:
    """Elements with the same number have the same colour."""
    parts = []
    for name, numbers in shared.items():
        n, c, h, w = numbers.shape
        across, down, count = w * CELL + GAP, h * CELL + GAP, int(numbers.max()) + 1
        squares = [
            f'<rect x="{k * across + j * CELL}" y="{m * down + i * CELL}" width="{CELL - 1}" height="{CELL - 1}"'
            f' fill="{_color(int(numbers[m, k, i, j]), count)}"/>'
            for m, k, i, j in np.ndindex(n, c, h, w)
        ]
        size = f'viewBox="0 0 {c * across} {n * down}" style="max-width: {c * across}px"'
        picture = f'<svg {size} role="img">{"".join(squares)}</svg>'
        parts.append(f"<div>{picture}<figcaption>{words(name)}: {count} × (μ, σ)</figcaption></div>")
    return Figure(f'<div class="row">{"".join(parts)}</div>')


def _color(number: int, count: int) -> str:
    """Neighbouring numbers get colours that are far apart."""
    hue = number * 7 % count * 360 // count
    return f"hsl({hue} 65% {45 + 18 * (number % 2)}%)"
