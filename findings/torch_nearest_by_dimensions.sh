#!/usr/bin/env bash
# PyTorch 2.13.0 on CPU: interpolate(mode="nearest", scale_factor=2.3) of 3 elements has 6 places, and which elements they
# hold depends on the number of axes: along one axis places follow from 2.3, in an image, where the size has doubled,
# from 2.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0
seen=$("$folder/venv/bin/python" - <<'PYTHON'
import torch
from torch.nn import functional as F

x = torch.tensor([1.0, 2.0, 3.0])
for shape in ((1, 1, 3), (1, 1, 1, 3)):
    y = F.interpolate(x.reshape(shape), scale_factor=2.3, mode="nearest")
    print(y.reshape(-1, 6)[0].tolist())
PYTHON
)
echo "$seen"
expected=$'[1.0, 1.0, 1.0, 2.0, 2.0, 3.0]\n[1.0, 1.0, 2.0, 2.0, 3.0, 3.0]'
[ "$seen" = "$expected" ] || { echo "this has changed; expected: $expected"; exit 1; }
