"""Right gradients of waves and beside large numbers are called right, and wrong ones wrong, while digits are left."""

import json

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv.check.input_report import gravest

any_python = pytest.mark.any_python


def times(factor):
    """The identity, with a gradient that is so many times too large."""

    class Times(tg.CustomFunction):
        @staticmethod
        def forward(ctx, x):
            return x * 1.0

        @staticmethod
        def backward(ctx, g):
            return factor * g

    return Times.apply


TOO_LARGE, SIGN, DROPPED = times(1.01), times(-1.0), times(0.0)


def told(f, x):
    """Both verdicts: of f, and of f with a gradient that is a hundredth too large."""
    return [tg.gradcheck(g, x).verdict for g in (f, lambda x: TOO_LARGE(f(x)))]


@any_python
def test_a_steep_sine_and_a_layer_norm_at_a_large_mean():
    rng = np.random.default_rng(0)
    assert told(lambda x: (1e7 * x).sin(), rng.uniform(0.5, 1.5, 4)) == ["correct", "wrong"]
    assert told(lambda x: F.layer_norm(x, (6,)), 1e8 + rng.normal(size=(2, 6))) == ["correct", "wrong"]


@pytest.mark.usefixtures("verdicts_only")
@pytest.mark.parametrize("size", [1e-3, 1e3])
@pytest.mark.parametrize("cycles", [-8, -2, 4, 8, 10])
def test_waves_of_any_length(size, cycles):
    """sin(k x) with so many powers of ten of radians in x"""
    x = size * np.random.default_rng(0).uniform(0.5, 1.5, 3)
    assert told(lambda x: (x * (10.0**cycles / size)).sin(), x) == ["correct", "wrong"]


FUNCTIONS = {
    "layer_norm": (lambda x: F.layer_norm(x, (5,)), (1, 5)),
    "batch_norm": (lambda x: F.batch_norm(x, training=True), (5, 1)),
    "var": (lambda x: x.var(0), (5, 2)),
    "softmax": (F.softmax, (1, 4)),
    "logsumexp": (lambda x: x.logsumexp(1), (1, 4)),
    "cross_entropy": (lambda x: F.cross_entropy(x, np.array([0, 1])), (2, 3)),
}


@pytest.mark.usefixtures("verdicts_only")
@pytest.mark.parametrize("mean", [1e1, 1e9])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_that_subtract_large_numbers(name, mean):
    f, shape = FUNCTIONS[name]
    assert told(f, mean + np.random.default_rng(0).normal(size=shape)) == ["correct", "wrong"]


BEYOND = {
    "sin": (lambda x, size: (10.0**size * x).sin(), lambda rng, size: rng.uniform(0.5, 1.5, 3)),
    "layer_norm": (lambda x, size: F.layer_norm(x, (5,)), lambda rng, size: 10.0**size + rng.normal(size=(1, 5))),
    "std": (lambda x, size: x.std(0), lambda rng, size: 10.0**size + rng.normal(size=(5, 1))),
    "logsumexp": (lambda x, size: x.logsumexp(0), lambda rng, size: 10.0**size + rng.normal(size=4)),
}


@pytest.mark.usefixtures("verdicts_only")
@pytest.mark.parametrize("size", [9, 12, 15])
@pytest.mark.parametrize("name", BEYOND)
def test_where_digits_run_out_nothing_false_is_said(name, size):
    """Of a right gradient never that it is wrong or not there, and of a wrong one never that it is right.

    Above 1e15 all elements are equal, see below.
    """
    f, inputs = BEYOND[name]
    x = inputs(np.random.default_rng(0), size)
    right = tg.gradcheck(lambda x: f(x, size), x)
    wrong = [tg.gradcheck(lambda x, cut=cut: cut(f(x, size)), x).verdict for cut in (TOO_LARGE, SIGN)]
    assert right.verdict in ("correct", "ill-conditioned"), right
    assert set(wrong) <= {"wrong", "ill-conditioned"}
    if size == 9:
        assert right and set(wrong) == {"wrong"}
    if size == 15:
        assert right.verdict == "ill-conditioned" and not right


@pytest.mark.usefixtures("verdicts_only")
@pytest.mark.parametrize("name", BEYOND)
def test_elements_that_a_large_mean_makes_equal(name):
    """std has a kink there, and a logsumexp whose steps are 16 at least is a maximum; nothing is right or wrong."""
    f, inputs = BEYOND[name]
    x = inputs(np.random.default_rng(0), 17)
    reports = [tg.gradcheck(lambda x, cut=cut: cut(f(x, 17)), x) for cut in (times(1.0), TOO_LARGE, SIGN)]
    kink = name in ("std", "logsumexp")
    assert {report.verdict for report in reports} == {"not differentiable" if kink else "ill-conditioned"}
    assert ("are 1e+17, where floats are 16 apart" in str(reports[0])) == (name != "sin")


SCALED = {
    "sin": lambda x: x.sin(),
    "batch_norm": lambda x: F.batch_norm(x, training=True),
    "relu": lambda x: x.relu(),
}


