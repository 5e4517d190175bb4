"""Contractions against np.einsum, on whole numbers exactly; convolution and its gradients among them."""

import itertools

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.primitives.draws import few
from tests.primitives.layouts import LAYOUTS, REPEATED
from tinygrad_cv.core.context import eager
from tinygrad_cv.ops.contraction import contract, transposed

quick = pytest.mark.quick

SEED = 3

SPECS = {
    "dot": ("a,a->", (4,), (4,)),
    "numbers": (",->", (), ()),
    "scaled": ("ab,->ba", (2, 3), ()),
    "outer": ("ab,c->cab", (2, 3), (4,)),
    "elementwise": ("ab,ab->ab", (2, 3), (2, 3)),
    "elementwise, turned": ("ab,ba->ba", (2, 3), (3, 2)),
    "matrices": ("ij,jk->ik", (3, 4), (4, 2)),
    "matrices, turned": ("ji,kj->ki", (4, 3), (2, 4)),
    "matrix and vector": ("ij,j->i", (3, 4), (4,)),
    "vector and matrix": ("i,ij->j", (3,), (3, 4)),
    "batch": ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)),
    "batch inside": ("ibj,jkb->kib", (3, 2, 4), (4, 5, 2)),
    "two batch letters": ("abij,bakj->kbai", (2, 3, 2, 4), (3, 2, 5, 4)),
    "trace of a product": ("ij,ji->", (3, 4), (4, 3)),
    "several contracted": ("aibj,jbc->cia", (2, 3, 4, 2), (2, 4, 3)),
    "everything free": ("ab,cd->dbca", (2, 3), (4, 2)),
    "convolution": ("ncijuv,ocuv->noij", (2, 3, 4, 3, 2, 2), (5, 3, 2, 2)),
    "its weight gradient": ("ncijuv,noij->ocuv", (2, 3, 4, 3, 2, 2), (2, 5, 4, 3)),
    "its input gradient": ("noij,ocuv->ncijuv", (2, 5, 4, 3), (5, 3, 2, 2)),
    "groups": ("ngcijuv,gocuv->ngoij", (2, 2, 3, 4, 3, 2, 2), (2, 5, 3, 2, 2)),
    "depthwise": ("ncijuv,cuv->ncij", (2, 3, 4, 3, 2, 2), (3, 2, 2)),
    "size 1": ("bij,bjk->bik", (1, 1, 1), (1, 1, 1)),
    "empty rows": ("ij,jk->ik", (0, 3), (3, 2)),
    "empty sum": ("ij,jk->ik", (2, 0), (0, 3)),
    "empty batch": ("bij,bjk->bik", (0, 2, 3), (0, 3, 2)),
    "empty outer": ("a,b->ab", (0,), (3,)),
}

every = pytest.mark.parametrize("spec, a_shape, b_shape", SPECS.values(), ids=SPECS)


def run(spec, a, b):
    return eager(contract, [a, b], {"spec": spec})


def whole_numbers(shape, dtype=np.float64, seed=SEED):
    return few(np.random.default_rng(seed), shape).astype(dtype)


@every
def test_equals_einsum_in_every_pair_of_layouts(spec, a_shape, b_shape):
    a, b = whole_numbers(a_shape), whole_numbers(b_shape, seed=SEED + 1)
    layouts = {**LAYOUTS, **REPEATED}
    for (name_a, lay_a), (name_b, lay_b) in itertools.product(layouts.items(), repeat=2):
        x, y = lay_a(a), lay_b(b)
        expected = np.einsum(spec, x, y)
        value = run(spec, x, y)
        assert value.shape == expected.shape
        np.testing.assert_array_equal(value, expected, err_msg=f"{name_a}, {name_b}")


@every
def test_keeps_the_dtype(spec, a_shape, b_shape):
    for dtype in ("f2", "f4", "i8", "i4", "u1"):
        a, b = abs(whole_numbers(a_shape)).astype(dtype), abs(whole_numbers(b_shape, seed=SEED + 1)).astype(dtype)
        value = run(spec, a, b)
        assert value.dtype == dtype
        np.testing.assert_array_equal(value, np.einsum(spec, a.astype("f8"), b.astype("f8")))


@quick
@every
def test_gradients_are_contractions(spec, a_shape, b_shape):
    """⟨a ∘ b, g⟩ is linear in a and in b: its derivatives are einsums, exactly."""
    a, b = whole_numbers(a_shape), whole_numbers(b_shape, seed=SEED + 1)
    x, y = tg.Tensor._new(a).requires_grad_(), tg.Tensor._new(b).requires_grad_()
    z = x.contract(y, spec)
    g = whole_numbers(z.shape, seed=SEED + 2)
    z.backward(tg.tensor(g))
    terms, result = spec.split("->")
    left, right = terms.split(",")
    np.testing.assert_array_equal(x.grad.value, np.einsum(f"{result},{right}->{left}", g, b))
    np.testing.assert_array_equal(y.grad.value, np.einsum(f"{left},{result}->{right}", a, g))


@quick
def test_transposed_names_the_two_vjps():
    spec = "ncijuv,ocuv->noij"
    assert transposed(spec, 0) == "noij,ocuv->ncijuv"
    assert transposed(spec, 1) == "ncijuv,noij->ocuv"


@quick
def test_infinities_and_nan_come_through():
    a = np.array([[1.0, np.inf], [np.nan, 2.0]])
    np.testing.assert_array_equal(run("ij,jk->ik", a, np.eye(2)), np.einsum("ij,jk->ik", a, np.eye(2)))
