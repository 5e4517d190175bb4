"""What every primitive must do, driven from its row in tests/primitives. Its derivatives are proved in tests/proof."""

import itertools
import weakref

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.primitives.layouts import LAYOUTS, REPEATED
from tests.primitives.table import ROWS
from tinygrad_cv.core.context import eager, using
from tinygrad_cv.core.primitive import Aval
from tinygrad_cv.core.tape import apply

quick = pytest.mark.quick

SEED = 7
DIFFERENTIABLE = [row for row in ROWS.values() if row.primitive.differentiable]
DTYPES = (np.float64, np.float32)

every = pytest.mark.parametrize("row", ROWS.values(), ids=repr)
differentiable = pytest.mark.parametrize("row", DIFFERENTIABLE, ids=repr)


def compute(row, arrays, params):
    return eager(row.primitive, list(arrays), params)


def assert_agrees(found, expected, message):
    """Floats agree to a few units in the last place of the largest element, everything else exactly."""
    assert found.shape == np.shape(expected), message
    if found.dtype.kind != "f":
        np.testing.assert_array_equal(found, expected, err_msg=message)
        return
    scale = np.abs(expected)[np.isfinite(expected)].max(initial=1.0)
    rtol = 8 * np.finfo(found.dtype).eps
    np.testing.assert_allclose(
        found.astype(np.float64), np.asarray(expected, np.float64), rtol, rtol * scale, err_msg=message
    )


def wanted(row, arrays):
    """Which inputs have a derivative."""
    return [x.dtype.kind == "f" and row.primitive.vjp(i) is not None for i, x in enumerate(arrays)]


def leaves(arrays, wanted):
    return [tg.Tensor._new(x).requires_grad_(want) for x, want in zip(arrays, wanted, strict=True)]


@quick
@every
def test_value_is_the_oracles(row):
    for case, dtype in itertools.product(row.cases, DTYPES):
        arrays = row.inputs(case, SEED, dtype)
        assert_agrees(
            compute(row, arrays, case.params),
            row.oracle(*arrays, **case.params),
            f"{case}, {np.dtype(dtype)}, seed {SEED}",
        )


@every
def test_a_user_reaches_it(row):
    seen = set()

    def spy(primitive, values, params):
        seen.add(primitive.name)
        return eager(primitive, values, params)

    for case in row.cases:
        arrays = row.inputs(case, SEED)
        with using(interpret=spy):
            value = row.call(*map(tg.Tensor._new, arrays), **case.params).value
        assert_agrees(value, row.oracle(*arrays, **case.params), f"{case}, seed {SEED}")
    assert row.name in seen


@quick
@every
def test_aval_foretells_shape_and_dtype(row):
    for case, dtype in itertools.product(row.cases, (*DTYPES, np.float16)):
        arrays = row.inputs(case, SEED, dtype)
        value = compute(row, arrays, case.params)
        aval = row.primitive.aval(*(Aval(x.shape, x.dtype) for x in arrays), **case.params)
        assert aval == (value.shape, value.dtype), case
        assert isinstance(aval.shape, tuple) and isinstance(aval.dtype, np.dtype)


@every
def test_memory_layout_does_not_matter(row):
    for case, (layout, lay_out) in itertools.product(row.cases, {**LAYOUTS, **REPEATED}.items()):
        arrays = row.inputs(case, SEED)
        laid_out = [lay_out(x) for x in arrays]
        expected = row.oracle(*laid_out, **case.params)
        assert_agrees(compute(row, laid_out, case.params), expected, f"{case}, {layout}")
        if layout in LAYOUTS:
            for mixed in ([*laid_out[:1], *arrays[1:]], [*arrays[:1], *laid_out[1:]]):
                assert_agrees(compute(row, mixed, case.params), expected, f"{case}, {layout} and C")


@every
def test_inputs_are_left_alone(row):
    for case in row.cases:
        arrays = row.inputs(case, SEED)
        before = [x.copy() for x in arrays]
        xs = leaves(arrays, wanted(row, arrays))
        y = apply(row.primitive, *xs, **case.params) if xs else None
        if y is not None and y.requires_grad:
            y.backward(tg.ones_like(y))
        for x, old in zip(arrays, before, strict=True):
            np.testing.assert_array_equal(x, old)


