"""Gradients of imported operators, to order 2."""

import pytest

pytest.importorskip("onnx")

from tests.onnx.gradients import check, chosen


@pytest.mark.parametrize(
    "name", ["Conv", "ConvTranspose", "MaxPool", "LpPool", "Gemm", "InstanceNormalization", "ScatterElements", "PRelu"]
)
def test_gradients_are_those_of_differences(name):
    """`python -m tests.onnx --gradients` takes one case at least of every operator."""
    case = next(case for case in chosen() if case.operators == name)
    report = check(case)
    assert report.verdict == "correct", report
