"""The rows of docs/conventions.md and where each is tested; and the tests of those that had no other place.

The compiler's own cases stand with the compiler.
"""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import DTypeError

quick = pytest.mark.quick
HERE, ORDERING = "tests/test_cases.py", "tests/frontend/test_ordering.py"
SPECIAL, TAPE, MEMORY = "tests/ops/test_special_values.py", "tests/core/test_tape.py", "tests/core/test_memory.py"
CONTEXT, OPTIMIZER, CLIP = "tests/core/test_context.py", "tests/optim/test_optimizer.py", "tests/optim/test_clip.py"
CONV, POOL, NORM = (f"tests/functional/test_{name}.py" for name in ("convolution", "pooling", "normalization"))
LOSS, ERRORS = "tests/functional/test_loss.py", "tests/functional/test_loss_errors.py"
ACTIVATION, LIMITS = "tests/functional/test_activation.py", "tests/functional/test_limits.py"
DROPOUT, LAYOUTS = "tests/functional/test_dropout.py", "tests/functional/test_memory_layouts.py"
ORDERS, TORCH = "tests/functional/test_higher_orders.py", "tests/functional/test_agreement_with_torch.py"

CONVENTIONS = {
    "two operands of equal size share the gradient of their maximum": [
        f"{SPECIAL}::test_maximum_at_a_tie_half_to_each"
    ],
    "equal maxima over axes share evenly": [f"{SPECIAL}::test_max_over_axes_at_ties_shared_evenly"],
    "max pooling pays the first of equal elements": [
        f"{POOL}::test_at_a_tie_the_first_place_in_row_major_order_gets_all",
        f"{POOL}::test_where_all_are_equal_every_window_pays_its_first_place",
        f"{POOL}::test_max_pooling_equals_a_walk_through_its_windows",
    ],
    "slope 0 at the kink of relu, abs and norm": [f"{SPECIAL}::test_derivative_at_0_is_0"],
    "slope 1 at the edges of clamp": [f"{SPECIAL}::test_clamp_at_its_edges_passes_the_gradient"],
    "slope 0 where a loss limits a logarithm or a length": [
        f"{LIMITS}::test_values_and_derivatives_are_the_limits",
        "tests/functional/test_distance.py::test_a_vector_shorter_than_eps_is_divided_by_eps",
    ],
    "slope 0 at the edges of hardtanh, relu6 and hardsigmoid": [
        f"{ACTIVATION}::test_the_derivative_at_a_kink_and_far_out"
    ],
    "slope 0 where a position is moved to the edge of an image": [
        "tests/functional/test_sampling.py::test_a_position_on_the_edge_or_beyond_has_no_slope"
    ],
    "sorting gives each element's gradient back to its place": [
        f"{ORDERING}::test_gradient_goes_to_the_first_of_equal_elements",
        f"{ORDERING}::test_equal_elements_keep_their_order",
    ],
    "NaN goes through relu, maxima and pooling": [
        f"{SPECIAL}::test_nan_propagates",
        f"{ACTIVATION}::test_nan_stays_nan_and_nothing_else_becomes_it",
        f"{POOL}::test_nan_wins_and_the_first_of_several_gets_the_gradient",
    ],
    "softmax and its logarithm of large scores": [
        f"{ACTIVATION}::test_large_scores_are_finite",
        f"{ACTIVATION}::test_the_gradient_sums_to_zero",
    ],
    "logsumexp of nothing but minus infinity": [f"{SPECIAL}::test_logsumexp_of_all_minus_infinity"],
    "an unused branch adds nothing to a gradient": [
        f"{SPECIAL}::test_branch_not_taken_adds_exactly_nothing",
        f"{SPECIAL}::test_no_bad_branch_spoils_the_other",
        f"{HERE}::test_an_unused_branch_adds_exactly_nothing",
        f"{HERE}::test_an_unused_example_adds_exactly_nothing_to_the_gradient_of_a_weight",
    ],
    "running variance by five formulas": [
        f"{NORM}::test_running_averages_follow_each_of_the_four_formulas",
        f"{NORM}::test_unless_told_otherwise_a_tenth_of_the_new_unbiased_variance_is_taken",
        "tests/nn/test_normalization.py::test_running_averages_follow_the_convention",
        f"{TORCH}::test_running_statistics_follow_pytorchs_through_several_steps",
    ],
}

