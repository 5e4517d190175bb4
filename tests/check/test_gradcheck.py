"""gradcheck on functions of tensors: right ones pass, wrong ones are found, kinks are called kinks."""

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv.frontend.random import default_generator

quick = pytest.mark.quick


def few_are_quick(table, *names):
    """the rows of a table, some of which are part of the short run"""
    return [pytest.param(name, marks=quick if name in names else ()) for name in table]


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


RIGHT = {
    "polynomial": (lambda x: x**3 - 2 * x, [normal(4)]),
    "quotient": (lambda x, y: x / (x + y), [np.array(2.0), np.array(2.0)]),
    "broadcast": (lambda x, b: (x + b) * b, [normal(3, 4), normal(4, seed=1)]),
    "matmul": (lambda x, w: x @ w, [normal(3, 4), normal(4, 2, seed=1)]),
    "several outputs": (lambda x: (x.sin(), x.sum(0)), [normal(3, 2)]),
    "unused input": (lambda x, y: x * 2, [normal(3), normal(2)]),
    "identity": (lambda x: x, [normal(3)]),
    "constant": (lambda x: tg.ones(3), [normal(3)]),
    "softmax": (F.softmax, [normal(3, 5)]),
    "cross entropy": (lambda x: F.cross_entropy(x, tg.tensor([1, 0, 4])), [normal(3, 5)]),
    "relu away from 0": (F.relu, [normal(3, 5)]),
    "conv and pool": (lambda x, w: F.max_pool2d(F.conv2d(x, w).relu(), 2), [normal(1, 2, 4, 4), normal(2, 2, 3, 3)]),
    "batch norm": (lambda x, w, b: F.batch_norm(x, None, None, w, b, True), [normal(4, 3), normal(3), normal(3)]),
    "bias before batch norm": (lambda x, b: F.batch_norm(x + b, training=True), [normal(4, 3), normal(3)]),
    "far from 0": (lambda x: F.layer_norm(x, 4), [1e6 + normal(2, 4)]),
    "tiny inputs": (lambda x: (1e6 * x).sin(), [1e-6 * normal(5)]),
    "large and small inputs": (lambda x: x.log(), [np.array([1e-6, 1e-3, 1.0, 1e6])]),
    "fast waves": (lambda x: (1e4 * x).cos(), [normal(5)]),
    "kinks nearby": (lambda x: abs(x - 1e-6) + x.relu(), [np.array([-1e-5, 1e-5, 3e-6])]),
    "huge values": (lambda x: (500 * x).exp(), [1 + 0.01 * normal(3)]),
    "zero at a smooth minimum": (lambda x: x * x * x * x, [np.zeros(3)]),
    "float32 inside": (lambda x: x.astype(np.float32).exp(), [normal(4)]),
    "float32 inside, curved": (lambda x: F.softplus(x.astype("float32").astype("float64")), [normal(3, 4, seed=5)]),
    "dropout": (lambda x: F.dropout(x, 0.5), [normal(10)]),
    "checkpoint": (lambda x: tg.checkpoint(lambda z: z.exp() * z, x), [normal(3)]),
}


@pytest.mark.parametrize("name", few_are_quick(RIGHT, "polynomial", "broadcast", "batch norm", "float32 inside"))
def test_right_functions_pass(name):
    f, inputs = RIGHT[name]
    report = tg.gradcheck(f, inputs)
    assert report, report
    assert report.verdict == "correct"


@pytest.mark.parametrize(
    "name", ["polynomial", "broadcast", "softmax", "batch norm", "conv and pool", "unused input", "constant"]
)
def test_right_functions_pass_at_second_order(name):
    f, inputs = RIGHT[name]
    report = tg.gradcheck(f, inputs, order=2)
    assert report, report
    assert {entry.order for entry in report.inputs} == {1, 2}
    assert "cotangent 1" in {entry.name for entry in report.inputs}


def custom(forward, backward):
    """A CustomFunction of these two; ``backward(g, *saved inputs)``."""

    class Custom(tg.CustomFunction):
        @staticmethod
        def forward(ctx, *xs):
            ctx.save_for_backward(*xs)
            return forward(*xs)

        @staticmethod
        def backward(ctx, g):
            return backward(g, *ctx.saved_tensors)

    return Custom.apply


def standard(x):
    d = x - x.mean(0)
    return d / (d.square().mean(0) + 1e-5).sqrt()


def standard_backward(g, x, mean=True, variance=True):
    """The textbook's backward of batch normalization, whole or with a path left out."""
    scale = 1.0 / ((x - x.mean(0)).square().mean(0) + 1e-5).sqrt()
    y = standard(x)
    out = g
    if mean:
        out = out - g.mean(0)
    if variance:
        out = out - y * (g * y).mean(0)
    return out * scale


