"""A small model with weights, as an exporter writes it."""

from __future__ import annotations

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper


def conv_bn_relu(seed: int = 0, momentum: float = 0.9, opset: int = 17) -> ModelProto:
    """N x 3 x 6 x 6 -> convolution of 5 filters, batch normalization, ReLU."""
    rng = np.random.default_rng(seed)
    weights = {
        "conv.weight": rng.standard_normal((5, 3, 3, 3)),
        "bn.scale": rng.uniform(0.5, 1.5, 5),
        "bn.bias": rng.standard_normal(5),
        "bn.mean": rng.standard_normal(5),
        "bn.var": rng.uniform(0.5, 1.5, 5),
    }
    nodes = [
        helper.make_node("Conv", ["x", "conv.weight"], ["c"], name="conv", pads=[1, 1, 1, 1]),
        helper.make_node(
            "BatchNormalization",
            ["c", "bn.scale", "bn.bias", "bn.mean", "bn.var"],
            ["b"],
            name="bn",
            momentum=momentum,
        ),
        helper.make_node("Relu", ["b"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 6, 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 5, 6, 6])],
        [numpy_helper.from_array(array.astype(np.float32), name) for name, array in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
