"""Random networks: what they learn compiled is what they learn eagerly, and in PyTorch.

``python -m tests.compiler.networks`` trains more of them.
"""

from dataclasses import replace

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.compiler.architectures import Layer, Network, generate
from tests.compiler.networks import JUDGED, compiled, complaints, everybody, exact, leeway, train, train_torch
from tests.compiler.rounding import TIMES, Leeway, Stirred, apart
from tests.thresholds import COMPILED
from tinygrad_cv import nn
from tinygrad_cv.core.context import eager
from tinygrad_cv.ops import PRIMITIVES

pytest.importorskip("llvmlite")
any_python = pytest.mark.any_python


@pytest.fixture(scope="module")
def torch():
    module = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'tinygrad_cv[torch]'")
    module.set_num_threads(1)  # arrays are small; threads would only wait for each other
    return module


@pytest.mark.parametrize("seed", range(8))
def test_what_is_learned_compiled_is_right(seed):
    """On every other one with other thresholds, see ``tests/thresholds.py``."""
    network = generate(seed)
    judge = leeway(network)
    found = list(complaints(network, everybody(network), judge))
    assert not found, f"{network}\n{found}"
    assert judge.judged(JUDGED) > 0.9


@pytest.mark.parametrize("seed", range(8))
def test_what_pytorch_learns_is_the_same(torch, seed):
    network = generate(seed)
    found = list(leeway(network, others=True).exceeded(train_torch(network, torch)))
    assert not found, f"{network}\n{found}"


def test_all_kinds_occur():
    made = [generate(seed) for seed in range(200)]
    layers = {layer.name for network in made for layer in network.layers}
    assert len(layers) == 28, sorted(layers)
    assert {network.loss[0] for network in made} == {
        "CrossEntropyLoss",
        "NLLLoss",
        "MSELoss",
        "L1Loss",
        "BCEWithLogitsLoss",
    }
    assert {network.threads for network in made} == {1, 2, 3}
    assert {network.optimizer[0] for network in made} == {"SGD", "Adam", "AdamW"}
    assert {network.clip for network in made} == {None, 1.0}
    assert {name for network in made for name, _ in network.thresholds} == COMPILED.keys()
    assert 0.3 < np.mean([network.dtype == "float32" for network in made]) < 0.7


def test_no_window_of_a_maximum_is_empty():
    """Its maximum would be minus infinity, with no gradient to compare."""
    for seed in range(400, 1000):
        network = generate(seed)
        shape = network.shape
        for layer in network.layers:
            before, shape = shape, layer.build(nn)(tg.zeros(shape)).shape
            if layer.name != "MaxPool2d":
                continue
            kernel, settings = layer.args[0], dict(layer.kwargs)
            stride, padding, dilation = (
                settings.get(name, default) for name, default in (("stride", kernel), ("padding", 0), ("dilation", 1))
            )
            for axis in (0, 1):
                k, s = (x if isinstance(x, int) else x[axis] for x in (kernel, stride))
                for window in range(shape[2 + axis]):
                    places = [window * s - padding + tap * dilation for tap in range(k)]
                    assert any(0 <= place < before[2 + axis] for place in places), f"{network}\n{layer} of {before}"


# ---------------------------------------------------------------- how differences are judged

ILL = Network(  # the differences of two numbers, normalized to 1 and -1, normalized again: rounding errors are learned
    21,
    (
        Layer("ConvTranspose2d", (5, 6, 3), (("stride", 2),)),
        Layer("Flatten"),
        Layer("Linear", (1710, 19)),
        Layer("Linear", (19, 18)),
        Layer("BatchNorm1d", (18,)),
        Layer("BatchNorm1d", (18,)),
        Layer("Linear", (18, 4)),
        Layer("LogSoftmax", (1,)),
    ),
    (2, 5, 7, 9),
    "float32",
    ("NLLLoss", {}),
    ("AdamW", {"lr": 0.01, "eps": 0.01, "weight_decay": 0.1}),
    threads=3,
)
WELL = replace(
    ILL,
    layers=(Layer("Flatten"), Layer("Linear", (315, 4)), Layer("Tanh"), Layer("LogSoftmax", (1,))),
    optimizer=("SGD", {"lr": 0.05}),
)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_well_conditioned_network_is_judged_by_its_roundings(dtype):
    """A few units in the last place may differ, a hundred may not."""
    network = replace(WELL, dtype=dtype)
    judge, right = leeway(network), train(network)
    unit = np.finfo(dtype).eps
    assert not list(complaints(network, {"eager": right, "compiled": compiled(network)}, judge))
    for i, y in enumerate(right):
        wrong = [*right[:i], y * (1 + 100 * unit).astype(dtype), *right[i + 1 :]]
        assert [int(number) for number, _ in judge.exceeded(wrong)] == [i]


