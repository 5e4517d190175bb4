#!/usr/bin/env bash
# PyTorch 2.13.0: an integer tensor to a negative Python number is a RuntimeError; to a negative integer tensor, or a Python
# integer to one, it is 0 without a word. NumPy 2.4.6 refuses all three.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
seen=$("$folder/venv/bin/python" - <<'PYTHON'
import torch

try:
    first = (torch.tensor([2]) ** -2).tolist()
except RuntimeError as error:
    first = type(error).__name__
print(first, (torch.tensor([2]) ** torch.tensor([-2])).tolist(), (2 ** torch.tensor([-2])).tolist())
PYTHON
)
echo "$seen"
[ "$seen" = "RuntimeError [0] [0]" ] || { echo "this has changed; expected: RuntimeError [0] [0]"; exit 1; }
