"""Random integers in compiled code are those of eager code, which are NumPy's, wherever they begin."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from tests.compiler.interpreter import interpret
from tinygrad_cv.compiler.pipeline import make, plan, rewrite
from tinygrad_cv.compiler.program import NativeProgram
from tinygrad_cv.compiler.runtime.target import host, named
from tinygrad_cv.ir import numpy_source
from tinygrad_cv.ir.graph import Builder, Graph

WORD = np.dtype(np.uint64)
STATE = np.array([2**64 - 59, 2**40 + 3], WORD)  # no block of four begins here


def drawing(shape: tuple[int, ...], bits: int) -> Graph:
    """Two draws, the second of which begins where the first ends, and what is read of it through a movement."""
    builder = Builder()
    state = builder.input(0, (2,), WORD)
    one = builder.make("random_bits", (state,), {"shape": shape, "bits": bits})
    after = builder.make("add", (state, builder.constant(np.array([0, 5], WORD))), {})
    two = builder.make("random_bits", (after,), {"shape": shape, "bits": bits})
    moved = builder.make("permute", (two,), {"axes": tuple(reversed(range(len(shape))))})
    return Graph(builder, [state], [one, builder.make("add", (moved, moved), {})])


@pytest.mark.parametrize("bits", [1, 24, 32, 33, 53, 64])
@pytest.mark.parametrize("shape", [(3, 37), (2, 3, 5), (7,), (1,), ()])
def test_compiled_draws_are_those_of_eager_code(shape, bits):
    graph = drawing(shape, bits)
    right = numpy_source.run(graph, [STATE])
    for target in (host(), named("x86-64"), named("aarch64")):
        if target.runs_here:
            for found, wanted in zip(NativeProgram(make(graph, target, 2), 2)([STATE]), right, strict=True):
                np.testing.assert_array_equal(found, wanted)
    for found, wanted in zip(interpret(plan(rewrite(graph, 1), named("haswell")), [STATE]), right, strict=True):
        np.testing.assert_array_equal(found, wanted)
