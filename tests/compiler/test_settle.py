"""Decisions that are made again keep the nests that they do not touch."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.compiler.campaign import Case
from tests.compiler.programs import traced
from tinygrad_cv.compiler import printer
from tinygrad_cv.compiler.host import on_host
from tinygrad_cv.compiler.pipeline import rewrite
from tinygrad_cv.compiler.runtime.target import named
from tinygrad_cv.compiler.schedule import settle
from tinygrad_cv.compiler.schedule.expr import Exprs
from tinygrad_cv.core.context import using


def settled(graph, monkeypatch, all_anew):
    """What is made of a graph as text, and how many values' nests were built in each round."""
    built = []
    build = settle.build_nests

    def counted(exprs, materialized, values, storages):
        values = list(values)
        built.append(len(values))
        return build(exprs, materialized, values, storages)

    with monkeypatch.context() as patch:
        patch.setattr(settle, "build_nests", counted)
        if all_anew:
            patch.setattr(settle, "_touched", lambda *_: set(graph.values()))
        nests = settle.settle(Exprs(), graph, named("haswell"), on_host)
    stored = {value: (storage.axis, storage.block) for value, storage in nests.storages.items()}
    return (stored, [(value, printer.formulas(loops)) for value, loops in nests.loops.items()]), built


def compare(graph, monkeypatch):
    """How many values' nests were kept from one round for the next."""
    kept, built = settled(graph, monkeypatch, all_anew=False)
    anew, others = settled(graph, monkeypatch, all_anew=True)
    assert kept == anew
    return sum(others) - sum(built)


def stacked(x, *weights):
    """Of 14 rows, contractions with fewer multiplications take 16 and give back 14: a concatenation that is cut."""
    for weight in weights:
        x = F.relu(F.conv2d(x, weight, padding=1))
    return x


def shuffled(x, *weights):
    """Blocks as in ShuffleNet: half of the channels pass by, and then they take turns."""
    for weight in weights:
        other = F.relu(F.conv2d(x[:, 58:], weight))
        x = F.channel_shuffle(tg.concatenate([x[:, :58], other], 1), 2)
    return x


@pytest.mark.parametrize(
    ("function", "x", "weight"),
    [(stacked, (8, 64, 14, 14), (64, 64, 3, 3)), (shuffled, (2, 116, 14, 14), (58, 58, 1, 1))],
)
def test_networks_are_settled_as_if_all_was_built_anew(function, x, weight, monkeypatch):
    def gradients(*tensors):
        leaves = [tensor.detach().requires_grad_() for tensor in tensors]
        return tg.grad(function(*leaves).square().sum(), leaves)

    arrays = [np.ones(shape, "f4") for shape in (x, weight, weight, weight)]
    with using(recording=True):
        graph = traced(gradients, arrays)
    assert compare(rewrite(graph, 2), monkeypatch) > 10


def test_random_programs_are_settled_as_if_all_was_built_anew(monkeypatch):
    kept = 0
    for seed in (*range(100), 647):  # the last one stores a value in another order in the second round
        program = Case(seed, gradients=seed < 100).program()
        graph = program.graph() if program else None
        if graph and all(value.size for value in graph.values()):
            kept += compare(rewrite(graph, 2), monkeypatch)
    assert kept > 0
