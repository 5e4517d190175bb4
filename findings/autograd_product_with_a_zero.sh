#!/usr/bin/env bash
# HIPS autograd 1.9.1: the gradient of prod by an element that is 0 is NaN, since it is computed as the product over the
# element. It is the product of the others: 6 for the first of (0, 2, 3). PyTorch, JAX and MyGrad have that.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet autograd==1.9.1 mygrad==2.5.0
seen=$("$folder/venv/bin/python" -W ignore - <<'PYTHON'
import autograd
import autograd.numpy as anp
import mygrad

x = mygrad.tensor([0.0, 2.0, 3.0])
mygrad.prod(x).backward()
print("autograd", autograd.grad(anp.prod)(anp.array([0.0, 2.0, 3.0])))
print("MyGrad", x.grad)
PYTHON
)
echo "$seen"
expected=$'autograd [nan  0.  0.]\nMyGrad [6. 0. 0.]'
[ "$seen" = "$expected" ] || { echo "this has changed; expected: $expected"; exit 1; }
