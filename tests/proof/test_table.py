"""Outcomes as tables."""

import pytest

from tests.proof import table
from tests.proof.outcome import Outcome, Wrong, attempt

pytestmark = pytest.mark.any_python

OUTCOMES = [
    Outcome("exp", "symbolic", "everywhere"),
    Outcome("exp", "jacobian", "C", error=0.123),
    Outcome("exp", "jacobian", "Fortran", "entry 0 is 1,\nnot 2", 7.0),
    Outcome("sum", "adjoint", "vector"),
]


def test_one_row_a_subject_and_one_column_a_kind_of_check():
    rows = table.table(OUTCOMES, ("symbolic", "adjoint", "float32"), "primitive")
    assert rows == [
        ["primitive", "symbolic", "adjoint", "jacobian", "largest error"],
        ["exp", "1", "-", "1 of 2 WRONG", "7e+02 %"],
        ["sum", "-", "1", "-", "0"],
    ]


def test_text_is_aligned():
    lines = table.text([["a", "b"], ["long", "1"]]).splitlines()
    assert lines == ["a     b", "-------", "long  1"]


def test_markdown_is_a_table():
    lines = table.markdown([["a", "b", "c"], ["x", "1", "2"]]).splitlines()
    assert lines == ["| a | b | c |", "| --- | ---: | ---: |", "| x | 1 | 2 |"]


def test_problems_are_lines():
    assert table.problems(OUTCOMES) == ["exp, jacobian, Fortran: entry 0 is 1, not 2"]


def test_whatever_a_check_raises_is_a_problem():
    def fails(error):
        raise error

    assert attempt("a", "b", "c", float, 0.5) == Outcome("a", "b", "c", error=0.5)
    assert attempt("a", "b", "c", fails, Wrong("so", 2.0)) == Outcome("a", "b", "c", "so", 2.0)
    assert attempt("a", "b", "c", fails, KeyError("k")) == Outcome("a", "b", "c", "KeyError: 'k'")
