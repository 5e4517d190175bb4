#!/usr/bin/env bash
# PyTorch 2.13.0 on CPU: interpolate with antialias=True of an image that is one pixel wide, 8 x 1 to 3 x 1, gives the
# first row three times. The same numbers as an image 1 x 8 to 1 x 3, or as any column of a wider image, are resized as
# they should be. Whoever resizes a single column, or a signal stored as H x 1, gets a constant.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
seen=$("$folder/venv/bin/python" - <<'PYTHON'
import torch
from torch.nn.functional import interpolate

signal = torch.arange(8.0)
for name, image, size in (
    ("column", signal.reshape(1, 1, 8, 1), (3, 1)),
    ("row", signal.reshape(1, 1, 1, 8), (1, 3)),
    ("two columns", signal.reshape(1, 1, 8, 1).repeat(1, 1, 1, 2), (3, 2)),
):
    resized = interpolate(image, size=size, mode="bilinear", antialias=True)
    values = resized[0, 0, 0] if name == "row" else resized[0, 0, :, 0]
    print(f"{name}: {' '.join(f'{value:.3f}' for value in values.tolist())}")
PYTHON
)
echo "$seen"
expected=$'column: 1.105 1.105 1.105\nrow: 1.105 3.500 5.895\ntwo columns: 1.105 3.500 5.895'
[ "$seen" = "$expected" ] || { echo "this has changed; expected: $expected"; exit 1; }
