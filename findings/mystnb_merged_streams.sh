#!/usr/bin/env bash
# MyST-NB 1.4.0 with merged streams: what a cell prints in one line comes out as two, if the kernel has sent it in two
# pieces, as it does five times a second. Joined, the pieces lose their last spaces and gain a line break each. (The
# setting is there so that pages are the same at each build.) docs/__main__.py has the kernel send all at once.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet myst-nb==1.4.0 ipykernel==7.4.0
seen=$("$folder/venv/bin/python" - <<'PYTHON'
from myst_nb.core.utils import coalesce_streams
from nbformat.v4 import new_output

pieces = [new_output("stream", name="stdout", text=text) for text in ("epoch 1: ", "loss 0.5\n")]
print([output["text"] for output in coalesce_streams(pieces)])
PYTHON
)
echo "$seen"
expected="['epoch 1:\\nloss 0.5\\n']"
[ "$seen" = "$expected" ] || { echo "this has changed; expected: $expected"; exit 1; }
