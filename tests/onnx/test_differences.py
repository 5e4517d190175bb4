"""The table of docs/onnx.md is what was measured."""

from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from tests.onnx.beside_runtime import ours, reference, runtime
from tests.onnx.differences import DIFFERENCES, VERSIONS

PAGE = Path(__file__).parents[2] / "docs/onnx.md"


def has(outputs, difference):
    if isinstance(outputs, str):
        return False
    y = outputs[difference.output].reshape(-1)
    return y.shape == (len(difference.ours),) and np.allclose(y, difference.ours, rtol=1e-4, atol=0)


@pytest.mark.parametrize("name", DIFFERENCES)
def test_who_has_what(name):
    difference = DIFFERENCES[name]
    assert has(ours(difference.row), difference), ours(difference.row)
    if {package: version(package) for package in VERSIONS} == VERSIONS:
        others = {"reference": reference, "runtime": runtime}
        assert {who for who, run in others.items() if has(run(difference.row), difference)} == difference.others


def test_the_page_has_all_rows():
    text = PAGE.read_text(encoding="utf-8")
    for name, difference in DIFFERENCES.items():
        marks = " | ".join("yes" if who in difference.others else "no" for who in ("reference", "runtime"))
        assert f"| {name} | {marks} |" in text, name
