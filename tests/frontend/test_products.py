"""matmul and einsum against NumPy's, in every combination of axes that they allow."""

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.differences import check

quick = pytest.mark.quick
SEED = 41


def whole_numbers(*shape, seed=SEED):
    return np.asarray(np.random.default_rng(seed).integers(-3, 4, shape)).astype(np.float64)


SHAPES = [
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 4)),
    ((2, 3), (3, 4)),
    ((5, 2, 3), (3, 4)),
    ((2, 3), (5, 3, 4)),
    ((5, 2, 3), (5, 3, 4)),
    ((5, 2, 3), (1, 3, 4)),
    ((1, 2, 3), (5, 3, 4)),
    ((4, 1, 2, 3), (5, 3, 1)),
    ((2, 5, 2, 3), (3,)),
    ((3,), (2, 5, 3, 4)),
    ((0, 3), (3, 4)),
    ((2, 0), (0, 4)),
    ((0, 2, 3), (3, 4)),
    ((1, 1), (1, 1)),
]


@pytest.mark.parametrize("a_shape, b_shape", SHAPES, ids=str)
def test_matmul(a_shape, b_shape):
    a, b = whole_numbers(*a_shape), whole_numbers(*b_shape, seed=SEED + 1)
    expected = np.matmul(a, b)
    for left, right in [(tg.tensor(a), tg.tensor(b)), (tg.tensor(a), b), (a, tg.tensor(b))]:
        for y in (left @ right, tg.matmul(left, right), np.matmul(left, right)):
            assert y.shape == expected.shape
            np.testing.assert_array_equal(y.numpy(), expected)
    check(lambda a, b: a @ b, [a, b], SEED)


@pytest.mark.parametrize(
    "a_shape, b_shape",
    [*SHAPES, ((), (2,)), ((2, 3), ()), ((2, 3, 4), (2, 4, 3)), ((2, 3), (5, 3, 2)), ((2, 3, 4), (4,))],
    ids=str,
)
def test_numpys_dot_keeps_its_meaning(a_shape, b_shape):
    a, b = whole_numbers(*a_shape), whole_numbers(*b_shape, seed=SEED + 1)
    try:
        expected = np.dot(a, b)
    except ValueError:
        return
    y = np.dot(tg.tensor(a), tg.tensor(b))
    assert y.shape == expected.shape
    np.testing.assert_array_equal(y.numpy(), expected)


@quick
@pytest.mark.parametrize(
    "a_shape, b_shape, message",
    [
        (
            (2, 3),
            (4, 5),
            r"shapes \(2, 3\) and \(4, 5\).*last axis of the first \(3\).*second to last axis of the second \(4\)",
        ),
        ((3,), (4,), r"only axis of the second \(4\)"),
        ((), (3,), "each needs at least one axis"),
        ((3,), (), "each needs at least one axis"),
        ((2, 2, 3), (3, 3, 4), "is both 2 and 3"),
        ((2, 1), (3, 4), r"\(1\)"),
    ],
)
def test_matmul_of_shapes_that_do_not_fit(a_shape, b_shape, message):
    with pytest.raises(tg.ShapeError, match=message):
        tg.ones(*a_shape) @ tg.ones(*b_shape)


@quick
def test_matmul_of_what_is_no_tensor():
    assert tg.matmul(np.ones(2), np.ones(2)).item() == 2.0
    with pytest.raises(tg.DTypeError, match="matmul of str"):
        tg.matmul(tg.ones(2), "a")
    with pytest.raises(TypeError):
        tg.ones(2) @ "a"


