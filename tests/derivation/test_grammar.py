"""Terms in both notations: the same nesting, parentheses where a part binds more weakly than what is around it."""

from __future__ import annotations

import pytest

from tinygrad_cv.derivation import terms as t
from tinygrad_cv.derivation.formulas import Text
from tinygrad_cv.derivation.latex import Latex

pytestmark = pytest.mark.any_python

A, B = t.Symbol("a"), t.Symbol("b")
SUM = t.Sum(((1, A), (-1, B)))
TOTAL = t.Over("Σ", "n", A)
CASES = [
    (t.Sum(((-1, SUM),)), "-(a - b)", r"-\left(a - b\right)"),
    (t.Product(-1, ("2", "3"), (A, SUM), ()), "-2/3 · a · (a - b)", r"-\frac{2}{3} \cdot a \cdot \left(a - b\right)"),
    (t.Product(1, ("2", "3"), (A,), (B,)), "2 · a / (3 · b)", r"\frac{2 \cdot a}{3 \cdot b}"),
    (t.Product(1, ("", ""), (), (SUM,)), "1 / (a - b)", r"\frac{1}{\left(a - b\right)}"),
    (t.Product(1, ("", ""), (A, TOTAL), ()), "a · Σ_n a", r"a \cdot \sum_{n} a"),
    (t.Product(1, ("", ""), (TOTAL, A), ()), "(Σ_n a) · a", r"\left(\sum_{n} a\right) \cdot a"),
    (t.Power(SUM, t.Number("2")), "(a - b)²", r"{\left(a - b\right)}^{2}"),
    (t.Power(A, SUM), "a^(a - b)", "{a}^{a - b}"),
    (t.Power(t.Call("sqrt", (A,)), t.Number("3")), "(√a)³", r"{\sqrt{a}}^{3}"),
    (t.Power(t.Transposed(A), t.Number("2")), "aᵀ²", r"{\left({a}^{\top}\right)}^{2}"),
    (t.Part(SUM, (A, t.Number(":"))), "(a - b)[a, :]", r"\left(a - b\right)\left[a, :\right]"),
    (t.Not(t.Relation("≤", A, SUM)), "not (a ≤ a - b)", r"\neg \left(a \le a - b\right)"),
    (t.MatMul(SUM, B, (True, False)), "(a - b)ᵀ @ b", r"{\left(a - b\right)}^{\top} \, b"),
    (t.Contraction("k", A, B, ("ik", "kj")), "Σ_k a[i,k] · b[k,j]", r"\sum_{k} {a}_{ik} \cdot {b}_{kj}"),
    (t.Contraction("", A, B, ("i", "j")), "a[i] · b[j]", r"{a}_{i} \cdot {b}_{j}"),
    (t.Call("cast", (A,), "2×3"), "cast(a; 2×3)", r"\mathrm{cast}\left(a,\, \text{2$\times$3}\right)"),
    (t.Product(1, ("", ""), (A, t.Choice(B, A, B)), ()), "a · (a where b, else b)", None),
    (t.Index("uv"), "index_uv", r"\mathrm{index}_{uv}"),
]


@pytest.mark.parametrize("term, text, latex", CASES, ids=[text for _, text, _ in CASES])
def test_terms_in_both_notations(term, text, latex):
    assert Text().write(term) == text
    assert latex is None or Latex().write(term) == latex


def test_every_kind_of_term_is_among_them():
    def kinds(part):
        if isinstance(part, t.Term):
            yield type(part)
            part = tuple(vars(part).values())
        for inner in part if isinstance(part, tuple) else ():
            yield from kinds(inner)

    assert {kind for term, _, _ in CASES for kind in kinds(term)} == set(t.Term.__subclasses__())


def test_what_is_no_term_is_refused():
    with pytest.raises(TypeError, match="Term has no notation"):
        Text().write(t.Term())