NUMBERS = {
    "an element that is indexed twice gets both gradients": [
        "tests/frontend/test_indexing.py::test_repeated_index_adds_up"
    ],
    "two consumers have a gradient each": [f"{TAPE}::test_two_consumers_do_not_share_a_cotangent"],
    "dtypes are kept": [
        f"{HERE}::test_float32_stays_float32_with_python_and_numpy_numbers",
        "tests/frontend/test_creation.py::test_dtype_follows_from_the_data",
        "tests/frontend/test_promotion.py::test_scalars_do_not_change_a_floats_dtype",
        f"{ACTIVATION}::test_dtypes_are_kept",
        f"{LOSS}::test_dtypes_are_kept",
        f"{TORCH}::test_both_precisions_give_what_pytorch_gives",
    ],
    "sixty doublings": [f"{TAPE}::test_sixty_doublings_in_linear_time"],
    "a chain of a million nodes": [f"{TAPE}::test_a_chain_of_very_many_nodes"],
    "graphs die without the collector": [
        f"{TAPE}::test_graphs_die_by_reference_count",
        f"{TAPE}::test_memory_is_flat_over_2000_steps",
    ],
    "no_grad in threads, tasks and exceptions": [
        f"{CONTEXT}::test_each_of_8_threads_sees_its_own",
        f"{CONTEXT}::test_each_asyncio_task_sees_its_own",
        f"{CONTEXT}::test_no_grad_ends_with_an_exception",
    ],
    "an array changed in place is noticed": [
        f"{MEMORY}::test_changed_in_place_between_forward_and_backward",
        f"{MEMORY}::test_borrowed_memory_that_changed_is_noticed",
    ],
    "convolution is exact in every setting": [
        f"{CONV}::test_conv2d_equals_loops_on_a_sample_in_which_every_two_settings_meet",
        f"{CONV}::test_conv2d_equals_loops_on_all_square_settings",
        f"{CONV}::test_conv2d_equals_loops_on_many_rectangular_settings",
        f"{CONV}::test_conv2d_of_many_images_equals_loops",
        f"{CONV}::test_conv_transpose2d_equals_loops_on_all_square_settings",
    ],
    "windows that overlap add up": [
        f"{POOL}::test_a_maximum_in_several_windows_collects_from_each",
        f"{POOL}::test_an_element_in_several_means_collects_from_each",
    ],
    "the divisor of a partial window": [
        f"{POOL}::test_the_partial_windows_mean_is_over_what_it_covers",
        f"{POOL}::test_padding_counts_in_a_partial_window_but_what_lies_beyond_does_not",
        f"{POOL}::test_average_pooling_equals_a_walk_through_its_windows",
    ],
    "windows of NaN or minus infinity": [
        f"{POOL}::test_a_window_of_nothing_but_nan_or_minus_infinity_has_a_value_and_a_place",
    ],
    "batch normalization of no image": [
        f"{NORM}::test_an_empty_batch_teaches_nothing_and_makes_no_nan",
        "tests/nn/test_normalization.py::test_an_empty_batch_teaches_nothing",
    ],
    "batch normalization of one value": [
        f"{NORM}::test_input_that_does_not_fit_is_an_error_that_leaves_the_averages_alone"
    ],
    "an optimizer finds its state by name": [f"{OPTIMIZER}::test_state_follows_names_when_parameters_are_reordered"],
    "third and fourth derivatives of normalizations": [
        f"{ORDERS}::test_third_and_fourth_derivatives_of_every_normalization",
        "tests/test_lecture.py::test_row_21_derivatives_of_every_order_are_right",
        "tests/test_lecture.py::test_row_21_where_pytorchs_third_derivatives_are_wrong",
    ],
    "normalization of rows with a large mean": [
        f"{NORM}::test_a_large_mean_costs_no_digits",
        f"{NORM}::test_a_large_mean_costs_the_gradient_no_digits_either",
    ],
    "normalization of large equal elements": [
        f"{NORM}::test_equal_elements_give_exactly_zero_however_many_and_however_large",
    ],
    "names in a drawing that mean something to the renderer": [
        "tests/viz/test_drawing.py::test_any_name_gives_one_statement_a_line",
        "tests/viz/test_drawing.py::test_any_name_can_be_rendered",
    ],
    "normalization of numbers whose squares overflow": [
        f"{NORM}::test_numbers_whose_squares_overflow_are_normalized_right",
        f"{NORM}::test_one_overflowing_channel_does_not_disturb_the_others",
    ],
}

