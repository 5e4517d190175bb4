"""Vectors of elements that are not contiguous but near: read and written as the range of memory that they lie in."""

from __future__ import annotations

import re

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.compiler.programs import traced
from tinygrad_cv.compiler.codegen.module import Modules
from tinygrad_cv.compiler.pipeline import plan, rewrite
from tinygrad_cv.compiler.runtime.target import named
from tinygrad_cv.compiler.schedule.expr import Guard
from tinygrad_cv.compiler.schedule.loop_schedule import NEAR

pytestmark = pytest.mark.any_python
WIDTHS = (1, 2, 7, 16, 28, 33, 64)  # parts of vectors of 4 to 16 lanes, one, and several
DTYPES = ("float32", "float64", "float16", "int8", "int64", "bool")


def numbers(shape, dtype):
    return (np.random.default_rng(0).normal(size=shape) * 50).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("step", [2, 3, NEAR, NEAR + 1])
def test_every_step_th_element(step, dtype):
    """Forward, reversed, and beside a border: from the first element or not, to the last or not."""
    for width in WIDTHS:
        x = numbers((3, step * width + 2), dtype)

        @tg.jit
        def parts(t):
            bordered = t[:, 1:-2].pad(((0, 0), (2, 3)))[:, ::step]
            return t[:, ::step], t[:, 1::step][:, ::-1], bordered, t[:, ::-1][:, ::step] == t[:, 1::step]

        expected = (
            x[:, ::step],
            x[:, 1::step][:, ::-1],
            np.pad(x[:, 1:-2], ((0, 0), (2, 3)))[:, ::step],
            x[:, ::-1][:, ::step] == x[:, 1::step],
        )
        for found, wanted in zip(parts(tg.tensor(x)), expected, strict=True):
            np.testing.assert_array_equal(found.numpy(), wanted)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [2, 3, NEAR, NEAR + 1])
def test_elements_in_turns(count, dtype):
    """Stacked and flattened, repeated, and with gaps between them."""
    for width in WIDTHS:
        xs = [numbers((3, width), dtype) * (1 if dtype == "bool" else i) for i in range(count)]

        @tg.jit
        def turns(*ts):
            stacked = tg.stack(ts, 2).reshape(3, -1)
            repeated = ts[-1].expand_dims(2).expand(*ts[-1].shape, count).reshape(3, -1)
            return stacked, repeated, tg.stack([t[:, ::-1] for t in ts], 2).reshape(-1)

        expected = (
            np.stack(xs, 2).reshape(3, -1),
            np.repeat(xs[-1], count, 1),
            np.stack([x[:, ::-1] for x in xs], 2).reshape(-1),
        )
        for found, wanted in zip(turns(*map(tg.tensor, xs)), expected, strict=True):
            np.testing.assert_array_equal(found.numpy(), wanted)


def code(function, *arrays, cpu="skylake-avx512"):
    """The LLVM text of a compiled function."""
    return "\n".join(Modules(plan(rewrite(traced(function, arrays), 1), named(cpu)), named(cpu)))


@pytest.mark.parametrize("cpu", ["skylake-avx512", "haswell", "aarch64"])
def test_enlarging_and_halving_take_whole_vectors(cpu):
    """No element is put into a vector, or taken out of one, by itself."""
    x = np.zeros((2, 3, 16, 32), "float32")
    for function in (
        lambda t: [F.interpolate(t, scale_factor=2, mode="bilinear")],
        lambda t: [F.interpolate(t, scale_factor=2)],
        lambda t: [t[..., ::2] + t[..., 1::2]],
    ):
        text = code(function, x, cpu=cpu)
        assert "shufflevector" in text and "extractelement" not in text
        assert not re.search(r"insertelement <\d+ x float> [^p]", text)  # but into poison, as for a scalar in all lanes


def test_a_sum_of_gradients_is_stored_once():
    """The gradients of two windows of one image, which a third one reads: their sum is stored, and neither of them."""

    def sums(g, h):
        both = g.fold((1,), (1,), (20,)) + h.fold((1,), (1,), (20,))
        return [(both.expand_dims(2) * np.ones((1, 1, 2), "float32")).fold((1,), (1,), (21,))]

    arrays = np.ones((4, 19, 2), "float32"), np.ones((4, 18, 3), "float32")
    planned = plan(rewrite(traced(sums, arrays), 1), named("haswell"))
    assert [len(k.writes) for k in planned.kernels] == [1, 1]


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize("border", [(1, 2, 3, 0), (0, 4, 2, 1)])
def test_borders_are_loops_of_their_own(mode, border):
    """What is made of few parts, each of a range of a long loop, asks nowhere which part it is in."""
    for size in ((40, 33), (5, 70), (48, 6)):
        x = np.random.default_rng(0).normal(size=(2, 3, *size)).astype("float32")
        bordered = tg.jit(lambda t: F.pad(t, border, mode=mode))(tg.tensor(x)).numpy()
        np.testing.assert_array_equal(bordered, F.pad(x, border, mode=mode).numpy())
    graph = rewrite(traced(lambda t: [F.pad(t, border, mode=mode)], [np.zeros((2, 3, 40, 48), "float32")]), 1)
    parts = [part for kernel in plan(graph, named("haswell")).kernels for part in kernel.nest.parts]
    assert parts and not any(isinstance(part, Guard) for part in parts)
