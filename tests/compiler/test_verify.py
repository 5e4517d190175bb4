"""Verifiers: what the stages make passes, and each kind of mistake is found, by name."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from tests.compiler.generator import generate
from tests.compiler.programs import parse
from tests.thresholds import crossed
from tinygrad_cv.compiler.codegen.module import Modules
from tinygrad_cv.compiler.debug import Watch, words_of
from tinygrad_cv.compiler.image import build
from tinygrad_cv.compiler.pipeline import plan, rewrite
from tinygrad_cv.compiler.runtime.objects import compile_modules
from tinygrad_cv.compiler.runtime.target import named
from tinygrad_cv.compiler.schedule import late, materialize
from tinygrad_cv.compiler.schedule.affine import Affine, Var, of
from tinygrad_cv.compiler.schedule.expr import Exprs, substitute
from tinygrad_cv.compiler.schedule.kernel import NEW
from tinygrad_cv.compiler.schedule.layout import layout_of
from tinygrad_cv.compiler.schedule.nest import Nest, Store
from tinygrad_cv.compiler.verify import (
    VerificationError,
    verify_graph,
    verify_image,
    verify_plan,
    verify_rewrite,
)
from tinygrad_cv.compiler.verify.nests import range_under
from tinygrad_cv.ir.graph import Aval, Builder, Graph, Value

F32 = np.dtype(np.float32)
HASWELL = named("haswell")

SOFTMAX = """
x0 = input((64, 500), 'float32', 'normal', 1)
x1 = max(x0, axis=(1,), ties='even')
x2 = expand(x1, shape=(64, 500))
x3 = sub(x0, x2)
x4 = exp(x3)
x5 = sum(x4, axis=(1,))
x6 = expand(x5, shape=(64, 500))
x7 = div(x4, x6)
return x7
"""
ROWS = SOFTMAX.replace("64, 500", "6, 96, 500").replace("(1,)", "(2,)").replace("exp(x3)", "square(x3)")
WINDOWS = """
x0 = input((2, 20, 9, 9), 'float32', 'normal', 1)
x1 = input((16, 20, 3, 3), 'float32', 'normal', 2)
x2 = exp(x0)
x3 = pad(x2, width=((0, 0), (0, 0), (1, 1), (1, 1)), interior=(0, 0, 0, 0), value=0.0)
x4 = windows(x3, kernel=(3, 3), stride=(1, 1), dilation=(1, 1))
x5 = contract(x4, x1, spec='ncijuv,ocuv->noij')
x6 = exp(x5)
x7 = sum(x6, axis=(2, 3))
return x7
"""
PADDED = """
x0 = input((7, 30), 'float32', 'normal', 1)
x1 = pad(x0, width=((0, 0), (2, 3)), interior=(0, 0), value=1.0)
x2 = exp(x1)
return x2
"""


def planned(text):
    return plan(rewrite(parse(text).graph(), 2), HASWELL)


# ---------------------------------------------------------------- what is right passes


@pytest.mark.parametrize("cpu", ["skylake-avx512", "haswell", "x86-64"])
def test_plans_of_random_programs_pass(cpu):
    for seed in range(60):
        graph = generate(seed).graph()
        if all(value.size for value in graph.values()):
            verify_graph(graph, "trace")
            rewritten = rewrite(graph, 2)
            verify_rewrite(graph, rewritten, "rewrite")
            verify_plan(plan(rewritten, named(cpu)))


def test_conditions_bound_maps():
    i, j = Var(10), Var(3)
    place = of(i) + of(j) - 1
    assert range_under(place, []) == (-1, 10)
    assert range_under(place, [(place, 0, 10)]) == (0, 9)
    assert range_under(place * 2 + 1, [(place, 0, 10)]) == (1, 19)
    assert range_under(of(i) * -1, [(of(i) + 5, 7, 9)]) == (-3, -2)
    assert range_under(place, [(of(i), 4, 6)]) == (3, 6)
    assert range_under(of(i), [(of(j), 1, 2)]) == (0, 9)


# ---------------------------------------------------------------- graphs


def made(op, args, params, shape, dtype=F32, number=99):
    """A value as a mistaken pass would make it, past the builder."""
    return Value(op, tuple(args), params, Aval(shape, dtype), number, None)


def mistaken_values():
    builder = Builder()
    x, y = builder.input(0, (2, 3), F32), builder.input(1, (3, 4), F32)
    n = builder.input(2, (2, 3), np.dtype(np.int32))
    inputs = [x, y, n]
    yield "rule says float32[2, 3]", inputs, made("exp", [x], {}, (3, 2))
    yield "rule says bool[2, 3]", inputs, made("less", [x, x], {}, (2, 3))
    yield "an argument comes after it", inputs, made("exp", [y], {}, (3, 4), number=0)
    yield "do not fit", inputs, made("add", [x, y], {}, (2, 3))
    yield "do not fit", inputs, made("add", [x, n], {}, (2, 3))
    yield "do not fit", inputs, made("where", [x, x, x], {}, (2, 3))
    yield "do not fit", inputs, made("expand", [x], {"shape": (4, 3)}, (4, 3))
    yield "do not fit", inputs, made("reshape", [x], {"shape": (4, 3)}, (4, 3))
    yield "do not fit", inputs, made("permute", [x], {"axes": (1, 1)}, (3, 3))
    yield "do not fit", inputs, made("slice", [x], {"start": (1, 0), "stop": (3, 3), "step": (1, 1)}, (2, 3))
    yield "do not fit", inputs, made("sum", [x], {"axis": (0, 0)}, (1, 3))
    yield "do not fit", inputs, made("contract", [x, y], {"spec": "ij,kj->ik"}, (2, 3))
    yield "rule fails with", inputs, made("sum", [x], {"axes": (0,)}, (1, 3))
    yield "not among the inputs", inputs[:1], made("neg", [y], {}, (3, 4))
    yield "its array is float32[2]", inputs, made("constant", [], {"array": np.zeros(2, F32)}, (3,))
    twice = [made("neg", [x], {}, (2, 3)), builder.make("neg", [x], {})]
    yield "is the same as", inputs, made("mul", twice, {}, (2, 3), number=100)


@pytest.mark.parametrize(("rule", "inputs", "value"), list(mistaken_values()))
def test_mistakes_in_graphs(rule, inputs, value):
    with pytest.raises(VerificationError) as error:
        verify_graph(Graph(Builder(), inputs, [value]), "this pass")
    assert str(error.value).startswith("this pass: ") and rule in str(error.value)


def test_a_pass_keeps_the_type_of_the_function():
    builder = Builder()
    x, y = builder.input(0, (2, 3), F32), builder.input(1, (2, 3), F32)
    both = Graph(builder, [x, y], [builder.make("add", [x, y], {})])
    one = Graph(builder, [x], [builder.make("neg", [x], {})])
    flat = Graph(builder, [x, y], [builder.make("reshape", [x], {"shape": (6,)})])
    more = Graph(builder, [x, y], [x, y])
    for new, rule in ((one, "the inputs are"), (flat, r"output 0: it is %\d float32\[6\]"), (more, "2 outputs")):
        with pytest.raises(VerificationError, match=rule):
            verify_rewrite(both, new, "a pass")


# ---------------------------------------------------------------- plans


def kernel(p, kind):
    return next(k for k in p.kernels if k.kind == kind)


def forget_a_kernel(p):
    p.steps[0].chains[0].pop(0)


def turn_the_order(p):
    p.steps.reverse()


def make_locally_for_others(p):
    """Threads that share another variable than the one before read what others have yet to write."""
    schedule = kernel(p, "elementwise").schedule
    schedule.outer.append(schedule.outer.pop(0))


def share_tiles(p):
    (chain,) = [chain for step in p.steps for chain in step.chains if len(chain) > 1]
    chain[0].schedule.rows = {chain[0].shared: 2}


def share_unlike_ranges(p):
    (chain,) = [chain for step in p.steps for chain in step.chains if len(chain) > 1]
    schedule = chain[0].schedule
    schedule.outer.reverse()


def cut_one_of_several_ranges(p):
    schedule = p.kernels[0].schedule
    schedule.rows = {schedule.outer[1]: 2}


def read_rows_of_others(p):
    """What is read of the next part of an axis is stored at another step."""
    nest = kernel(p, "elementwise").nest
    part = kernel(p, "elementwise").ranges[1]
    for store in nest.stores:
        new = {x: Exprs().load(x.value, tuple(a.substitute({part: Affine(0)}) for a in x.index)) for x in nest.loads}
        store.expr = substitute(Exprs(), store.expr, new)


def hand_on_an_output(p):
    p.handed = set(p.graph.outputs)


def hand_on_to_another_chain(p):
    (step,) = p.steps
    (chain,) = step.chains
    p.steps = [replace(step, chains=[chain[:-1]]), replace(step, chains=[chain[-1:]])]
    p.late = 2


def store_twice(p):
    p.steps[-1].chains[-1].append(p.kernels[-1])


def store_half(p):
    store = kernel(p, "elementwise").nest.stores[0]
    store.index = tuple(Affine(0) if a.terms else a for a in store.index)


def store_beyond(p):
    store = kernel(p, "elementwise").nest.stores[0]
    store.index = tuple(a + 1 for a in store.index)


def store_one_place_often(p):
    nest = kernel(p, "elementwise").nest
    (i, j) = nest.vars
    nest.stores[0].index = (of(i), of(i) * 2 + of(j) * 3)


def read_beyond(p):
    nest = kernel(p, "elementwise").nest
    (store,) = nest.stores
    (x,) = [value for value in p.graph.inputs if value.ndim == 2]
    load = Exprs().load(x, [a + 1 for a in store.index])
    nest.stores[0] = Store(store.value, store.index, load)


def forget_the_halo(p):
    value = next(v for v, layout in p.layouts.items() if layout.halo)
    p.layouts[value] = layout_of(value.shape, value.dtype)


def store_another_type(p):
    store = kernel(p, "elementwise").nest.stores[0]
    store.expr = Exprs().const(0, np.dtype(np.float64))


def lose_a_variable(p):
    nest = kernel(p, "elementwise").nest
    nest.vars = nest.vars[1:]


def lose_a_loop(p):
    kernel(p, "elementwise").schedule.outer.pop()


def collapse_rows_with_a_gap(p):
    """The padded rows are not as far apart as they are long."""
    schedule = kernel(p, "elementwise").schedule
    outer, inner = schedule.outer[-2:]
    schedule.outer.remove(outer)
    schedule.collapsed = {inner: (outer,)}


def collapse_a_loop_that_runs(p):
    schedule = kernel(p, "elementwise").schedule
    schedule.collapsed = {schedule.outer[-1]: (schedule.outer[-2],)}


def collapse_two_sides_of_a_sum(p):
    schedule = kernel(p, "reduction").schedule
    schedule.collapsed = {schedule.inner[-1]: (schedule.outer.pop(),)}


def lose_a_summed_loop(p):
    kernel(p, "contraction").schedule.inner.pop()


def too_many_rows(p):
    schedule = kernel(p, "contraction").schedule
    v = next(v for v in schedule.outer if v is not schedule.vector)
    schedule.rows = {v: v.extent + 1}


def odd_lanes(p):
    kernel(p, "elementwise").schedule.lanes = 3


def read_what_it_stores(p):
    nest = kernel(p, "elementwise").nest
    (store,) = nest.stores
    nest.stores[0] = Store(store.value, store.index, Exprs().load(store.value, store.index))


MISTAKES = [
    (SOFTMAX, forget_a_kernel, "is not stored yet|no kernel stores"),
    (SOFTMAX, make_locally_for_others, "may be stored by another thread"),
    (SOFTMAX, share_tiles, "is cut into tiles"),
    (ROWS, share_unlike_ranges, "the ranges of a chain are|may be stored by another thread"),
    (ROWS, cut_one_of_several_ranges, "one of several shared ranges is cut"),
    (ROWS, read_rows_of_others, "may be stored by another thread"),
    (ROWS, hand_on_an_output, "others read its memory"),
    (ROWS, hand_on_to_another_chain, "several chains read it"),
    (SOFTMAX, store_twice, "two stores write the same element"),
    (SOFTMAX, lose_a_variable, "unknown variables"),
    (SOFTMAX, lose_a_loop, "loops over"),
    (WINDOWS, turn_the_order, "is not stored yet"),
    (WINDOWS, forget_the_halo, "on an axis of 9 with halos of 0 and 0"),
    (WINDOWS, lose_a_summed_loop, "no loop runs over"),
    (WINDOWS, too_many_rows, "more rows than there are"),
    (PADDED, store_half, "every element is stored again"),
    (PADDED, store_beyond, "on an axis of"),
    (PADDED, store_one_place_often, "on an axis of|a variable is in two indices"),
    (PADDED, read_beyond, "it reads %0 at"),
    (PADDED, store_another_type, "float64 is stored as float32"),
    (PADDED, odd_lanes, "vectors of 3 lanes"),
    (PADDED, collapse_rows_with_a_gap, "where memory is not contiguous"),
    (PADDED, collapse_a_loop_that_runs, "are collapsed, and have loops|loops over"),
    (SOFTMAX, collapse_two_sides_of_a_sum, "not reduced together"),
    (PADDED, read_what_it_stores, "it reads what it stores"),
]


def renewed(k):
    if not hasattr(k, "nest"):
        return replace(k)
    new = replace(k, nest=replace(k.nest))
    new.schedule = k.schedule
    return new


@pytest.mark.parametrize(("program", "break_", "rule"), MISTAKES, ids=[m[1].__name__ for m in MISTAKES])
def test_mistakes_in_plans(program, break_, rule):
    verify_plan(planned(program))
    p = planned(program)
    break_(p)
    for step in p.steps:  # what kernels and nests know of themselves is found again
        step.chains = [[renewed(k) for k in chain] for chain in step.chains]
    with pytest.raises(VerificationError, match=rule):
        verify_plan(p)


UPDATED = """
x0 = input((200, 200), 'float32', 'normal', 1)
x1 = input((200, 200), 'float32', 'normal', 2)
x2 = input((200, 200), 'float32', 'normal', 3)
x3 = contract(x2, x2, spec='ab,cb->ac')
x4 = add(x0, x3)
x5 = sub(x1, x4)
x6 = exp(x2)
return x4, x5, x6
"""


def updated(state, text=UPDATED):
    graph = parse(text).graph()
    return plan(rewrite(Graph(graph.builder, graph.inputs, graph.outputs, state), 2), HASWELL)


def test_updates_are_stored_last_and_over_what_they_replace():
    p = updated([(0, 0), (1, 1)])
    verify_plan(p)
    assert list(p.places.values()) == [0, 1]
    assert {v.op for v in p.kernels[-1].writes} == {"add", "sub"}


def use_it_early(p):
    p.late = len(p.steps)


def store_all_late(p):
    p.late = 0


def replace_another(p):
    p.places = {value: 1 - place for value, place in p.places.items()}


@pytest.mark.parametrize(
    ("break_", "rule"),
    [
        (use_it_early, "it is used before the late steps"),
        (store_all_late, "they store another output"),
        (replace_another, "it replaces input 0, not 1"),
    ],
)
def test_mistakes_in_updates(break_, rule):
    p = updated([(0, 0), (1, 1)])
    break_(p)
    with pytest.raises(VerificationError, match=rule):
        verify_plan(p)


CROSSED = {
    "by another kernel, or twice": ("x4 = add(x1, x3)", "x5 = permute(x0, axes=(1, 0))"),
    "read elsewhere": ("x4 = flip(x0, axis=(0,))", "x5 = add(x1, x3)"),
}


@pytest.mark.parametrize("rule", CROSSED)
def test_what_is_read_again_is_not_written_over(rule, monkeypatch):
    """And if it were, it would be found."""
    first, second = CROSSED[rule]
    text = UPDATED.replace("x4 = add(x0, x3)", first).replace("x5 = sub(x1, x4)", second)
    verify_plan(p := updated([(0, 0), (1, 1)], text))
    assert NEW in p.places.values() or len(p.places) < 2
    monkeypatch.setattr(late, "_reads_first", lambda *_: True)
    with pytest.raises(VerificationError, match=rule):
        verify_plan(updated([(0, 0), (1, 1)], text))


FOLDED = """
x0 = input((2, 1), 'float32', 'normal', 1)
x1 = input((2, 1), 'float32', 'normal', 2)
x2 = contract(x0, x1, spec='ab,ac->bca')
x3 = fold(x2, stride=(1,), dilation=(1,), size=(36,))
x4 = windows(x3, kernel=(3,), stride=(2,), dilation=(1,))
x5 = max(x4, axis=(2,), ties='even')
return x5, x2
"""


def test_a_reduction_within_another_is_refused_and_not_made(monkeypatch):
    """A fold is one sum with its contraction only where that has no memory of its own, as an output has."""
    with crossed({"compiler.schedule.index_maps.TINY": 0}):
        verify_plan(planned(FOLDED))
        monkeypatch.setattr(materialize, "_adds_products", lambda fold, readers, outputs: True)
        with pytest.raises(VerificationError, match="a max holds a reduction that depends on"):
            planned(FOLDED)


def test_what_a_kernel_knows_of_itself_is_not_taken_for_granted():
    p = planned(PADDED)
    read_beyond(p)
    kernel(p, "elementwise").reads.clear()
    with pytest.raises(VerificationError, match="out of date"):
        verify_plan(p)


# ---------------------------------------------------------------- images


TWICE = (
    WINDOWS.replace("return x7", "")
    + """
