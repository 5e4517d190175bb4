"""The mathematics: which lines there are, what they are called, how they read as text and as LaTeX."""

from __future__ import annotations

import cProfile
import re

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import nn

pytestmark = pytest.mark.any_python


def zeros(*shape):
    return tg.zeros(*shape, dtype="float64")


def equations(d):
    """The lines without shapes and notes."""
    return [" ".join(line.rsplit("   ", 1)[0].split()) for line in str(d).split("\n\n")[0].splitlines()]


def test_batch_normalization_is_the_textbook_s():
    def batch_norm(x, gamma, beta):
        return F.batch_norm(x, weight=gamma, bias=beta, training=True)

    d = tg.derive(batch_norm, (zeros(4, 3, 2, 2), zeros(3), zeros(3)))
    assert equations(d) == [
        "forward",
        "μ = 1/16 · Σ_{n,h,w} x",
        "d = x - μ",
        "var = 1/16 · Σ_{n,h,w} d²",
        "t1 = √(var + 1e-05)",
        "scale = 1 / t1",
        "t2 = scale · γ",
        "y = d · t2 + β",
        "backward",
        "dβ = Σ_{n,h,w} dy",
        "dt2 = Σ_{n,h,w} (dy · d)",
        "dscale = dt2 · γ",
        "dγ = dt2 · scale",
        "dvar = -dscale · scale² / (2 · t1)",
        "dd = dy · t2 + 2/16 · dvar · d",
        "dμ = -dβ · t2",
        "dx = dd + 1/16 · dμ",
    ]
    assert {line.scope for line in d.lines} == {"batch_norm"}
    line = next(line for line in d.lines if line.name == "dvar")
    assert (line.part, line.of, line.shape, line.dtype) == ("backward", "var", (1, 3, 1, 1), "float64")
    assert re.fullmatch(r".*test_text\.py:\d+", line.source)
    assert line.latex == r"-\frac{d\mathrm{scale} \cdot {\mathrm{scale}}^{2}}{2 \cdot t_{1}}"


def test_the_formula_s_own_variables_give_the_names():
    def formula(x, gamma, beta):
        mu = x.mean(0, keepdims=True)
        var = (x - mu).square().mean(0, keepdims=True)
        xhat = (x - mu) / (var + 1e-5).sqrt()
        return gamma * xhat + beta

    d = tg.derive(formula, (zeros(8, 3), zeros(3), zeros(3)))
    assert [line.name for line in d.lines if line.part == "forward" and line.name[0] != "t"] == [
        "mu",
        "var",
        "xhat",
        "y",
    ]
    assert {"dbeta", "dgamma", "dxhat", "dvar", "dmu", "dx"} <= {line.name for line in d.lines}
    assert r"d\hat{x} &= dy \cdot \gamma" in d.latex()
    assert "dxhat = dy · γ" in equations(d) and "dγ = Σ_n (dy · xhat)" in equations(d)


def test_a_network_of_several_functions():
    labels = tg.tensor([1, 2, 0, 1])

    def net(x, w1, w2):
        h = F.relu(x @ w1)
        logits = h @ w2
        return F.cross_entropy(logits, labels)

    d = tg.derive(net, (zeros(4, 5), zeros(5, 6), zeros(6, 3)))
    lines = equations(d)
    assert "h = 0 where t1 ≤ 0, else t1" in lines and "dt1 = 0 where t1 ≤ 0, else dh" in lines
    assert "hot = index_d == labels" in lines and {"top = max_d logits", "z = logits - top"} <= set(lines)
    assert "dh = dlogits @ w2ᵀ" in lines or "dh = dz @ w2ᵀ" in lines
    assert {"cross_entropy", "cross_entropy.log_softmax", "relu", ""} >= {line.scope for line in d.lines}
    order = [line.name for line in d.lines if line.part == "backward"]
    assert order.index("dlogp") < order.index("dh") < order.index("dw1")


def test_a_module_speaks_of_its_parameters():
    d = tg.derive(nn.Linear(3, 2), tg.zeros(4, 3))
    assert equations(d) == ["forward", "y = x @ weightᵀ + bias", "backward", "dx = dy @ weight"]
    assert "def backward(dy, x, weight, bias):" in d.source()


def test_contractions_of_more_than_two_letters_are_indexed():
    d = tg.derive(lambda x, w: F.conv2d(x, w, padding=1), (zeros(2, 3, 4, 4), zeros(5, 3, 3, 3)))
    assert "y = Σ_{c,u,v} t1[n,c,i,j,u,v] · w[o,c,u,v]" in equations(d)
    assert r"\sum_{c,u,v} {t_{1}}_{ncijuv} \cdot {w}_{ocuv}" in d.latex()
    assert "t1 = windows(pad(x; border 1); 3×3)" in equations(d)


