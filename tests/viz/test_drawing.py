"""DOT text, renderers, notebooks: escaping, errors, and sizes far beyond what can be drawn."""

import importlib
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import nn
from tinygrad_cv.viz import render

NASTY = [
    '"];',
    '"]; n0 -> n1 [label="',
    "<b>bold</b>",
    "</B>>];",
    "<TABLE>",
    "&amp; & <",
    "back\\slash\\",
    "\\N \\G \\l",
    "가중치",
    "重み ∂ℒ/∂w é 🙂",
    "new\nline\ttab\x00\x1b",
    "lone \ud800 surrogate",
    "{|}",
    "x" * 500,
    "$(touch pwned)`id`",
    " ",
]

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="the program dot is not installed")
any_python = pytest.mark.any_python


def view_with(name):
    """A graph in which the name stands everywhere: of a variable, an operation, a module, a formula."""

    class Double(tg.CustomFunction):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    Double.__doc__ = name
    if "\x00" not in name and "\ud800" not in name:  # which Python does not take for a class
        Double.__name__ = name

    class Model(nn.Module):
        def forward(self, x):
            return Double.apply(x)

    model = nn.Sequential()
    model.add_module(name.replace(".", ""), Model())
    x = tg.tensor(1.0, requires_grad=True)
    y = model(x) + 1.0
    return tg.graph(y, names={name: x, f"{name} ": y})


@any_python
@pytest.mark.parametrize("name", NASTY)
def test_any_name_gives_one_statement_a_line(name):
    view = view_with(name)
    lines = view.dot().splitlines()
    plain = view_with("plain").dot().splitlines()
    assert [line.strip().split(" ")[0] for line in lines] == [line.strip().split(" ")[0] for line in plain]
    view.dot().encode()


@needs_dot
@pytest.mark.parametrize("name", NASTY)
def test_any_name_can_be_rendered(name, tmp_path):
    path = tmp_path / "graph.svg"
    view_with(name).svg(path)
    texts = (element.text or "" for element in ElementTree.parse(path).iter() if element.tag.endswith("text"))
    titles = [text.replace("\u2060", "") for text in texts]
    if name in ("가중치", '"];', "<b>bold</b>", "&amp; & <", "back\\slash\\", "\\N \\G \\l", "{|}"):
        assert name in titles
    assert os.listdir(tmp_path) == ["graph.svg"]


@any_python
def test_long_names_are_cut_in_the_box_only():
    text = view_with("x" * 500).dot()
    assert "x" * 47 + "…" in text and "x" * 500 in text


@any_python
def test_direction_is_what_reads_best_or_what_is_asked_for():
    x = tg.tensor(1.0, requires_grad=True)
    small = tg.graph(x * x)
    assert "rankdir=LR" in small.dot() and "rankdir=TB" in small.dot(direction="TB")
    assert "rankdir=TB" in tg.graph(nn.Linear(2, 2), tg.ones(1, 2)).dot()
    with pytest.raises(ValueError, match=r"'TB'.*'LR'"):
        small.dot(direction="up")


@any_python
def test_clusters_nest_as_scopes_do_and_a_layer_shares_its_frame_with_its_only_function():
    text = tg.graph(nn.Sequential(nn.Linear(2, 2)), tg.ones(1, 2)).dot()
    assert text.count("subgraph") == 2
    assert "0 <I>linear</I>" in text
    assert text.index("subgraph cluster_0") < text.index("subgraph cluster_1")


