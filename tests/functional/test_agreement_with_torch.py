"""Values and gradients of every public functional equal PyTorch's, with random cotangents and with every option.

One row of :func:`rows` is one call. Where the two libraries take the same arguments the row is a name and arguments;
where they differ it says what PyTorch's call is.
"""

from __future__ import annotations

import itertools
import math
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F


@pytest.fixture(scope="module")
def torch() -> Any:
    module = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'tinygrad_cv[torch]'")
    module.set_num_threads(1)  # arrays are small; threads would only wait for each other
    return module


@dataclass
class Fixed:
    """An array that no gradient is asked of."""

    array: np.ndarray


@dataclass
class Row:
    name: str
    arguments: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)
    theirs: Callable[..., Any] | None = None  # (torch.nn.functional, *arguments); else the function of the same name
    note: str = ""
    steepness: float = 1.0  # by how much the function magnifies rounding errors; a normalization's 1 / σ

    @property
    def id(self) -> str:
        shapes = "x".join(str(n) for n in np.shape(self.arguments[0]))
        options = ",".join(f"{key}={_word(value)}" for key, value in self.options.items())
        return f"{self.name}[{shapes}{',' if options else ''}{options}{',' if self.note else ''}{self.note}]"


def _word(value: Any) -> str:
    return "given" if isinstance(value, Fixed) else str(value)


class Samples:
    """Random arrays that float32 holds exactly, so that both precisions see the same data."""

    def __init__(self, seed: str):
        self.rng = np.random.default_rng(zlib.crc32(seed.encode()))

    def normal(self, *shape: int, scale: float = 1.0) -> np.ndarray:
        return np.float64(np.float32(self.rng.standard_normal(shape) * scale))

    def positive(self, *shape: int) -> np.ndarray:
        return np.float64(np.float32(self.rng.uniform(0.5, 2.0, shape)))

    def labels(self, classes: int, *shape: int) -> np.ndarray:
        return self.rng.integers(0, classes, shape)

    def probabilities(self, n: int, classes: int, *rest: int) -> np.ndarray:
        p = self.rng.uniform(0.1, 1.0, (n, classes, *rest))
        return np.float64(np.float32(p / p.sum(1, keepdims=True)))


def activations() -> Iterator[Row]:
    s = Samples("activations")
    x = np.concatenate([s.normal(30, scale=3.0), [0.0, -0.0, 6.0, 20.5, -20.5, 45.0, -45.0, 300.0, -300.0, 1e4, -1e4]])
    for name in ("relu", "relu6", "sigmoid", "tanh", "silu", "gelu", "elu", "leaky_relu"):
        yield Row(name, (x,))
    yield Row("leaky_relu", (x,), {"negative_slope": 0.3})
    yield Row("elu", (x,), {"alpha": 1.7})
    yield Row("gelu", (x,), {"approximate": "tanh"})
    # PyTorch's softplus returns x itself above 20, where log(1 + e⁻²⁰) is still 2e-9
    yield Row("softplus", (x,), theirs=lambda T, x: -T.logsigmoid(-x))
    for dim in (0, 1, -1, -2):
        yield Row("softmax", (s.normal(3, 5, 4),), {"dim": dim})
        yield Row("log_softmax", (s.normal(3, 5, 4),), {"dim": dim})
    yield Row("softmax", (s.normal(3, 5, scale=1e3),), {"dim": 1}, note="large scores")
    yield Row("log_softmax", (s.normal(3, 5, scale=1e3),), {"dim": 1}, note="large scores")