SPECS = [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk", (2, 3), (3, 4)),
    ("ba,cb", (2, 3), (4, 2)),
    ("i,i->", (3,), (3,)),
    ("i,i", (3,), (3,)),
    ("i,j->ij", (2,), (3,)),
    ("i,j->ji", (2,), (3,)),
    ("ij->ji", (2, 3)),
    ("ij->", (2, 3)),
    ("ij->j", (2, 3)),
    ("ji", (2, 3)),
    ("ii->i", (3, 3)),
    ("ii->", (3, 3)),
    ("ii", (3, 3)),
    ("iij->ij", (2, 2, 3)),
    ("iji->j", (2, 3, 2)),
    ("iii->i", (3, 3, 3)),
    ("iijj->ij", (2, 2, 3, 3)),
    ("ij,ij->ij", (2, 3), (2, 3)),
    ("ij,ij->", (2, 3), (2, 3)),
    ("ij,ji->", (2, 3), (3, 2)),
    ("ii,i->i", (3, 3), (3,)),
    ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)),
    ("...ij,...jk->...ik", (2, 3, 4), (2, 4, 5)),
    ("...ij,jk->...ik", (5, 2, 3, 4), (4, 2)),
    ("...i->i...", (2, 3, 4)),
    ("i...->...", (2, 3, 4)),
    ("...,...->...", (2, 3), (3,)),
    ("...i,...i", (2, 3), (2, 3)),
    ("i...,i...->i...", (2, 3, 4), (2, 1, 4)),
    ("...", (2, 3)),
    ("...ii->...i", (2, 3, 3)),
    ("ij,j", (2, 3), (3,)),
    ("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)),
    ("ij,jk,ki->", (2, 3), (3, 4), (4, 2)),
    ("i,j,k->kji", (2,), (3,), (4,)),
    ("ab,b,ab,a->b", (2, 3), (3,), (2, 3), (2,)),
    ("ij,kl->", (2, 3), (4, 5)),
    ("ij,kl->ik", (2, 3), (4, 5)),
    ("ij,jk->ik", (2, 1), (3, 4)),
    ("ij,ij->ij", (2, 1), (1, 3)),
    (",->", (), ()),
    (",i->i", (), (3,)),
    ("->", ()),
    ("ij,jk->ik", (0, 3), (3, 2)),
    ("ij,jk->ik", (2, 0), (0, 3)),
    ("i,i,i->i", (1,), (0,), (1,)),
    ("nchw,ocuv->nohwuv", (1, 2, 2, 2), (3, 2, 2, 1)),
    ("Aa,aB->AB", (2, 3), (3, 4)),
    ("Ba,aA", (2, 3), (3, 4)),
    ("i j , j k -> i k", (2, 3), (3, 4)),
]


@pytest.mark.parametrize("spec, shapes", [(spec, shapes) for spec, *shapes in SPECS], ids=str)
def test_einsum(spec, shapes):
    arrays = [whole_numbers(*shape, seed=SEED + i) for i, shape in enumerate(shapes)]
    expected = np.einsum(spec, *arrays)
    y = tg.einsum(spec, *map(tg.tensor, arrays))
    assert y.shape == expected.shape
    np.testing.assert_array_equal(y.numpy(), expected)
    np.testing.assert_array_equal(np.einsum(spec, *map(tg.tensor, arrays)).numpy(), expected)
    check(lambda *xs: tg.einsum(spec, *xs), arrays, SEED)


@quick
@pytest.mark.parametrize(
    "spec, shapes, message",
    [
        ("ij,jk->ik", [(2, 3), (4, 5)], "'j' is both 3 and 4"),
        ("ij->ij", [(2, 3, 4)], "does not name the 3 axes"),
        ("ij", [(2,)], "does not name the 1 axes"),
        ("ij,jk->ik", [(2, 3)], "names 2 operands, but got 1"),
        ("ij->ik", [(2, 3)], "the result 'ik' must name letters of the operands"),
        ("ij->ii", [(2, 3)], "each once"),
        ("i1->i", [(2, 3)], "does not name"),
        ("ii->i", [(2, 3)], "'i' is both 2 and 3"),
        ("...ij->ij", [(5, 2, 3)], r"\.\.\."),
        ("i...j...->ij", [(5, 2, 3)], r"\.\.\."),
    ],
)
def test_einsum_of_what_does_not_fit(spec, shapes, message):
    with pytest.raises(tg.ShapeError, match=message):
        tg.einsum(spec, *(tg.ones(*shape) for shape in shapes))


@quick
def test_einsum_with_arrays_and_numbers():
    a = whole_numbers(2, 3)
    np.testing.assert_array_equal(tg.einsum("ij,jk->ik", tg.tensor(a), a.T).numpy(), a @ a.T)
    np.testing.assert_array_equal(tg.einsum("ij,->ij", tg.tensor(a), 2).numpy(), 2 * a)
    np.testing.assert_array_equal(tg.einsum("ij->j", a).numpy(), a.sum(0))
    with pytest.raises(tg.ShapeError, match="at least one tensor"):
        tg.einsum("i->")


@quick
@pytest.mark.parametrize("dtype", ["int64", "int8", "float32"])
def test_products_of_other_dtypes(dtype):
    a = whole_numbers(2, 3).astype(dtype)
    for spec, arrays in [("ij,kj->ik", (a, a)), ("ij,ij->ij", (a, a)), ("ij,j->i", (a, a[0]))]:
        y = tg.einsum(spec, *map(tg.tensor, arrays))
        assert y.dtype == dtype
        np.testing.assert_array_equal(y.numpy(), np.einsum(spec, *arrays))
    assert (tg.tensor(a) @ tg.tensor(a).T).dtype == dtype
