#!/usr/bin/env bash
# PyTorch 2.13.0 on CPU: interpolate(mode="nearest", scale_factor=1.1) of 4 elements has 4 places, which hold elements 1,
# 1, 2 and 3 of the input: places follow from the factor. The gradient is of another function, whose places follow from
# the sizes 4 and 4, and so is handed through: element 4, of which nothing depends, gets a gradient, and element 1 not
# that of both its copies.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0
seen=$("$folder/venv/bin/python" - <<'PYTHON'
import torch
from torch.nn import functional as F

x = torch.tensor([[[1.0, 2.0, 3.0, 4.0]]], requires_grad=True)
y = F.interpolate(x, scale_factor=1.1, mode="nearest")
(gradient,) = torch.autograd.grad(y, x, torch.tensor([[[1.0, 2.0, 3.0, 4.0]]]))
print(y.flatten().tolist(), gradient.flatten().tolist())
PYTHON
)
echo "$seen"
expected="[1.0, 1.0, 2.0, 3.0] [1.0, 2.0, 3.0, 4.0]"  # the derivative is [3.0, 3.0, 4.0, 0.0]
[ "$seen" = "$expected" ] || { echo "this has changed; expected: $expected"; exit 1; }
