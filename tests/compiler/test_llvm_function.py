"""Functions of LLVM text: loops carry values, branches are taken, and what does not change in a loop is outside it."""

import ctypes
from functools import cache

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from tinygrad_cv.compiler.llvm.function import Function
from tinygrad_cv.compiler.runtime.objects import compile_module, load
from tinygrad_cv.compiler.runtime.target import host

pytestmark = pytest.mark.any_python
LONG = np.dtype(np.int64)


@cache
def nested():
    """For i and j: out[6 i + j + 1] = low + 3 i + 5 j + s, for i = 2 only; s sums all j before it."""
    f = Function("run", ["ptr %out", "i64 %low", "i64 %rows", "i64 %columns"])
    low, rows, columns = map(f.known, ("%low", "%rows", "%columns"))

    def outer(i, sums):
        here = f.value(f"icmp eq i64 {f.integer(i)}, 2")

        def inner(j, sums):
            def write():
                place = f.pointer("%out", LONG, i * 6 + j + 1)
                total = f.value(f"add i64 {f.integer(low + i * 3 + j * 5)}, {sums[0]}")
                f.emit(f"store i64 {total}, ptr {place}, align 8")

            f.branch(here, write)
            return [f.value(f"add i64 {sums[0]}, {f.integer(j)}")]

        return f.loop(0, columns, 1, [("i64", sums[0])], inner)

    f.loop(0, rows, 1, [("i64", "0")], outer)
    f.ret()
    return f


def test_nested_loops_and_branches_run():
    library = load([compile_module(nested().text(), host())], ["run"])
    run = ctypes.CFUNCTYPE(None, ctypes.c_void_p, *[ctypes.c_int64] * 3)(library["run"])
    for rows, columns in ((4, 5), (3, 1), (2, 5), (0, 3), (3, 0)):
        out, expected, total = np.full(32, -1), np.full(32, -1), 0
        run(out.ctypes.data, 100, rows, columns)
        for i in range(rows):
            for j in range(columns):
                if i == 2:
                    expected[6 * i + j + 1] = 100 + 3 * i + 5 * j + total
                total += j
        assert out.tolist() == expected.tolist()


def test_what_a_loop_does_not_change_is_written_once_in_the_block_before_it():
    blocks = {block.label.rstrip("0123456789"): block for block in reversed(nested().blocks)}  # the first of each name
    outer = "\n".join(blocks["body"].instructions)
    assert "mul nsw i64 %i1, 3" in outer and "getelementptr [6 x i64], ptr %out, i64 %i1" in outer
    assert nested().body.count(", 3\n") == 1
    written = "\n".join(blocks["then"].instructions)
    assert "%low" not in written and "mul" not in written and "store i64" in written


def test_a_result_is_found_again_in_its_level_and_those_inside_and_nowhere_else():
    f = Function("run", ["i64 %n"])
    n, seen = f.known("%n"), []

    def body(i, carried):
        seen.append((f.integer(n * 7), f.pure("freeze i64 1")))
        return carried

    f.loop(0, n, 1, [], body)
    f.loop(0, n, 1, [], body)
    (first, one), (second, other) = seen
    assert first == second and one != other
    assert any(line.startswith(f"{first} = mul") for line in f.blocks[0].instructions)
