#!/usr/bin/env bash
# PyTorch 2.13.0: the third derivatives of batch_norm, instance_norm and layer_norm are wrong, by factors, without a
# warning; values, gradients and second derivatives are right, and so is group_norm, and each of them composed of mean,
# square and sqrt. PyTorch's gradcheck and gradgradcheck end at the second.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy
seen=$("$folder/venv/bin/python" - <<'PYTHON'
import torch
from torch.nn import functional as F


def composed(x, axis):
    mean = x.mean(axis, keepdim=True)
    return (x - mean) / ((x - mean).square().mean(axis, keepdim=True) + 1e-5).sqrt()


PAIRS = {  # PyTorch's own, and the same composed
    "batch_norm": (lambda x: F.batch_norm(x, None, None, training=True), lambda x: composed(x, 0)),
    "instance_norm": (lambda x: F.instance_norm(x[None])[0], lambda x: composed(x, 1)),
    "layer_norm": (lambda x: F.layer_norm(x, (5,)), lambda x: composed(x, 1)),
    "group_norm": (lambda x: F.group_norm(x[None], 3)[0], lambda x: composed(x, 1)),
}
generator = torch.Generator().manual_seed(0)
start, u = torch.randn(2, 3, 5, dtype=torch.float64, generator=generator)
for name, pair in PAIRS.items():
    orders = []
    for f in pair:
        x = start.clone().requires_grad_()
        y, derivatives = (f(x) * u).sum(), []
        for _ in range(3):  # along u again and again
            (g,) = torch.autograd.grad(y, x, create_graph=True)
            y = (g * u.roll(1, 1)).sum()
            derivatives.append(y.item())
        orders.append(torch.tensor(derivatives, dtype=torch.float64))
    same = torch.isclose(*orders, rtol=1e-9, atol=1e-9).tolist()
    print(name, *("right" if right else "wrong" for right in same))
PYTHON
)
echo "$seen"
expected=$'batch_norm right right wrong\ninstance_norm right right wrong\nlayer_norm right right wrong\ngroup_norm right right right'
[ "$seen" = "$expected" ] || { echo "this has changed; expected: $expected"; exit 1; }
