"""What the lecture's pages draw and check with."""

import math

import numpy as np
import pytest

import tinygrad_cv as tg
from docs.lecture import checker
from docs.website import figures
from docs.website.curves import Axis, curves
from docs.website.sharing import sharing_figure

EPS = checker.EPS


def backward(direct=1.0, variance=1.0, mean=1.0, count=0):
    """Batch normalization's, with each path times a factor; ``count`` is added to the N of the variance."""

    def function(g, x, gamma, beta):
        n, d = len(x), x - x.mean(0)
        inv = 1 / np.sqrt(x.var(0) + EPS)
        dxhat = g * gamma
        dvar = (dxhat * d).sum(0) * -0.5 * inv**3
        dmu = -(dxhat * inv).sum(0)
        dx = direct * dxhat * inv + variance * dvar * 2 * d / (n + count) + mean * dmu / n
        return dx, (g * d * inv).sum(0), g.sum(0)

    return function


def test_what_the_checker_takes_for_right_is_right():
    def forward(x, gamma, beta):
        return gamma * (x - x.mean(0)) / np.sqrt(x.var(0) + EPS) + beta

    rng = np.random.default_rng(3)
    inputs = [rng.normal(size=(5, 3)), rng.normal(size=3), rng.normal(size=3)]
    assert checker.batch_norm(backward()).right and tg.gradcheck(forward, inputs, backward=backward())


@pytest.mark.parametrize(
    ("mistake", "line"),
    [
        ({"direct": 0}, "✗ the direct path is missing"),
        ({"variance": 0}, "✗ the path through the variance is missing"),
        ({"mean": 0}, "✗ the path through the mean is missing"),
        ({"mean": -1}, "✗ the path through the mean has the wrong sign"),
        ({"variance": 2}, "✗ the path through the variance is there twice"),
        ({"variance": 0.5}, "✗ the path through the variance is there by half"),
        ({"count": -1}, "✗ the path through the variance is divided by N - 1 instead of N"),
        ({"mean": 7}, "✗ the path through the mean is not divided by N"),
        ({"direct": 0.3}, "✗ the direct path is there times 0.3"),
    ],
)
def test_the_checker_names_the_path(mistake, line):
    report = checker.batch_norm(backward(**mistake))
    assert [text for text in str(report).splitlines() if text.startswith("✗")] == [line]
    assert not report.right and 'class="wrong"' in report._repr_html_() and "경로" in report._repr_html_()


def spoiled(place, change):
    def function(*inputs):
        results = list(backward()(*inputs))
        results[place] = change(results[place])
        return results

    return function


@pytest.mark.parametrize(
    ("function", "line"),
    [
        (lambda g, x, gamma, beta: g, "✗ backward must return dx, dgamma, dbeta"),
        (spoiled(0, lambda dx: dx**2), "✗ dx is no sum of the three paths"),
        (spoiled(0, lambda dx: dx * np.nan), "✗ dx is no sum of the three paths"),
        (spoiled(0, lambda dx: dx[1:]), "✗ dx has shape (6, 3), not (7, 3)"),
        (spoiled(1, lambda dgamma: -dgamma), "✗ dgamma is wrong"),
        (spoiled(2, lambda dbeta: dbeta[:2]), "✗ dbeta has shape (2,), not (3,)"),
    ],
)
def test_the_checker_says_what_else_is_wrong(function, line):
    (said,) = [text for text in str(checker.batch_norm(function)).splitlines() if text.startswith("✗")]
    assert said.partition(":")[0] == line


def test_the_other_checkers():
    assert checker.output_size(lambda h, k, p, s: (h - k + 2 * p) // s + 1).right
    assert not checker.output_size(lambda h, k, p, s: (h - k + p) // s + 1).right
    assert checker.parameters(lambda: 520, 520).right
    assert "10 too few" in str(checker.parameters(lambda: 510, 520))


def test_figures_carry_both_languages():
    shown = curves({("loss", "손실"): [3.0, 2.0, math.nan]}, x=("step", "단계"), y="L")._repr_html_()
    assert '<tspan lang="en">step</tspan><tspan lang="ko">단계</tspan>' in shown
    assert '<span lang="ko">손실</span>' in shown and figures.words("a < b") == "a &lt; b"
    name = ("input", "입력")
    shown = figures.numbers({name: np.eye(2)}, {name: np.array([[0, 1], [1, 0]])})._repr_html_()
    assert shown.count("mark0") == 2 and '<figcaption><span lang="en">input</span>' in shown


def test_axes_place_values():
    axis = Axis([1.0, 100.0], 0.0, 10.0, log=True)
    assert [axis.place(v) for v in (1, 10, 100)] == [0, 5, 10] and axis.ticks() == [1, 10, 100]
    assert Axis([0.0, 4.0], 100.0, 0.0).place(1.0) == 75 and len(Axis([0.0, 7.3], 0.0, 1.0).ticks()) in range(4, 8)


def test_elements_that_share_have_one_colour():
    numbers = np.arange(2)[:, None, None, None] * np.ones((2, 3, 1, 1), int)
    shown = sharing_figure({"layer": numbers})._repr_html_()
    fills = [piece.split('"')[0] for piece in shown.split('fill="')[1:]]
    assert fills[:3] == fills[:1] * 3 and fills[3:] == fills[3:4] * 3 and fills[0] != fills[3]
