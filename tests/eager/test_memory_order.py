"""Arrays in other orders than row-major: compiled code takes them as they lie, and results lie like arguments."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.eager.forced import forced
from tinygrad_cv import functional as F
from tinygrad_cv import nn
from tinygrad_cv.eager import entries
from tinygrad_cv.eager.memory_order import inverse, order_of

pytestmark = pytest.mark.any_python
LAST = (0, 2, 3, 1)


def normal(*shape, seed=0, order=None):
    array = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    if order is None:
        return array
    return np.ascontiguousarray(array.transpose(order)).transpose(inverse(order))


def tensor(array):
    return tg.Tensor._new(array).requires_grad_()


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_order_of_axes(order):
    array = normal(2, 3, 4, order=order)
    assert order_of(array) == (None if order == (0, 1, 2) else order)
    assert array.transpose(order).flags.c_contiguous
    assert order_of(array[::-1]) is order_of(array[:, ::2]) is order_of(np.broadcast_to(array, (5, 2, 3, 4))) is None


def test_axes_of_one_element_lie_anywhere():
    array = normal(2, 1, 3, 4).transpose(0, 1, 3, 2)
    assert array.transpose(order_of(array)).flags.c_contiguous
    assert order_of(np.zeros((0, 3)).T) is None


@pytest.mark.parametrize("how", ["numpy", "native"])
@pytest.mark.parametrize("order", [None, LAST, (3, 1, 0, 2), (1, 0, 2, 3)])
@pytest.mark.parametrize("of_g", [None, LAST])
def test_values_and_gradients_are_the_same_in_every_order(how, order, of_g):
    function = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, groups=2), nn.BatchNorm2d(4), nn.ReLU(), nn.AvgPool2d(2))

    def run(order, of_g):
        x = tensor(normal(2, 4, 6, 6, order=order))
        y = function(x)
        y.backward(tg.Tensor._new(normal(*y.shape, seed=1, order=of_g)))
        grads = [p.grad.value for p in function.parameters()]
        function.zero_grad()
        return [y.value, x.grad.value, *grads]

    expected = run(None, None)
    with forced(how):
        found = run(order, of_g)
        assert len(entries.entries) == 4 and all(entry.native == 1 for entry in entries.entries.values())
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6)


def test_results_and_gradients_lie_as_arguments_do_and_contractions_as_their_vectors_run():
    with forced("native"):
        x = tensor(normal(2, 4, 6, 6))
        y = F.conv2d(x, tensor(normal(8, 4, 3, 3)), padding=1)
        z = F.relu(y)
        p = F.max_pool2d(F.batch_norm(z, training=True), 2)
        assert [order_of(t.value) for t in (y, z, p)] == [LAST] * 3
        assert order_of(F.relu(x).value) is None
        assert order_of(F.conv1d(tensor(normal(2, 3, 9)), tensor(normal(5, 3, 3))).value) == (0, 2, 1)
        assert order_of(F.linear(tensor(normal(2, 3, 9)), tensor(normal(5, 9))).value) is None
        seen = []
        for t in (x, y, z):
            t.register_hook(lambda g: seen.append(order_of(g.value)))
        p.sum().backward()
        assert seen == [LAST, LAST, None]


def test_each_order_is_a_signature():
    with forced("native"):
        for order in (None, LAST, None, LAST, (1, 0, 2, 3)):
            F.relu(tensor(normal(2, 4, 6, 6, order=order)))
        F.relu(tensor(normal(2, 4, 6, 12)[..., ::2]))
        assert [entry.native for entry in entries.entries.values()] == [3, 2, 1]