WRONG = {
    "sign": (lambda x: x.exp(), lambda g, x: -g * x.exp(), [normal(3)]),
    "factor": (lambda x: x * x, lambda g, x: g * x, [normal(3)]),
    "one percent": (lambda x: x * x, lambda g, x: 2.02 * g * x, [normal(3)]),
    "one part in a million": (lambda x: x * x, lambda g, x: (2 + 2e-6) * g * x, [normal(3)]),
    "term dropped": (lambda x: x * x.sin(), lambda g, x: g * x.sin(), [normal(3)]),
    "one element only": (lambda x: x * 2, lambda g, x: g * tg.asarray(np.array([2.0, 2.0, 3.0])), [normal(3)]),
    "cotangent ignored": (lambda x: x * 2, lambda g, x: g * 0 + 2, [normal(3)]),
    "transposed": (lambda x: x.T * 1.0, lambda g, x: g, [normal(3, 3)]),
    "one row instead of the sum": (lambda x, b: x + b, lambda g, x, b: (g, g[0]), [normal(3, 2), normal(2)]),
    "mean instead of the sum": (lambda x, b: x + b, lambda g, x, b: (g, g.mean(0)), [normal(3, 2), normal(2)]),
    "second input forgotten": (lambda x, y: x * y, lambda g, x, y: (g * y, None), [normal(3), normal(3)]),
    "variance path dropped": (standard, lambda g, x: standard_backward(g, x, variance=False), [normal(4, 3)]),
    "mean path dropped": (standard, lambda g, x: standard_backward(g, x, mean=False), [normal(4, 3)]),
    "both paths dropped": (standard, lambda g, x: standard_backward(g, x, mean=False, variance=False), [normal(4, 3)]),
    "NaN": (lambda x: x * 2, lambda g, x: g * float("nan"), [normal(3)]),
}


@pytest.mark.usefixtures("verdicts_only")
@pytest.mark.parametrize("name", few_are_quick(WRONG, "sign", "one element only", "variance path dropped", "NaN"))
def test_wrong_custom_functions_are_found(name):
    forward, backward, inputs = WRONG[name]
    report = tg.gradcheck(custom(forward, backward), inputs)
    assert report.verdict == "wrong" and not report, report
    assert any(entry.wrong[entry.worst] for entry in report.inputs if entry.verdict == "wrong")


def test_right_custom_functions_pass_to_second_order():
    assert tg.gradcheck(custom(standard, standard_backward), normal(4, 3), order=2)


def test_the_sum_hides_a_missing_variance_path_and_a_random_cotangent_shows_it():
    f = custom(standard, lambda g, x: standard_backward(g, x, variance=False))
    assert tg.gradcheck(lambda x: f(x).sum(), normal(4, 3))
    assert not tg.gradcheck(f, normal(4, 3))


def test_a_gradient_that_cuts_the_graph_is_wrong_at_second_order_only():
    f = custom(lambda x: x**3, lambda g, x: g * 3 * (x * x).detach())
    assert tg.gradcheck(f, normal(3))
    report = tg.gradcheck(f, normal(3), order=2)
    verdicts = [(entry.order, entry.verdict) for entry in report.inputs if entry.name == "input 0"]
    assert verdicts == [(1, "correct"), (2, "wrong")]


@quick
def test_a_cotangent_that_is_cut_off_is_wrong_at_second_order():
    f = custom(lambda x: 3 * x, lambda g, x: 3 * g.detach())
    report = tg.gradcheck(f, normal(3), order=2)
    assert [entry.name for entry in report.inputs if entry.verdict == "wrong"] == ["cotangent 1"]


def test_detached_mean_inside_a_composition_is_found():
    def f(x):
        d = x - x.mean(0).detach()
        return d / (d.square().mean(0) + 1e-5).sqrt()

    assert tg.gradcheck(f, normal(4, 3)).verdict == "wrong"


@quick
def test_a_sum_over_broadcast_left_out_raises_with_both_shapes():
    f = custom(lambda x, b: x + b, lambda g, x, b: (g, g))
    with pytest.raises(tg.ShapeError, match=r"\(3, 2\).*\(2,\)"):
        tg.gradcheck(f, [normal(3, 2), normal(2)])


