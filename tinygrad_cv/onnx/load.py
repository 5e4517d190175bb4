"""``tg.onnx.load``: a file becomes a module."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import operators  # noqa: F401  registers them
from .build import Builder, Surroundings
from .document import Document, read
from .elements import STRING, dtype_of
from .errors import OnnxError
from .graph import Input, Network, Node


def load(source: Any) -> Network:
    """The module that an ONNX model describes: it runs, has a gradient, is trained, compiled and drawn as any other.

    Args:
        source: a path, the file's bytes, or an ``onnx.ModelProto``. External data must be in the model's folder.

    Raises:
        OnnxError: it is no model, or has what is not supported: the error lists all of that, by node.
        ModuleNotFoundError: the package onnx is not installed.

    >>> import tinygrad_cv as tg
    >>> from onnx import parser
    >>> model = parser.parse_model('''<ir_version: 8, opset_import: ["": 17]>
    ...     g (float[N, 2] x) => (float[N, 2] y) <float[2] scale = {2.0, 3.0}> { y = Mul(x, scale) }''')
    >>> net = tg.onnx.load(model)
    >>> [name for name, _ in net.named_parameters()]
    ['scale']
    >>> net(tg.ones(1, 2)).tolist()
    [[2.0, 3.0]]
    """
    document = read(source)
    network = Network()
    builder = Builder(document, network)
    builder.fill(network, document.model.graph, Surroundings(document.opsets, {}))
    if builder.problems:
        raise _summary(builder.problems)
    trains = any(module.training for module in network.modules() if isinstance(module, Node))
    for module in network.modules():
        module.training = module.training if isinstance(module, Node) else trains
    network.signature = tuple(_signature(document, network._inputs))
    return network


def _summary(problems: list[OnnxError]) -> OnnxError:
    """All problems as one error."""
    if len(problems) == 1:
        return problems[0]
    lines = "".join(f"\n  {problem}" for problem in problems)
    first = problems[0]
    summary = OnnxError(f"{len(problems)} nodes of the model are not supported, or wrong:{lines}")
    summary.node, summary.operator, summary.opset = first.node, first.operator, first.opset
    return summary


def _signature(document: Document, names: tuple[str, ...]) -> list[Input]:
    """The inputs as the file declares them."""
    declared = {entry.name: entry.type for entry in document.model.graph.input}
    inputs = []
    for name in names:
        kind = declared[name]
        if kind.WhichOneof("value") != "tensor_type":
            inputs.append(Input(name, None, None))
            continue
        tensor = kind.tensor_type
        dims = [d.dim_value if d.HasField("dim_value") else d.dim_param or None for d in tensor.shape.dim]
        shape = tuple(None if d == -1 else d for d in dims) if tensor.HasField("shape") else None
        try:
            dtype = np.dtype(object) if tensor.elem_type == STRING else dtype_of(tensor.elem_type)
            inputs.append(Input(name, dtype, shape))
        except OnnxError as error:
            raise OnnxError(f"input {name!r}: {error}") from None
    return inputs
