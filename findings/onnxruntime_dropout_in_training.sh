#!/usr/bin/env bash
# ONNX Runtime 1.32.0: a Dropout whose training_mode is true drops about half of the elements, as its ratio says, if
# optimizations are off. With the default optimizations it is taken out of the graph, and nothing is dropped, unless its
# mask is read.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
seen=$("$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper


def dropped(level, read_mask):
    nodes = [
        helper.make_node("Abs", ["x"], ["a"]),
        helper.make_node("Dropout", ["a", "ratio", "training"], ["d", "mask"]),
        helper.make_node("Where", ["mask", "d", "zero"], ["y"]) if read_mask else helper.make_node("Abs", ["d"], ["y"]),
    ]
    constants = [
        helper.make_tensor("ratio", TensorProto.FLOAT, [], [0.5]),
        helper.make_tensor("training", TensorProto.BOOL, [], [True]),
        helper.make_tensor("zero", TensorProto.FLOAT, [], [0.0]),
    ]
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1000]) for name in "xy")
    graph = helper.make_graph(nodes, "dropout", [x], [y], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = ort.SessionOptions()
    options.graph_optimization_level = level
    session = ort.InferenceSession(model.SerializeToString(), options)
    zeros = (session.run(None, {"x": np.ones(1000, np.float32)})[0] == 0).sum()
    return "half" if 400 < zeros < 600 else str(zeros)


off, default = ort.GraphOptimizationLevel.ORT_DISABLE_ALL, ort.SessionOptions().graph_optimization_level
print(dropped(off, False), dropped(default, False), dropped(default, True))
PYTHON
)
echo "$seen"
[ "$seen" = "half 0 half" ] || { echo "this has changed; expected: half 0 half"; exit 1; }
