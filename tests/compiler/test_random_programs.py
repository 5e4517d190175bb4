"""Random programs over the primitives: eager, the graph's NumPy readings and native code agree, gradients too.

``python -m tests.compiler.campaign`` runs more of them, and makes a file in regressions/ of what goes wrong.
"""

from collections import Counter

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.compiler.agreement import MACHINES, judge
from tests.compiler.bounds import Known, analyze, difference, unchecked
from tests.compiler.campaign import REGRESSIONS, Case, smallest
from tests.compiler.generator import generate
from tests.compiler.programs import Gradients, parse
from tests.compiler.shrink import shrink
from tinygrad_cv.ir import numpy_source
from tinygrad_cv.ops import PRIMITIVES

pytest.importorskip("llvmlite")
PROGRAMS, BATCH = 300, 20


@pytest.mark.parametrize("first", range(0, PROGRAMS, BATCH))
def test_all_readings_agree(first):
    """Every other one with gradients; some compiled for other machines."""
    for case in map(Case.of, range(first, first + BATCH)):
        program = case.program()
        if verdict := judge(program, case.machine):
            small = smallest(program, verdict.complaint, case.machine, 100)
            pytest.fail(f"{case.name}: {verdict.complaint}\n{small}")


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("path", sorted(REGRESSIONS.glob("*.txt")), ids=lambda path: path.stem)
def test_what_once_went_wrong(path, machine):
    assert not judge(parse(path.read_text()), machine).complaint


@pytest.mark.parametrize("first", range(0, 100, 25))
def test_a_trace_computes_what_the_tape_computes_at_once(first):
    """To the bit, gradients included."""
    for seed in range(first, first + 25):
        gradients = Gradients.of(generate(seed))
        if gradients is None:
            continue
        arrays = gradients.arrays()
        with np.errstate(all="ignore"):
            at_once = [tensor.numpy() for tensor in gradients(*map(tg.tensor, arrays))]
        for i, (x, y) in enumerate(zip(at_once, numpy_source.run(gradients.graph(), arrays), strict=True)):
            np.testing.assert_array_equal(x, y, strict=True, err_msg=f"seed {seed}, output {i}")


def test_every_primitive_occurs():
    """Often enough, in what pytest runs; what the host draws, or sums over processes, has tests of its own."""
    counts = Counter(node.op for seed in range(PROGRAMS) for node in generate(seed).nodes)
    assert {name for name in PRIMITIVES if counts[name] < 10} == {"all_reduce", "random_bits"}


def test_most_elements_are_judged():
    """The bounds know something about nearly all of what a program returns."""
    programs = [Case(seed, gradients=True).program() for seed in range(40)]
    shares = [1 - unchecked(known) for p in programs for known in analyze(p.graph(), p.arrays())]
    assert np.mean(shares) > 0.9


# ---------------------------------------------------------------- the tools themselves


def test_a_program_is_its_text():
    for seed in range(40):
        program = generate(seed)
        assert str(parse(str(program))) == str(program)
        assert parse(str(program)) == program


PROGRAM = """
x0 = input((4, 37), 'float32', 'normal', 1)
x1 = input((37,), 'float32', 'normal', 2)
x2 = expand(x1, shape=(4, 37))
x3 = exp(x0)
x4 = mul(x3, x2)
x5 = sum(x4, axis=(1,))
x6 = max(x4, axis=(0,), ties='even')
return x5, x6, x3, x4
"""


@pytest.mark.any_python
def test_bounds_are_a_few_roundings():
    program = parse(PROGRAM)
    total, largest, exponentials, product = analyze(program.graph(), program.arrays())
    terms = np.abs(product.y).sum(1, keepdims=True)
    for known, size, units in ((total, terms, 80), (largest, largest.y, 16), (exponentials, exponentials.y, 13)):
        assert not known.bits and not difference(known, known.y)
        assert (known.d <= units * np.finfo(np.float32).eps * np.abs(size)).all()
        wrong = known.y.copy()
        wrong[-1, -1] += 1.1 * known.d[-1, -1]
        assert "differs in 1 of" in difference(known, wrong)


@pytest.mark.any_python
def test_bounds_of_exact_operations_leave_no_room():
    program = parse("x0 = input((9,), 'float32', 'special', 0)\nx1 = neg(x0)\nx2 = div(x0, x1)\nreturn x1, x2")
    for known in analyze(program.graph(), program.arrays()):
        assert known.bits and not known.d.any()
        finite = np.isfinite(known.y)
        assert difference(known, np.where(finite, np.nextafter(known.y, np.float32(np.inf)), known.y))
    zero = Known(np.zeros(1), np.zeros(1), bits=True)
    assert difference(zero, np.array([-0.0]))


@pytest.mark.any_python
def test_shrinking_finds_the_line_that_is_wrong():
    """Suppose that every sum over axis 1 of more than 5 elements went wrong."""

    def fails(program):
        sums = [value for value in program.graph().values() if value.op == "sum"]
        return any(value.params["axis"] == (1,) and value.args[0].shape[1] > 5 for value in sums)

    small = shrink(parse(PROGRAM), fails)
    first, *rest = str(small).splitlines()
    assert first.startswith("x0 = input((1, 6), 'float32', 'few',")  # with one seed or another
    assert rest == ["x1 = sum(x0, axis=(1,))", "return x1"]
