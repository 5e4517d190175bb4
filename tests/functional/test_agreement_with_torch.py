"""Values and derivatives of every public functional equal PyTorch's, with random cotangents and with every option.

The rows are in tests/functional/agreement. Here all are compared eagerly; ``python -m tests.functional.agreement``
compares all of them in compiled code too, and prints how many there are. Beside the grids, arguments are drawn by
Hypothesis: a few here, with ``--drawn N --seed S`` as many as wanted.
"""

from __future__ import annotations

import math
import zlib

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.functional.agreement.compare import disagreements, theirs, together
from tests.functional.agreement.drawn.campaign import DRAWN, campaign, eager, eager_and_compiled
from tests.functional.agreement.row import Samples
from tests.functional.agreement.table import rows

ROWS = rows()
COMPILED = 3  # calls of each functional that are compiled here
EXAMPLES = 4  # rows of each functional that are drawn here, always the same
TRACED = 2  # of them, those that are traced as well
pytestmark = [  # of PyTorch, which takes what it warns of
    pytest.mark.filterwarnings("ignore:Using padding='same'"),
    pytest.mark.filterwarnings("ignore:size_average and reduce args will be deprecated"),
    pytest.mark.filterwarnings("ignore:reduction. 'mean' divides the total loss"),
    pytest.mark.filterwarnings("ignore:Implicit dimension choice"),
]


@pytest.fixture(scope="module")
def torch():
    module = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'tinygrad_cv[torch]'")
    module.set_num_threads(1)  # arrays are small; threads would only wait for each other
    return module


def of(name):
    return [row for row in ROWS if row.name == name]


@pytest.mark.parametrize("name", F.__all__)
def test_both_precisions_give_what_pytorch_gives(name, torch):
    """float64 with second derivatives, float32 with first ones within rounding of PyTorch's float64."""
    assert not [line for row in of(name) for line in eager(row, theirs(row, torch))]


@pytest.mark.parametrize("name", F.__all__)
def test_compiled_code_equals_pytorch(name, torch):
    chosen = sorted(of(name), key=lambda row: zlib.crc32(row.id.encode()))[:COMPILED]
    pairs = zip(chosen, together(chosen, compiled=True), strict=True)
    assert not [line for row, found in pairs for line in disagreements(row, found, theirs(row, torch))]


@pytest.mark.usefixtures("on_numpy")
@pytest.mark.parametrize("name", F.__all__)
def test_drawn_arguments_give_what_pytorch_gives_and_are_traced_right(name, torch):
    assert not campaign(name, EXAMPLES, None, eager_and_compiled(TRACED), torch).wrong


def test_a_disagreement_is_reduced_to_a_simple_row(torch):
    def compare(row, wanted):
        return ["too many"] if row.arguments[0].size > 2 else []

    tally = campaign("relu", 100, None, compare, torch)
    assert tally.wrong.startswith("AssertionError: relu(<(3,) float64")


@pytest.mark.quick
def test_every_public_functional_is_compared():
    assert {row.name for row in ROWS} == set(F.__all__) == DRAWN.keys()


@pytest.mark.quick
def test_every_row_has_a_name_of_its_own():
    assert len({row.id for row in ROWS}) == len(ROWS)


@pytest.mark.quick
def test_a_row_without_second_derivatives_says_why():
    assert all(bool(row.why) == (row.order < 2) for row in ROWS)


@pytest.mark.parametrize("momentum", [0.1, 0.37, 1.0])
@pytest.mark.parametrize("shape", [(6, 4), (3, 4, 5), (3, 4, 5, 2)])
def test_running_statistics_follow_pytorchs_through_several_steps(shape, momentum, torch):
    s = Samples(f"running {shape} {momentum}")
    mean, var = tg.tensor(s.normal(4)), tg.tensor(s.positive(4))
    their_mean, their_var = torch.tensor(mean.numpy().copy()), torch.tensor(var.numpy().copy())
    for _ in range(5):
        x = s.normal(*shape, scale=3.0) + 2.0
        F.batch_norm(tg.tensor(x), mean, var, training=True, momentum=momentum)
        torch.nn.functional.batch_norm(torch.tensor(x), their_mean, their_var, training=True, momentum=momentum)
        np.testing.assert_allclose(mean.numpy(), their_mean.numpy(), rtol=1e-13)
        np.testing.assert_allclose(var.numpy(), their_var.numpy(), rtol=1e-13)
    x = s.normal(*shape)
    np.testing.assert_allclose(
        F.batch_norm(tg.tensor(x), mean, var).numpy(),
        torch.nn.functional.batch_norm(torch.tensor(x), their_mean, their_var).numpy(),
        rtol=1e-12,
    )


def test_nan_infinities_and_zeros_give_what_pytorch_gives(torch):
    """But where PyTorch has 0 · ∞ or ∞ / ∞: here it is the limit."""
    x = np.array([math.nan, math.inf, -math.inf, 0.0, -0.0])
    limits = {
        "silu": {2: 0.0},
        "gelu": {2: 0.0},
        "mish": {2: 0.0},
        "softsign": {1: 1.0, 2: -1.0},
        "hardswish": {2: 0.0},
    }
    names = """relu relu6 sigmoid tanh gelu elu leaky_relu softplus silu selu celu mish logsigmoid tanhshrink softsign
        hardtanh hardsigmoid hardswish hardshrink softshrink rrelu"""
    for name in names.split():
        found, expected = getattr(F, name)(tg.tensor(x)), getattr(torch.nn.functional, name)(torch.tensor(x))
        expected = expected.numpy()
        for place, limit in limits.get(name, {}).items():
            assert math.isnan(expected[place]), name
            expected[place] = limit
        np.testing.assert_array_equal(found.numpy(), expected, err_msg=name)
