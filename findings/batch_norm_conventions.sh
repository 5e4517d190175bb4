#!/usr/bin/env bash
# One batch, (0, 2, 4, 10), has mean 4 and variance 14, divided by N, or 18.67, by N - 1. What batch normalization remembers of
# it, from mean 0 and variance 1: PyTorch 2.13.0 a tenth and 18.67, Keras 3.15.1 a hundredth and 14, TensorFlow 2.21.0's fused
# kernel 18.67, ONNX 1.23.2 a tenth and 14. Epsilon is 1e-5 in PyTorch, 1e-3 in Keras. The table is in docs/conventions.md.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 tensorflow-cpu==2.21.0 keras==3.15.1 onnx==1.23.2
seen=$("$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import keras
import numpy as np
import onnx
import tensorflow as tf
import torch
from onnx.helper import make_graph, make_model, make_node, make_opsetid, make_tensor_value_info
from onnx.reference import ReferenceEvaluator

x = np.float32([[0, 2], [4, 10]]).reshape(2, 1, 2, 1)  # N H W C


def show(name, mean, var, *settings):
    print(name, f"{mean:.4g} {var:.5g}", *settings, end="; ")


one, zero = np.ones(1, "f4"), np.zeros(1, "f4")

layer = torch.nn.BatchNorm2d(1)
layer(torch.from_numpy(x.transpose(0, 3, 1, 2)))
show("torch", layer.running_mean.item(), layer.running_var.item(), layer.momentum, layer.eps)

layer = keras.layers.BatchNormalization()
layer(x, training=True)
mean, var = (float(v.numpy().item()) for v in (layer.moving_mean, layer.moving_variance))
show("keras", mean, var, layer.momentum, layer.epsilon)

_, mean, var = tf.compat.v1.nn.fused_batch_norm(x, one, zero, zero, one, exponential_avg_factor=0.01)
show("tensorflow", mean.numpy().item(), var.numpy().item())

names = [make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in "xsbmvypq"]
node = make_node("BatchNormalization", list("xsbmv"), list("ypq"), training_mode=1)
model = make_model(make_graph([node], "g", names[:5], names[5:]), opset_imports=[make_opsetid("", 15)])
given = {"x": x.transpose(0, 3, 1, 2), "s": one, "b": zero, "m": zero, "v": one}
_, mean, var = ReferenceEvaluator(model).run(None, given)
show("onnx", mean.item(), var.item())
PYTHON
)
echo "$seen"
expected="torch 0.4 2.7667 0.1 1e-05; keras 0.04 1.13 0.99 0.001; tensorflow 0.04 1.1767; onnx 0.4 2.3; "
[ "$seen" = "$expected" ] || { echo "this has changed; expected: $expected"; exit 1; }
