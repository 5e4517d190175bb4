#!/usr/bin/env bash
# PyTorch 2.13.0: gelu, silu and mish of -inf are NaN, value and gradient, where their limits are 0 and 0. hardswish of -inf,
# which is 0 for everything below -3, has the value NaN and yet the gradient 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0
seen=$("$folder/venv/bin/python" - <<'PYTHON'
import math

import torch
from torch.nn import functional as F

x = torch.tensor([-math.inf], requires_grad=True)
for gate in (F.gelu, F.silu, F.mish, F.hardswish):
    y = gate(x)
    print(gate.__name__, y.item(), torch.autograd.grad(y.sum(), x)[0].item(), end="; ")
PYTHON
)
echo "$seen"
expected="gelu nan nan; silu nan nan; mish nan nan; hardswish nan 0.0; "
[ "$seen" = "$expected" ] || { echo "this has changed; expected: $expected"; exit 1; }