@pytest.mark.parametrize(
    "f, y, dx",
    [
        (lambda x: x * 1.0 + 0.0, "x", "dy"),
        (lambda x: 0.0 - (-x), "x", "dy"),
        (lambda x: x + x, "2 · x", "2 · dy"),
        (lambda x: (x.expand(2, 2, 3).sum((0, 1)) - x) * 2.0, "6 · x", "6 · dy"),
        (lambda x: x - x.mean() + x.mean(), "x", "dy"),
        (lambda x: (x - x.mean()).sum() + x.sum(), "Σ_i x", "dy"),
        (lambda x: x**1.0, "x", "dy"),
        (lambda x: -x * -x, "x²", "2 · dy · x"),
        (lambda x: x.square().mean(), "1/3 · Σ_i x²", "2/3 · dy · x"),
        (lambda x: (x * 2.0).reshape(1, 3).reshape(3), "2 · x", "2 · dy"),
        (lambda x: x.exp() / 3.0, "1/3 · t1", "1/3 · dy · t1"),
        (lambda x: 1.0 / x, "1 / x", "-dy · y²"),
        (lambda x: (x + 2.0).log().sqrt(), "√log(t1)", "dy / (2 · y · t1)"),
        (lambda x: x.abs(), "0 where x == 0, else (-x where x < 0, else x)", None),
    ],
)
def test_small_formulas(f, y, dx):
    lines = {line.name: line.text for line in tg.derive(f, zeros(3)).lines}
    assert lines["y"] == y and (dx is None or lines["dx"] == dx)


def test_greek_odd_and_clashing_names():
    d = tg.derive(lambda λ, lambda_: λ * lambda_, (zeros(3), zeros(3)))
    assert d.lines[0].name == "y" and r"\lambda" in d.latex()
    d = tg.derive(lambda dx, x, y: dx * x * y, (zeros(3), zeros(3), zeros(3)))
    names = [line.name for line in d.lines]
    assert len(set(names)) == len(names) and "z" in names
    assert "def backward(dz, dx, x, y):" in d.source()
    d = tg.derive(lambda *xs: xs[0] * xs[1], (zeros(3), zeros(3)))
    assert "def forward(xs0, xs1):" in d.source()
    d = tg.derive(lambda np, times: np * times.sum(), (zeros(3), zeros(3)))
    world = {}
    exec(d.source(), world)
    assert world["forward"](np.full(3, 2.0), np.ones(3)).tolist() == [6.0] * 3


def test_keyword_parameters_and_what_is_closed_over():
    w, shift = zeros(3, 2), zeros(2)

    def f(x, *, scale=2.0):
        return (x @ w) * scale + shift

    source = tg.derive(f, zeros(4, 3)).source()
    assert "def forward(x, w, shift):" in source and "def backward(dy, x, w, shift):" in source


def test_notes_say_how_to_read_it():
    d = tg.derive(lambda x: F.batch_norm(x, training=True), zeros(4, 3))
    axes, zero, checks = d.notes
    assert axes.startswith("axes are called n d") and "times" in zero and "assumed" in checks
    assert not tg.derive(lambda x: x + 1.0, zeros(3)).notes
    assert "\n\naxes" in str(d) and repr(d) == f"<derivation by x in {len(d.lines)} lines>"


def test_latex_is_balanced():
    d = tg.derive(lambda x: F.softplus(F.max_pool2d(x, 2)).sum() * 1e-7, zeros(1, 2, 4, 4))
    text = d.latex()
    assert text.startswith("\\begin{aligned}") and text.count("\\begin{") == text.count("\\end{")
    assert text.count("{") == text.count("}") and text.count("\\left") == text.count("\\right")
    assert r"\begin{cases}" in text and r"\max_{u,v}" in text and "·" not in text
    assert d._repr_latex_() == f"$\\displaystyle {text}$"


def test_a_common_expression_has_one_line():
    d = tg.derive(lambda x: x.exp() * x.exp().sum() + x.exp(), zeros(3))
    assert sum("exp(" in line.text for line in d.lines) == 1
    assert d.source().count("np.exp(") == 2  # once in each function


def test_scopes_and_sources_of_lines():
    d = tg.derive(lambda x: F.softmax(F.relu(x * 2.0)), zeros(2, 3))
    scopes = {line.name: line.scope for line in d.lines}
    assert scopes["e"] == scopes["de"] == "softmax" and scopes["y"] == "softmax"
    assert all(line.source.rpartition(":")[0].endswith("test_text.py") for line in d.lines if line.name in ("e", "de"))


def test_constants_and_identities_have_lines():
    d = tg.derive(lambda x: (x, x - x), zeros(3))
    assert equations(d) == ["forward", "y0 = x", "y1 = 0", "backward", "dx = dy0"]
    world = {}
    exec(d.source(), world)
    y0, y1 = world["forward"](np.ones(3))
    assert y0.tolist() == [1, 1, 1] and y1.tolist() == [0, 0, 0]
    assert world["backward"](np.full(3, 2.0), np.ones(3), np.ones(3)).tolist() == [2, 2, 2]


def test_a_profiler_that_runs_goes_on():
    """At worst the names of variables are not seen."""
    profiler = cProfile.Profile()
    profiler.enable()
    lines = tg.derive(F.softmax, zeros(2, 3)).lines
    assert profiler.getstats()
    profiler.disable()
    seen = {("top", "max_d input")}, {(name, "exp(input - max_d input)") for name in ("e", "t1")}  # or not
    assert lines[-1].name == "dinput" and (lines[0].name, lines[0].text) in set.union(*seen)
