#!/usr/bin/env bash
# NumPy 2.4.6: a list of integers that fit uint64 becomes uint64 only where all of them are beyond int64; beside a smaller
# one the array is float64, and 2**64 - 1 is rounded to 2**64.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6
seen=$("$folder/venv/bin/python" - <<'PYTHON'
import numpy as np

alone, beside = np.array([2**64 - 1]), np.array([2**64 - 1, 0])
print(alone.dtype, beside.dtype, int(beside[0]) - (2**64 - 1))
PYTHON
)
echo "$seen"
[ "$seen" = "uint64 float64 1" ] || { echo "this has changed; expected: uint64 float64 1"; exit 1; }
