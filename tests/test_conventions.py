"""The pages of conventions and of the lecture: each row has tests, and what is said of PyTorch is run."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest

import tests.test_cases as cases
import tests.test_lecture as lecture
import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import nn
from tinygrad_cv.nn.batch_norm import CONVENTIONS

DOCS = Path(__file__).parents[1] / "docs"
ROW = np.array([[[[1.0, 2.0, 4.0]]]])
TIE, LOST = [1.0, 1.0, 0.0], [-math.inf, -math.inf]


def rows(page, heading=""):
    """The cells of the tables under a heading, without their heads."""
    text = (
        (DOCS / page).read_text(encoding="utf-8").partition(heading)[2] if heading else (DOCS / page).read_text("utf-8")
    )
    text = text.partition("\n## ")[0] if heading else text
    return [[c.strip() for c in line.strip("|").split("|")] for line in re.findall(r"^\|.*\|$", text, re.M)][2:]


@pytest.mark.quick
@pytest.mark.parametrize(
    ("heading", "index"), [("## Choices", "CONVENTIONS"), ("## Numbers", "NUMBERS"), ("## Bad input", "BAD_INPUT")]
)
def test_every_row_has_tests_and_every_case_a_row(heading, index):
    assert [row[0] for row in rows("conventions.md", heading)] == list(getattr(cases, index))


@pytest.mark.quick
def test_the_page_of_batch_normalization_says_what_the_layers_do():
    found = rows("conventions.md", "## Batch normalization in other libraries")
    assert [row[0] for row in found] == list(CONVENTIONS)
    for name, momentum, share, divisor, eps, remembered in found:
        layer = nn.BatchNorm2d(1, convention=name)
        layer(np.float32([0, 2, 4, 10]).reshape(2, 1, 1, 2))
        assert f"{layer.momentum}" == momentum and f"{CONVENTIONS[name].eps}" == eps
        assert share == ("the new" if CONVENTIONS[name].of_the_new else "the old")
        assert divisor == ("N - 1" if CONVENTIONS[name].unbiased else "N")
        mean, var = (round(t.item(), 4) for t in (layer.running_mean, layer.running_var))
        assert remembered.startswith(f"{mean:g}, {var:g}{',' if CONVENTIONS[name].start == 0 else ''} ")


def test_pytorch_remembers_what_the_page_says():
    torch = pytest.importorskip("torch")
    layer = torch.nn.BatchNorm2d(1)
    layer(torch.tensor([[[[0.0, 2.0]]], [[[4.0, 10.0]]]]))
    assert (round(layer.running_mean.item(), 4), round(layer.running_var.item(), 4)) == (0.4, 2.7667)


@pytest.mark.quick
def test_every_row_of_the_lecture_has_tests():
    tested = {int(found[1]) for name in dir(lecture) if (found := re.match(r"test_row_(\d+)_", name))}
    listed = {int(number): asked for number, *_, asked in rows("lecture.md")}
    assert list(listed) == list(range(1, 22))
    assert tested == {number for number, asked in listed.items() if asked != "not shown yet"}


def ours(function, x):
    x = tg.tensor(np.array(x), requires_grad=True)
    function(x).sum().backward()
    return x.grad.tolist()


def theirs(function, x):
    torch = pytest.importorskip("torch")
    x = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    function(torch, x).sum().backward()
    return x.grad.tolist()


# a function of ours and its gradient, the same of PyTorch
CHOICES = {
    "maximum": (lambda x: x[:1].maximum(x[1:2]), lambda t, x: t.maximum(x[:1], x[1:2]), TIE, [0.5, 0.5, 0.0], ...),
    "amax": (lambda x: x.max(0), lambda t, x: x.amax(0), TIE, [0.5, 0.5, 0.0], ...),
    "max(dim)": (lambda x: x.max(0), lambda t, x: x.max(0).values, TIE, [0.5, 0.5, 0.0], [1.0, 0.0, 0.0]),
    "pooling": (
        lambda x: F.max_pool2d(x.reshape(1, 1, 2, 2), 2),
        lambda t, x: t.nn.functional.max_pool2d(x.reshape(1, 1, 2, 2), 2),
        [1.0, 1.0, 1.0, 1.0],
        [1.0, 0.0, 0.0, 0.0],
        ...,
    ),
    "relu": (F.relu, lambda t, x: x.relu(), [0.0], [0.0], ...),
    "abs": (abs, lambda t, x: x.abs(), [0.0], [0.0], ...),
    "norm": (lambda x: x.norm(), lambda t, x: x.norm(), [0.0, 0.0], [0.0, 0.0], ...),
    "a norm written out": (
        lambda x: x.norm(),
        lambda t, x: x.square().sum().sqrt(),
        [0.0, 0.0],
        [0.0, 0.0],
        [math.nan, math.nan],
    ),
    "clamp": (lambda x: x.clip(-1, 1), lambda t, x: x.clamp(-1, 1), [-1.0, 1.0], [1.0, 1.0], ...),
    "binary cross-entropy": (
        lambda x: F.binary_cross_entropy(x, tg.ones(1, dtype="float64")),
        lambda t, x: t.nn.functional.binary_cross_entropy(x, t.ones(1, dtype=x.dtype)),
        [0.0],
        [0.0],
        [-1.0 / float(np.float32(1e-12))],
    ),
    "cosine similarity": (
        lambda x: F.cosine_similarity(x, np.array([0.0, 1.0]), 0, 8.0),
        lambda t, x: t.cosine_similarity(x, t.tensor([0.0, 1.0], dtype=x.dtype), 0, 8.0),
        [3.0, 4.0],
        [0.0, 1 / 64],
        [-0.0046875, 0.009375],
    ),
    "hardtanh": (F.hardtanh, lambda t, x: t.nn.functional.hardtanh(x), [-1.0, 1.0], [0.0, 0.0], ...),
    "relu6": (F.relu6, lambda t, x: t.nn.functional.relu6(x), [0.0, 6.0], [0.0, 0.0], ...),
    "hardsigmoid": (F.hardsigmoid, lambda t, x: t.nn.functional.hardsigmoid(x), [-3.0, 3.0], [0.0, 0.0], ...),
    "hardswish": (F.hardswish, lambda t, x: t.nn.functional.hardswish(x), [-3.0, 3.0], [0.0, 1.0], ...),
    "grid_sample": (
        lambda x: F.grid_sample(ROW, tg.stack([x, 0.0 * x], 1).reshape(1, 1, 3, 2), "bilinear", "border", True),
        lambda t, x: t.nn.functional.grid_sample(
            t.tensor(ROW), t.stack([x, 0.0 * x], 1).reshape(1, 1, 3, 2), "bilinear", "border", True
        ),
        [-1.0, 0.5, 1.0],
        [0.0, 2.0, 0.0],
        ...,
    ),
    "logsumexp": (lambda x: x.logsumexp(0), lambda t, x: x.logsumexp(0), LOST, [0.0, 0.0], [math.nan, math.nan]),
    "where": (
        lambda x: tg.where(x > 0, x.sqrt(), x),
        lambda t, x: t.where(x > 0, x.sqrt(), x),
        [-1.0, 4.0],
        [1.0, 0.25],
        [math.nan, 0.25],
    ),
}


@pytest.mark.parametrize("name", CHOICES)
def test_choices_and_pytorchs(name):
    mine, yours, x, expected, other = CHOICES[name]
    np.testing.assert_array_equal(ours(mine, x), expected)
    np.testing.assert_array_equal(theirs(yours, x), expected if other is ... else other)


# ---------------------------------------------------------------- names

A = np.arange(1.0, 13.0).reshape(3, 4) ** 2
NAMES = {  # a call of ours, and of NumPy's and PyTorch's by the same name; None where there is none
    "`x.std()`, `x.var()`": (
        lambda x: (x.std(), x.var(1)),
        lambda x: (x.std(), x.var(1)),
        lambda x: (x.std(), x.var(1)),
    ),
    "`x.median()`": (lambda x: x.median(), np.median, lambda x: x.median()),
    "`x.sort()`": (lambda x: x.sort(), np.sort, lambda x: x.sort()),
    "`x.max(axis)`, `x.min(axis)`": (lambda x: x.max(1), lambda x: x.max(1), lambda x: x.max(1)),
    "`x.repeat(n, axis)`": (lambda x: x.repeat(2, 1), lambda x: x.repeat(2, 1), lambda x: x.repeat(2, 1)),
    "`x.split(n)`": (lambda x: x.split(3), lambda x: np.split(x, 3), lambda x: x.split(3)),
    "`x.transpose(1, 0)`": (
        lambda x: x[None].transpose(1, 0, 2),
        lambda x: x[None].transpose(1, 0, 2),
        lambda x: x.reshape(3, 2, 2).transpose(1, 0),
    ),
    "`meshgrid(a, b)`": (
        lambda x: tg.meshgrid(x[0], x[1, :2])[0],
        lambda x: np.meshgrid(x[0], x[1, :2])[0],
        lambda x: pytest.importorskip("torch").meshgrid(x[0], x[1, :2], indexing="ij")[0],
    ),
    "`x.topk(k)`": (lambda x: x.topk(2), None, lambda x: x.topk(2)),
}


def flat(results):
    """All numbers of a result, one by one, with its shapes."""
    parts = results if isinstance(results, (list, tuple)) else [results]
    return [(tuple(np.shape(part)), np.asarray(part).ravel().tolist()) for part in parts]


def test_every_name_is_run():
    assert [row[0] for row in rows("conventions.md", "## Names")] == list(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_followed_as_the_page_says(name):
    torch = pytest.importorskip("torch")
    ours, numpys, theirs = NAMES[name]
    found, other = flat(ours(tg.tensor(A))), flat(theirs(torch.tensor(A)))
    if numpys is None:
        assert found == other
        return
    wanted = flat(numpys(A))
    assert [shape for shape, _ in found] == [shape for shape, _ in wanted]
    for (_, y), (_, e) in zip(found, wanted, strict=True):
        np.testing.assert_allclose(y, e, 1e-14)
    assert wanted != other
