"""The package ``onnx``, which knows the format and every version of every operator, asked for where it is used."""

from __future__ import annotations

from typing import Any


def onnx() -> Any:
    """The package.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    try:
        import onnx
    except ModuleNotFoundError as error:
        if error.name != "onnx":
            raise
        raise ModuleNotFoundError(
            "ONNX files are read by the package onnx: pip install onnx, or tinygrad_cv[onnx]", name="onnx"
        ) from error
    return onnx
