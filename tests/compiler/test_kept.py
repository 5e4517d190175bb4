"""What follows from state alone is kept from call to call, and computed anew when state has changed in any way."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.compiler.generator import generate
from tests.compiler.recorded import PARTS
from tinygrad_cv import nn, optim
from tinygrad_cv.compiler import pipeline
from tinygrad_cv.compiler.options import Options
from tinygrad_cv.compiler.program import NativeProgram
from tinygrad_cv.compiler.runtime.target import host
from tinygrad_cv.compiler.same import Same
from tinygrad_cv.compiler.verify import VerificationError
from tinygrad_cv.compiler.verify.kept import verify_kept
from tinygrad_cv.core import memory
from tinygrad_cv.ir import numpy_source
from tinygrad_cv.ir.graph import Builder, Graph

X = (2, 16, 6, 6)


def steady(graph, numbers):
    return Graph(graph.builder, graph.inputs, graph.outputs, graph.state, numbers)


def convolved(numbers=(1,)):
    """x, w -> the sum of a convolution of x with exp(w)."""
    builder = Builder()
    x, w = (builder.input(i, shape, np.dtype(np.float32)) for i, shape in enumerate((X, (16, 16))))
    weights = builder.make("exp", [w], {})
    y = builder.make("contract", [x, weights], {"spec": "ncij,oc->noij"})
    return Graph(builder, [x, w], [builder.make("sum", [y], {"axis": (2, 3)})], (), numbers)


def drawn(seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(np.float32) for shape in (X, (16, 16))]


def program_of(graph):
    return NativeProgram(pipeline.make(graph, host(), PARTS), PARTS)


def test_it_is_not_computed_again():
    """Numbers that are written where nobody tells are not seen: what was made of the old ones is used."""
    program, (x, w), (other, _) = program_of(convolved()), drawn(), drawn(1)
    (first,), (second,) = program([x, w]), program([other, w])
    before = w.copy()
    w += 1.0
    (stale,) = program([other, w])
    np.testing.assert_array_equal(stale, second, strict=True)
    memory.store(w)
    (fresh,) = program([x, w])
    np.testing.assert_allclose(fresh, np.e * first, rtol=1e-4, atol=1e-3)
    (back,) = program([x, before])
    np.testing.assert_array_equal(back, first, strict=True)


def test_measuring_kernels_leaves_nothing_behind():
    program, arrays = program_of(convolved()), drawn()
    (first,) = program(arrays)
    assert [row.kind for row in program.kernels()].count("kept") == 1
    np.testing.assert_array_equal(program(arrays)[0], first, strict=True)


def test_arrays_are_not_kept_alive_and_memory_that_is_used_again_is_read_again():
    program, (x, w) = program_of(convolved()), drawn()
    (first,) = program([x, w])
    for number in range(3):  # a new array may lie where the old one was
        w = np.full_like(w, number)
        (found,) = program([x, w])
        (right,) = numpy_source.run(convolved(), [x, w])
        np.testing.assert_allclose(found, right, rtol=1e-3, atol=1e-3)
    assert not np.allclose(found, first)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(64, 64, 3, padding=1), nn.BatchNorm2d(64)
        self.last = nn.Linear(64, 600)  # of which each array is large enough to be written over

    def forward(self, x):
        return self.last(F.relu(self.norm(self.conv(x))).mean((2, 3)))


def trained(model):
    """A compiled training step."""
    optimizer = optim.SGD(model, lr=0.1, momentum=0.9)

    @tg.jit
    def step(x):
        loss = model(x).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def assigned(model):
    model.conv.weight.assign(model.conv.weight * 2.0)


def changed_in_place(model):
    model.conv.weight[3] = 0.25


def changed_by_a_view(model):
    view = model.norm.running_var.detach()
    view *= 9.0


def loaded(model):
    floats = {name: t for name, t in model.state_dict().items() if t.dtype.kind == "f"}
    model.load_state_dict({name: t * 1.5 for name, t in floats.items()}, strict=False)


def changed_by_another_library(model):
    np.from_dlpack(model.last.weight.detach())[...] = 0.125


CHANGES = [assigned, changed_in_place, changed_by_a_view, loaded, changed_by_another_library]


@pytest.mark.parametrize("change", CHANGES)
def test_state_that_has_changed_is_seen(change):
    tg.manual_seed(0)
    model = Net().eval()
    compiled, x = tg.jit(model), tg.randn(4, 64, 5, 5)
    with tg.no_grad():
        for _ in range(2):
            np.testing.assert_allclose(compiled(x).numpy(), model(x).numpy(), rtol=1e-3, atol=1e-4)
        before = compiled(x).numpy()
        for _ in range(2):
            change(model)
            for _ in range(2):
                np.testing.assert_allclose(compiled(x).numpy(), model(x).numpy(), rtol=1e-3, atol=1e-4)
        assert not np.allclose(before, compiled(x).numpy(), rtol=1e-2)
        assert "kept" in [row.kind for row in compiled.kernels(x)]


def test_a_compiled_step_that_writes_over_state_is_seen():
    """All that is read is written over: no other parameter tells that it has changed."""
    tg.manual_seed(0)
    model, x = nn.Linear(200, 200, bias=False), tg.randn(70, 200)
    step, compiled = trained(model), tg.jit(lambda x: x @ (2.0 * model.weight).T)
    with tg.no_grad():
        compiled(x)
    for _ in range(3):  # from then on state is written over
        step(x)
    gc.collect()  # traces hold what they saw
    for _ in range(3):
        with tg.no_grad():
            for _ in range(2):
                np.testing.assert_allclose(compiled(x).numpy(), 2.0 * model(x).numpy(), rtol=1e-3, atol=1e-4)
        array = weakref.ref(model.weight.value)
        step(x)
        assert array() is model.weight.value
    with tg.no_grad():
        assert "kept" in [row.kind for row in compiled.kernels(x)]


def test_state_in_another_order_is_the_same_in_each_call(monkeypatch):
    """A transposed weight, and one that repeats a number, are copied; the copy is the same array in the next call."""
    base, ones = tg.randn(40, 30), tg.ones(1).expand(40)
    weight, made = base.T, []
    monkeypatch.setattr(Same, "keep", lambda self, keep=Same.keep: made.append(keep(self)))
    compiled, x = tg.jit(lambda x: x @ (weight.exp() * ones)), tg.randn(70, 30)
    with tg.no_grad():
        for changes in range(1, 4):
            for _ in range(3):
                right = x.numpy() @ np.exp(base.numpy().T)
                np.testing.assert_allclose(compiled(x).numpy(), right, rtol=1e-3, atol=1e-3)
                assert len(made) == changes
            base[3] = 0.5 * changes


def test_memory_of_results_that_becomes_state_again():
    """The array of a large result is used for a later one; a parameter that has it twice has other numbers then."""
    w, scale = tg.zeros(200, 200), tg.ones(())
    made, read = tg.jit(lambda s: s * tg.ones(200, 200)), tg.jit(lambda x: (w * 2.0).T @ x)
    x = tg.ones(200, 70)
    with tg.no_grad():
        for number in range(8):
            w.assign(made(scale * float(number)))
            if number % 3 != 2:
                assert read(x).numpy()[0, 0] == 400.0 * number


@pytest.mark.parametrize("options", [Options(), Options(memory=1 << 30)])
def test_nothing_is_kept_within_a_limit_or_without_steady_inputs(options):
    kept = pipeline.run(pipeline.STAGES[:-2], pipeline.Work(convolved(), PARTS, host(), options)).plan.kept
    assert kept == (1 if options.memory is None else 0)
    assert pipeline.run(pipeline.STAGES[:-2], pipeline.Work(convolved(()), PARTS, host(), options)).plan.kept == 0


def test_a_step_that_trains_or_may_be_differentiated_keeps_nothing():
    model = Net()
    x = tg.randn(4, 64, 5, 5)
    for function in (trained(model), tg.jit(model)):
        function(x)
        assert "kept" not in [row.kind for row in function.kernels(x)]


def test_what_is_kept_wrongly_is_found():
    plan = pipeline.run(pipeline.STAGES[:-2], pipeline.Work(convolved(), PARTS, host())).plan
    verify_kept(plan, "plan")
    with pytest.raises(VerificationError, match="may be another one in the next call"):
        verify_kept(replace(plan, kept=len(plan.steps)), "plan")
    with pytest.raises(VerificationError, match="may be another one in the next call"):
        verify_kept(replace(plan, graph=convolved(())), "plan")
    with pytest.raises(VerificationError, match="it is kept, and stored again"):
        verify_kept(replace(plan, steps=[*plan.steps, plan.steps[0]]), "plan")


@pytest.mark.parametrize("first", range(0, 60, 20))
def test_random_programs_called_twice(first):
    """Half of the inputs stay: a second call with others beside them gives the bits that a fresh program does."""
    some = 0
    for seed in range(first, first + 20):
        program = generate(seed)
        graph = program.graph()
        same = tuple(range(0, len(graph.inputs), 2))
        if any(value.size == 0 for value in graph.values()):
            continue
        arrays = program.arrays()
        others = [a if i in same else a[::-1].copy() if a.ndim else a for i, a in enumerate(arrays)]
        image = pipeline.make(steady(graph, same), host(), PARTS, pipeline.Watch())
        some += image.kept > 0
        twice, fresh = NativeProgram(image, PARTS), NativeProgram(image, PARTS)
        with np.errstate(all="ignore"):
            twice(arrays)
            for got, want in zip(twice(others), fresh(others), strict=True):
                np.testing.assert_array_equal(got, want, strict=True, err_msg=f"seed {seed}")
    assert some > 3
