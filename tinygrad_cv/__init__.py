"""tinygrad_cv: automatic differentiation for convolutional networks, all composed from a small set of primitives.

>>> import tinygrad_cv as tg
>>> x = tg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
>>> (x @ x).sum().backward()
>>> x.grad.tolist()
[[7.0, 11.0], [9.0, 13.0]]
"""

from . import starting as _starting  # noqa: F401  before all else

# isort: split
import typing as _typing
from importlib import import_module as _import_module

from .core.anomaly import detect_anomaly
from .core.context import enable_grad, is_grad_enabled, no_grad
from .core.errors import (
    AxisError,
    CheckpointError,
    DTypeError,
    ExportError,
    GraphError,
    ShapeError,
    TraceError,
)
from .frontend.autodiff import grad, hessian, hvp, jacobian, jvp, vjp
from .frontend.checkpoint import checkpoint
from .frontend.creation import (
    arange,
    asarray,
    eye,
    from_dlpack,
    full,
    full_like,
    linspace,
    ones,
    ones_like,
    tensor,
    where,
    zeros,
    zeros_like,
)
from .frontend.custom import CustomFunction, FunctionContext
from .frontend.functions import cat, concatenate, einsum, matmul, meshgrid, stack
from .frontend.random import Generator, default_generator, manual_seed, rand, randint, randn
from .frontend.tensor import Tensor
from .frontend.vocabulary import missing as _missing

__version__ = "0.1.0"

if _typing.TYPE_CHECKING:  # what __getattr__ loads
    from . import check, data, distributed, explain, functional, models, nn, onnx, optim, training, viz
    from .check import gradcheck
    from .compiler import get_num_threads, set_num_threads
    from .deploy import export
    from .derivation import derive
    from .eager import explain_eager_compile, set_eager_compile
    from .files import load, save
    from .tracing import jit
    from .viz import graph, record

# Subpackages, and functions from them, that are loaded on first use: importing the package stays quick.
_ROOMS = ("check", "data", "distributed", "explain", "functional", "models", "nn", "onnx", "optim", "training", "viz")
_FUNCTIONS = {
    "gradcheck": "check",
    "graph": "viz",
    "load": "files",
    "save": "files",
    "jit": "tracing",
    "record": "viz",
    "derive": "derivation",
    "export": "deploy",
    "explain_eager_compile": "eager",
    "set_eager_compile": "eager",
    "get_num_threads": "compiler",
    "set_num_threads": "compiler",
}


if not _typing.TYPE_CHECKING:  # a type checker is to report names that do not exist

    def __getattr__(name: str) -> _typing.Any:
        if name in _ROOMS:
            return _import_module(f".{name}", __name__)
        if name in _FUNCTIONS:
            return getattr(_import_module(f".{_FUNCTIONS[name]}", __name__), name)
        if name.startswith("_"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        functionals = _import_module(".functional", __name__).__all__
        raise AttributeError(_missing("tinygrad_cv", name, __all__, dir(Tensor), functionals), name=name)


__all__ = [
    "AxisError",
    "CheckpointError",
    "CustomFunction",
    "DTypeError",
    "ExportError",
    "FunctionContext",
    "Generator",
    "GraphError",
    "ShapeError",
    "Tensor",
    "TraceError",
    "arange",
    "asarray",
    "cat",
    "checkpoint",
    "concatenate",
    "default_generator",
    "detect_anomaly",
    "einsum",
    "enable_grad",
    "eye",
    "from_dlpack",
    "full",
    "full_like",
    "grad",
    "hessian",
    "hvp",
    "is_grad_enabled",
    "jacobian",
    "jvp",
    "linspace",
    "manual_seed",
    "matmul",
    "meshgrid",
    "no_grad",
    "ones",
    "ones_like",
    "rand",
    "randint",
    "randn",
    "stack",
    "tensor",
    "vjp",
    "where",
    "zeros",
    "zeros_like",
    "check",
    "data",
    "distributed",
    "explain",
    "functional",
    "models",
    "nn",
    "onnx",
    "optim",
    "training",
    "viz",
    "gradcheck",
    "graph",
    "load",
    "save",
    "jit",
    "record",
    "derive",
    "export",
    "explain_eager_compile",
    "set_eager_compile",
    "get_num_threads",
    "set_num_threads",
]


def __dir__() -> list[str]:
    return sorted(__all__)
