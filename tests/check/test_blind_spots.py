"""What a check may miss: modules and their parameters, large inputs, odd cotangents, state, forward mode, witnesses."""

import random

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import nn

quick = pytest.mark.quick


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def test_a_module_brings_its_parameters_and_keeps_its_state():
    tg.manual_seed(3)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU())
    before = {name: (t.value.copy(), t.dtype) for name, t in (*model.named_parameters(), *model.named_buffers())}
    report = tg.gradcheck(model, normal(2, 1, 4, 4))
    assert report, report
    assert [entry.name for entry in report.inputs] == ["input 0", "0.weight", "0.bias", "1.weight", "1.bias"]
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        assert tensor.dtype == before[name][1] and tensor.grad is None
        np.testing.assert_array_equal(tensor.value, before[name][0])
    assert all(parameter.is_leaf and parameter.requires_grad for parameter in model.parameters())


def test_parameters_of_a_closure():
    w = tg.tensor(normal(3, 2).astype(np.float32), requires_grad=True)
    report = tg.gradcheck(lambda x: (x @ w).tanh(), normal(4, 3), parameters={"w": w}, order=2)
    assert report and report.inputs[1].name == "w" and w.dtype == np.float32
    assert tg.gradcheck(lambda x: x @ w, normal(4, 3), parameters=[w]).inputs[1].name == "parameter 0"
    with pytest.raises(tg.DTypeError, match="parameter 0 must be a tensor of floats"):
        tg.gradcheck(lambda x: x, normal(2), parameters=[3])


def test_a_bias_before_batch_norm_is_zero_and_called_so():
    report = tg.gradcheck(lambda x, b: F.batch_norm(x + b, training=True), [normal(4, 3), normal(3)])
    assert report and [entry.zero for entry in report.inputs] == [False, True]
    assert "zero, and so are the differences" in str(report)


def test_a_large_input_goes_by_directions():
    report = tg.gradcheck(lambda x: F.conv2d(x, tg.tensor(normal(4, 3, 3, 3))).tanh(), normal(4, 3, 12, 12))
    assert report and report.inputs[0].directions and report.inputs[0].analytic.shape == (8,)
    assert "8 random directions" in str(report)


