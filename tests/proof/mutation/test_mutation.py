"""Mutants: that they are made and planted as they should be, and that the proof and gradcheck find them."""

import dataclasses

import numpy as np
import pytest

pytest.importorskip("sympy")
pytest.importorskip("mpmath")

import tinygrad_cv as tg
from tests.primitives.table import ROWS
from tests.proof.mutation import gradchecks, judging
from tests.proof.mutation.compositions import MAKERS, Composition, Step, composition
from tests.proof.mutation.mutants import Mutant, mutants, planted, reason
from tests.proof.mutation.mutators import MUTATORS
from tests.proof.mutation.surroundings import surrounded
from tests.proof.mutation.syntax import syntax
from tests.proof.outcome import Outcome
from tinygrad_cv.ops import PRIMITIVES

any_python = pytest.mark.any_python


def find(primitive: str, change: str) -> Mutant:
    (found,) = (mutant for mutant in mutants() if mutant.primitive == primitive and mutant.change == change)
    return found


def gradient(name: str, x: float) -> float:
    t = tg.tensor(np.array(x), requires_grad=True)
    return tg.grad(getattr(t, name)(), t).item()


# ---------------------------------------------------------------- made


@any_python
def test_there_are_hundreds_of_every_kind():
    made = mutants()
    assert len(made) >= 300
    assert {mutant.operator for mutant in made} == {*MUTATORS, "another value read", "left out"}
    for primitive in PRIMITIVES.values():
        for index, vjp in enumerate(primitive.vjps):
            texts = [m.source for m in made if (m.primitive, m.index) == (primitive.name, index)]
            assert len(texts) == len(set(texts)) and (len(texts) >= 5) == (vjp is not None)


@any_python
@pytest.mark.parametrize(
    ("primitive", "change"),
    [
        ("exp", "lambda g, y: -g.times(y)"),
        ("square", "lambda g, x: g.times(x)"),
        ("tanh", "lambda g, y: g.times(-y.square())"),
        ("erf", "lambda g, x: g.times(4.0 / math.sqrt(math.pi) * (-x.square()).exp())"),
        ("sin", "lambda g, x: g.times(x.sin())"),
        ("sqrt", "lambda g, x: over(g, 2.0 * (x + 0.0))"),
        ("expand", "lambda g, x_shape: g"),
        ("flip", "lambda g, axis: g.flip(axis_before(axis))"),
        ("exp", "lambda g, y: g.times(y.detach())"),
        ("max", "share = g / chosen.astype(g.dtype).mean(axis, keepdims=True)"),
        ("div", "lambda g, b: over(b, g)"),
    ],
)
def test_the_mistakes_that_people_make_are_among_them(primitive, change):
    assert find(primitive, change)


@any_python
def test_every_source_is_found():
    for primitive in PRIMITIVES.values():
        for vjp in filter(None, primitive.vjps):
            names = [argument.arg for argument in syntax(vjp.function).args.args]
            assert names == ["g", *(name for name, _ in vjp.reads)] or len(names) == len(vjp.reads) + 1


# ---------------------------------------------------------------- planted


@any_python
def test_a_planted_mutant_is_the_derivative_and_then_is_not():
    exp = PRIMITIVES["exp"]
    right, keeps = exp.vjps, exp.keeps((True,))
    with planted(find("exp", "lambda g, x: g.times(x)")):
        assert gradient("exp", 3.0) == 3.0
        assert exp.keeps((True,)) == ((0, "value"),) != keeps
    assert exp.vjps is right and exp.keeps((True,)) == keeps
    assert gradient("exp", 0.0) == 1.0


@any_python
def test_an_exception_takes_the_mutant_out_again():
    right = PRIMITIVES["sin"].vjps
    with pytest.raises(KeyError), planted(find("sin", "None")):
        assert not PRIMITIVES["sin"].differentiable
        raise KeyError
    assert PRIMITIVES["sin"].vjps is right and PRIMITIVES["sin"].differentiable
    assert gradient("sin", 0.0) == 1.0


@any_python
def test_all_can_be_planted_and_leave_nothing_behind():
    before = {name: primitive.vjps for name, primitive in PRIMITIVES.items()}
    for mutant in mutants():
        with planted(mutant):
            assert PRIMITIVES[mutant.primitive].vjps is not before[mutant.primitive]
    assert all(primitive.vjps is before[name] for name, primitive in PRIMITIVES.items())


# ---------------------------------------------------------------- killed


def test_the_short_form_kills_all():
    found = list(judging.outcomes(part=True, processes=1))
    assert len(found) >= 30 and [outcome for outcome in found if not outcome.holds] == []


@any_python
def test_a_survivor_is_a_problem():
    number = mutants().index(find("exp", "lambda g, y: -g.times(y)"))
    outcome = judging.judged(number, lambda name: iter([Outcome(name, "none", "nothing is looked at")]))
    assert outcome.problem == "no check finds this wrong VJP" and "survives" in outcome.case


@any_python
def test_a_wrong_number_counts_for_more_than_a_crash():
    mutant = find("exp", "lambda g, y: -g.times(y)")
    crash, wrong = Outcome("exp", "a", "", "ValueError: no"), Outcome("exp", "b", "", "it is 3, not 4")
    assert judging.killed(mutant, lambda name: iter([crash, wrong])) is wrong
    assert judging.killed(mutant, lambda name: iter([crash])) is crash
    assert judging.killed(mutant, lambda name: iter([])) is None
    number = mutants().index(mutant)
    assert "could not be computed by a" in judging.judged(number, lambda name: iter([crash])).case
    assert "found by b" in judging.judged(number, lambda name: iter([crash, wrong])).case


