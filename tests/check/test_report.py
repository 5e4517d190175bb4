"""Reports as JSON and as pictures, the helper for tests, and the command."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv.__main__ import main

quick = pytest.mark.quick

MODULE = """
import numpy as np
import tinygrad_cv as tg
from tinygrad_cv import nn

def right(x, w):
    return (x @ w).tanh()

def wrong(x):
    return x * x.detach()

def square(x):
    return x * x

def square_backward(g, x):
    return 2 * g * x

class Model(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(3, 2), nn.Tanh())
"""


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def drawing(report):
    from tinygrad_cv.check.picture import painted

    return painted(report.function, report.arrays, report.inputs, report.seed)


@pytest.fixture
def here(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("mine", None)
    return tmp_path


@quick
def test_json_says_what_the_text_says():
    report = tg.gradcheck(lambda x: x * x.detach(), normal(3))
    data = json.loads(report.json())
    assert data["verdict"] == "wrong" and data["blame"]["primitive"] == "mul" and data["blame"]["cut"]
    assert data["inputs"][0]["wrong"] == 3 and data["inputs"][0]["worst"]["index"] == list(report.inputs[0].worst)
    assert data["inputs"][0]["taylor"]["order"] == pytest.approx(1, abs=0.05)
    kink = json.loads(tg.gradcheck(lambda x: x.sqrt(), np.array([0.0])).json())
    assert kink["inputs"][0]["worst"]["numeric"] == "nan" and kink["verdict"] == "not differentiable"


@quick
def test_a_notebook_shows_a_table():
    report = tg.gradcheck(lambda x: x * x.detach(), normal(3))
    text = report._repr_html_()
    assert "<b>gradcheck: wrong</b>" in text and "<td>input 0</td><td>1</td><td>3</td><td>wrong</td>" in text
    assert "&lt;= allowed" in text and text.count("<table>") == text.count("</table>") == 1


@quick
def test_nothing_in_a_report_contradicts_its_verdict():
    from dataclasses import replace

    from tinygrad_cv.check.picture import COLOURS
    from tinygrad_cv.check.taylor import Taylor

    steps = 10.0 ** -np.arange(1.0, 10.01, 0.75)
    for right in (True, False):
        report = tg.gradcheck([lambda x: x * x.detach(), lambda x: x * x][right], normal(3))
        for power in (0.9, 1.0, 2.0, 2.1):
            entry = replace(report.inputs[0], taylor=Taylor(steps, steps, steps**power, 1e-300))
            assert ("Taylor" in str(entry)) == (right == (power > 1.5))
        linear = replace(report.inputs[0], taylor=Taylor(steps, steps, 0 * steps, 1.0))
        assert ("and right" in str(linear)) == right
    kink_on_the_way = tg.gradcheck(lambda x: x + 0.0 * x.max(), np.zeros(2))
    assert kink_on_the_way and COLOURS["not differentiable"] not in drawing(kink_on_the_way).dot()


@quick
def test_one_blas_thread_inside_and_a_bar_where_it_lasts(monkeypatch, capsys):
    threadpoolctl = pytest.importorskip("threadpoolctl")
    inside = set()

    def f(x):
        inside.update(pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas")
        return x @ x

    before = threadpoolctl.threadpool_info()
    assert tg.gradcheck(f, normal(2, 2)) and inside <= {1} and threadpoolctl.threadpool_info() == before

    tqdm = pytest.importorskip("tqdm")
    bars = []
    monkeypatch.setattr(tqdm, "tqdm", lambda items, **options: bars.append(options) or items)
    tg.gradcheck(lambda x: x * x, normal(3))
    assert [(bar["desc"], bar["total"], bar["disable"]) for bar in bars] == [("gradcheck input 0", 3, None)]


@quick
def test_what_is_no_error_is_not_printed_as_one():
    kink = str(tg.gradcheck(F.relu, np.array([-1.0, 0.0])))
    assert "span [0, " in kink or ", 0]" in kink
    assert "allowed" not in kink.split("rule:")[0] and "numeric" not in kink.split("rule:")[0]
    lost = str(tg.gradcheck(lambda x: 2 * x, normal(3), backward=lambda g, x: -0.0 * g))
    assert "every wrong element is 0, and should not be" in lost and "-0," not in lost


def test_assert_gradients_fails_with_the_report():
    tg.check.assert_gradients(F.softmax, normal(2, 3), order=2)
    with pytest.raises(AssertionError, match="gradcheck: wrong"):
        tg.check.assert_gradients(lambda x: x * x.detach(), normal(3))
    with pytest.raises(AssertionError, match="not differentiable"):
        tg.check.assert_gradients(F.relu, np.zeros(2))


def test_pictures(tmp_path):
    pytest.importorskip("matplotlib")
    report = tg.gradcheck(lambda x, y: x.exp() * y.detach() * 1.0, [normal(2), normal(2)])
    for name, magic in (("check.svg", b"<?xml"), ("check.png", b"\x89PNG"), ("check.pdf", b"%PDF")):
        report.plot(tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(magic)


@quick
def test_the_graph_is_drawing():
    from tinygrad_cv.check.picture import COLOURS

    class Halves(tg.CustomFunction):
        @staticmethod
        def forward(ctx, x):
            return x * 1.0

        @staticmethod
        def backward(ctx, g):
            return 0.5 * g

    view = drawing(tg.gradcheck(lambda x: Halves.apply(x.exp()).relu(), np.array([0.3, 0.4])))
    colours = {view.nodes[edge.target].label: edge.colour for edge in view.edges}
    assert colours["exp"] == COLOURS["correct"] and colours["Halves"] == COLOURS["wrong"]
    assert "wrong by 50 %" in view.dot() and COLOURS["wrong"] in view.dot()
    with pytest.raises(tg.GraphError, match="a function of NumPy, of which no graph is drawn"):
        tg.gradcheck(np.square, normal(2), backward=lambda g, x: 2 * g * x).draw("x.svg")
    with pytest.raises(ValueError, match=r"must end in \.svg"):
        tg.gradcheck(F.relu, normal(2)).draw("x.gif")


def test_the_command(here, capsys):
    assert main(["gradcheck", "mine:right", "--inputs", "2x3", "3x4"]) == 0
    assert capsys.readouterr().out.startswith("gradcheck: correct")
    assert main(["gradcheck", "mine:wrong", "--inputs", "4", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["blame"]["primitive"] == "mul"
    assert main(["gradcheck", "mine:square", "--backward", "mine:square_backward", "--inputs", "4"]) == 0
    assert main(["gradcheck", "mine:Model", "--inputs", "5x3", "--order", "2"]) == 0
    assert "0.weight" in capsys.readouterr().out


@quick
@pytest.mark.parametrize(
    "arguments, words",
    [
        (["nothing:f", "--inputs", "2"], "no module 'nothing'"),
        (["mine:nothing", "--inputs", "2"], "has no 'nothing'"),
        (["mine:rihgt", "--inputs", "2"], "has no 'rihgt'. Similar names: right."),
        (["mine", "--inputs", "2"], "form package.module:function"),
        (["mine:right", "--inputs", "2x3", "4x4"], "matmul"),
    ],
)
def test_the_command_explains_bad_input(here, capsys, arguments, words):
    assert main(["gradcheck", *arguments]) == 2
    assert words in capsys.readouterr().err


@quick
def test_a_shape_that_is_none(here, capsys):
    with pytest.raises(SystemExit):
        main(["gradcheck", "mine:right", "--inputs", "2,3"])
    assert "join sizes by x" in capsys.readouterr().err


def test_the_command_draws(here):
    pytest.importorskip("matplotlib")
    run = [sys.executable, "-m", "tinygrad_cv", "gradcheck", "mine:wrong", "--inputs", "4", "--plot", "plot.svg"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(run, capture_output=True, text=True, cwd=here, env=environment, check=False)
    assert done.returncode == 1 and (here / "plot.svg").read_text().lstrip().startswith("<?xml"), done.stderr
