"""Functions and lambdas are found where they are written."""

import ast

import pytest

from tinygrad_cv.core.primitive import Vjp
from tinygrad_cv.ops import PRIMITIVES
from tinygrad_cv.viz.derivatives import vjp_text
from tinygrad_cv.viz.source import source

pytestmark = pytest.mark.any_python

twice, negated = (lambda x: x + x), (lambda x: -x)


def decorated(function):
    return function


@decorated
def named(x):
    return x


def test_lambdas_on_one_line_are_told_apart():
    assert [ast.unparse(source(f).tree) for f in (twice, negated)] == ["lambda x: x + x", "lambda x: -x"]


def test_a_function_is_found_below_its_decorators():
    assert source(named).tree.name == "named"


def test_every_vjp_is_found_and_has_its_own_text():
    for primitive in PRIMITIVES.values():
        for vjp in filter(None, primitive.vjps):
            assert [argument.arg for argument in source(vjp.function).tree.args.args][:1] == ["g"]
    assert [vjp_text(vjp) for vjp in PRIMITIVES["mul"].vjps] == ["g.times(b)", "g.times(a)"]
    assert vjp_text(PRIMITIVES["sub"].vjps[1]) == "-g"


def test_what_has_no_source_is_shown_as_a_call():
    made = eval("lambda g, y: g * y")
    for function in (made, len):
        with pytest.raises(LookupError):
            source(function)
    assert vjp_text(Vjp(made, ())) == "lambda(g, y)"
    assert vjp_text(Vjp(named, ())) == "named(x)"
