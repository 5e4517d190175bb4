"""Lecture row 13: no derivative is written in a layer or a formula. They come out of the graph."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import tinygrad_cv

pytestmark = pytest.mark.quick

ROOT = Path(tinygrad_cv.__file__).parent
FILES = sorted(path for room in ("functional", "nn") for path in (ROOT / room).glob("**/*.py"))
FORBIDDEN = {
    "CustomFunction",
    "define",
    "vjp",
    "vjps",
    "Vjp",
    "Primitive",
    "backward",
    "register_hook",
    "save_for_backward",
}


def names(node):
    """The names that a piece of a program uses, defines or imports."""
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute):
        return [node.attr]
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, (ast.arg, ast.keyword)):
        return [node.arg]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        paths = [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
        return [part for path in paths for part in path.split(".")]
    return []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_derivative_is_written_here(path):
    """No custom function, no VJP, nothing called backward, no primitive; and nothing from the room of primitives."""
    found = [
        f"line {getattr(node, 'lineno', '?')}: {name}"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in names(node)
        if name in FORBIDDEN or (name == "ops" and isinstance(node, (ast.Import, ast.ImportFrom)))
    ]
    assert not found, f"{path.name} writes a derivative: {', '.join(found)}"


def test_the_walk_sees_every_file():
    seen = {path.name for path in FILES}
    assert {"normalization.py", "convolution.py", "pooling.py", "module.py"} <= seen and len(FILES) > 15


def test_every_component_of_the_lecture_is_a_layer():
    """Lecture row 4: convolution, activation, pooling, fully connected, normalization, dropout."""
    from tinygrad_cv import nn

    components = [nn.Conv2d, nn.ReLU, nn.MaxPool2d, nn.AvgPool2d, nn.Linear, nn.BatchNorm2d, nn.Dropout]
    assert all(issubclass(layer, nn.Module) and layer.forward is not nn.Module.forward for layer in components)
