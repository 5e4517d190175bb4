"""Rows of one node in this library, in ONNX Runtime, and in the reference evaluator."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
from onnx.reference import ReferenceEvaluator

import tinygrad_cv as tg

from .versions import Row

onnxruntime.set_default_logger_severity(4)


def ours(row: Row) -> list[np.ndarray] | str:
    """The outputs here; or why there are none."""
    try:
        y = tg.onnx.load(row.model())(*row.given().values())
    except tg.onnx.OnnxError as error:
        return str(error)
    return [t.numpy() for t in (y if isinstance(y, tuple) else (y,))]


def runtime(row: Row) -> list[np.ndarray] | str:
    """Those of ONNX Runtime, without its optimizations."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = onnxruntime.InferenceSession(
            row.model().SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        outputs: list[np.ndarray] = session.run(None, row.given())
    except Exception as error:  # of many kinds, none of them public
        return str(error)
    return outputs


def reference(row: Row) -> list[np.ndarray] | str:
    """Those of onnx.reference."""
    try:
        outputs: list[np.ndarray] = ReferenceEvaluator(row.model()).run(None, row.given())
    except Exception as error:  # whatever an operator raises
        return f"{type(error).__name__}: {error}"
    return outputs


def agree(a: Any, b: Any) -> bool:
    """Whether outputs are the same up to the rounding of float32."""
    return all(
        x.shape == y.shape and x.dtype == y.dtype and np.allclose(x, y, 1e-4, 1e-5, equal_nan=True)
        for x, y in zip(a, b, strict=True)
    )