@differentiable
def test_jvp_and_vjp_are_adjoint(row):
    """⟨J v, w⟩ = ⟨v, Jᵀ w⟩"""
    for case in row.cases:
        arrays = row.inputs(case, SEED)
        rng = np.random.default_rng(SEED)
        places = [i for i, want in enumerate(wanted(row, arrays)) if want]

        def function(*xs, arrays=arrays, places=places, params=case.params):
            inputs = list(map(tg.Tensor._new, arrays))
            for i, x in zip(places, xs, strict=True):
                inputs[i] = x
            return apply(row.primitive, *inputs, **params)

        xs = [arrays[i] for i in places]
        y = function(*map(tg.Tensor._new, xs))
        if y.dtype.kind != "f":
            continue
        vs = [rng.normal(size=x.shape) for x in xs]
        w = rng.normal(size=y.shape).astype(y.dtype)
        forward = tg.jvp(function, xs, vs)[1].numpy()
        backward = tg.vjp(function, xs, w)[1]
        left, right = (forward * w).sum(), sum((v * g.numpy()).sum() for v, g in zip(vs, backward, strict=True))
        tolerance = 1e-6 if y.dtype == np.float32 else 1e-13
        np.testing.assert_allclose(left, right, tolerance, tolerance, err_msg=f"{case}, seed {SEED}")


@differentiable
def test_gradient_keeps_dtype_and_shape(row):
    for case, dtype in itertools.product(row.cases, (*DTYPES, np.float16)):
        arrays = row.inputs(case, SEED, dtype)
        xs = leaves(arrays, wanted(row, arrays))
        y = apply(row.primitive, *xs, **case.params)
        if y.dtype.kind != "f":
            assert not y.requires_grad
            continue
        y.backward(tg.ones_like(y), create_graph=True)
        for x in xs:
            if x.requires_grad:
                assert (x.grad.dtype, x.grad.shape) == (x.dtype, x.shape), case


@differentiable
def test_gradient_does_not_depend_on_memory_layout(row):
    """Of the inputs, of the cotangent, and of both."""
    for case, (layout, lay_out) in itertools.product(row.cases, {**LAYOUTS, **REPEATED}.items()):
        arrays = [lay_out(x) for x in row.inputs(case, SEED)]
        want = wanted(row, arrays)
        y = compute(row, arrays, case.params)
        if y.dtype.kind != "f":
            continue
        g = lay_out(np.asarray(np.random.default_rng(SEED).normal(size=y.shape)).astype(y.dtype))
        expected = gradients(row, list(map(np.copy, arrays)), want, case.params, g.copy())
        for inputs in (arrays, list(map(np.copy, arrays))):
            for a, b in zip(gradients(row, inputs, want, case.params, g), expected, strict=True):
                np.testing.assert_allclose(a, b, 1e-13, 1e-14, err_msg=f"{case}, {layout}")


def gradients(row, arrays, want, params, g):
    xs = leaves(arrays, want)
    apply(row.primitive, *xs, **params).backward(tg.Tensor._new(g))
    return [x.grad.value for x in xs if x.requires_grad]


@quick
@differentiable
def test_only_what_a_vjp_reads_is_kept(row):
    """``add`` keeps nothing, ``mul`` the other operand, ``exp`` its output: the other arrays die with their tensors."""
    case = next(case for case in row.cases if case.kind == "3-d or more")
    arrays = row.inputs(case, SEED)
    names = [*row.primitive.inputs, "y"] if not row.primitive.variadic else [*"abcdef"[: len(arrays)], "y"]
    for i, want in enumerate(wanted(row, arrays)):
        xs = leaves(map(np.copy, arrays), [want and k == i for k in range(len(arrays))])
        y = apply(row.primitive, *xs, **case.params)
        if not want:
            assert y.node is None
            continue
        held = [weakref.ref(tensor.value) for tensor in (*xs, y)]
        node = y.node
        del xs, y
        alive = {name for name, ref in zip(names, held, strict=True) if ref() is not None}
        assert alive == set(row.keeps[0 if row.primitive.variadic else i].split()), names[i]
        node.free()
        assert not any(ref() is not None for ref in held)


@differentiable
def test_what_all_vjps_together_keep(row):
    if row.primitive.variadic:
        return
    want = tuple(vjp is not None for vjp in row.primitive.vjps)
    kept = {names for names in row.keeps for names in names.split()}
    sources = row.primitive.keeps(want)
    inputs = row.primitive.inputs
    assert kept == {
        "y" if source == "y" else inputs[source[0]] for source in sources if source == "y" or source[1] == "value"
    }
