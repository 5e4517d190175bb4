"""Functions of thousands of operations: work and memory grow as the graph does, and nothing recurses.

The budget is counted, not timed: in expressions of the plan and lines of code for each operation of the program.
"""

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.compiler import long_programs
from tests.compiler.long_programs import MOVEMENTS
from tinygrad_cv import functional as F
from tinygrad_cv.compiler import pipeline
from tinygrad_cv.compiler.codegen.module import Modules
from tinygrad_cv.compiler.runtime.target import named
from tinygrad_cv.compiler.schedule.kernel import NestKernel
from tinygrad_cv.core.stackless import run
from tinygrad_cv.ir import numpy_source

pytest.importorskip("llvmlite")
OPERATIONS = 2000
EXPRESSIONS, LINES, LONGEST = 4, 16, 800  # for each operation; for each operation; in a kernel


def check(program):
    """Compiled code gives what the graph's NumPy reading gives, within the budget."""
    graph, arrays = program.graph(), program.arrays()
    count = len(program.nodes)
    planned = pipeline.plan(pipeline.rewrite(graph, 2), named("haswell"))
    lengths = [len(kernel.nest.parts) for kernel in planned.kernels if isinstance(kernel, NestKernel)]
    assert sum(lengths) <= EXPRESSIONS * count
    assert max(lengths) <= LONGEST
    assert sum(text.count("\n") for text in Modules(planned, named("haswell"))) <= LINES * count + 1000
    for found, expected in zip(pipeline.compile(graph)[0](arrays), numpy_source.run(graph, arrays), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("step", MOVEMENTS, ids=lambda step: step.__name__)
def test_one_movement_again_and_again(step):
    check(long_programs.repeated(step, OPERATIONS))


@pytest.mark.parametrize("seed", range(3))
def test_all_movements_among_each_other(seed):
    check(long_programs.mixed(seed, OPERATIONS))


def chain(x, operations):
    """Elementwise operations one after the other."""
    for i in range(operations // 2):
        x = x * 0.999 + (i % 7 - 3) * 0.01
    return x


def agree(function, *arrays):
    tensors = [tg.tensor(array) for array in arrays]
    expected, found = function(*tensors), tg.jit(function)(*tensors)
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-4, atol=1e-5)


X = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)


@pytest.mark.any_python
def test_a_chain_of_four_hundred_operations():
    agree(lambda x: chain(x, 400), X)


def test_a_chain_of_ten_thousand_operations():
    agree(lambda x: chain(x, 10_000), X)


def test_gradients_of_a_long_chain():
    def gradient(x):
        x = x.detach().requires_grad_()
        return tg.grad((chain(x, 2000) * x).sum(), [x])[0]

    agree(gradient, X)


def test_a_thousand_means_and_sums():
    """Sums of sums of long chains are taken apart without a look at each chain for each sum."""

    def centred(x):
        for _ in range(300):
            x = x - x.mean(1, keepdims=True) * 0.1 + x.sum(0, keepdims=True) * 0.001
        return x

    agree(centred, X)


@pytest.mark.any_python
def test_a_concatenation_of_slices_again_and_again():
    def rounds(x):
        for _ in range(25):
            x = tg.concatenate([x[:1], x[1:] * 1.01], 0)
        return x

    agree(rounds, X)


@pytest.mark.parametrize("size", [1, 3, 5, 7])
def test_a_transposed_convolution_before_adaptive_pooling(size):
    rng = np.random.default_rng(size)
    x, w = (rng.normal(size=shape).astype(np.float32) for shape in ((2, 4, 11, 9), (4, 3, 3, 3)))
    agree(lambda x, w: F.adaptive_max_pool2d(F.conv_transpose2d(x, w, stride=2), (size, size)), x, w)


@pytest.mark.any_python
def test_stackless_calls_return_raise_and_catch():
    def depth(n):
        if n == 0:
            raise ValueError("the end")
        return 1 + (yield depth(n - 1))

    def caught(n):
        try:
            return (yield depth(n))
        except ValueError as error:
            return str(error), (yield 7)

    assert run(caught(20_000)) == ("the end", 7)
    with pytest.raises(ValueError, match="the end"):
        run(depth(20_000))
    assert run(3) == 3
