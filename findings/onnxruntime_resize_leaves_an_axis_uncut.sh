#!/usr/bin/env bash
# ONNX Runtime 1.32.0: Resize with tf_crop_and_resize reads the part of each axis that roi names, unless the factor of
# the axis is 1: then the whole axis is copied, although its size stays the same in both cases. From 1 2 3 4 5 the second
# half, 3 to 5, in five elements is 3 3.5 4 4.5 5, as onnx 1.23.2's reference evaluator has it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
seen=$("$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

x = np.arange(1, 6, dtype=np.float32).reshape(1, 1, 1, 5)
arrays = {"roi": [0, 0, 0, 0.5, 1, 1, 1, 1], "scales": [1, 1, 2, 1]}
weights = [numpy_helper.from_array(np.float32(array), name) for name, array in arrays.items()]
inside = helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)
options = {"mode": "linear", "coordinate_transformation_mode": "tf_crop_and_resize"}
node = helper.make_node("Resize", ["x", "roi", "scales"], ["y"], **options)
graph = helper.make_graph([node], "resize", [inside], [helper.make_empty_tensor_value_info("y")], weights)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=8)
session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
for y in (session.run(None, {"x": x})[0], ReferenceEvaluator(model).run(None, {"x": x})[0]):
    print(*(f"{value:g}" for value in y[0, 0, 0]))
PYTHON
)
echo "$seen"
[ "$seen" = $'1 2 3 4 5\n3 3.5 4 4.5 5' ] || { echo "this has changed; expected 1 2 3 4 5, then 3 3.5 4 4.5 5"; exit 1; }
