#!/usr/bin/env bash
# PyTorch 2.13.0: logsumexp of [inf, 0] is inf, and its gradient [nan, 0]. The limit of the gradient, the softmax of [x, 0] for
# growing x, is [1, 0].
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
seen=$("$folder/venv/bin/python" - <<'PYTHON'
import torch

x = torch.tensor([torch.inf, 0.0], requires_grad=True)
y = torch.logsumexp(x, 0)
y.backward()
print(y.item(), x.grad.tolist())
PYTHON
)
echo "$seen"
[ "$seen" = "inf [nan, 0.0]" ] || { echo "this has changed; expected: inf [nan, 0.0]"; exit 1; }
