#!/usr/bin/env bash
# PyTorch 2.13.0 and NumPy 2.4.6: a tensor that is negated lazily, as the imaginary part of a conjugate is, goes through
# DLPack without its sign, and nothing says so. Its own .resolve_neg() gives [-2, 4]; NumPy reads [2, -4].
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
seen=$("$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import torch

imaginary = torch.tensor([1 + 2j, 3 - 4j]).conj().imag
print(imaginary.tolist(), np.from_dlpack(imaginary).tolist())
PYTHON
)
echo "$seen"
[ "$seen" = "[-2.0, 4.0] [2.0, -4.0]" ] || { echo "this has changed; expected: [-2.0, 4.0] [2.0, -4.0]"; exit 1; }