BAD_INPUT = {
    "shapes that do not broadcast": ["tests/frontend/test_elementwise.py::test_shapes_that_do_not_broadcast"],
    "convolutions that do not fit": [f"{CONV}::test_shapes_that_do_not_fit_are_named_with_both_numbers_and_a_remedy"],
    "windows that do not fit": [f"{POOL}::test_windows_that_do_not_fit_are_named_with_both_numbers"],
    "a fully connected layer of the wrong size": [
        "tests/nn/test_paths.py::test_a_linear_layer_after_flatten_names_its_path_and_the_features_it_would_need",
    ],
    "a column against a row": [f"{ERRORS}::test_a_column_is_not_silently_compared_with_a_row"],
    "class numbers out of range, or no integers": [f"{ERRORS}::test_what_does_not_fit_is_named_with_what_would"],
    "the mean of nothing": [
        f"{ERRORS}::test_the_mean_of_nothing_is_an_error_that_says_the_batch_is_empty",
        f"{ERRORS}::test_the_mean_over_no_example_that_counts_is_an_error_that_says_why",
    ],
    "backward where it is not possible": [
        f"{TAPE}::test_backward_on_a_non_scalar_needs_a_gradient",
        f"{TAPE}::test_backward_twice_is_refused_with_the_remedy",
        f"{TAPE}::test_backward_without_a_graph",
    ],
    "gradients of integers": [f"{TAPE}::test_integers_have_no_gradient"],
    "assigning into what is recorded": [f"{MEMORY}::test_writing_into_what_is_recorded_is_refused"],
    "probabilities of dropout": [f"{DROPOUT}::test_what_is_no_probability_is_refused_before_anything_is_drawn"],
    "negative rates and repeated parameters": [f"{OPTIMIZER}::test_wrong_arguments"],
    "gradients that are not finite": [f"{CLIP}::test_a_gradient_that_is_not_finite_names_its_parameter"],
    "arrays of every layout": [
        f"{LAYOUTS}::test_the_layout_of_the_input_and_of_the_cotangent_does_not_matter",
        f"{LAYOUTS}::test_an_empty_batch_gives_an_empty_result_and_an_empty_gradient",
        f"{LAYOUTS}::test_a_tensor_made_of_any_array_has_its_numbers_and_memory_of_its_own",
        "tests/frontend/test_creation.py::test_any_array_is_accepted",
    ],
    "axes, places, shares and modes that make no sense": [
        "tests/frontend/numpy_protocol/test_bad_input.py::test_an_argument_that_makes_no_sense_is_named",
        f"{ORDERING}::test_refusals",
        "tests/frontend/test_arrangement.py::test_refusals",
    ],
    "NumPy's functions of a tensor with a gradient": [
        "tests/frontend/numpy_protocol/test_ufuncs.py::test_ufuncs_stay_in_the_graph",
        "tests/frontend/numpy_protocol/test_refusals.py::test_the_rest_refuses_by_name_and_never_drops_a_gradient",
    ],
}

