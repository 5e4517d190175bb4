"""Blocks that repeat, differences, graphs that are too large, jitted functions, and the command."""

import warnings
from pathlib import Path

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import nn
from tinygrad_cv.__main__ import main

any_python = pytest.mark.any_python


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.a = nn.Linear(width, width)
        self.b = nn.Linear(width, width)

    def forward(self, x):
        return x + self.b(self.a(x).relu())


@any_python
def test_equal_blocks_in_a_row_are_drawn_once():
    model = nn.Sequential(Block(4), Block(4), Block(4), nn.Linear(4, 2), Block(2))
    view = tg.graph(model, tg.ones(3, 4))
    whole, short = view.dot(1), view.dot(1, once=True)
    assert "0 × 3" in short and "×3" not in whole
    assert short.count("<B>linear</B>") == 2 + 1 + 2 and whole.count("<B>linear</B>") == 6 + 1 + 2
    assert view.dot(once=True).count("<B>contract</B>") == 2 + 1 + 2


@any_python
def test_blocks_that_differ_or_do_not_feed_one_another_are_all_drawn():
    class Side(nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right = Block(4), Block(4)

        def forward(self, x):
            return self.left(x) + self.right(x)

    assert " × " not in tg.graph(Side(), tg.ones(3, 4)).dot(1, once=True)
    assert " × " not in tg.graph(nn.Sequential(Block(4), nn.Linear(4, 2), Block(2)), tg.ones(3, 4)).dot(1, once=True)


@any_python
def test_the_edge_behind_a_run_starts_at_the_block_that_is_shown():
    view = tg.graph(nn.Sequential(Block(4), Block(4), nn.Tanh()), tg.ones(3, 4))
    from tinygrad_cv.viz.repeats import once

    records = once(view.collapse(1)._records)
    tanh = next(node for node in records.nodes if node.label == "tanh")
    (edge,) = [edge for edge in records.edges if edge.target == tanh.number]
    assert records.nodes[edge.source].label == "add"
    assert all(edge.source < len(records.nodes) > edge.target for edge in records.edges)


@any_python
def test_a_difference_says_what_is_new_gone_and_changed():
    x = tg.ones(2, 4)
    before = tg.graph(nn.Sequential({"fc": nn.Linear(4, 3), "act": nn.ReLU(), "out": nn.Linear(3, 2)}), x)
    after = tg.graph(nn.Sequential({"fc": nn.Linear(4, 5), "act": nn.Tanh(), "out": nn.Linear(5, 2)}), x)
    view = before.difference(after)
    notes = {(node.op or node.name): node.note for node in view.nodes if node.note}
    assert notes["tanh"] == "new" and notes["where"] == "gone"
    assert notes["fc.weight"] == "3×4 → 5×4" and "2×3 → 2×5" in notes["contract"] + notes["add"]
    dot = view.dot()
    assert "#2e9e5b" in dot and "#d62f2f" in dot and "#c77700" in dot
    assert not any(node.note for node in before.difference(before).nodes)


@any_python
def test_a_graph_too_large_to_read_is_drawn_by_layers_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("tinygrad_cv.viz.view.TOO_MANY", 10)
    monkeypatch.setattr("tinygrad_cv.viz.view.render", lambda dot, form: dot.encode())
    view = tg.graph(nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)), tg.ones(3, 4))
    with pytest.warns(UserWarning, match=r"nodes would make a picture that nobody can read.*depth=1"):
        view.svg(tmp_path / "x.svg")
    assert (tmp_path / "x.svg").read_text() == view.dot(1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        view.svg(tmp_path / "x.svg", depth=2)


def test_a_jitted_function_before_and_after_fusion():
    pytest.importorskip("llvmlite")
    w = tg.tensor(np.ones((4, 3), np.float32), requires_grad=True)

    @tg.jit
    def step(x):
        return F.relu(x @ w.T).sum(1)

    x = tg.ones(5, 3)
    plain, fused = tg.graph(step, x), step.graph(x, fused=True)
    assert [node.op for node in plain.nodes if node.kind == "op"].count("contract") == 1
    kernels = [scope for scope in fused.scopes if scope.kind == "kernel"]
    assert kernels and all(scope.name.startswith("kernel ") and scope.colour.startswith("#") for scope in kernels)
    contract = next(node for node in fused.nodes if node.op == "contract")
    relu = next(node for node in fused.nodes if node.op == "where")
    assert contract.scope == relu.scope, "relu is part of the contraction's kernel"


@any_python
@pytest.mark.parametrize("form", ["dot", "json", "txt"])
def test_the_command_draws_a_model(tmp_path, form):
    out = tmp_path / f"net.{form}"
    assert main(["graph", "--model", "lenet5", "--depth", "1", "--out", str(out)]) == 0
    assert "conv1" in out.read_text() or "conv2d" in out.read_text()


def test_the_command_draws_training(tmp_path):
    out = tmp_path / "net.dot"
    arguments = ["graph", "--model", "lenet5", "--loss", "--part", "both", "--values", "--once", "--depth", "1"]
    assert main([*arguments, "--out", str(out)]) == 0
    text = out.read_text()
    assert "cross_entropy" in text and "dir=back" in text and "μ" in text


@any_python
def test_the_command_explains_a_bad_ending(tmp_path, capsys):
    assert main(["graph", "--model", "lenet5", "--out", str(tmp_path / "net.gif")]) == 2
    assert "must end in one of svg" in capsys.readouterr().err
    assert not list(Path(tmp_path).iterdir())
