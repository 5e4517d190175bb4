"""onnx.backend.test on imported models: all cases eagerly, some compiled."""

import pytest

pytest.importorskip("onnx")

import numpy as np
import onnx.parser

import tinygrad_cv as tg
from tests.onnx import outside
from tests.onnx.campaign import KNOWN, PASSED, REFUSED, run, table
from tests.onnx.cases import SUITES, cases


def is_outside(outcome):
    """Whether a case is known not to pass, for the reason that it gives."""
    missing = set(outcome.case.operators.split("+")) & outside.OPERATORS
    if missing:
        return outcome.result == REFUSED and "there is no such operator" in outcome.reason
    return outside.NO_SUCH_DTYPE in outcome.reason or outcome.result == KNOWN


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


@pytest.mark.parametrize("name", [name for name in outside.CASES if "dropout" in name])
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


def test_random_numbers_are_drawn_anew_by_the_library_s_generator():
    text = """<ir_version: 8, opset_import: ["": 17]>
    g (float[N] x) => (float[500] u, float[N] n, float[N] b) {
        u = RandomUniform <shape = [500], low = 2.0, high = 3.0, seed = 1.0> ()
        n = RandomNormalLike <mean = 5.0, scale = 0.1> (x)
        b = Bernoulli (x)
    }"""
    net = tg.onnx.load(onnx.parser.parse_model(text))
    x = np.linspace(0, 1, 400, dtype=np.float32)
    tg.manual_seed(0)
    u, n, b = net(x)
    assert 2 <= u.min().item() < 2.05 < 2.95 < u.max().item() < 3
    assert n.mean().item() == pytest.approx(5, abs=0.02) and n.std().item() == pytest.approx(0.1, rel=0.2)
    assert set(b.tolist()) == {0.0, 1.0} and b[:100].mean().item() < 0.3 < 0.7 < b[300:].mean().item()
    assert not np.array_equal(net(x)[0].numpy(), u.numpy())
    tg.manual_seed(0)
    assert np.array_equal(net(x)[0].numpy(), u.numpy())
    tg.manual_seed(0)
    assert np.array_equal(tg.jit(net)(x)[1].numpy(), n.numpy())
