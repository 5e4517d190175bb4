#!/usr/bin/env bash
# PyTorch 2.13.0: the third derivative of logcumsumexp is NaN at ordinary numbers; value, gradient and second derivative
# are right, and the same function as a stack of logsumexp has it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy
seen=$("$folder/venv/bin/python" - <<'PYTHON'
import torch

FORMS = {
    "logcumsumexp": lambda x: x.logcumsumexp(0),
    "logsumexp": lambda x: torch.stack([x[: i + 1].logsumexp(0) for i in range(len(x))]),
}
u = torch.tensor([0.3, 0.7, -0.2])
for name, f in FORMS.items():
    x = torch.tensor([0.3, -0.2, 1.1], requires_grad=True)
    y = f(x).sum()
    for order in (1, 2, 3):
        (g,) = torch.autograd.grad(y, x, create_graph=True)
        print(name, order, [round(v, 3) for v in g.tolist()])
        y = g @ u
PYTHON
)
echo "$seen"
expected="logcumsumexp 1 [1.883, 0.536, 0.581]
logcumsumexp 2 [-0.035, 0.193, -0.159]
logcumsumexp 3 [nan, nan, nan]
logsumexp 1 [1.883, 0.536, 0.581]
logsumexp 2 [-0.035, 0.193, -0.159]
logsumexp 3 [-0.027, 0.053, -0.026]"
[ "$seen" = "$expected" ] || { echo "this has changed; expected: $expected"; exit 1; }
