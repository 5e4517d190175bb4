#!/usr/bin/env bash
# PyTorch 2.13.0 turns the bytes around when it loads a file that a machine of the other byte order wrote, but not those of
# uint16, uint32 and uint64: 258 becomes 513 without a word. The file is one of its own, with the marker and the bytes of
# such a machine.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
seen=$("$folder/venv/bin/python" - <<'PYTHON'
import io
import zipfile

import numpy as np
import torch

here, there = io.BytesIO(), io.BytesIO()
torch.save([torch.tensor([258], dtype=dtype) for dtype in (torch.int16, torch.uint16)], here)
with zipfile.ZipFile(here) as old, zipfile.ZipFile(there, "w") as new:
    for name in old.namelist():
        data = old.read(name)
        if name.endswith("/byteorder"):
            data = {b"little": b"big", b"big": b"little"}[data]
        elif "/data/" in name:
            data = np.frombuffer(data, np.uint16).byteswap().tobytes()
        new.writestr(name, data)
there.seek(0)
print(*(x.item() for x in torch.load(there)))
PYTHON
)
echo "$seen"
[ "$seen" = "258 513" ] || { echo "this has changed; expected: 258 513"; exit 1; }