KINKS = {
    "relu at 0": (F.relu, [np.array([-1.0, 0.0, 2.0])], (1,), "inside"),
    "abs at 0": (abs, [np.array([0.0, 1.0])], (0,), "inside"),
    "max at a tie": (lambda x: x.max(), [np.array([2.0, 1.0, 2.0])], (0,), "inside"),
    "pooling at a tie": (lambda x: F.max_pool2d(x, 2), [np.array([[[[1.0, 1], [0, 0.5]]]])], (0, 0, 0, 0), "inside"),
    "clip at its edge": (lambda x: x.clip(0, 1), [np.array([1.0, 0.5])], (0,), "inside"),
    "floor at a jump": (lambda x: x.floor(), [np.array([2.0, 0.5])], (0,), "inside"),
    "square root at 0": (lambda x: x.sqrt(), [np.array([0.0, 1.0])], (0,), "edge of its domain"),
    "a kink on a steep slope": (lambda x: (1000 * x).sin() + x.relu(), [np.zeros(2)], (0,), "inside"),
    "a kink among many outputs": (lambda x: tg.concatenate([x.relu()] + 99 * [x]), [np.zeros(2)], (0,), "inside"),
    "kinks that cancel": (lambda x: tg.concatenate([abs(x), -abs(x)]), [np.zeros(1)], (0,), "inside"),
}


@pytest.mark.parametrize("name", few_are_quick(KINKS, "relu at 0", "max at a tie", "square root at 0"))
def test_kinks_are_not_called_wrong(name):
    f, inputs, place, words = KINKS[name]
    report = tg.gradcheck(f, inputs)
    assert report.verdict == "not differentiable" and not report, report
    assert not report.inputs[0].differentiable[place]
    assert words in str(report)


@quick
def test_a_value_outside_of_the_subgradients_is_said_to_be():
    f = custom(lambda x: x.relu(), lambda g, x: (x >= 0).where(3 * g, 0.0))
    report = tg.gradcheck(f, np.array([0.0]))
    assert report.verdict == "not differentiable"
    assert "outside" in str(report)


@quick
def test_wrong_elements_count_more_than_kinks():
    f = custom(lambda x: x.relu(), lambda g, x: (x > 0).where(2 * g, 0.0))
    report = tg.gradcheck(f, np.array([0.0, 1.0]))
    assert report.verdict == "wrong"
    assert report.inputs[0].worst == (1,)


@quick
def test_the_report_names_the_worst_element_both_numbers_and_the_rule():
    f = custom(lambda x: x * x, lambda g, x: 2 * g * x * tg.asarray(np.array([[1.0, 1.0], [1.0, 3.0]])))
    report = tg.gradcheck(f, np.array([[1.0, 2.0], [3.0, 4.0]]), seed=5)
    entry = report.inputs[0]
    text = str(report)
    assert entry.worst == (1, 1)
    np.testing.assert_allclose(entry.analytic[1, 1], 3 * entry.numeric[1, 1], rtol=1e-9)
    np.testing.assert_allclose(entry.error, np.abs(entry.analytic - entry.numeric))
    assert text.startswith("gradcheck: wrong\ninput 0, shape (2, 2): wrong (1 of 4 wrong)")
    assert f"(1, 1): analytic {entry.analytic[1, 1]:.9g}, numeric {entry.numeric[1, 1]:.9g}" in text
    assert "every wrong element is 3 times what it should be" in text
    assert "rule: |analytic - numeric| <= allowed" in text and "seed 5" in text
    assert repr(report) == "Report('wrong', inputs=1)"


@quick
def test_float32_is_converted_and_the_report_says_so():
    report = tg.gradcheck(lambda x: x.exp(), tg.tensor([1.0, 2.0]))
    assert report
    assert "note: input 0 was converted from float32 to float64" in str(report)
    assert "note" not in str(tg.gradcheck(lambda x: x.exp(), np.array([1.0])))


def test_the_same_seed_gives_the_same_report_and_another_seed_another_cotangent():
    f, inputs = RIGHT["softmax"]
    first, again, other = (tg.gradcheck(f, inputs, seed=seed) for seed in (1, 1, 2))
    assert str(first) == str(again) != str(other)


@quick
def test_inputs_of_any_layout_are_taken_and_not_changed():
    base = normal(6, 4)
    base.flags.writeable = False
    before = base.copy()
    assert tg.gradcheck(lambda x: x.exp(), base[::-2, ::2].T)
    assert tg.gradcheck(lambda x: x.exp(), np.asfortranarray(base))
    np.testing.assert_array_equal(base, before)


@quick
def test_a_tensor_keeps_its_gradient_and_its_graph():
    x = tg.tensor(normal(3), requires_grad=True)
    y = x * 2
    y.sum().backward()
    assert tg.gradcheck(lambda t: t * t, y)
    np.testing.assert_array_equal(x.grad.numpy(), 2.0)


