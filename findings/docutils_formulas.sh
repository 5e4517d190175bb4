#!/usr/bin/env bash
# Docutils 0.22.4 turns formulas into MathML: the index of an accented letter, as in \hat{x}_n, is put under the letter,
# as that of a sum is, and the words under a brace, \underbrace{x}_{y}, beside it. \frac12, which TeX reads as a half, is
# refused. docs/website/math.py puts indices beside accents; the pages write \frac{1}{2} and no braces.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet docutils==0.22.4
seen=$("$folder/venv/bin/python" - <<'PYTHON'
import re

from docutils.utils.math.latex2mathml import tex2mathml

for formula in (r"x_n", r"\hat{x}_n", r"\underbrace{x}_{y}", r"\frac{1}{2}", r"\frac12"):
    try:
        tags = re.findall(r"<(m\w+)", tex2mathml(formula))
        print(formula, *tags[1:])
    except Exception as error:
        print(formula, type(error).__name__)
PYTHON
)
echo "$seen"
expected='x_n msub mi mi
\hat{x}_n munderover mi mi mo
\underbrace{x}_{y} msub munder mi mo mi
\frac{1}{2} mfrac mn mn
\frac12 MathError'
[ "$seen" = "$expected" ] || { echo "this has changed; expected: $expected"; exit 1; }
