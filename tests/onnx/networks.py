"""Real networks: those that ship in packages with their weights, and architectures that get random ones."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, helper, numpy_helper

LIGHT = ("bvlc_alexnet", "densenet121", "inception_v1", "inception_v2", "resnet50", "shufflenet", "squeezenet", "vgg19")
LIGHT = (*LIGHT, "zfnet512")
SHIPPED = {  # a package, a file of it, and the shape of an input
    "text detector": ("rapidocr-onnxruntime", "ch_PP-OCRv4_det_infer.onnx", (1, 3, 64, 96)),
    "text direction": ("rapidocr-onnxruntime", "ch_ppocr_mobile_v2.0_cls_infer.onnx", (2, 3, 48, 96)),
    "text recognizer": ("rapidocr-onnxruntime", "ch_PP-OCRv4_rec_infer.onnx", (1, 3, 48, 64)),
    "pitch": ("basic-pitch", "nmp.onnx", (1, 43844, 1)),
}


class Network(NamedTuple):
    """A model, and an input of it."""

    name: str
    model: ModelProto
    x: np.ndarray


def shipped(name: str) -> Network | None:
    """A network with its weights; None if the package is not installed."""
    package, file, shape = SHIPPED[name]
    try:
        (path,) = (entry.locate() for entry in files(package) or () if entry.name == file)
    except (PackageNotFoundError, ValueError):
        return None
    x = np.random.default_rng(1).uniform(-1, 1, shape).astype(np.float32)
    return Network(name, onnx.load(str(path)), x)


def before_sigmoid(network: Network) -> Network:
    """The network without a sigmoid at its end, of which ONNX Runtime knows small results to 5e-8 alone."""
    model = ModelProto()
    model.CopyFrom(network.model)
    last = model.graph.node[-1]
    if last.op_type == "Sigmoid" and len(model.graph.output) == 1:
        model.graph.output[0].CopyFrom(helper.make_tensor_value_info(last.input[0], TensorProto.FLOAT, None))
    return network._replace(model=model)


def light(name: str) -> Network:
    """An architecture of onnx.backend.test, whose weights are constants there, with random weights of a seed."""
    model = onnx.load(Path(onnx.__file__).parent / f"backend/test/data/light/light_{name}.onnx")
    graph = model.graph
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    shapes = {name: array.shape for name, array in arrays.items() if array.dtype == np.float32}
    nodes = []
    for node in graph.node:
        if node.op_type == "ConstantOfShape":
            shapes[node.output[0]] = tuple(map(int, arrays[node.input[0]]))
        else:
            nodes.append(node)
    reads = {name: (node.op_type, place) for node in nodes for place, name in enumerate(node.input)}
    rng = np.random.default_rng(0)
    weights = {name: _weight(rng, shape, *reads[name]) for name, shape in shapes.items() if name in reads}
    kept = [tensor for tensor in graph.initializer if tensor.name in reads and tensor.name not in weights]
    kept += [numpy_helper.from_array(array.astype(np.float32), name) for name, array in weights.items()]
    inputs = [entry for entry in graph.input if entry.name not in arrays]
    for field, values in ((graph.initializer, kept), (graph.node, nodes), (graph.input, inputs)):
        values = list(values)
        del field[:]
        field.extend(values)
    last = graph.node[-1]
    if last.op_type == "Softmax":  # which says little of large numbers
        graph.output.append(helper.make_tensor_value_info(last.input[0], TensorProto.FLOAT, None))
    size = tuple(d.dim_value for d in graph.input[0].type.tensor_type.shape.dim)
    return Network(name, model, rng.standard_normal(size).astype(np.float32))


def _weight(rng: np.random.Generator, shape: tuple[int, ...], operator: str, place: int) -> np.ndarray:
    """Random numbers for an input of an operator, with which activations keep their size."""
    if operator == "BatchNormalization":
        return rng.uniform(0.5, 1.0, shape) if place in (1, 4) else 0.1 * rng.standard_normal(shape)
    if operator == "Unsqueeze":  # scales and shifts of channels
        return rng.uniform(0.5, 1.5, shape)
    fan = int(np.prod(shape[1:])) if len(shape) > 1 else 100
    return rng.standard_normal(shape) * np.sqrt(2.0 / max(fan, 1))


def run(network: Network) -> list[np.ndarray]:
    """The outputs of ONNX Runtime."""
    import onnxruntime

    onnxruntime.set_default_logger_severity(3)
    session = onnxruntime.InferenceSession(network.model.SerializeToString(), providers=["CPUExecutionProvider"])
    outputs: list[np.ndarray] = session.run(None, {session.get_inputs()[0].name: network.x})
    return outputs