x8 = permute(x1, axes=(1, 0, 2, 3))
x9 = pad(x6, width=((0, 0), (0, 0), (1, 1), (1, 1)), interior=(0, 0, 0, 0), value=0.0)
x10 = windows(x9, kernel=(3, 3), stride=(1, 1), dilation=(1, 1))
x11 = contract(x10, x8, spec='ncijuv,ocuv->noij')
x12 = exp(x11)
x13 = sum(x12, axis=(2, 3))
x14 = sum(x13, axis=(0, 1))
return x14
"""
)


def test_what_lives_at_one_time_does_not_overlap_and_halos_stay():
    p = planned(TWICE)
    modules = Modules(p, HASWELL)
    image = build(p, modules, compile_modules(modules, HASWELL))
    verify_image(p, image)
    image.arena *= 2
    kept = [replace(buffer) for buffer in image.buffers]
    arena = [i for i, buffer in enumerate(kept) if buffer.kind == "arena"]
    found = []
    for a, b in permutations(arena, 2):
        image.buffers = [replace(buffer, place=kept[b].place) if i == a else buffer for i, buffer in enumerate(kept)]
        try:
            verify_image(p, image)
        except VerificationError as error:
            found.append(str(error))
    for rule in ("live at the same time", "one is written over the other's halo"):
        assert any(rule in complaint for complaint in found), rule
    image.buffers = [replace(buffer, place=buffer.place + 4) if buffer.kind == "arena" else buffer for buffer in kept]
    with pytest.raises(VerificationError, match="does not begin at a cache line"):
        verify_image(p, image)
    image.buffers, image.arena = kept, 64
    with pytest.raises(VerificationError, match="is not inside the arena"):
        verify_image(p, image)


# ---------------------------------------------------------------- TGCV_DEBUG


@pytest.fixture
def debug(monkeypatch):
    return lambda words: monkeypatch.setenv("TGCV_DEBUG", words)


def test_stages_are_printed(debug, capsys):
    debug("all")
    from tinygrad_cv.compiler.pipeline import compile

    program = parse(SOFTMAX)
    compile(program.graph())[0](program.arrays())
    printed = capsys.readouterr().err
    for line in (
        "--- graph: trace\n8 values, 1 sums\n",
        "--- fused: order\nstep 0, ",
        "--- nests: materialize, arrange, build nests\nfor i<64",
        "      %5[i, 0] = Σ[r<500](exp(%0[i, r] - %1[i, 0]))",
        "--- loops: order\nkernel 0, ",
        "  for i < 64:  # shared by the threads",
        "define void @kernel_0(ptr %buffers, i64 %low, i64 %high, i64 %share)",
        "--- image: compile\n",
        "--- image: place\n",
        "--- time: all\n",
    ):
        assert line in printed, line


def test_nothing_is_printed_unasked(debug, capsys):
    from tinygrad_cv.compiler.pipeline import compile

    debug("")
    compile(parse(PADDED).graph())
    assert capsys.readouterr() == ("", "")


def test_only_passes_that_changed_something_are_printed(debug, capsys):
    debug("rewrite")
    rewrite(parse(PADDED).graph(), 2)
    assert capsys.readouterr().err == ""
    rewrite(parse("x0 = input((8, 5, 90), 'float32', 'normal', 1)\nx1 = sum(x0, axis=(0, 2))\nreturn x1").graph(), 2)
    assert capsys.readouterr().err == (
        "--- rewrite: split sums\n2 values, 1 sums become 3 values, 2 sums\n"
        "- %1 float32[1, 5, 1] = sum(%0, axis=(0,2))\n"
        "+ %2 float32[8, 5, 1] = sum(%0, axis=(2,))\n"
        "+ %3 float32[1, 5, 1] = sum(%2, axis=(0,))\n"
        "  return %3\n\n"
    )


def test_an_unknown_word_is_an_error(debug):
    debug("fused,loop")
    with pytest.raises(ValueError, match=r"no word 'loop'; there are graph, rewrite, nests, .*, time, and all"):
        Watch()
    assert words_of(" graph ,llvm,") == {"graph", "llvm"}


def test_stages_are_verified_here():
    assert Watch().verifies


# ---------------------------------------------------------------- scattered sums


SCATTERED = """
x0 = input((40, 32), 'float32', 'normal', 1)
x1 = input((40,), 'i8', 'below 10', 2)
x2 = scatter_add(x0, x1, size=10)
return x2
"""


def mistaken(mistake):
    """The plan of a scattered sum with one mistake in its kernel: new parts of the nest's sum, or of its schedule."""
    found = planned(SCATTERED)
    (kernel,) = found.kernels
    (store,) = kernel.nest.stores
    scatter, exprs = store.expr, Exprs()
    parts = {name: getattr(scatter, name) for name in ("variables", "row", "body", "place", "first", "size", "rows")}
    schedule = mistake(parts, kernel, exprs)
    kernel.nest = Nest(kernel.nest.vars, [Store(store.value, store.index, exprs.scatter(**parts))])
    if schedule:
        kernel.schedule = schedule
    return found


