"""How much memory plans ask for."""

from __future__ import annotations

import gc
import weakref

import pytest

pytest.importorskip("llvmlite")

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import compiler
from tinygrad_cv.compiler import pipeline
from tinygrad_cv.compiler.image import _buffers
from tinygrad_cv.compiler.runtime.target import host
from tinygrad_cv.compiler.schedule.expr import Exprs
from tinygrad_cv.compiler.schedule.reshape import NeedSplit
from tinygrad_cv.ir.numpy_source import NumpyProgram
from tinygrad_cv.tracing import entry


def arena_of(function, *shapes):
    """The bytes that a training step of a function needs beyond its inputs and outputs."""
    graphs = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(entry, "compiled", lambda graph, precision: graphs.append(graph) or NumpyProgram(graph))
        patch.setattr(
            NumpyProgram, "__call__", lambda program, arrays: [tg.zeros(v.shape)._value for v in graphs[-1].outputs]
        )

        @tg.jit
        def step(*xs):
            loss = function(*xs)
            return loss, *tg.grad(loss, list(xs))

        step(*[tg.zeros(*shape).requires_grad_() for shape in shapes])
    plan = pipeline.plan(pipeline.rewrite(graphs[-1], 2), host())
    return _buffers(plan.graph, plan)[2]


def test_a_chain_of_blocks_does_not_keep_the_values_of_all_of_them():
    """Nothing is summed over images, so each image could go through the backward passes of all blocks in one chain."""
    images, pixels, channels, blocks = 2, 60 * 60, 96, 6

    def function(x, *weights):
        for one, other in zip(weights[::2], weights[1::2], strict=True):
            x = x + F.gelu(F.layer_norm(x, (channels,)) @ one) @ other
        return x.square().sum()

    wide, narrow = ((channels, 4 * channels), (4 * channels, channels))
    arena = arena_of(function, (images, pixels, channels), *[wide, narrow] * blocks)
    hidden = images * pixels * 4 * channels * 4  # bytes: of a value between the two products
    kept = blocks * (2 + 2 / 4) * hidden  # before and after GELU; x and its normalized values
    assert kept < arena < kept + 5 * hidden


def test_weights_are_packed_when_they_are_read():
    """The copies that the products of the forward and of the backward pass read need not be in memory at once."""
    width, blocks = 768, 8

    def function(x, *weights):
        for weight in weights:
            x = F.relu(x @ weight)
        return x.square().sum()

    arena = arena_of(function, (64, width), *[(width, width)] * blocks)
    copy, activation = 4 * width * width, 4 * 64 * width
    assert arena < blocks / 2 * copy + 2 * blocks * activation  # of the two copies of each, a fourth


@pytest.mark.parametrize("large", [True, False])
def test_what_the_plan_of_a_large_graph_freed_is_given_back_once(large, monkeypatch, tmp_path):
    monkeypatch.setenv("TGCV_CACHE_DIR", str(tmp_path))
    if large:
        monkeypatch.setattr(compiler, "MANY", 2)
    given = []
    monkeypatch.setattr(compiler, "give_back", lambda: given.append(True))
    for _ in range(2):
        tg.jit(lambda x: x.exp() * 3.0 + x)(tg.ones(7))
    assert given == [True] * large


def test_a_plan_is_freed_without_a_collection(monkeypatch, tmp_path):
    """Loops are split where an exception asks for it; its traceback must not keep the frames that it went through."""
    monkeypatch.setenv("TGCV_CACHE_DIR", str(tmp_path))
    kept, splits = [], []
    init = NeedSplit.__init__
    monkeypatch.setattr(pipeline, "Exprs", lambda: kept.append(weakref.WeakSet([made := Exprs()])) or made)
    monkeypatch.setattr(NeedSplit, "__init__", lambda *args, **kwargs: splits.append(True) or init(*args, **kwargs))
    step = tg.jit(lambda x, w: tg.grad(F.conv2d(x, w, stride=2).square().sum(), x))
    x, w = tg.ones(1, 4, 9, 9, requires_grad=True), tg.ones(4, 4, 3, 3)
    collecting = gc.isenabled()
    gc.disable()
    try:
        step(x, w)
        alive = [len(exprs) for exprs in kept]
    finally:
        if collecting:
            gc.enable()
    assert splits
    assert alive == [0]


def test_a_compiled_graph_keeps_none_of_the_values_that_rewrites_made(tmp_path, monkeypatch):
    """And more can be made with its builder, which are others: the graph is drawn as it is compiled."""
    monkeypatch.setenv("TGCV_CACHE_DIR", str(tmp_path))
    f = tg.jit(lambda x, w: F.relu(F.conv2d(x, w, padding=1)).mean((2, 3)))
    arguments = tg.ones(2, 8, 32, 32), tg.ones(8, 8, 3, 3)
    f(*arguments)
    graph = f._traces.in_order_of_use()[-1].recording.graph
    known = graph.values()
    assert set(graph.builder._made.values()) == set(known)
    made = graph.builder.make("exp", [known[-1]], {})
    assert made.number > max(value.number for value in known)
    assert str(f.graph(*arguments, fused=True).text())
