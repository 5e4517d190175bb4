#!/usr/bin/env bash
# PyTorch 2.13.0 on CPU, float64: polygamma(1, x), which is the gradient of digamma and the second derivative of lgamma,
# has nine digits between 0.5 and 2, where its neighbours digamma and polygamma(2, x) have fifteen, and SciPy has all.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 scipy
seen=$("$folder/venv/bin/python" - <<'PYTHON'
import torch
from scipy import special

for x in (0.5, 1.0, 2.0):
    t = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    found = []
    for n, y in ((0, torch.digamma(t)), (1, torch.polygamma(1, t)), (2, torch.polygamma(2, t))):
        exact = special.digamma(x) if n == 0 else special.polygamma(n, x)
        off = abs(y.item() / exact - 1)
        found.append("right" if off < 1e-14 else f"{off:.0e} off")
    (slope,) = torch.autograd.grad(torch.digamma(t), t)
    assert slope == torch.polygamma(1, t)
    print(x, *found, sep=", ")
PYTHON
)
echo "$seen"
expected="0.5, right, 3e-10 off, right
1.0, right, 5e-10 off, right
2.0, right, 4e-10 off, right"
[ "$seen" = "$expected" ] || { echo "this has changed; expected: $expected"; exit 1; }