INDEX = {**CONVENTIONS, **NUMBERS, **BAD_INPUT}


@quick
@pytest.mark.parametrize("case", INDEX)
def test_every_case_has_tests(case):
    for test in INDEX[case]:
        file, _, name = test.partition("::")
        assert f"\ndef {name}(" in Path(__file__).parent.parent.joinpath(file).read_text(encoding="utf-8"), test


def test_pytest_finds_every_test_of_the_index():
    tests = sorted({test for case in INDEX.values() for test in case})
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *tests]
    root = Path(__file__).parent.parent
    found = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=False)
    assert found.returncode == 0, found.stdout[-3000:] + found.stderr[-3000:]
    names = {line.partition("[")[0] for line in found.stdout.splitlines() if "::" in line}
    assert names == set(tests)


# ---------------------------------------------------------------- an unused branch

INF, NAN = math.inf, math.nan


def constant(*values: Any) -> tg.Tensor:
    return tg.tensor(np.array(values, np.float64))


def beside(x: Any, y: Any) -> Any:
    """Two columns."""
    return tg.stack([x, y], 1)


def copies(x: Any) -> Any:
    """Three equal rows, each with memory of its own."""
    return x.expand_dims(0).expand(3, 2) * 1.0


# Functions of two numbers, each by itself. Most of them overflow at 1000, some are infinite at 0, or undefined below.
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "exp": lambda x: x.exp(),
    "x exp": lambda x: x * x.exp(),
    "exp exp": lambda x: x.exp() * x.exp(),
    "exp / exp": lambda x: x.exp() / x.exp(),
    "square": lambda x: x.exp().square(),
    "sqrt": lambda x: x.sqrt(),
    "log": lambda x: x.log(),
    "sin": lambda x: x.exp().sin(),
    "cos": lambda x: x.exp().cos(),
    "tanh": lambda x: x.exp().tanh(),
    "erf": lambda x: x.exp().erf(),
    "cube": lambda x: x.exp() ** 3,
    "root": lambda x: x**0.3,
    "reciprocal": lambda x: x**-1.5,
    "exponent": lambda x: 2.0 ** x.exp(),
    "x to the x": lambda x: x**x,
    "times infinity": lambda x: x * constant(INF, 2.0),
    "times NaN": lambda x: x * constant(NAN, 2.0),
    "over zero": lambda x: x / constant(0.0, 2.0),
    "maximum": lambda x: x.exp().maximum(x * x.exp()),
    "max": lambda x: copies(x.exp()).max(0),
    "prod": lambda x: copies(x.exp()).prod(0),
    "cumsum": lambda x: copies(x.exp()).cumsum(0)[2],
    "mean": lambda x: copies(x.exp()).mean(0),
    "var": lambda x: copies(x.exp()).var(0),
    "norm": lambda x: copies(x.exp()).norm(0),
    "logsumexp": lambda x: copies(x.exp()).logsumexp(0),
    "indexing": lambda x: x.exp()[[1, 0, 1]][[1, 0]],
    "contract": lambda x: x.exp().contract(constant(2.0, 3.0), "i,i->i"),
    "relu": lambda x: F.relu(x.exp()),
    "relu6": lambda x: F.relu6(x.exp()),
    "leaky_relu": lambda x: F.leaky_relu(x.exp()),
    "elu": lambda x: F.elu(x.exp()),
    "softplus": lambda x: F.softplus(x.exp()),
    "sigmoid": lambda x: F.sigmoid(x.exp()),
    "silu": lambda x: F.silu(x.exp()),
    "gelu": lambda x: F.gelu(x.exp()),
    "gelu tanh": lambda x: F.gelu(x.exp(), "tanh"),
    "softmax": lambda x: F.softmax(beside(x.exp(), x), 1)[:, 0],
    "log_softmax": lambda x: F.log_softmax(beside(x.exp(), x), 1)[:, 0],
    "layer_norm": lambda x: F.layer_norm(beside(x.exp(), x), 2)[:, 0],
    "batch_norm": lambda x: F.batch_norm(beside(x.exp(), x).permute(1, 0))[0],
    "max_pool2d": lambda x: F.max_pool2d(copies(x.exp()).T.reshape(2, 1, 1, 3), (1, 3)).reshape(2),
    "avg_pool2d": lambda x: F.avg_pool2d(copies(x.exp()).T.reshape(2, 1, 1, 3), (1, 3)).reshape(2),
    "conv2d": lambda x: F.conv2d(x.exp().reshape(2, 1, 1, 1), constant(3.0).reshape(1, 1, 1, 1)).reshape(2),
    "dropout": lambda x: F.dropout(x.exp(), 0.5, generator=tg.Generator(1)),
    "cross_entropy": lambda x: F.cross_entropy(beside(x.exp(), x), [0, 0], reduction="none"),
    "mse_loss": lambda x: F.mse_loss(x.exp(), constant(0.3, 0.3), reduction="none"),
    "l1_loss": lambda x: F.l1_loss(x.exp(), constant(0.3, 0.3), reduction="none"),
    "binary_cross_entropy": lambda x: F.binary_cross_entropy_with_logits(x.exp(), constant(0.3, 0.3), reduction="none"),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("bad", [pytest.param(1e3, marks=quick), pytest.param(NAN, marks=quick), 0.0, -1.0, INF, -INF])
