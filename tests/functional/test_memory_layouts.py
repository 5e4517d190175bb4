"""However the numbers lie in memory, the result is the same: for inputs, parameters and cotangents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.functional.oracles import integers

Array = np.ndarray


def reversed_copy(x: Array) -> Array:
    """The same numbers from the last to the first: all strides are negative."""
    backwards = (slice(None, None, -1),) * x.ndim
    return x[backwards].copy()[backwards]


def read_only(x: Array) -> Array:
    x = x.copy()
    x.flags.writeable = False
    return x


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "C": lambda x: x.copy(),
    "Fortran": np.asfortranarray,
    "channels last": lambda x: (
        np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1) if x.ndim > 1 else x.copy()
    ),
    "batch innermost": lambda x: np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 0, -1)), -1, 0),
    "negative strides": reversed_copy,
    "every other element": lambda x: np.repeat(x, 2, -1)[..., ::2],
    "read-only": read_only,
    "unaligned rows": lambda x: np.concatenate([x, x[..., :1]], -1)[..., :-1],
}
WEIGHT, BIAS = np.random.default_rng(0).integers(-2, 3, (6, 4, 3, 3)) * 1.0, np.arange(6.0) - 2
SCALE, SHIFT = np.array([1.0, -2.0, 0.5, 3.0]), np.array([0.0, 1.0, -1.0, 2.0])

# on images of four channels
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "conv2d": lambda x: F.conv2d(x, tg.tensor(WEIGHT), tg.tensor(BIAS), 2, 1),
    "conv2d in groups": lambda x: F.conv2d(x, tg.tensor(WEIGHT[:4, :2]), None, 1, "same", 2, 2),
    "conv_transpose2d": lambda x: F.conv_transpose2d(x, tg.tensor(WEIGHT[:4, :2]), None, 2, 1),
    "linear": lambda x: F.linear(x, tg.tensor(WEIGHT.reshape(-1)[: 5 * x.shape[-1]].reshape(5, -1))),
    "max_pool2d": lambda x: F.max_pool2d(x, 3, 2, 1),
    "max_pool2d without overlap": lambda x: F.max_pool2d(x, 2),
    "avg_pool2d": lambda x: F.avg_pool2d(x, 3, 2, 1),
    "adaptive_avg_pool2d": lambda x: F.adaptive_avg_pool2d(x, (2, 3)),
    "adaptive_max_pool2d": lambda x: F.adaptive_max_pool2d(x, (2, 3)),
    "global_avg_pool2d": F.global_avg_pool2d,
    "global_max_pool2d": F.global_max_pool2d,
    "batch_norm": lambda x: F.batch_norm(x, None, None, tg.tensor(SCALE), tg.tensor(SHIFT)),
    "layer_norm": lambda x: F.layer_norm(x, x.shape[1:]),
    "instance_norm": lambda x: F.instance_norm(x, weight=tg.tensor(SCALE), bias=tg.tensor(SHIFT)),
    "group_norm": lambda x: F.group_norm(x, 2, tg.tensor(SCALE), tg.tensor(SHIFT)),
    "relu": F.relu,
    "gelu": F.gelu,
    "softmax": lambda x: F.softmax(x, 1),
    "cross_entropy": lambda x: F.cross_entropy(
        x, np.arange(x.size // 4).reshape(x.shape[0], *x.shape[2:]) % 4, reduction="none"
    ),
}
INEXACT = {
    *("avg_pool2d", "adaptive_avg_pool2d", "global_avg_pool2d"),
    *("batch_norm", "layer_norm", "instance_norm", "group_norm"),
    *("gelu", "softmax", "cross_entropy"),
}


def leaf(x: Array) -> tg.Tensor:
    """A tensor whose memory is exactly this array, which :func:`tinygrad_cv.tensor` would copy."""
    tensor = tg.tensor(x, requires_grad=True)
    tensor.value = x
    return tensor


def cotangent(shape: tuple[int, ...]) -> Array:
    return integers(np.random.default_rng(2), *shape)


def outcome(
    function: Callable[[Any], Any], x: Array, cotangent_of: Callable[[tuple[int, ...]], Array]
) -> tuple[Array, Array]:
    tensor = leaf(x)
    y = function(tensor)
    g = y.detach()
    g.value = cotangent_of(y.shape)
    y.backward(g)
    return y.numpy(), tensor.grad.numpy()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_layout_of_the_input_and_of_the_cotangent_does_not_matter(name, layout):
    function, place = FUNCTIONS[name], LAYOUTS[layout]
    for shape in ((2, 4, 5, 6), (8, 4, 19, 16)):  # small and large arrays take different paths through NumPy
        x = integers(np.random.default_rng(1), *shape)
        before = x.copy()
        y, gx = outcome(function, place(x), lambda shape: place(cotangent(shape)))
        expected, expected_gx = outcome(function, x, cotangent)
        np.testing.assert_array_equal(x, before)
        tolerance = 1e-12 if name in INEXACT else 0  # integers add up exactly in any order
        np.testing.assert_allclose(y, expected, rtol=0, atol=tolerance)
        np.testing.assert_allclose(gx, expected_gx, rtol=0, atol=tolerance * max(1.0, np.abs(expected_gx).max()))


@pytest.mark.quick
@pytest.mark.parametrize("name", FUNCTIONS)
def test_one_number_broadcast_is_as_good_as_many(name):
    x = np.broadcast_to(np.float64(3.0), (2, 4, 5, 6))
    for g in (np.broadcast_to, np.full):
        y, gx = outcome(FUNCTIONS[name], x, lambda shape: g(2.0, shape) if g is np.broadcast_to else g(shape, 2.0))  # noqa: B023
        expected, expected_gx = outcome(FUNCTIONS[name], x.copy(), lambda shape: np.full(shape, 2.0))
        np.testing.assert_allclose(y, expected, rtol=0, atol=1e-12)
        np.testing.assert_allclose(gx, expected_gx, rtol=0, atol=1e-12 * max(1.0, np.abs(expected_gx).max()))


@pytest.mark.quick
@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_empty_batch_gives_an_empty_result_and_an_empty_gradient(name):
    x = np.zeros((0, 4, 5, 6))
    y, gx = outcome(FUNCTIONS[name], x, np.zeros)
    assert y.shape[0] == 0 and gx.shape == x.shape


@pytest.mark.quick
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_of_weights_does_not_matter(layout):
    rng = np.random.default_rng(3)
    x, w, g = integers(rng, 2, 4, 5, 6), integers(rng, 6, 4, 3, 3), integers(rng, 2, 6, 3, 4)
    results = []
    for place in (np.copy, LAYOUTS[layout]):
        images, weight = leaf(x), leaf(place(w))
        y = F.conv2d(images, weight)
        y.backward(tg.tensor(g))
        results.append((y.numpy(), images.grad.numpy(), weight.grad.numpy()))
    for found, expected in zip(*results, strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.quick
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_tensor_made_of_any_array_has_its_numbers_and_memory_of_its_own(layout):
    x = integers(np.random.default_rng(4), 2, 4, 5, 6)
    placed = LAYOUTS[layout](x)
    tensor = tg.tensor(placed)
    np.testing.assert_array_equal(tensor.numpy(), x)
    assert not np.shares_memory(tensor.value, placed)


@pytest.mark.quick
def test_gradients_are_writable_arrays_of_their_own():
    x = leaf(np.asfortranarray(integers(np.random.default_rng(5), 2, 4, 5, 6)))
    (F.max_pool2d(x, 2).sum() + F.avg_pool2d(x, 2).sum()).backward()
    assert x.grad.value.flags.writeable and not np.shares_memory(x.grad.value, x.value)
