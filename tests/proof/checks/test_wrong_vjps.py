"""Each kind of check finds the mistakes that it is there for, and says what they are."""

import numpy as np
import pytest

from tests.primitives.table import ROWS
from tests.proof.checks import adjoint, jacobian, large, precision, primitive, symbolic
from tests.proof.planting import wrong
from tinygrad_cv.frontend.tensor import Tensor
from tinygrad_cv.ops import PRIMITIVES
from tinygrad_cv.ops.contraction import transposed

any_python = pytest.mark.any_python


def problems(outcomes):
    return [outcome for outcome in outcomes if not outcome.holds]


def with_elements(name):
    return [case for case in ROWS[name].cases if case.kind != "no element"]


FORMULAS = [
    ("exp", 0, lambda g: g),
    ("sqrt", 0, lambda g, y: g.times(0.5 / y + 1e-9)),
    ("tanh", 0, lambda g, y: g.times(1.0 - y)),
    ("erf", 0, lambda g, x: g.times(1.1283791670955128 * (-x.square()).exp())),  # one unit in the last place
    ("square", 0, lambda g, x: g.square().times(x)),
    ("pow", 0, lambda g, a, b: g.times(b).times(a**b)),
    ("pow", 1, lambda g, y: g.times(y)),
    ("maximum", 0, lambda g, a, b: (a < b).where(0.0, g)),  # a tie: all to a
    ("times", 0, lambda g, a, b: g.times((a == 0.0).where(0.0, b))),
    ("where", 1, lambda g, c: c.where(0.0, g)),
    ("log", 0, None),
    ("cos", 0, lambda g, x: 1 / 0),
    ("sin", 0, lambda g, x: g.times(x.detach().cos())),
    ("neg", 0, lambda g: (g > 0.0).where(-g, -g)),
]


@pytest.mark.parametrize(("name", "index", "vjp"), FORMULAS)
def test_formulas_differ(name, index, vjp):
    assert not problems(symbolic.outcomes(name))
    with wrong(name, index, vjp):
        found = problems(symbolic.outcomes(name))
    assert found and all(outcome.subject == name and outcome.check == "symbolic" for outcome in found)


@any_python
def test_a_problem_shows_both_formulas_and_the_part_of_the_domain():
    with wrong("maximum", 0, lambda g, a, b: (a < b).where(0.0, g)):
        (found,) = problems(symbolic.outcomes("maximum"))
    assert found.case == "∂y/∂a, a = b"
    assert found.problem == "the VJP is g, the derivative of the definition g/2"


def test_a_definition_that_is_not_the_primitives_is_found(monkeypatch):
    monkeypatch.setattr(PRIMITIVES["exp"], "eval", lambda x: np.exp(x) * (1 + 2.0**-50))
    (found,) = problems(symbolic.outcomes("exp"))
    assert found.case == "definition, everywhere" and found.error > 1


ADJOINTS = [
    ("neg", 0, lambda g: g),
    ("mul", 1, lambda g, b: g.times(b)),
    ("reshape", 0, lambda g, x_shape: g.flip(tuple(range(g.ndim))).reshape(x_shape)),
    ("permute", 0, lambda g, axes: g.permute(axes)),
    ("expand", 0, lambda g, x_shape: g.sum_to(x_shape) * (1 + 2.0**-52)),
    ("pad", 0, lambda g, x_shape: g.slice((0,) * g.ndim, x_shape)),
    ("slice", 0, lambda g, x_shape, start: g.pad([(a, n - a - m) for a, n, m in zip(start, x_shape, g.shape)])),  # noqa: B905
    ("flip", 0, lambda g: g),
    ("concatenate", 0, lambda g, shapes: g.slice((0,) * g.ndim, shapes[0])),
    ("windows", 0, lambda g, x_shape, stride, kernel: g.fold(stride, (1,) * len(kernel), x_shape[-len(kernel) :])),
    ("sum", 0, lambda g, x_shape: g.square().expand(x_shape)),  # right for cotangents of 0 and 1
    ("sum", 0, lambda g: g),
    ("cumsum", 0, lambda g, axis: g.cumsum(axis)),
    ("gather", 0, lambda g, x_shape, index: g.scatter_add(index, x_shape[0] + 1)),
    ("scatter_add", 0, None),
    ("contract", 1, lambda g, a, spec: (a * 1.0).contract(g.cos(), transposed(spec, 1))),
    ("max", 0, lambda g, y, x, axis, ties: (x == y).where(g.expand(x.shape), 0.0)),  # a tie: all to each
    ("cast", 0, lambda g: g),
]


