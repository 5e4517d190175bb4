#!/usr/bin/env bash
# PyTorch 2.13.0 on CPU: a weight that nn.utils.parametrizations.orthogonal keeps orthonormal by reflections (its default
# unless the weight is square) is all zeros after one step of AdamW with its default settings, and stays so: the columns
# are multiplied by the diagonal of the original, -1, as integers, and weight decay makes it -0.99999, whose integer
# part is 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0
seen=$("$folder/venv/bin/python" - <<'PYTHON'
import torch

layer = torch.nn.utils.parametrizations.orthogonal(torch.nn.Linear(3, 5))
optimizer = torch.optim.AdamW(layer.parameters())
gram = [layer.weight.T @ layer.weight]
layer(torch.ones(1, 3)).sum().backward()
optimizer.step()
gram.append(layer.weight.T @ layer.weight)
print([g.round(decimals=3).abs().tolist() for g in gram])
PYTHON
)
echo "$seen"
identity="[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]"  # which both should be
zeros="[[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]"
[ "$seen" = "[$identity, $zeros]" ] || { echo "this has changed; expected: [$identity, $zeros]"; exit 1; }