def test_the_same_program_gives_the_same_text_in_another_process(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        "import tinygrad_cv as tg\n"
        "import tinygrad_cv.functional as F\n"
        "x = tg.ones(2, 3, requires_grad=True)\n"
        "[x * i for i in range(7)]\n"
        "print(tg.graph(F.softmax(x * x), names={'x': x}).dot())\n"
    )
    here = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    texts = {
        subprocess.run(
            [sys.executable, program], env={**here, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(texts) == 1


# ---------------------------------------------------------------- renderers


@needs_dot
@pytest.mark.parametrize("format, magic", [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_pictures_are_written(format, magic, tmp_path):
    x = tg.tensor(1.0, requires_grad=True)
    path = tmp_path / f"graph.{format}"
    getattr(tg.graph(x * x), format)(path)
    assert path.read_bytes().startswith(magic)


@pytest.fixture
def no_renderer(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(render, "SCRIPTS", tmp_path)
    monkeypatch.setattr(render, "PACKAGE", "no_such_package")
    return tmp_path


@any_python
@pytest.mark.parametrize("format", ["svg", "png", "pdf"])
def test_without_a_renderer_the_error_names_the_remedy(no_renderer, format, tmp_path):
    x = tg.tensor(1.0, requires_grad=True)
    view = tg.graph(x * x)
    with pytest.raises(RuntimeError, match=r"draws \w+: looked for dot.*apt install graphviz.*pip install"):
        getattr(view, format)(tmp_path / "graph")
    assert not (tmp_path / "graph").exists()
    assert view.dot() and view.text() and view.json()


def program(folder, name, lines):
    path = folder / name
    path.write_text(f"#!{sys.executable}\nimport sys\n{lines}\n")
    path.chmod(0o755)


@any_python
def test_the_next_renderer_is_taken_where_the_first_is_missing(no_renderer):
    program(no_renderer, "graphviz-pure", "sys.stdout.write('second ' + sys.argv[1])")
    assert render.render("digraph {}", "svg") == b"second -Tsvg"
    program(no_renderer, "dot", "sys.stdout.write('first')")
    assert render.render("digraph {}", "svg") == b"first"


@any_python
def test_the_package_is_asked_where_no_program_is_there(no_renderer, monkeypatch):
    (no_renderer / "fakegraphviz.py").write_text("""
class AGraph:
    def __init__(self, string):
        if "broken" in string:
            raise ValueError("syntax")
        self.string = string

    def draw(self, format, prog, args):
        return f"{self.string} as {format} by {prog} {args}".encode()
""")
    monkeypatch.syspath_prepend(str(no_renderer))
    monkeypatch.setattr(render, "PACKAGE", "fakegraphviz")
    monkeypatch.setitem(sys.modules, "pygraphviz", importlib.import_module("fakegraphviz"))
    assert render.render("digraph {}", "pdf") == b"digraph {} as pdf by dot "
    with pytest.raises(RuntimeError, match="could not draw the graph as svg: syntax"):
        render.render("broken", "svg")


@any_python
def test_a_renderer_that_fails_is_quoted(no_renderer):
    program(no_renderer, "dot", "sys.exit('syntax error in line 3')")
    with pytest.raises(RuntimeError, match="dot could not draw the graph as svg: syntax error in line 3"):
        render.render("digraph {}", "svg")


# ---------------------------------------------------------------- notebooks


@needs_dot
def test_a_notebook_shows_the_picture():
    x = tg.tensor(1.0, requires_grad=True)
    view = tg.graph(x * x)
    assert view._repr_svg_().startswith("<svg")
    assert view._repr_html_() == view._repr_svg_()


@any_python
def test_a_notebook_shows_the_page_where_nothing_draws_and_text_where_that_fails(no_renderer, monkeypatch):
    x = tg.tensor(1.0, requires_grad=True)
    view = tg.graph(x * x, names={"<x>": x})
    assert view._repr_svg_() is None
    assert view._repr_html_().startswith('<iframe srcdoc="') and "<script" not in view._repr_html_()
    monkeypatch.setattr("tinygrad_cv.viz.view.page", lambda *_: 1 / 0)
    assert view._repr_html_().startswith("<pre>") and "&lt;x&gt;" in view._repr_html_()
    assert repr(view) == "GraphView(3 nodes, 3 edges)"


@pytest.mark.parametrize("lines", ["sys.exit(1)", "print('no picture')", "sys.stdout.buffer.write(b'\\xff\\xfe')"])
def test_a_notebook_repr_never_raises(no_renderer, lines):
    program(no_renderer, "dot", lines)
    x = tg.tensor(1.0, requires_grad=True)
    view = tg.graph(x * x)
    assert view._repr_svg_() is None and view._repr_html_().startswith("<iframe")


# ---------------------------------------------------------------- sizes


def test_a_chain_of_100_000_nodes_gives_text_json_and_dot():
    x = tg.tensor(np.float32(0.5), requires_grad=True)
    y = x
    for _ in range(100_000):
        y = y + x
    view = tg.graph(y)
    assert len(view.nodes) == 100_002
    assert view.text().count("\n") == 100_002
    assert view.json().count('"op": "add"') == 100_000
    assert view.dot().count("->") == 200_001
    assert view.collapse(1).nodes == view.nodes
    assert "more</pre>" in view._repr_html_()


def test_deeply_nested_scopes_need_no_recursion():
    from tinygrad_cv.core.context import Scope, current, using

    around = None
    for i in range(1500):
        around = Scope(f"s{i}", "module", around)
    x = tg.tensor(1.0, requires_grad=True)
    assert current().scope is None
    with using(scope=around):
        y = x * x
    view = tg.graph(y)
    assert len(view.scopes) == 1500 and view.text()
    assert view.collapse(1).nodes[1].kind == "group"
