#!/usr/bin/env bash
# PyTorch 2.13.0: track_running_stats = False, set on a batch norm that was made with True, stops the updates in training, but
# evaluation goes on with the old running statistics; made with False it evaluates with those of the batch.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
seen=$("$folder/venv/bin/python" - <<'PYTHON'
import torch

x = torch.tensor([[1.0, 2.0], [3.0, 6.0]])
changed, made = torch.nn.BatchNorm1d(2), torch.nn.BatchNorm1d(2, track_running_stats=False)
changed.track_running_stats = False
changed(x)
mean = changed.running_mean.tolist()
changed.eval(), made.eval()
print(mean, changed(x).round(decimals=3).tolist(), made(x).round(decimals=3).tolist())
PYTHON
)
echo "$seen"
[ "$seen" = "[0.0, 0.0] [[1.0, 2.0], [3.0, 6.0]] [[-1.0, -1.0], [1.0, 1.0]]" ] || { echo "this has changed; expected: [0.0, 0.0] [[1.0, 2.0], [3.0, 6.0]] [[-1.0, -1.0], [1.0, 1.0]]"; exit 1; }
