"""What the exercises are checked with: not only whether an answer is right, but which part of it is not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from docs.website.figures import Words, words

Backward = Callable[..., Sequence[np.ndarray]]
EPS = 1e-5
PATHS: tuple[Words, ...] = (
    ("the direct path", "직접 가는 경로"),
    ("the path through the variance", "분산을 거치는 경로"),
    ("the path through the mean", "평균을 거치는 경로"),
)


class Report:
    """Lines in both languages; a notebook shows them with their marks."""

    def __init__(self) -> None:
        self.lines: list[tuple[bool, Words]] = []

    def add(self, right: bool, english: str, korean: str) -> None:
        self.lines.append((right, (english, korean)))

    @property
    def right(self) -> bool:
        return all(right for right, _ in self.lines)

    def __repr__(self) -> str:
        return "\n".join(f"{'✓' if right else '✗'} {text[0]}" for right, text in self.lines)

    def _repr_html_(self) -> str:
        items = (f'<li class="{"right" if ok else "wrong"}">{words(text)}</li>' for ok, text in self.lines)
        return f'<figure class="report"><ul>{"".join(items)}</ul></figure>'


def batch_norm(backward: Backward) -> Report:
    """``backward(g, x, gamma, beta)`` -> (dx, dgamma, dbeta), taken apart into the three paths from y to x."""
    rng = np.random.default_rng(1)
    x, gamma, beta, g = rng.normal(2.0, 1.5, (7, 3)), rng.normal(size=3), rng.normal(size=3), rng.normal(size=(7, 3))
    report = Report()
    found = backward(g, x.copy(), gamma.copy(), beta.copy())
    if not isinstance(found, Sequence) or len(found) != 3:
        report.add(
            False,
            "backward must return dx, dgamma, dbeta",
            "backward는 dx, dgamma, dbeta를 돌려주어야 한다",
        )
        return report
    dx, dgamma, dbeta = (np.asarray(array, float) for array in found)
    xhat = (x - x.mean(0)) / np.sqrt(x.var(0) + EPS)
    for name, array, expected in (("dgamma", dgamma, (g * xhat).sum(0)), ("dbeta", dbeta, g.sum(0))):
        if array.size != 3:
            report.add(
                False, f"{name} has shape {array.shape}, not (3,)", f"{name}의 모양이 (3,)이 아니라 {array.shape}이다"
            )
        else:
            right = bool(np.allclose(array.ravel(), expected, rtol=1e-9, atol=1e-12))
            report.add(right, f"{name} is {'right' if right else 'wrong'}", f"{name}: {'맞음' if right else '틀림'}")
    if dx.shape != x.shape:
        report.add(False, f"dx has shape {dx.shape}, not {x.shape}", f"dx의 모양: {x.shape}이 아니라 {dx.shape}")
    else:
        _explain(report, dx, _paths(g, x, gamma), len(x))
    return report


def _paths(g: np.ndarray, x: np.ndarray, gamma: np.ndarray) -> list[np.ndarray]:
    """What comes back to x by each of the three paths."""
    n, d = len(x), x - x.mean(0)
    inv = 1 / np.sqrt(x.var(0) + EPS)
    direct = g * gamma * inv
    variance = -0.5 * inv**3 * (g * gamma * d).sum(0) * 2 * d / n
    mean = np.broadcast_to(-direct.sum(0) / n, x.shape)
    return [direct, variance, mean]


def _explain(report: Report, dx: np.ndarray, paths: list[np.ndarray], n: int) -> None:
    """dx as a sum of the paths, each with a factor."""
    columns = np.stack([path.ravel() for path in paths], 1)
    factors = np.linalg.lstsq(columns, dx.ravel(), rcond=None)[0]
    left = np.abs(columns @ factors - dx.ravel()).max()
    if not left <= 1e-9 * np.abs(columns).max():  # NaN is no sum of them, either
        report.add(False, "dx is no sum of the three paths: one of them is computed in another way",
                   "dx가 세 경로의 합으로 나타나지 않는다. 어느 경로인가를 다르게 계산하였다")  # fmt: skip
        return
    for path, factor in zip(PATHS, factors, strict=True):
        right, (english, korean) = _verdict(float(factor), n)
        report.add(right, f"{path[0]} {english}", f"{path[1]}: {korean}")


def _verdict(factor: float, n: int) -> tuple[bool, tuple[str, str]]:
    known: list[tuple[float, tuple[str, str]]] = [
        (1.0, ("is there", "있다")),
        (0.0, ("is missing", "빠졌다")),
        (-1.0, ("has the wrong sign", "부호가 반대이다")),
        (2.0, ("is there twice", "두 번 더해졌다")),
        (0.5, ("is there by half", "절반만 더해졌다")),
        (float(n), ("is not divided by N", "N으로 나누지 않았다")),
        (n / (n - 1), ("is divided by N - 1 instead of N", "N이 아니라 N - 1로 나누었다")),
    ]
    for value, text in known:
        if abs(factor - value) < 1e-7:
            return value == 1.0, text
    return False, (f"is there times {factor:.4g}", f"{factor:.4g}배로 더해졌다")


def output_size(size: Callable[[int, int, int, int], int]) -> Report:
    """``size(h, k, p, s)``, against where windows can be put, one by one."""
    report = Report()
    wrong = []
    for h, k, p, s in np.ndindex(12, 6, 4, 4):
        h, k, s = h + 1, k + 1, s + 1
        places = sum(1 for first in range(-p, h + p, s) if first + k <= h + p)
        if places and size(h, k, p, s) != places:
            wrong.append((h, k, p, s, size(h, k, p, s), places))
    if wrong:
        h, k, p, s, said, places = wrong[0]
        case = f"H = {h}, K = {k}, P = {p}, S = {s}"
        report.add(
            False, f"{case}: {places} windows fit, not {said}", f"{case}: 창이 {said}개가 아니라 {places}개 놓인다"
        )
    else:
        report.add(True, "right wherever a window fits", "창이 놓이는 모든 경우에 맞다")
    return report


def parameters(count: Callable[[], int], expected: int) -> Report:
    """A number of parameters, with a guess at what was forgotten."""
    report, said = Report(), count()
    if said == expected:
        report.add(True, f"{said:,} is right", f"{said:,}개: 맞음")
    else:
        difference = f"{abs(said - expected):,}"
        report.add(False, f"{said:,}: {difference} too {'few' if said < expected else 'many'}",
                   f"{said:,}개: {difference}개가 {'모자란다' if said < expected else '많다'}")  # fmt: skip
    return report
