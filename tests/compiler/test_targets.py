"""Code for other machines: it uses their registers and calls nothing; where it runs here, it computes the same."""

from __future__ import annotations

import re
from functools import cache

import pytest

pytest.importorskip("llvmlite")

from tests.compiler.bounds import analyze, difference
from tests.compiler.programs import parse
from tests.compiler.recorded import PARTS, PROGRAMS, drawn, recorded
from tinygrad_cv.compiler.codegen.module import Modules
from tinygrad_cv.compiler.pipeline import make, plan, rewrite
from tinygrad_cv.compiler.program import NativeProgram
from tinygrad_cv.compiler.runtime.objects import assembly
from tinygrad_cv.compiler.runtime.target import Target, named

CPUS = ("skylake-avx512", "haswell", "x86-64", "aarch64")
REGISTERS = {  # as assembly writes them: the widest that must be used, and wider ones that must not be
    "skylake-avx512": (r"%zmm\d", None),
    "haswell": (r"%ymm\d", r"%zmm\d"),
    "x86-64": (r"%xmm\d", r"%[yz]mm\d"),
    "aarch64": (r"\bv\d+\.(4s|2d)\b", None),
}
MULTIPLY_ADD = {
    "skylake-avx512": r"\bvfn?madd\w+ps\b.*%zmm",
    "haswell": r"\bvfn?madd\w+ps\b.*%ymm",
    "aarch64": r"\bfmla\s+v\d+\.4s",
}
CALL = re.compile(r"^\s+(?:callq?|bl|b|jmp)\s+([A-Za-z_]\w*)", re.M)
OUTSIDE = {"memcpy", "memset"}  # LLVM's own

each_program = pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
each_cpu = pytest.mark.parametrize("cpu", CPUS)

EXACT = """
x0 = input((77,), 'float32', 'special', 1)
x1 = input((77,), 'float32', 'special', 2)
x2 = add(x0, x1)
x3 = sub(x0, x1)
x4 = mul(x0, x1)
x5 = times(x0, x1)
x6 = div(x0, x1)
x7 = square(x0)
x8 = sqrt(x0)
x9 = floor(x0)
x10 = maximum(x0, x1)
x11 = less_equal(x0, x1)
x12 = where(x11, x2, x4)
x13 = cast(x0, dtype='float64')
x14 = div(x2, x4)
x15 = sub(x14, x6)
return x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, x12, x13, x15
"""

POINTWISE = """
x0 = input((2, 24, 7, 7), 'float32', 'normal', 1)
x1 = input((24, 24), 'float32', 'normal', 2)
x2 = contract(x0, x1, spec='ncij,oc->noij')
x3 = contract(x2, x1, spec='ncij,oc->noij')
x4 = sum(x3, axis=(2, 3))
return x4
"""


@cache
def listing(program, cpu: str) -> str:
    target = named(cpu)
    planned = plan(rewrite(recorded(program), PARTS), target)
    return "\n".join(assembly(text, target) for text in Modules(planned, target))


def run(graph, target: Target, arrays):
    return NativeProgram(make(graph, target, PARTS), PARTS)(arrays)


def targets_here():
    return [named(cpu) for cpu in CPUS if named(cpu).runs_here]


@each_cpu
@each_program
def test_code_uses_the_registers_there_are(program, cpu):
    used, unused = REGISTERS[cpu]
    code = listing(program, cpu)
    assert re.search(used, code), f"no register {used}"
    assert unused is None or not re.search(unused, code), f"a register {unused}"


@each_cpu
@each_program
def test_code_calls_nothing_from_outside(program, cpu):
    code = listing(program, cpu)
    defined = set(re.findall(r"^_?(\w+):", code, re.M))
    assert set(CALL.findall(code)) - defined - OUTSIDE == set()


@pytest.mark.parametrize("cpu", MULTIPLY_ADD)
def test_contractions_multiply_and_add_at_once(cpu):
    (program,) = [path for path in PROGRAMS if path.stem == "conv_relu_mean"]
    assert re.search(MULTIPLY_ADD[cpu], listing(program, cpu))


@each_program
def test_results_on_all_machines_are_within_rounding(program):
    graph = recorded(program)
    arrays = drawn(graph)
    known = analyze(graph, arrays)
    for target in targets_here():
        for i, (k, found) in enumerate(zip(known, run(graph, target, arrays), strict=True)):
            assert not difference(k, found), f"{target.cpu}, output {i}: {difference(k, found)}"


def test_what_ieee_754_defines_has_the_same_bits_on_all_machines():
    """A product and a sum are two roundings, whatever instructions there are."""
    program = parse(EXACT)
    known = analyze(program.graph(), program.arrays())
    assert all(k.exact for k in known)
    for target in targets_here():
        for i, (k, found) in enumerate(zip(known, run(program.graph(), target, program.arrays()), strict=True)):
            assert not difference(k, found), f"{target.cpu}, output {i}: {difference(k, found)}"


@each_cpu
def test_contractions_of_many_channels_fill_vectors(cpu):
    """24 channels are three blocks of eight: on a machine with vectors of 16 they are better not in blocks."""
    target = named(cpu)
    for kernel in plan(parse(POINTWISE).graph(), target).kernels:
        if kernel.kind == "contraction":
            assert kernel.schedule.vector.extent * 4 >= target.vector_bytes
