"""ONNX models as modules, run, differentiated, trained and compiled as any other; and modules as ONNX models.

The package ``onnx`` is imported when a model is read or written: ``pip install tinygrad_cv[onnx]``.
"""

from .errors import OnnxError
from .export import export
from .graph import Network
from .load import load

__all__ = ["Network", "OnnxError", "export", "load"]
