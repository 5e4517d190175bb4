"""onnx.backend.test on imported models: all cases eagerly, some compiled."""

import pytest

pytest.importorskip("onnx")

import tinygrad_cv as tg
from tests.onnx import outside
from tests.onnx.campaign import PASSED, REFUSED, run, table
from tests.onnx.cases import SUITES, cases


def is_outside(outcome):
    """Whether a case is known not to pass, for the reason that it gives."""
    missing = set(outcome.case.operators.split("+")) & outside.OPERATORS
    if missing:
        return outcome.result == REFUSED and "there is no such operator" in outcome.reason
    return outside.NO_SUCH_DTYPE in outcome.reason or outcome.case.name in outside.CASES


@pytest.mark.parametrize("suite", SUITES)
def test_every_case_passes_or_has_its_reason(suite):
    outcomes = [run(case) for case in cases(suite)]
    wrong = [outcome for outcome in outcomes if (outcome.result == PASSED) == is_outside(outcome)]
    assert not wrong, "\n" + table(wrong)
    assert len(outcomes) == {"node": 1404, "pytorch-converted": 82, "pytorch-operator": 35, "simple": 23}[suite]


def test_some_cases_compiled():
    """`python -m tests.onnx --jit` takes them all."""
    passing = [case for case in cases("node") if not set(case.operators.split("+")) & outside.OPERATORS]
    chosen = [case for case in passing[::40] if case.name not in outside.CASES]
    wrong = [o for o in (run(case, compiled=True) for case in chosen) if o.result != PASSED]
    assert not [o for o in wrong if not is_outside(o)], "\n" + table(wrong)
    assert len(wrong) < len(chosen) / 2


@pytest.mark.parametrize("name", [name for name, why in outside.CASES.items() if why == outside.RANDOM])
def test_dropout_keeps_or_drops_each_element(name):
    """Random numbers are others than the stored ones; what they do is the same."""
    (case,) = (case for case in cases("node") if case.name == name)
    net = tg.onnx.load(case.model)
    (inputs, _), *_ = case.data
    x, ratio = inputs[0], float(inputs[1]) if len(inputs) > 1 else 0.5
    outputs = net(*inputs)
    y = (outputs[0] if isinstance(outputs, tuple) else outputs).numpy()
    kept = y != 0
    assert 0 < kept.sum() < x.size
    assert y[kept] == pytest.approx(x[kept] / (1 - ratio), rel=1e-6)
    if isinstance(outputs, tuple):
        assert (outputs[1].numpy() == kept).all()
