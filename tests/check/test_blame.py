"""The first wrong operation is named: primitives, custom functions, and values that left the graph."""

import re
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import nn
from tinygrad_cv.ops import PRIMITIVES

quick = pytest.mark.quick


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


@contextmanager
def planted(name, place, change):
    """A primitive whose VJP of one input gives ``change(what it should)``."""
    primitive = PRIMITIVES[name]
    right = primitive.vjps
    vjp = right[place]
    wrong = vjp._replace(function=lambda *args: change(vjp.function(*args)))
    primitive.vjps = tuple(wrong if i == place else v for i, v in enumerate(right))
    try:
        yield
    finally:
        primitive.vjps = right


class Forgets(tg.CustomFunction):
    """x exp(k x), with a backward that forgets the product rule."""

    @staticmethod
    def forward(ctx, x, k):
        ctx.save_for_backward(x)
        ctx.k = k
        return x * (k * x).exp()

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * (ctx.k * x).exp()


def convolution(x, w):
    return F.max_pool2d(F.batch_norm(F.conv2d(x, w, padding=1), training=True).relu(), 2)


IMAGES = [normal(1, 1, 4, 4), normal(2, 1, 3, 3, seed=1)]


@pytest.mark.parametrize(
    "name, place, path",
    [("contract", 0, "conv2d"), ("contract", 1, "conv2d"), ("windows", 0, "conv2d"), ("square", 0, "batch_norm")],
)
def test_a_wrong_primitive_in_a_composition_is_named(name, place, path):
    with planted(name, place, lambda g: 1.5 * g):
        report = tg.gradcheck(convolution, IMAGES)
    assert report.verdict == "wrong"
    assert report.blame.primitive == name
    assert path in report.blame.module
    assert re.search(r"test_blame\.py:\d+$", report.blame.source)
    np.testing.assert_allclose(report.blame.analytic, 1.5 * report.blame.numeric, rtol=1e-6)
    assert report.blame.operand == f"operand {PRIMITIVES[name].inputs[place]}"


def test_a_module_path_is_named():
    model = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.BatchNorm1d(3), nn.Sigmoid()), nn.Flatten())
    with planted("exp", 0, lambda g: -g):
        report = tg.gradcheck(model, normal(4, 2))
    assert report.blame.primitive == "exp" and report.blame.module == "Sequential.1.1/sigmoid"


def test_a_mistake_of_second_order_is_named_where_the_first_is_right():
    with planted("square", 0, lambda g: g.detach()):
        report = tg.gradcheck(lambda x: (x.square() * x.exp()).sum(0), normal(3, 2), order=2)
    assert [e.verdict for e in report.inputs if e.order == 1] == ["correct"]
    assert report.verdict == "wrong" and report.blame.primitive == "square" and report.blame.order == 2


@quick
def test_a_custom_function_is_named():
    report = tg.gradcheck(lambda x: F.softmax(Forgets.apply(x, 0.5)), normal(2, 3))
    assert report.blame.primitive == "Forgets" and "Forgets.apply(x0, 0.5)" in report.blame.reproduction


def test_what_was_detached_is_named():
    def f(x):
        d = x - x.mean(0).detach()
        return F.softmax(d / (d.square().mean(0) + 1e-5).sqrt())

    report = tg.gradcheck(f, normal(4, 3))
    assert report.blame.cut and report.blame.primitive == "sub" and report.blame.operand == "operand b"
    assert "came into the graph as a constant" in str(report)


def test_nobody_is_to_blame_where_all_is_right():
    assert tg.gradcheck(convolution, IMAGES).blame is None
    assert tg.gradcheck(np.square, normal(2), backward=lambda g, x: g * x).blame is None


@pytest.mark.parametrize("f, inputs", [(lambda x: x.exp() * x, [normal(40, 3)]), (convolution, IMAGES)])
def test_the_reproduction_is_small_and_fails_by_itself(f, inputs, tmp_path):
    name, place = ("exp", 0) if len(inputs) == 1 else ("contract", 1)
    with planted(name, place, lambda g: -g):
        source = tg.gradcheck(f, inputs).blame.reproduction
    assert "normal(size" not in source and len(source) < 600
    head = f"from tinygrad_cv.ops import PRIMITIVES as P\np = P['{name}']\nv = p.vjps[{place}]\n"
    plant = (
        f"p.vjps = tuple(v._replace(function=lambda *a: -v.function(*a)) if i == {place} else w "
        "for i, w in enumerate(p.vjps))\n"
    )
    wrong = subprocess.run([sys.executable, "-c", head + plant + source], capture_output=True, text=True, check=True)
    right = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert wrong.stdout.startswith("gradcheck: wrong") and right.stdout.startswith("gradcheck: correct")
