#!/usr/bin/env bash
# PyTorch 2.13.0: min(max(x, 0), 6) has three derivatives at x = 6, by how it is written: relu6 and hardtanh say 0, clamp
# says 1, minimum says 1/2. A model converted from one form to another trains differently where values saturate exactly.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0
seen=$("$folder/venv/bin/python" - <<'PYTHON'
import torch
from torch.nn import functional as F

FORMS = {
    "relu6": F.relu6,
    "hardtanh": lambda x: F.hardtanh(x, 0, 6),
    "clamp": lambda x: x.clamp(0, 6),
    "minimum": lambda x: torch.minimum(x.relu(), torch.tensor(6.0)),
}
x = torch.tensor([6.0], requires_grad=True)
print(*(f"{name} {torch.autograd.grad(form(x).sum(), x)[0].item()}" for name, form in FORMS.items()))
PYTHON
)
echo "$seen"
expected="relu6 0.0 hardtanh 0.0 clamp 1.0 minimum 0.5"
[ "$seen" = "$expected" ] || { echo "this has changed; expected: $expected"; exit 1; }