def test_an_ill_conditioned_network_is_judged_by_what_its_conditioning_leaves():
    """Its gradients are rounding errors, amplified: eager code is far from float64, and compiled code is elsewhere."""
    judge, run, found = leeway(ILL), train(ILL), compiled(ILL)
    distances = [apart(x, y) for x, y in zip(run, judge.true, strict=True)]
    assert max(distances) > 3e-5  # hundreds of units in the last place
    assert not list(complaints(ILL, {"eager": run, "compiled": found}, judge))
    assert list(judge.exceeded([y + np.float32(0.5) for y in run]))


def test_a_wrong_dtype_is_found():
    right = train(WELL)
    wrong = [right[0].astype(np.float64), *right[1:]]
    assert list(complaints(WELL, {"eager": right, "compiled": wrong}, leeway(WELL)))


def test_the_exact_run_draws_what_the_network_draws():
    network = replace(WELL, layers=(Layer("Flatten"), Layer("Dropout", (0.5,)), *WELL.layers[1:]))
    run, true = train(network), exact(network)
    assert {y.dtype for y in true} == {np.dtype("float64")}
    assert max(apart(x, y) for x, y in zip(run, true, strict=True)) < 1e-5


ADD, MUL, EXP, SQRT, NEG, LESS, MAXIMUM = (
    PRIMITIVES[name] for name in ("add", "mul", "exp", "sqrt", "neg", "less", "maximum")
)


@any_python
def test_roundings_are_moved_and_nothing_else_is():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 1000)).astype(np.float32)
    n = np.arange(-500, 500).astype(np.float32)
    interpret = Stirred(0)
    for primitive, values, most in ((ADD, [x, y], 2), (MUL, [x, n], 2), (SQRT, [abs(x)], 2), (EXP, [x], 9)):
        right = eager(primitive, values, {})
        units = (interpret(primitive, values, {}) - right) / np.spacing(abs(right))
        assert (units != 0).mean() > 0.5 and abs(units).max() <= most, primitive
    for primitive, values in ((ADD, [n, n]), (MUL, [n, n]), (NEG, [x]), (MAXIMUM, [x, y]), (LESS, [x, y])):
        np.testing.assert_array_equal(interpret(primitive, values, {}), eager(primitive, values, {}), strict=True)
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan], np.float32)
    np.testing.assert_array_equal(interpret(MUL, [special, np.full(5, 0.5, np.float32)], {}), special, strict=True)


@any_python
def test_the_leeway_of_a_sum_is_that_of_its_terms():
    """Of all that it may be taken apart into: Σ (a - b) and Σ a - Σ b round differently."""
    a = np.full((1, 100), 1.1, np.float32)
    b = a + np.float32(2e-7)

    def again(seed):
        interpret = Stirred(seed)
        less = interpret(PRIMITIVES["sub"], [a, b], {})
        return [interpret(PRIMITIVES["sum"], [less], {"axis": (1,)}), interpret(NEG, [a], {})]

    true = [(a.astype(np.float64) - b).sum(1, keepdims=True), -a]
    judge = Leeway(again, true, np.dtype("float32"))
    total, negated = judge.allowed
    assert 1e-7 < total < TIMES * 200 * 1.2e-7 and negated < 1e-6
    assert not list(judge.exceeded([a.sum(1, keepdims=True) - b.sum(1, keepdims=True), -a]))
    assert [i for i, _ in judge.exceeded([true[0] + 1e-4, a])] == [0, 1]
