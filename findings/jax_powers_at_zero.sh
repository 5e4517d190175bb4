#!/usr/bin/env bash
# JAX 0.10.2: the derivative of order n + 1 of x ** n at 0 is NaN where n is a float, and 0 where it is an integer, as it
# is in PyTorch for both. So the second derivative of x ** 1.0 is NaN at a black pixel: a layer of generalized means, or a
# gamma curve, whose exponent happens to be 1.0 has NaN in its Hessian-vector products.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet jax==0.10.2 jaxlib==0.10.2
seen=$("$folder/venv/bin/python" - <<'PYTHON'
import jax

for n in (1.0, 1, 2.0, 2):
    f, derivatives = lambda x: x**n, []
    for _ in range(3):
        f = jax.grad(f)
        derivatives.append(float(f(0.0)))
    print(f"x ** {n}: {derivatives}")
PYTHON
)
echo "$seen"
expected="x ** 1.0: [1.0, nan, nan]
x ** 1: [1.0, 0.0, 0.0]
x ** 2.0: [0.0, 2.0, nan]
x ** 2: [0.0, 2.0, 0.0]"
[ "$seen" = "$expected" ] || { echo "this has changed; expected: $expected"; exit 1; }
