#!/usr/bin/env bash
# ONNX Runtime 1.32.0: BatchNormalization with training_mode=1, whose bias equals its input_mean and whose scale equals
# its input_var, as they do in a new layer (0 and 1), gives other results in each run of a session, for the same input:
# the new running statistics are stored in the bias and the scale. With a bias and a scale of other values, all runs are
# alike. Default options; the outputs for the running statistics are not read.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
seen=$("$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper

x = np.arange(8, dtype=np.float32).reshape(4, 1, 1, 2)


def means(scale, bias):
    nodes = [
        helper.make_node("Abs", ["x"], ["c"]),
        helper.make_node("BatchNormalization", ["c", *"abuv"], ["y", "mean", "var"], training_mode=1),
    ]
    values = zip("abuv", (scale, bias, 0.0, 1.0))
    constants = [helper.make_tensor(name, TensorProto.FLOAT, [1], [value]) for name, value in values]
    given, result = (helper.make_tensor_value_info(name, TensorProto.FLOAT, x.shape) for name in "xy")
    graph = helper.make_graph(nodes, "bn", [given], [result], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = ort.InferenceSession(model.SerializeToString())
    return " ".join(f"{session.run(None, {'x': x})[0].mean():.2f}" for _ in range(3))


print(means(1.0, 0.0), "|", means(2.0, 0.5))
PYTHON
)
echo "$seen"
expected="0.35 0.67 0.95 | 0.50 0.50 0.50"
[ "$seen" = "$expected" ] || { echo "this has changed; expected: $expected"; exit 1; }