class OneWrong(tg.CustomFunction):
    """x², whose gradient is wrong in one element of many."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        mask = np.ones(x.shape)
        mask.flat[777] = 1.001
        return 2 * g * x * tg.tensor(mask)


@pytest.mark.parametrize("seed", range(5))
def test_directions_find_one_wrong_element_among_thousands(seed):
    report = tg.gradcheck(OneWrong.apply, 1.0 + np.abs(normal(40, 50)), seed=seed)
    assert report.verdict == "wrong" and report.inputs[0].directions


@quick
def test_small_jacobians_are_compared_entry_by_entry():
    report = tg.gradcheck(F.softmax, normal(2, 3))
    assert report.inputs[0].entries == 6 and "36 entries of the Jacobian" in str(report)


@quick
@pytest.mark.parametrize(
    "form, backward",
    [
        ("strided", lambda g, x: np.lib.stride_tricks.as_strided(g, g.shape, np.empty(g.shape).strides) * 2),
        ("expanded", lambda g, x: 2 * (g if g.strides[-1] else 0 * g)),
        (
            "reversed",
            lambda g, x: 2 * np.frombuffer(g.data if g.flags.c_contiguous else g[::-1, ::-1].data).reshape(g.shape),
        ),
    ],
)
def test_a_backward_that_trusts_in_the_cotangents_layout_is_found(form, backward):
    report = tg.gradcheck(lambda x: 2 * x, normal(3, 2), backward=backward)
    assert report.inputs[0].verdict == "correct", report
    assert report.verdict == "wrong" and any(form in problem for problem in report.problems)


@quick
def test_a_backward_that_writes_into_its_cotangent_is_refused():
    def backward(g, x):
        g *= 2
        return g

    with pytest.raises(tg.GraphError, match="changed the cotangent g in place"):
        tg.gradcheck(lambda x: 2 * x, normal(3), backward=backward)


@quick
def test_global_generators_are_as_before():
    np.random.seed(1)
    random.seed(1)
    states = np.random.get_state()[1].copy(), random.getstate()

    def f(x):
        np.random.seed(0)
        random.seed(0)
        return x * float(np.random.normal()) * random.random()

    assert tg.gradcheck(f, normal(3))
    np.testing.assert_array_equal(np.random.get_state()[1], states[0])
    assert random.getstate() == states[1]


def test_forward_mode():
    assert tg.gradcheck(lambda x, y: (x * y).exp().sum(0), [normal(3, 2), normal(3, 2)], mode="jvp")
    wrong = tg.gradcheck(OneWrong.apply, normal(800, 1), mode="jvp")
    assert wrong.verdict == "wrong"
    with pytest.raises(ValueError, match="mode='forward'"):
        tg.gradcheck(F.relu, normal(2), mode="forward")
    with pytest.raises(ValueError, match="hand-written"):
        tg.gradcheck(np.exp, normal(2), backward=lambda g, x: g, mode="jvp")


WITNESSED = {
    "batch norm": (lambda x: F.batch_norm(x, training=True), [normal(4, 3)]),
    "convolution": (lambda x, w: F.conv2d(x, w, stride=2, padding=1), [normal(1, 2, 5, 5), normal(3, 2, 3, 3)]),
    "max pooling": (lambda x: F.max_pool2d(x, 2).exp(), [normal(1, 2, 4, 4)]),
    "log softmax": (F.log_softmax, [normal(3, 4)]),
    "powers": (lambda x: x**3 + (x * x) ** 0.7 + 1 / (2 + x * x), [normal(5)]),
    "indexing": (lambda x: x[[0, 0, 2]].sin().cumsum(0) - x.floor()[:1], [normal(3, 2)]),
    "maximum and where": (
        lambda x: x.maximum(0.3 * x.cos()).tanh() + (x > 0).where(x, x.exp()).log(),
        [0.5 + normal(6) ** 2],
    ),
}


@pytest.mark.parametrize("name", WITNESSED)
def test_complex_numbers_bear_witness(name):
    f, inputs = WITNESSED[name]
    report = tg.gradcheck(f, inputs)
    known, found = (float(part.split()[-1]) for part in report.witness.split(";"))
    assert report, report
    np.testing.assert_allclose(found, known, rtol=1e-7)


def test_complex_numbers_say_where_they_know_nothing():
    assert "erf has no complex function" in tg.gradcheck(lambda x: x.erf(), normal(3)).witness
    assert "OneWrong" in tg.gradcheck(OneWrong.apply, normal(1001, 1)).witness
    assert "tie" in tg.gradcheck(lambda x: x.max(), np.array([1.0, 1.0])).witness


@quick
def test_taylor_remainders_are_of_order_two_where_right_and_one_where_wrong():
    right = tg.gradcheck(lambda x: x.exp().sum(), normal(3)).inputs[0]
    wrong = tg.gradcheck(np.exp, normal(3), backward=lambda g, x: 1.01 * g * np.exp(x)).inputs[0]
    linear = tg.gradcheck(lambda x: 3 * x, normal(3)).inputs[0]
    assert right.taylor.order == pytest.approx(2, abs=0.05)
    assert wrong.taylor.order == pytest.approx(1, abs=0.05)
    assert np.isnan(linear.taylor.order)


@quick
def test_verdicts_element_by_element():
    report = tg.gradcheck(
        lambda x: np.maximum(x, 0.0),
        np.array([-1.0, 0.0, 2.0]),
        backward=lambda g, x: g * (x > 0) * np.array([1, 1, 3]),
    )
    assert report.inputs[0].verdicts.tolist() == ["correct", "not differentiable", "wrong"]
