"""Curves of numbers as a figure of the lecture's pages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from docs.website.figures import Figure, Words, words

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 58, 12, 12, 44  # what axes and their names need


class Axis:
    """Where values lie: the least at ``start``, the largest at ``end``, on a logarithmic scale if so wanted."""

    def __init__(self, values: Sequence[float], start: float, end: float, log: bool = False):
        self.log = log
        self.low, self.high = self._on_scale(min(values)), self._on_scale(max(values))
        self.start, self.length = start, end - start

    def _on_scale(self, value: float) -> float:
        return math.log10(value) if self.log else value

    def place(self, value: float) -> float:
        return self.start + (self._on_scale(value) - self.low) / ((self.high - self.low) or 1) * self.length

    def ticks(self) -> list[float]:
        """About five round values."""
        if self.log:
            return [10.0**e for e in range(math.ceil(self.low), math.floor(self.high) + 1)]
        span = (self.high - self.low) or 1
        unit = 10 ** math.floor(math.log10(span))
        step = unit * next(factor for factor in (0.2, 0.5, 1, 2) if span / (unit * factor) <= 6 or factor == 2)
        return [step * i for i in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)]


def curves(
    lines: Mapping[Words, Sequence[float]],
    x: Words,
    y: Words,
    places: Sequence[float] | None = None,
    log: bool = False,
    top: float = math.inf,
) -> Figure:
    """Lines over 0, 1, 2, ..., or over ``places``. What is beyond ``top`` is drawn there; what is no number is not."""
    points = {}
    for name, line in lines.items():
        at = range(len(line)) if places is None else places
        points[name] = [(a, min(b, top)) for a, b in zip(at, line, strict=True) if not math.isnan(b)]
    across = Axis([a for line in points.values() for a, _ in line], LEFT, WIDTH - RIGHT)
    down = Axis([b for line in points.values() for _, b in line] + [0.0] * (not log), HEIGHT - BOTTOM, TOP, log)
    parts = []
    for value in down.ticks():
        at = down.place(value)
        parts.append(f'<path class="rule" d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{value:,.5g}</text>')
    for value in across.ticks():
        at = across.place(value)
        parts.append(f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 17}" text-anchor="middle">{value:,.5g}</text>')
    for number, line in enumerate(points.values()):
        path = " ".join(f"{across.place(a):.1f},{down.place(b):.1f}" for a, b in line)
        parts.append(f'<polyline class="line line{number}" points="{path}"/>')
    parts.append(_name(x, (LEFT + WIDTH) / 2, HEIGHT - 6, ""))
    middle = (HEIGHT - BOTTOM + TOP) / 2
    parts.append(_name(y, 13, middle, f'transform="rotate(-90 13 {middle})"'))
    legend = "".join(f"<li>{words(name)}</li>" for name in points)
    return Figure(f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{"".join(parts)}</svg><ul>{legend}</ul>')


def _name(text: Words, x: float, y: float, turned: str) -> str:
    return f'<text class="name" x="{x}" y="{y}" text-anchor="middle" {turned}>{words(text, "tspan")}</text>'