@pytest.mark.usefixtures("verdicts_only")
@pytest.mark.parametrize("name", SCALED)
@pytest.mark.parametrize("scale", [1e-310, 1e150])
def test_scaled_functions(name, scale):
    x = np.random.default_rng(0).normal(size=(2, 3))
    assert told(lambda x: SCALED[name](x) * scale, x) == ["correct", "wrong"]
    if abs(np.log10(scale)) <= 150:
        assert told(lambda x: SCALED[name](x / scale), x * scale) == ["correct", "wrong"]


@any_python
@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_directions_of_scaled_functions(scale):
    """The squares of their errors underflow, and overflow."""
    x = np.random.default_rng(0).normal(size=1001)
    assert told(lambda x: x.sin() * scale, x) == ["correct", "wrong"]


@pytest.mark.usefixtures("verdicts_only")
@pytest.mark.parametrize("scale", [1e-316, 1e-319, 1e-322])
def test_subnormal_numbers_have_few_digits(scale):
    x = np.random.default_rng(0).normal(size=(2, 3))
    verdicts = [tg.gradcheck(lambda x, cut=cut: cut(x.sin() * scale), x).verdict for cut in (times(1.0), SIGN)]
    few = ["correct", "wrong"] if scale == 1e-316 else ["ill-conditioned", "wrong"]
    assert verdicts == (few if scale > 1e-322 else ["ill-conditioned"] * 2)


@pytest.mark.parametrize("scale, few", [(1e-38, False), (1e-44, True)])
@pytest.mark.parametrize("wide", [False, True])
def test_subnormal_numbers_of_a_float32_inside(scale, few, wide):
    def f(x):
        y = x.astype("float32").sin() * scale
        return y.astype("float64") if wide else y

    right, wrong = told(f, np.random.default_rng(0).normal(size=(2, 3)))
    assert (right, wrong) == (("ill-conditioned",) * 2 if few else ("correct", "wrong"))


@any_python
@pytest.mark.parametrize("size", [158, 162])
def test_second_derivatives_that_underflow(size):
    """Those of a normalization are of size 1e-2 size: 1e-320 has four digits, 1e-324 none."""
    x = 10.0**size * np.random.default_rng(0).normal(size=(1, 4))
    report = tg.gradcheck(lambda x: F.layer_norm(x, 4), x, order=2)
    assert report.inputs[0].verdict == report.inputs[2].verdict == "correct", report
    assert report.inputs[1].verdict == ("correct" if size < 160 else "ill-conditioned"), report
    wrong = tg.gradcheck(lambda x: SIGN(F.layer_norm(x, 4)), x)
    assert wrong.verdict == "wrong" and wrong.blame.primitive == SIGN.__self__.__name__


@any_python
def test_a_subnormal_input_and_a_step_that_moves_it():
    assert tg.gradcheck(lambda x: x * 1e300, np.array([1e-322, 3e-322])).verdict in ("correct", "ill-conditioned")


@any_python
def test_complex_numbers_that_underflow_bear_no_witness():
    assert "mul underflows in complex numbers" in tg.gradcheck(lambda x: x.sin() * 1e-300, np.ones(2)).witness


@any_python
def test_a_report_says_that_digits_ran_out_and_what_helps():
    f, inputs = BEYOND["sin"]
    report = tg.gradcheck(lambda x: f(x, 16), inputs(np.random.default_rng(0), 16))
    text = str(report)
    assert report.verdict == report.inputs[0].verdict == "ill-conditioned" and not report
    assert "(3 of 3 ill-conditioned)" in text and "leaves no digit of this gradient" in text
    assert "neither right nor wrong" in text and "to check it: inputs nearer to 0" in text and "complex step" in text
    assert "units in which nothing underflows" in text
    assert "Taylor" not in text and "to blame" not in text
    assert json.loads(report.json())["inputs"][0]["ill_conditioned"] == 3


@any_python
def test_the_gravest_of_several_verdicts_is_that_of_all():
    order = ["wrong", "not differentiable", "ill-conditioned", "correct"]
    assert [gravest(order[k:][::-1]) for k in range(4)] == order


@any_python
@pytest.mark.parametrize("power", [8, 10, 12, 16])
def test_steps_do_not_skip_whole_waves(power):
    """sin(2 pi 2^k x) of positional encodings: steps that are powers of two would see a constant."""
    f = lambda x: (2 * np.pi * 2.0**power * x).sin()  # noqa: E731
    x = np.random.default_rng(0).uniform(0.5, 1.5, 2)
    assert tg.gradcheck(f, x)
    assert tg.gradcheck(lambda x: DROPPED(f(x)), x).verdict == "wrong"


@any_python
def test_two_calls_an_element_are_enough_between_the_kinks_of_a_network():
    calls = []
    w = tg.tensor(np.random.default_rng(1).normal(size=(3, 3)))

    def f(x):
        calls.append(1)
        return (x @ w).relu() @ w

    x = np.random.default_rng(0).normal(size=(20, 3))
    assert tg.gradcheck(f, x)
    assert len(calls) < 5 * x.size  # with those for the noise; four more an element where f is curved
    assert not tg.gradcheck(lambda x: times(1 + 1e-8)(f(x)), x)
