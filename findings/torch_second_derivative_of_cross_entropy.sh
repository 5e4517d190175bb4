#!/usr/bin/env bash
# PyTorch 2.13.0, float64: the second derivative of binary_cross_entropy has 1e-12 added to p(1 - p), where value and
# gradient have nothing. For a target of 1, that of -log p at p = 1e-12 is a quarter of 1/p², at 1e-10 it is 2 % off, and
# anywhere it has eleven digits. Penalties on gradients and Newton's method of a saturated classifier meet such p.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy
seen=$("$folder/venv/bin/python" - <<'PYTHON'
import torch
from torch.nn import functional as F

for p in (0.3, 1e-6, 1e-10, 1e-12):
    x = torch.tensor([p], dtype=torch.float64, requires_grad=True)
    loss = F.binary_cross_entropy(x, torch.ones_like(x))
    (first,) = torch.autograd.grad(loss, x, create_graph=True)
    (second,) = torch.autograd.grad(first, x)
    print(f"p = {p:g}: gradient * -p = {-first.item() * p:.12f}, second derivative * p^2 = {second.item() * p**2:.12f}")
PYTHON
)
echo "$seen"
expected="p = 0.3: gradient * -p = 1.000000000000, second derivative * p^2 = 0.999999999990
p = 1e-06: gradient * -p = 1.000000000000, second derivative * p^2 = 0.999998000001
p = 1e-10: gradient * -p = 1.000000000000, second derivative * p^2 = 0.980296049405
p = 1e-12: gradient * -p = 1.000000000000, second derivative * p^2 = 0.250000000000"
[ "$seen" = "$expected" ] || { echo "this has changed; expected: $expected"; exit 1; }
