#!/usr/bin/env bash
# ONNX Runtime 1.32.0: pooling with auto_pad=SAME_UPPER and dilations pads as if there were none, so that the output is
# shorter than the input by the dilation: 4 elements of 5, where the specification says ceil(5 / 1). A dilated
# convolution with SAME_UPPER is refused instead. onnx 1.23.2's reference evaluator has 5 maxima, and 5 means, of which
# the last is 0 and the others one place off.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
seen=$("$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

ort.set_default_logger_severity(4)
x = np.arange(1, 6, dtype=np.float32).reshape(1, 1, 5)


def pooled(operator):
    inside = helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)
    node = helper.make_node(operator, ["x"], ["y"], kernel_shape=[2], dilations=[2], auto_pad="SAME_UPPER")
    graph = helper.make_graph([node], "pool", [inside], [helper.make_empty_tensor_value_info("y")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=8)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    results = session.run(None, {"x": x})[0], ReferenceEvaluator(model).run(None, {"x": x})[0]
    return " ".join(",".join(f"{value:g}" for value in y.reshape(-1)) for y in results)


print(pooled("MaxPool"), pooled("AveragePool"))
PYTHON
)
echo "$seen"
expected="3,4,5,4 2,3,4,5,4 2,3,4,4 2,3,4,4,0"
[ "$seen" = "$expected" ] || { echo "this has changed; expected: $expected"; exit 1; }
