"""What pictures say and how they look: fonts, colours, arguments, legends, what a notebook shows first."""

import re
import shutil
import subprocess

import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import nn
from tinygrad_cv.viz import render, view

IMAGE = (2, 4, 8, 8)
POOLS = {
    "max_pool2d": lambda x: F.max_pool2d(x, 2),
    "avg_pool2d": lambda x: F.avg_pool2d(x, 2),
    "adaptive_avg_pool2d": lambda x: F.adaptive_avg_pool2d(x, 1),
    "adaptive_max_pool2d": lambda x: F.adaptive_max_pool2d(x, 2),
    "global_avg_pool2d": F.global_avg_pool2d,
    "global_max_pool2d": F.global_max_pool2d,
}
NORMS = {
    "batch_norm": lambda x: F.batch_norm(x, training=True),
    "layer_norm": lambda x: F.layer_norm(x, (4, 8, 8)),
    "instance_norm": F.instance_norm,
    "group_norm": lambda x: F.group_norm(x, 2),
}


def box(f, part="forward"):
    view = tg.graph(f, tg.randn(*IMAGE), part=part).collapse(1)
    return next(node for node in view.nodes if node.kind == "group")


@pytest.mark.parametrize("part", ["forward", "backward"])
@pytest.mark.parametrize("name", POOLS)
def test_pooling_has_the_colour_of_windows(name, part):
    assert box(POOLS[name], part).family == "window"


@pytest.mark.parametrize("part", ["forward", "backward"])
@pytest.mark.parametrize("name", NORMS)
def test_normalization_has_the_colour_of_reductions(name, part):
    assert box(NORMS[name], part).family == "reduction"


LAYERS = {
    "kernel_size 3×3, stride 2×2, padding 1×1, groups 2": lambda: nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2),
    "kernel_size 2×2, stride 2×2, output_padding 0×0": lambda: nn.ConvTranspose2d(4, 2, 2, stride=2),
    "kernel_size 3×3, stride 2×2, padding 1×1": lambda: nn.MaxPool2d(3, 2, padding=1),
    "kernel_size 2×2, count_include_pad True": lambda: nn.AvgPool2d(2),
    "eps 0.001, momentum 0.2": lambda: nn.BatchNorm2d(4, eps=1e-3, momentum=0.2),
    "eps 1e-05, num_groups 2": lambda: nn.GroupNorm(2, 4),
    "p 0.25": lambda: nn.Dropout(0.25),
    "negative_slope 0.1": lambda: nn.LeakyReLU(0.1),
}


@pytest.mark.parametrize("part", ["forward", "backward", "both"])
@pytest.mark.parametrize("words", LAYERS)
def test_a_layer_says_what_it_was_made_with(words, part):
    model = nn.Sequential(nn.Sequential(LAYERS[words]()))
    view = tg.graph(lambda x: model(x).sum(), tg.randn(*IMAGE), part=part).collapse(1)
    (node, *others) = [node for node in view.nodes if node.kind == "group"]
    assert len(others) == (part == "both")
    for one in (node, *others):
        assert all(word in one.arguments.split(", ") for word in words.split(", ")), one.arguments
        assert words.split(", ")[0] in view.dot()


def test_a_layer_that_has_a_number_for_a_name_is_called_a_layer():
    text = tg.graph(nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2)), tg.ones(1, 3)).dot(1)
    assert "layer 0, 16 parameters" in text and "layer 1, 10 parameters" in text
    assert "fc, 16 parameters" in tg.graph(nn.Sequential({"fc": nn.Linear(3, 4)}), tg.ones(1, 3)).dot(1)


def test_the_legend_of_both_passes_says_what_is_there():
    w = tg.ones(3, requires_grad=True)
    text = tg.graph(lambda x: (x * w).sum(), tg.ones(3), part="both").dot()
    for words in ("red: the backward pass", "dashed: an operation", "dotted: a value of the forward", "yellow: param"):
        assert words in text
    assert "yellow" not in tg.graph(lambda x: x.sum(), tg.ones(3), part="both").dot()
    assert "dashed:" not in tg.graph(lambda x: x.sum(), tg.ones(3)).dot()


def test_one_family_is_measured_and_the_svg_has_those_like_it():
    text = tg.graph(nn.Linear(2, 2), tg.ones(1, 2)).dot()
    assert set(re.findall(r'fontname="?([^" \]]*)', text)) == {"Arial"}
    for program in filter(shutil.which, render.RENDERERS):
        svg = subprocess.run([program, "-Tsvg"], input=text.encode(), capture_output=True, check=True).stdout
        families = set(re.findall(r'font-family="([^"]*)"', render._with_fonts(svg).decode()))
        assert families == {"Arial,Helvetica,Liberation Sans,Noto Sans CJK KR,sans-serif"}, program


def test_a_notebook_shows_layers_first(monkeypatch):
    drawn = []
    monkeypatch.setattr(view, "render", lambda dot, form: drawn.append(dot) or b"<svg/>")
    graph = tg.graph(nn.Sequential(nn.Linear(2, 2), nn.ReLU()), tg.ones(1, 2))
    assert graph._repr_html_() == "<svg/>" and drawn == [graph.dot(1)] and graph.dot(1) != graph.dot()


@pytest.mark.parametrize("depth", [2, 3, None])
def test_resnet_with_its_backward_pass_is_drawn_by_layers_and_says_so(depth, tmp_path, monkeypatch):
    monkeypatch.setattr(view, "render", lambda dot, form: dot.encode())
    graph = tg.graph(tg.models.resnet20(), tg.zeros(1, 3, 32, 32), part="both")
    with pytest.warns(UserWarning, match=r"graph: 1\d\d\d nodes would make a picture that nobody can read"):
        graph.svg(tmp_path / "x.svg", depth=depth)
    assert (tmp_path / "x.svg").read_text() == graph.dot(1)
