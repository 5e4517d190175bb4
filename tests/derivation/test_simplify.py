"""Each pass leaves the function as it is, on numbers; and does what it is for."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv.derivation.cancel import cancel, rational
from tinygrad_cv.derivation.centred import drop_centred
from tinygrad_cv.derivation.matrix_products import matrix_product
from tinygrad_cv.derivation.simplify import PASSES, Known
from tinygrad_cv.derivation.tidy import tidy
from tinygrad_cv.derivation.tracing import trace
from tinygrad_cv.ir.graph import Builder, Graph
from tinygrad_cv.ir.numpy_source import run

FLOAT = np.dtype(np.float64)
NOTHING = Known(set(), set())


def normal(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).normal(size=shape)


FUNCTIONS = {
    "batch norm": (lambda x, w: F.batch_norm(x, weight=w, training=True), [(4, 3, 2, 2), (3,)]),
    "layer norm": (lambda x, w: F.layer_norm(x, 6, w), [(5, 6), (6,)]),
    "group norm": (lambda x: F.group_norm(x, 2), [(2, 4, 3, 3)]),
    "softplus": (F.softplus, [(7,)]),
    "attention": (lambda q, k, v: F.softmax(q @ k.T) @ v, [(3, 4), (5, 4), (5, 2)]),
    "network": (lambda x, w: F.max_pool2d(F.relu(F.conv2d(x, w, padding=1)), 2), [(1, 2, 4, 4), (3, 2, 3, 3)]),
    "curvature": (
        lambda x: tg.grad((F.batch_norm(x, training=True) ** 3).sum(), x, create_graph=True),
        [(5, 2)],
    ),
    "pieces": (lambda x: (x.T.reshape(6)[1:4].sum() - x.mean((0,))).cumsum(0) / x.max(), [(2, 3)]),
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_pass_by_itself_keeps_values_and_gradients(function):
    f, shapes = FUNCTIONS[function]
    traced = trace(f, tuple(tg.tensor(normal(*shape)) for shape in shapes))
    graph = Graph(traced.graph.builder, traced.graph.inputs, [*traced.outputs, *traced.gradients])
    arrays = [normal(*value.shape, seed=i) for i, value in enumerate(graph.inputs)]
    expected = run(graph, arrays)
    for name, one in PASSES:
        for found, right in zip(run(one(graph, NOTHING), arrays), expected, strict=True):
            np.testing.assert_allclose(found, right, rtol=1e-10, atol=1e-12, err_msg=name)
    for _, one in PASSES * 2:
        graph = one(graph, NOTHING)
    for found, right in zip(run(graph, arrays), expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-10, atol=1e-12)


class Small:
    """A graph over x of 4 x 6, for one pass."""

    def __init__(self):
        self.builder = Builder()
        self.x = self.builder.input(0, (4, 6), FLOAT)
        self.k = self.builder.input(1, (4, 1), FLOAT)

    def make(self, op, *args, **params):
        return self.builder.make(op, args, params)

    def wide(self, value):
        return self.make("expand", value, shape=(4, 6))

    def mean(self, value):
        total = self.make("sum", value, axis=(1,))
        return self.make("mul", total, self.builder.full((4, 1), 1 / 6, FLOAT))

    def after(self, one, value):
        (result,) = one(Graph(self.builder, [self.x, self.k], [value])).outputs
        return result


def test_what_is_taken_from_a_mean_comes_out_of_it():
    g = Small()
    d = g.make("sub", g.x, g.wide(g.make("add", g.mean(g.x), g.k)))  # x - (mean x + k)
    again = g.make("sub", d, g.wide(g.mean(d)))
    assert g.after(cancel, again) is g.make("sub", g.x, g.wide(g.mean(g.x)))


def test_deviations_from_the_mean_leave_a_sum():
    g = Small()
    d = g.make("sub", g.x, g.wide(g.mean(g.x)))
    square = g.make("square", g.x)
    both = g.make("sum", g.make("add", square, g.make("mul", g.wide(g.k), d)), axis=(1,))
    assert g.after(drop_centred, both) is g.make("sum", square, axis=(1,))
    varying = g.make("sum", g.make("add", square, g.make("mul", g.x, d)), axis=(1,))
    assert g.after(drop_centred, varying) is varying
    other = g.make("sum", g.make("add", square, d), axis=(0,))
    assert g.after(drop_centred, other) is other


def test_letters_take_over_permutations():
    g = Small()
    turned = g.make("permute", g.x, axes=(1, 0))
    product = g.make("contract", g.x, turned, spec="ij,jk->ik")
    assert g.after(tidy, product) is g.make("contract", g.x, g.x, spec="ij,kj->ik")
    turned = g.make("permute", product, axes=(1, 0))
    assert g.after(tidy, turned) is g.make("contract", g.x, g.x, spec="ij,kj->ki")


@pytest.mark.parametrize("y", ["ij", "ji"])
@pytest.mark.parametrize("b", ["jk", "kj"])
@pytest.mark.parametrize("a", ["ik", "ki"])
def test_products_of_matrices(a, b, y):
    size = {"i": 2, "j": 3, "k": 4}
    x, w = normal(*(size[i] for i in a)), normal(*(size[i] for i in b), seed=1)
    product = matrix_product(f"{a},{b}->{y}")
    sides = (x, w)[:: 1 - 2 * product.first]
    left, right = (side.T if turned else side for side, turned in zip(sides, product.transposed, strict=True))
    np.testing.assert_allclose(left @ right, np.einsum(f"{a},{b}->{y}", x, w))


def test_only_products_of_two_matrices_are_such():
    assert all(matrix_product(spec) is None for spec in ("i,j->ij", "ij,ij->ij", "nij,njk->nik", "ij,j->i", "ij,ij->"))


def test_shares_are_rational():
    g = Small()
    for number in (1 / 3, 2 / 6, 1 / 49, 3.0, 0.5, -2 / 7):
        found = rational(g.builder.full((), number, FLOAT))
        assert float(found) == number and found.denominator < 50
    assert rational(g.builder.full((), np.float32(1 / 3), np.dtype(np.float32))) == rational(
        g.builder.full((), 1 / 3, FLOAT)
    )
    assert rational(g.x) is None and rational(g.builder.full((), np.inf, FLOAT)) is None


def test_it_needs_no_compiler(tmp_path):
    """Without llvmlite, in a new process."""
    code = (
        "import sys; sys.modules['llvmlite'] = None\nimport tinygrad_cv as tg\n"
        "print(tg.derive(lambda x: x.exp(), tg.zeros(3)).lines[-1].text)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "dy · y\n"