def test_buffers_and_random_state_are_as_before():
    tg.manual_seed(7)
    layer = tg.nn.BatchNorm1d(3).to("float64")
    buffers = {name: buffer.numpy().copy() for name, buffer in layer.named_buffers()}
    state, legacy = default_generator.state.numpy().copy(), np.random.get_state()[1].copy()
    assert tg.gradcheck(lambda x: F.dropout(layer(x), 0.3), normal(4, 3))
    for name, buffer in layer.named_buffers():
        np.testing.assert_array_equal(buffer.numpy(), buffers[name])
    np.testing.assert_array_equal(default_generator.state.numpy(), state)
    np.testing.assert_array_equal(np.random.get_state()[1], legacy)


@quick
def test_the_check_runs_under_no_grad():
    with tg.no_grad():
        assert tg.gradcheck(lambda x: x.exp(), normal(3))


@quick
def test_a_function_that_differentiates_inside_can_be_checked():
    assert tg.gradcheck(lambda x: tg.grad((x**3).sum(), x, create_graph=True), normal(3))


@quick
@pytest.mark.parametrize(
    "arguments, error, words",
    [
        ((F.relu, []), ValueError, "no inputs"),
        ((F.relu, np.array([1, 2])), tg.DTypeError, "input 0 has dtype int64.*astype.*lambda x"),
        ((F.relu, np.array([1 + 2j])), tg.DTypeError, "complex128"),
        ((F.relu, "text"), tg.DTypeError, "type str"),
        ((F.relu, [[1.0, 2.0]]), tg.DTypeError, "type list"),
        ((F.relu, np.zeros((0, 3))), tg.ShapeError, r"\(0, 3\) holds no element"),
        ((F.relu, np.array([np.nan])), ValueError, "NaN"),
        ((lambda x: x.numpy(), normal(2)), tg.GraphError, "f returned ndarray.*backward="),
        ((lambda x: None, normal(2)), tg.GraphError, "f returned NoneType"),
        ((lambda x: x > 0, normal(2)), tg.DTypeError, "f returned dtype bool"),
        ((lambda x: x[:0], normal(2)), tg.ShapeError, "nothing to differentiate"),
        ((lambda x: (), normal(2)), tg.ShapeError, "no output"),
        ((lambda x: x.log(), -np.ones(2)), ValueError, "2 values that are not finite.*domain"),
    ],
)
def test_bad_input_is_explained(arguments, error, words):
    with pytest.raises(error, match=words):
        tg.gradcheck(*arguments)


@quick
def test_bad_options_are_explained():
    with pytest.raises(ValueError, match="order=0"):
        tg.gradcheck(F.relu, normal(2), order=0)
    with pytest.raises(ValueError, match="exactly 1 for a hand-written backward"):
        tg.gradcheck(np.exp, normal(2), backward=lambda g, x: g, order=2)
    with pytest.raises(ValueError, match=r"eps=0\.5"):
        tg.gradcheck(F.relu, normal(2), eps=0.5)


@quick
def test_float32_parameters_in_the_closure_are_explained():
    w = tg.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(tg.DTypeError, match="must be float64, too"):
        tg.gradcheck(lambda x: x * w, tg.tensor([1.0, 2.0]))


@quick
def test_a_function_that_is_not_deterministic_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(tg.GraphError, match=r"not deterministic.*Seed"):
        tg.gradcheck(lambda x: x * rng.normal(), normal(2))
    noisy = custom(lambda x: x * 1.0, lambda g, x: g * rng.normal())
    with pytest.raises(tg.GraphError, match="gradient is not deterministic"):
        tg.gradcheck(noisy, normal(2))


def test_a_function_that_refuses_what_is_outside_of_its_domain():
    """Near the edge shorter steps are taken, and at the edge there is no derivative; errors of the graph are errors."""

    def f(p):
        if (p.numpy() > 1).any():
            raise ValueError("a probability above 1")
        return p.square()

    assert tg.gradcheck(f, np.array([0.5, 1 - 1e-5]))
    report = tg.gradcheck(f, np.array([0.5, 1.0]))
    assert report.inputs[0].verdicts.tolist() == ["correct", "not differentiable"]
    assert "the edge of its domain" in str(report)

    def leaves_the_graph(p):
        return p.square() if (p.numpy() == 0.5).all() else p.numpy()

    with pytest.raises(tg.GraphError, match="f returned ndarray"):
        tg.gradcheck(leaves_the_graph, np.array([0.5]))
