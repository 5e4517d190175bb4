"""ONNX models as modules: run, differentiated, trained and compiled as any other.

The package ``onnx`` is imported when a model is read: ``pip install tinygrad_cv[onnx]``.
"""

from .errors import OnnxError
from .graph import Network
from .load import load

__all__ = ["Network", "OnnxError", "load"]
