"""Operators in all their versions, and with all their attributes, beside ONNX Runtime."""

import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from tests.onnx.beside_runtime import agree, ours, runtime
from tests.onnx.versions import rows


def test_rows_agree_with_onnx_runtime():
    """Every seventh; `python -m tests.onnx --versions` takes all. What differs on purpose stands in docs/onnx.md."""
    compared = 0
    for row in list(rows())[::7]:
        theirs, y = runtime(row), ours(row)
        assert not isinstance(y, str), f"{row}: {y}"
        if not isinstance(theirs, str):
            assert agree(y, theirs), f"{row}: {y}\nONNX Runtime: {theirs}"
            compared += 1
    assert compared > 200