@pytest.mark.parametrize(("name", "index", "vjp"), ADJOINTS)
def test_matrices_are_not_transposes(name, index, vjp):
    assert not problems(adjoint.outcomes(name))
    with wrong(name, index, vjp):
        found = problems(adjoint.outcomes(name))
    assert found and all(outcome.subject == name and outcome.check == "adjoint" for outcome in found)


@any_python
def test_a_primitive_that_is_not_linear_is_no_matrix(monkeypatch):
    monkeypatch.setattr(PRIMITIVES["cumsum"], "eval", lambda x, axis: np.cumsum(np.square(x), axis))
    assert any(outcome.problem == "the map is not linear" for outcome in problems(adjoint.outcomes("cumsum")))


@pytest.mark.parametrize("name", ["exp", "max", "contract", "div"])
def test_jacobians_of_a_wrong_first_derivative(name):
    function = PRIMITIVES[name].vjp(0).function
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    scaled = eval(f"lambda {', '.join(names)}: f({', '.join(names)}) * (1 + 1e-12)", {"f": function})
    with wrong(name, 0, scaled):
        found = problems(jacobian.outcomes(name, part=True))
    assert any(outcome.case.startswith("order 1, C, 3-d") and outcome.error > 1 for outcome in found)


def test_jacobians_of_a_right_first_and_a_wrong_second_derivative():
    with wrong("exp", 0, lambda g, y: g.times(y.detach())):
        found = problems(jacobian.outcomes("exp", part=True))
    assert {outcome.case[:7] for outcome in found} == {"order 2"} and len(found) >= 10


@any_python
def test_a_gradient_that_depends_on_the_memory_layout():
    def by_memory(g):
        return Tensor._new(-g.value.ravel(order="K").reshape(g.shape))

    with wrong("neg", 0, by_memory):
        found = [outcome.case.split(", ")[:2] for outcome in problems(jacobian.outcomes("neg"))]
    layouts = {layout for order, layout in found if order == "order 1"}
    assert layouts == {"Fortran", "transposed", "channels last"}


@pytest.mark.parametrize(
    ("vjp", "words"),
    [
        (lambda g: (-g).astype("float32"), "dtype float32"),
        (lambda g: -g.reshape(1, *g.shape), "the input"),
        (lambda g: 1 / 0, "ZeroDivisionError: division by zero"),
    ],
)
def test_a_gradient_of_another_dtype_or_shape_or_none_at_all(vjp, words):
    with wrong("neg", 0, vjp):
        found = problems(jacobian.outcomes("neg", part=True))
    assert found and all(words in outcome.problem for outcome in found)


def test_a_gradient_that_loses_digits_in_float32():
    with wrong("neg", 0, lambda g: -g if g.dtype == np.float64 else (-g).astype("float16").astype("float32")):
        assert not problems(jacobian.outcomes("neg", part=True))
        assert len(problems(precision.outcomes("neg"))) == len(with_elements("neg"))


@any_python
def test_what_has_no_vjp_is_constant():
    assert not problems(jacobian.outcomes("floor"))
    with wrong("square", 0, None):
        found = problems(jacobian.outcomes("square"))
    assert len(found) == len(with_elements("square")) and all(
        "the value changes" in outcome.problem for outcome in found
    )


@pytest.mark.parametrize("name", ["exp", "windows", "max"])
def test_all_checks_of_a_primitive_begin_with_the_decisive_ones(name):
    function = PRIMITIVES[name].vjp(0).function
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    negated = eval(f"lambda {', '.join(names)}: -f({', '.join(names)})", {"f": function})
    with wrong(name, 0, negated):
        assert not next(primitive.checks(name)).holds


@pytest.mark.parametrize(
    ("name", "index", "vjp"),
    [
        ("where", 1, lambda g, c: c.where(g, 0.0) if g.size < 4096 else g),
        ("sum", 0, lambda g, x_shape: g.expand(x_shape) * (1.0 if np.prod(x_shape) < 4096 else 1.5)),
        ("exp", 0, lambda g, y: g.times(y) if g.size < 4096 else g.times(y).flip((0,))),
    ],
)
def test_large_arrays_that_are_computed_in_another_way(name, index, vjp):
    assert not problems(large.outcomes(name))
    with wrong(name, index, vjp):
        assert problems(large.outcomes(name))
        assert not problems(adjoint.outcomes(name))


def test_a_convolution_whose_backward_pass_is_fused(monkeypatch):
    assert not problems(large.convolution())
    joint = PRIMITIVES["windows"].joint
    vjp = joint["contract"]
    monkeypatch.setitem(joint, "contract", lambda *args: 2 * vjp(*args))
    assert {outcome.case for outcome in problems(large.convolution())} == {"padding 1, input 0", "padding 0, input 0"}