def convolutions() -> Iterator[Row]:
    s = Samples("convolutions")
    for options in (
        {},
        {"stride": 2},
        {"stride": (1, 3), "padding": (2, 1)},
        {"padding": 1, "dilation": 2},
        {"dilation": (1, 2)},
        {"padding": "same"},
        {"padding": "same", "dilation": (2, 1)},
        {"padding": "valid", "stride": 3},
    ):
        for groups, kernel in itertools.product((1, 2, 4), ((3, 3), (2, 1))):
            arguments = (s.normal(2, 4, 8, 7), s.normal(8, 4 // groups, *kernel), s.normal(8))
            yield Row("conv2d", arguments, {**options, "groups": groups}, note=f"K={kernel}")
    yield Row("conv2d", (s.normal(2, 4, 8, 7), s.normal(8, 4, 3, 3)), note="no bias")
    for options in (
        {},
        {"stride": 2, "padding": 1},
        {"stride": 2, "padding": 1, "output_padding": 1},
        {"stride": (3, 2), "output_padding": (2, 0)},
        {"padding": (1, 2), "dilation": (2, 3)},
    ):
        for groups in (1, 2, 4):
            arguments = (s.normal(2, 4, 5, 4), s.normal(4, 8 // groups, 3, 3), s.normal(8))
            yield Row("conv_transpose2d", arguments, {**options, "groups": groups})
    for lead in ((), (5,), (2, 3), (2, 1, 4)):
        yield Row("linear", (s.normal(*lead, 6), s.normal(3, 6), s.normal(3)))
    yield Row("linear", (s.normal(5, 6), s.normal(3, 6)), note="no bias")


def poolings() -> Iterator[Row]:
    s = Samples("poolings")
    windows: list[dict[str, Any]] = [
        {"kernel_size": 2},
        {"kernel_size": 3, "stride": 2},
        {"kernel_size": 3, "stride": 2, "padding": 1},
        {"kernel_size": (2, 3), "stride": (1, 2), "padding": (1, 0)},
        {"kernel_size": 2, "stride": 3},
    ]
    for window, ceil_mode in itertools.product(windows, (False, True)):
        options = {**window, "ceil_mode": ceil_mode}
        for dilation in (1, 2):
            yield Row("max_pool2d", (s.normal(2, 3, 8, 9),), {**options, "dilation": dilation})
        for count_include_pad, divisor_override in itertools.product((True, False), (None, 3)):
            averaged = {"count_include_pad": count_include_pad, "divisor_override": divisor_override}
            yield Row("avg_pool2d", (s.normal(2, 3, 8, 9),), {**options, **averaged})
    for name in ("max_pool2d", "avg_pool2d"):
        yield Row(name, (s.normal(2, 3, 2, 2),), {"kernel_size": 3, "stride": 2, "ceil_mode": True})
    for output_size in (1, 3, (2, 3), (7, 5), (3, 2), (9, 6), (None, 2)):
        for name in ("adaptive_avg_pool2d", "adaptive_max_pool2d"):
            yield Row(name, (s.normal(2, 3, 7, 5),), {"output_size": output_size})
    x = s.normal(2, 3, 5, 4)
    yield Row("global_avg_pool2d", (x,), theirs=lambda T, x: T.adaptive_avg_pool2d(x, 1).flatten(1))
    yield Row("global_max_pool2d", (x,), theirs=lambda T, x: T.adaptive_max_pool2d(x, 1).flatten(1))


def normalizations() -> Iterator[Row]:
    s = Samples("normalizations")
    for shape, eps in itertools.product(((6, 8), (3, 8, 5), (3, 8, 5, 3), (2, 8, 3, 2, 3)), (1e-5, 0.1)):
        x = s.normal(*shape, scale=2.0) + 1.5
        affine, averages = (s.normal(8), s.normal(8)), (Fixed(s.normal(8)), Fixed(s.positive(8)))
        spatial = tuple(range(2, x.ndim))
        steep = steepness(x, (0, *spatial), eps)
        for training in (True, False):
            options = {"training": training, "eps": eps}
            yield Row("batch_norm", (x, *averages, *affine), options, steepness=steep)
            yield Row("batch_norm", (x, *averages), options, note="no weight", steepness=steep)
        yield Row("batch_norm", (x, None, None, *affine), {"training": True, "eps": eps}, note="alone", steepness=steep)
        for groups in (1, 2, 8) if spatial else (1, 2):
            grouped = x.reshape(len(x), groups, -1)
            for given in (affine, ()):
                yield Row(
                    "group_norm",
                    (x, groups, *given),
                    {"eps": eps},
                    None,
                    f"G={groups} {len(given)}",
                    steepness(grouped, 2, eps),
                )
        if spatial:
            for given in (affine, ()):
                yield Row(
                    "instance_norm",
                    (x, *given),
                    {"eps": eps},
                    instance_norm,
                    f"{len(given)}",
                    steepness(x, spatial, eps),
                )
        for last in range(1, x.ndim):
            size, axes = x.shape[-last:], tuple(range(-last, 0))
            steep, affine = steepness(x, axes, eps), (s.normal(*size), s.normal(*size))
            yield Row("layer_norm", (x, size, *affine), {"eps": eps}, None, f"over {last}", steep)
            yield Row("layer_norm", (x, size), {"eps": eps}, None, f"over {last}, no weight", steep)
            yield Row("normalize", (x, axes, eps, *affine), {}, normalize, f"over {last} {eps}", steep)


def steepness(x: np.ndarray, axes: Any, eps: float) -> float:
    """The largest 1 / σ: a normalization divides by σ, and so do its gradients."""
    return max(1.0, 1.0 / np.sqrt(x.var(axes) + eps).min())


def instance_norm(T: Any, x: Any, *affine: Any, eps: float) -> Any:
    """PyTorch's, which takes running averages too."""
    return T.instance_norm(x, None, None, *affine, eps=eps)


def normalize(T: Any, x: Any, axes: Any, eps: float, weight: Any, bias: Any) -> Any:
    """PyTorch has the formula by this name only for its own last axes."""
    return T.layer_norm(x, weight.shape, weight, bias, eps)


def losses() -> Iterator[Row]:
    s = Samples("losses")
    for reduction in ("mean", "sum", "none"):
        for name in ("mse_loss", "l1_loss"):
            yield Row(name, (s.normal(4, 3), s.normal(4, 3)), {"reduction": reduction})
        x = s.normal(4, 3, scale=10.0)
        for target in (Fixed(np.float64(s.labels(2, 4, 3))), s.probabilities(4, 3)):
            for weight, pos_weight in itertools.product((None, (4, 3), (3,), (4, 1)), (None, (3,))):
                weights = {
                    "weight": weight and Fixed(s.positive(*weight)),
                    "pos_weight": pos_weight and Fixed(s.positive(*pos_weight)),
                }
                options = {**weights, "reduction": reduction}
                note = f"{'hard' if isinstance(target, Fixed) else 'soft'} {weight} {pos_weight}"
                yield Row("binary_cross_entropy_with_logits", (x, target), options, note=note)
        for rest, weighted in itertools.product(((), (3,), (3, 2)), (False, True)):
            weight = Fixed(s.positive(5)) if weighted else None
            x, labels = s.normal(6, 5, *rest, scale=3.0), s.labels(5, 6, *rest)
            for ignore_index in (-100, 2, 255):
                y = np.where((labels == 1) & (ignore_index == 255), 255, labels)
                options = {"weight": weight, "ignore_index": ignore_index, "reduction": reduction}
                yield Row("nll_loss", (x, Fixed(y)), options)
                for label_smoothing in (0.0, 0.1, 1.0):
                    yield Row("cross_entropy", (x, Fixed(y)), {**options, "label_smoothing": label_smoothing})
            for label_smoothing in (0.0, 0.1, 1.0):
                options = {"weight": weight, "reduction": reduction, "label_smoothing": label_smoothing}
                yield Row("cross_entropy", (x, s.probabilities(6, 5, *rest)), options, note="probabilities")


def dropouts() -> Iterator[Row]:
    """Only where nothing is random: the two libraries draw different numbers."""
    s = Samples("dropouts")
    for name, p, training in itertools.product(("dropout", "dropout2d"), (0.0, 0.3, 1.0), (True, False)):
        if not training or p in (0.0, 1.0):
            yield Row(name, (s.normal(2, 3, 4, 4),), {"p": p, "training": training})


def rows() -> list[Row]:
    groups = (activations, convolutions, poolings, normalizations, losses, dropouts)
    return [row for group in groups for row in group()]


def run(
    row: Row, call: Callable[..., Any], leaf: Callable[..., Any], fixed: Callable[..., Any]
) -> tuple[Any, list[Any]]:
    """Call one of the libraries; the output, and the inputs whose gradients are compared."""
    leaves = []

    def convert(value: Any) -> Any:
        if isinstance(value, Fixed):
            return fixed(value.array)
        if isinstance(value, np.ndarray):
            leaves.append(leaf(value))
            return leaves[-1]
        return value

    arguments = [convert(value) for value in row.arguments]
    return call(*arguments, **{key: convert(value) for key, value in row.options.items()}), leaves


def cast(array: np.ndarray, dtype: str) -> np.ndarray:
    return array.astype(dtype) if array.dtype.kind == "f" else array


def ours(row: Row, dtype: str) -> tuple[np.ndarray, list[np.ndarray]]:
    y, leaves = run(
        row,
        getattr(F, row.name),
        lambda array: tg.tensor(cast(array, dtype), requires_grad=True),
        lambda array: tg.tensor(cast(array, dtype)),
    )
    y.backward(tg.tensor(cast(cotangent(row, y.shape), dtype)))
    return y.numpy(), [x.grad.numpy() for x in leaves]


def theirs(row: Row, torch: Any) -> tuple[np.ndarray, list[np.ndarray]]:
    """PyTorch's answer, always in float64."""
    T = torch.nn.functional
    other = row.theirs
    y, leaves = run(
        row,
        getattr(T, row.name) if other is None else lambda *args, **options: other(T, *args, **options),
        lambda array: torch.tensor(array, requires_grad=True),
        torch.tensor,
    )
    y.backward(torch.tensor(cotangent(row, tuple(y.shape))))
    return y.detach().numpy(), [x.grad.numpy() for x in leaves]


def cotangent(row: Row, shape: tuple[int, ...]) -> np.ndarray:
    return Samples(row.id).normal(*shape)


# A result is a sum of up to 250 products, whose factors carry a few roundings each. Errors in a sum grow with the
# square root of its length as a rule: so many roundings of the largest result are allowed, and no more.
ROUNDINGS = 16
UNITS = {"float64": 2.0**-53, "float32": 2.0**-24}


def bound(row: Row, wanted: np.ndarray, rounding: float) -> float:
    return ROUNDINGS * rounding * row.steepness * np.abs(wanted).max(initial=1.0)


ROWS = rows()


def disagreements(name: str, dtype: str, torch: Any) -> list[str]:
    """The rows of a functional in which the value or a gradient is not PyTorch's."""
    found = []
    for row in (row for row in ROWS if row.name == name):
        y, gradients = ours(row, dtype)
        expected, expected_gradients = theirs(row, torch)
        labels = ["value", *(f"gradient {i}" for i in range(len(gradients)))]
        for label, a, b in zip(labels, [y, *gradients], [expected, *expected_gradients], strict=True):
            assert a.shape == b.shape and a.dtype == dtype, f"{row.id}: {label}"
            error, allowed = np.abs(a - b).max(initial=0.0), bound(row, b, UNITS[dtype])
            if not error <= allowed:
                found.append(f"{row.id}: {label} differs by {error:.1e}, allowed are {allowed:.1e}")
    return found


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("name", F.__all__)
def test_float64_equals_pytorch(name, torch):
    assert not disagreements(name, "float64", torch)


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("name", F.__all__)
def test_float32_is_within_rounding_of_pytorchs_float64(name, torch):
    assert not disagreements(name, "float32", torch)


@pytest.mark.quick
def test_every_public_functional_is_compared():
    assert {row.name for row in ROWS} == set(F.__all__)


@pytest.mark.quick
def test_every_row_has_a_name_of_its_own():
    assert len({row.id for row in ROWS}) == len(ROWS)


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
    """But for silu and gelu at -inf, where PyTorch multiplies by 0: here they are their limit."""
    x = np.array([math.nan, math.inf, -math.inf, 0.0, -0.0])
    for name in ("relu", "relu6", "sigmoid", "tanh", "gelu", "elu", "leaky_relu", "softplus", "silu"):
        found, expected = getattr(F, name)(tg.tensor(x)), getattr(torch.nn.functional, name)(torch.tensor(x))
        expected = expected.numpy()
        if name in ("silu", "gelu"):
            assert math.isnan(expected[2])
            expected[2] = 0.0
        np.testing.assert_array_equal(found.numpy(), expected, err_msg=name)