def test_an_unused_branch_adds_exactly_nothing(name, bad):
    """At an unused place where(use, f(x), 3 x²) has both derivatives of 3 x², whatever f does there.

    One exception, by decision (docs/design/0002): inside a contraction zero times infinity is NaN, as BLAS has it.
    """
    x = tg.tensor(np.array([bad, 0.7]), requires_grad=True)
    use = np.array([False, True])
    mixed = tg.where(use, FUNCTIONS[name](x), 3.0 * x * x if math.isfinite(bad) else 1.0)
    alone = tg.tensor(np.array([0.7]), requires_grad=True)
    only = FUNCTIONS[name](tg.concatenate([alone * 0.0 + 0.4, alone]))[1:]
    first = tg.grad(mixed.sum(), x, create_graph=True)
    first_alone = tg.grad(only.sum(), alone, create_graph=True)
    expected = 6.0 * bad if math.isfinite(bad) else 0.0
    assert first.tolist()[0] == expected
    assert first.tolist()[1] == pytest.approx(first_alone.item(), rel=1e-14, abs=1e-14)
    if first.requires_grad and first_alone.requires_grad:
        second, second_alone = tg.grad(first.sum(), x), tg.grad(first_alone.sum(), alone)
        assert second.tolist()[0] == (6.0 if math.isfinite(bad) else 0.0)
        assert second.tolist()[1] == pytest.approx(second_alone.item(), rel=1e-13, abs=1e-13)


SHARED: dict[str, Callable[[Any, Any], Any]] = {
    "mul": lambda x, w: x * w[0],
    "div": lambda x, w: w[0] / x,
    "batch_norm at test time": lambda x, w: F.batch_norm(x, constant(0.0, 0.0), constant(1.0, 1.0), w[0], w[1]),
    "layer_norm": lambda x, w: F.layer_norm(x, 2, w[0], w[1]),
}


@quick
@pytest.mark.parametrize("name", SHARED)
@pytest.mark.parametrize("bad", [NAN, INF, 0.0])
def test_an_unused_example_adds_exactly_nothing_to_the_gradient_of_a_weight(name, bad):
    rows, keep = np.array([[1.0, 2.0], [bad, 3.0], [4.0, 5.5]]), np.array([[True], [False], [True]])
    gradients = []
    for x in (rows, np.where(keep, rows, 1.0)):
        weight = tg.tensor(np.array([[0.5, -1.0], [2.0, 0.25]]), requires_grad=True)
        tg.where(keep, SHARED[name](tg.tensor(x), weight), 0.0).sum().backward()
        gradients.append(weight.grad.numpy())
    np.testing.assert_array_equal(*gradients)