def _another_place(parts, kernel, exprs):
    parts["place"] = parts["place"] * 2


def _too_many_rows(parts, kernel, exprs):
    parts["rows"] = 11


def _too_many_places(parts, kernel, exprs):
    parts["size"] = 11


def _body_of_the_place(parts, kernel, exprs):
    (place,) = [v for v, _ in parts["place"].terms]
    parts["body"] = exprs.op("mul", (parts["body"], exprs.index(of(place), F32)), F32)


def _row_of_the_column(parts, kernel, exprs):
    column = kernel.nest.vars[-1]
    parts["row"] = exprs.op("add", (parts["row"], exprs.index(of(column))), np.dtype(np.int64))


def _row_of_a_float(parts, kernel, exprs):
    parts["row"] = exprs.op("cast", (parts["row"],), F32)


def _shared_places(parts, kernel, exprs):
    (place,) = [v for v, _ in parts["place"].terms]
    outer = [place, *(v for v in kernel.schedule.outer if v is not place)]
    return replace(kernel.schedule, outer=outer, within=outer[1:])


def _terms_in_another_order(parts, kernel, exprs):
    a, b = Var(5, "r"), Var(8, "r")
    parts["variables"] = (a, b)
    parts["row"] = exprs.load(parts["row"].value, [of(a) * 8 + of(b)])
    parts["body"] = exprs.load(parts["body"].value, [of(a) * 8 + of(b), parts["body"].index[1]])
    return replace(kernel.schedule, inner=[b, a])


def test_a_scattered_sum_passes():
    verify_plan(mistaken(lambda parts, kernel, exprs: None))


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (_another_place, "it stores"),
        (_too_many_rows, "rows"),
        (_too_many_places, "places 0 to 9 of 11"),
        (_body_of_the_place, "depends on its place"),
        (_row_of_the_column, "a row depends on columns"),
        (_row_of_a_float, "numbers a row"),
        (_shared_places, "threads share the places"),
        (_terms_in_another_order, "in another order"),
    ],
)
def test_mistakes_in_scattered_sums_are_found(mistake, words):
    with pytest.raises(VerificationError, match=words):
        verify_plan(mistaken(mistake))