@any_python
def test_excuses_are_checked(monkeypatch):
    """One for a mutant that a check finds, and one for a mutant that is not made."""
    mutant = find("exp", "lambda g, y: -g.times(y)")
    monkeypatch.setitem(ROWS["exp"].equivalent, (0, mutant.change), "it looks fine")
    outcome = judging.judged(mutants().index(mutant))
    assert "excused as the same function (it looks fine), but" in outcome.problem
    monkeypatch.setitem(ROWS["exp"].equivalent, (0, "lambda g: g"), "long gone")
    monkeypatch.setattr(judging, "chosen", lambda *_: [])
    (stale,) = judging.outcomes(processes=1)
    assert "not made any more" in stale.problem and "lambda g: g" in stale.case


@any_python
def test_excused_mutants_are_the_same_function():
    """at points of each use, to the bit, and at the second order as well"""
    excused = [mutant for mutant in mutants() if reason(mutant)]
    assert len(excused) == sum(len(row.equivalent) for row in ROWS.values())
    for mutant in excused:
        for number, use in enumerate(ROWS[mutant.primitive].uses):
            function = surrounded(use, np.random.default_rng(number))
            expected = derivatives(function)
            with planted(mutant):
                assert derivatives(function) == expected, mutant


def derivatives(function):
    """Of the first and the second order, as lists."""
    xs = [tg.tensor(x, requires_grad=True) for x in function.inputs]
    first = tg.grad(function.f(*xs).square().sum(), xs, create_graph=True)
    second = tg.grad(sum((g.sin() * g).sum() for g in first), xs)
    return [g.tolist() for g in (*first, *second)]


# ---------------------------------------------------------------- shown to gradcheck


@pytest.mark.parametrize("number", judging.chosen(part=True))
def test_gradcheck_notices_mutants_and_blames_the_primitive(number):
    assert gradchecks.noticed(number).problem == ""


def test_a_mutant_that_gradcheck_does_not_notice_is_a_problem(monkeypatch):
    number = mutants().index(find("tanh", "lambda g, y: -g.times(1.0 - y.square())"))
    monkeypatch.setitem(ROWS, "tanh", dataclasses.replace(ROWS["tanh"], uses=ROWS["neg"].uses))
    assert gradchecks.noticed(number).problem == "gradcheck does not notice"


def test_a_wrong_blame_is_a_problem(monkeypatch):
    number = mutants().index(find("exp", "lambda g, y: -g.times(y)"))
    monkeypatch.setattr(tg.check.api, "blame", lambda *_: None)
    assert gradchecks.noticed(number).problem == "gradcheck blames nobody"


# ---------------------------------------------------------------- no false alarm


@pytest.mark.parametrize("seed", range(gradchecks.SHORT))
def test_right_compositions_are_cleared(seed):
    assert gradchecks.cleared(seed).problem == ""


def test_compositions_are_of_2_to_12_operations_and_the_same_each_time():
    made = [composition(seed) for seed in range(60)]
    counts = {len(right.steps) for right in made}
    assert min(counts) == 2 and max(counts) == 12
    assert [str(right) for right in made] == [str(composition(seed)) for seed in range(60)]
    names = {step.name.split()[0] for right in made for step in right.steps}
    assert len(names) > 40 and {"batch_norm", "layer_norm", "softmax", "relu", "max"} <= names
    assert len(MAKERS) > 50


def test_a_false_alarm_is_a_problem():
    right = composition(0)
    assert gradchecks._alarm(right, "wrong") == "a right derivative is called wrong"
    assert "is 1e-06 of |f| / |x|" in gradchecks._alarm(right, "ill-conditioned", 1e-6)
    assert gradchecks._alarm(right, "correct") == ""
    assert gradchecks._alarm(right, "ill-conditioned", 1e-13) == ""


def test_how_much_of_a_gradient_is_called_ill_conditioned():
    steep = tg.gradcheck(lambda x: (1e14 * x).sin(), np.array([1.0, 1.5]))
    assert steep.verdict == "ill-conditioned" and gradchecks._vague(steep) > 1e10
    assert gradchecks._vague(tg.gradcheck(lambda x: x.sin(), np.array([1.0, 1.5]))) == 0


def test_not_differentiable_is_right_at_kinks_only():
    relu = Step("relu", lambda y: y.relu(), margin=lambda y: float(np.abs(y).min()))
    at, beside = (Composition(0, (relu,), (np.array([0.0 + step, 1.0]),)) for step in (0.0, 0.5))
    assert tg.gradcheck(at.f, at.inputs).verdict == "not differentiable"
    assert gradchecks._alarm(at, "not differentiable") == ""
    assert "nearest kink is 0.5" in gradchecks._alarm(beside, "not differentiable")


@pytest.mark.parametrize("seed", [474, 550])
def test_functions_whose_noise_lies_on_a_grid_are_called_right(seed):
    """Their outputs do not move at one spacing of the table of differences, and lie on the grid of another."""
    assert gradchecks.cleared(seed).problem == ""