@quick
@pytest.mark.parametrize("bad", [NAN, INF])
def test_a_contraction_is_the_one_place_where_an_unused_example_counts(bad):
    """The limit that docs/design/0002 states, here so that whoever lifts it finds the page: in BLAS 0 x inf is NaN."""
    rows, keep = np.array([[1.0, 2.0], [bad, 3.0]]), np.array([[True], [False]])
    weight = tg.tensor(np.array([[0.5, -1.0], [2.0, 0.25]]), requires_grad=True)
    tg.where(keep, F.linear(tg.tensor(rows), weight), 0.0).sum().backward()
    assert np.isnan(weight.grad.numpy()[:, 0]).all()
    np.testing.assert_array_equal(weight.grad.numpy()[:, 1], [2.0, 2.0])


# ---------------------------------------------------------------- numbers


MIXTURES: dict[str, Callable[[Any], Any]] = {
    "x * 2.0": lambda x: x * 2.0,
    "3 - x": lambda x: 3 - x,
    "x / 3": lambda x: x / 3,
    "True + x": lambda x: True + x,
    "x ** 2": lambda x: x**2,
    "x ** 1.5": lambda x: x**1.5,
    "2.0 ** x": lambda x: 2.0**x,
    "x ** -1": lambda x: x**-1,
    "x * float64 number": lambda x: x * np.float64(2.0),
    "float64 number * x": lambda x: np.float64(2.0) * x,
    "float64 number - x": lambda x: np.float64(2.0) - x,
    "x + int64 number": lambda x: x + np.int64(2),
    "x * integers": lambda x: x * tg.tensor([1, 2]),
    "x * booleans": lambda x: x * (x > 0.5),
    "x.maximum(0.5)": lambda x: x.maximum(0.5),
    "x.clip(0, 1)": lambda x: x.clip(0, 1),
    "where": lambda x: tg.where(x > 0.5, x, 0),
    "where of numbers": lambda x: tg.where(x > 0.5, x, -math.inf).max(),
    "mean": lambda x: x.mean(),
    "var": lambda x: x.var(),
    "norm": lambda x: x.norm(),
    "logsumexp": lambda x: x.logsumexp(),
    "pad": lambda x: x.pad(((1, 1),), 2.5),
    "concatenate": lambda x: tg.concatenate([x, tg.ones_like(x)]),
    "matmul": lambda x: x @ np.array([[1, 2], [3, 4]]),
    "sum": lambda x: x.sum(),
    "gelu": F.gelu,
    "softmax": F.softmax,
    "dropout": lambda x: F.dropout(x, 0.5, generator=tg.Generator(0)),
    "layer_norm": lambda x: F.layer_norm(x, 2),
    "cross_entropy": lambda x: F.cross_entropy(x.reshape(1, 2), [1], label_smoothing=0.1),
}


@quick
@pytest.mark.parametrize("name", MIXTURES)
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_float32_stays_float32_with_python_and_numpy_numbers(name, dtype):
    """And so does every other float."""
    x = tg.tensor(np.array([0.25, 0.75], dtype), requires_grad=True)
    y = MIXTURES[name](x)
    (g,) = tg.grad([y], [x], [y.detach()], create_graph=True)
    assert y.dtype == g.dtype == dtype
    if g.requires_grad:
        assert tg.grad([g], [x], [g.detach()], allow_unused=True)[0].dtype == dtype


@quick
def test_two_floats_of_different_size_do_not_mix_silently():
    with pytest.raises(DTypeError, match=r"float32 and float64.*\.astype"):
        tg.ones(2) + np.ones(2)
