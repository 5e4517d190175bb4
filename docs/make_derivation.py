"""Write docs/derivation.md and its picture: ``python docs/make_derivation.py [--check]``. Draws with Graphviz.

All code on the page is run, and what it shows is what came out.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
from pages import command

import tinygrad_cv as tg

DOCS = Path(__file__).parent
PAGE = DOCS / "derivation.md"
PICTURE = DOCS / "images" / "derivation.svg"
SEEDS = 100
FIGURE = re.compile(r"\b\d+\.\d\b")  # of the proof: sums may round differently on another machine

SETUP = """\
import numpy as np
import tinygrad_cv as tg
import tinygrad_cv.functional as F

N, C, H, W = 8, 3, 4, 4
M = N * H * W

def batch_norm(x, gamma, beta):
    return F.batch_norm(x, weight=gamma, bias=beta, training=True)
"""

DRAW = """\
rng = np.random.default_rng(0)
x, gamma, beta = (tg.tensor(rng.normal(size=shape)) for shape in [(N, C, H, W), C, C])
tg.graph(batch_norm, x, gamma, beta, part="backward").svg("derivation.svg")
"""

DERIVE = """\
d = tg.derive(batch_norm, (x, gamma, beta))
print(d)
"""

TEXTBOOK = """\
def textbook(dy, x, gamma, eps=1e-5):
    axes = (0, 2, 3)
    gamma = gamma.reshape(1, C, 1, 1)
    mu = x.mean(axes, keepdims=True)
    inv = 1 / np.sqrt(((x - mu) ** 2).mean(axes, keepdims=True) + eps)
    xhat = (x - mu) * inv
    sum_dy = dy.sum(axes, keepdims=True)
    sum_dy_xhat = (dy * xhat).sum(axes, keepdims=True)
    dx = gamma * inv / M * (M * dy - sum_dy - xhat * sum_dy_xhat)
    return dx, sum_dy_xhat.reshape(C), sum_dy.reshape(C)
"""

OWN = """\
def own(x, gamma, beta):
    mu = x.mean(0, keepdims=True)
    var = (x - mu).square().mean(0, keepdims=True)
    xhat = (x - mu) / (var + 1e-5).sqrt()
    return gamma * xhat + beta

print(tg.derive(own, (tg.zeros(64, 10), tg.zeros(10), tg.zeros(10))))
"""

NETWORK = """\
labels = tg.tensor([3, 1, 4, 1, 5, 9, 2, 6])

def network(x, w1, b1, w2):
    h = F.relu(x @ w1 + b1)
    return F.cross_entropy(h @ w2, labels)

print(tg.derive(network, (tg.zeros(8, 784), tg.zeros(784, 64), tg.zeros(64), tg.zeros(64, 10))))
"""

STEPS = [  # the line, the textbook's formula, how to read it
    ("mu", r"\mu = \frac{1}{M} \sum x", ""),
    ("d", r"x - \mu", ""),
    ("var", r"\sigma^2 = \frac{1}{M} \sum (x - \mu)^2", "biased, over N, H, W"),
    ("t1", r"\sigma = \sqrt{\sigma^2 + \varepsilon}", "the deviation, with ε in it"),
    ("scale", r"1 / \sigma", "its inverse"),
    ("t2", r"\gamma / \sigma", "C numbers; x̂ itself would be N C H W"),
    ("y", r"y = \gamma \hat x + \beta, \quad \hat x = (x - \mu) / \sigma", ""),
    ("dbeta", r"d\beta = \sum dy", "the first of the two sums over dy"),
    ("dt2", r"\sum dy \, (x - \mu)", "the second: σ Σ dy x̂"),
    ("dscale", r"\sum d\hat x \, (x - \mu)", "with dx̂ = γ dy; γ does not vary along the sum, and leaves it"),
    ("dgamma", r"d\gamma = \sum dy \, \hat x", "the same sum again"),
    ("dvar", r"d\sigma^2 = -\tfrac{1}{2} \sigma^{-3} \sum d\hat x \, (x - \mu)", "and again"),
    ("dd", r"d\hat x / \sigma + d\sigma^2 \cdot 2 (x - \mu) / M", "what reaches x - μ: through x̂ and through σ²"),
    (
        "dmu",
        r"d\mu = -\sum d\hat x / \sigma - d\sigma^2 \cdot \tfrac{2}{M} \sum (x - \mu)",
        "the second sum is zero, and gone; the first is one that is there",
    ),
    ("dx", r"dx = \ldots + d\mu / M", "what reaches x: directly, and through the mean"),
]

PAGE_TEXT = """\
# Batch normalization, derived

Nowhere in this library is a derivative of batch normalization. `F.batch_norm` composes sums, products and a root; its
backward pass emerges from the graph. `tg.derive` reads it off that graph, simplifies it, and writes it down as
mathematics and as NumPy source that runs alone. This page shows all of it beside the textbook, and how far apart they
are. It is written by `python docs/make_derivation.py`, which runs the code below; nothing here is typed by hand but the
textbook's column.

```python
{setup}```

## The graph that emerged

```python
{draw}```

![The backward pass of batch normalization as a graph of primitives](images/derivation.svg)

Each box is a primitive. `times` is the product of backward passes: zero where its first factor is, whatever the other
is.

## The mathematics that emerged

```python
{derive}```

```text
{printed}
```

Names are those of the variables in `F.batch_norm` and of the parameters of the function above; a d before a name makes
the cotangent. `t1`, `t2` are expressions that occur twice. Simplification is that of real numbers: two corrections of
rounding, which `F.batch_norm` makes and which cancel in exact arithmetic, are gone, and so is a sum of deviations from
their mean.

## Side by side

The textbook's steps are those of Ioffe and Szegedy, "Batch normalization", 2015, section 3. M = N H W; from the fourth
row on, σ stands for √(σ² + ε).

| textbook | emerged | as NumPy | |
|---|---|---|---|
{table}

One thing is different: γ / σ is multiplied before it meets x - μ. So x̂ does not occur, and one sum over dy (x - μ)
serves dγ and dσ² alike. Put together, the emerged lines are the closed form, with its two sums over dy:

```math
dx = \\frac{{\\gamma}}{{M \\sigma}} \\left( M \\, dy - \\sum dy - \\hat x \\sum dy \\, \\hat x \\right)
```

## The code that emerged

`print(d.source())`:

```python
{source}```

## The textbook's code

```python
{textbook}```

## They agree

Largest differences over {seeds} random inputs and cotangents, in units of rounding: of 2⁻⁵² times the largest element
of the gradient. (dγ is a sum of M numbers of both signs; where they all but cancel, rounding is large beside what is
left.)

| | dx | dγ | dβ |
|---|---|---|---|
{proof}

The library computes by the graph as it was recorded, before simplification.

## Your own

Any function of tensors will do, and what its variables are called is what the lines are called. Batch normalization in
the order of the textbook:

```python
{own}```

```text
{printed_own}
```

A network of two layers, and its loss. What a function closes over, like the labels, is an input without a gradient:

```python
{network}```

```text
{printed_network}
```

The quotient in dz is the softmax, and dlogp is -dloss at the label and 0 elsewhere: so dz is the familiar
softmax - onehot, times dloss.
"""


def run(code: str, world: dict[str, Any]) -> None:
    """Run a block of the page."""
    exec(compile(code, "derivation.md", "exec"), world)


def printed(code: str, world: dict[str, Any]) -> str:
    """What a block prints."""
    with contextlib.redirect_stdout(io.StringIO()) as output:
        run(code, world)
    return output.getvalue().rstrip()


def units(a: Any, b: Any) -> float:
    """The largest difference, in units of rounding of the largest number."""
    return float(np.abs(a - b).max() / np.abs(b).max() / np.finfo(np.float64).eps)


def differences(world: dict[str, Any], alone: dict[str, Any]) -> dict[str, list[float]]:
    """How far the emerged code, the library and the textbook are apart."""
    worst = {"emerged code and textbook": [0.0] * 3, "library and textbook": [0.0] * 3}
    shapes = [(world["N"], world["C"], world["H"], world["W"]), world["C"], world["C"]]
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        x, gamma, beta = (rng.normal(size=shape) for shape in shapes)
        dy = rng.normal(size=shapes[0])
        textbook = world["textbook"](dy, x, gamma)
        leaves = [tg.tensor(value, requires_grad=True) for value in (x, gamma, beta)]
        library = tg.grad(world["batch_norm"](*leaves), leaves, tg.tensor(dy))
        found = (alone["backward"](dy, x, gamma, beta), [g.numpy() for g in library])
        for row, gradients in zip(worst.values(), found, strict=True):
            row[:] = [max(w, units(a, b)) for w, a, b in zip(row, gradients, textbook, strict=True)]
    return worst


def table(derivation: Any) -> str:
    """The textbook's steps beside the lines."""
    lines = {line.name: line for line in derivation.lines}
    rows = []
    for name, formula, remark in STEPS:
        line = lines[name]
        cells = [f"$`{formula}`$", f"$`{line.symbol} = {line.latex}`$", f"`{name} = {line.numpy}`", remark]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def make(draw: bool) -> str:
    """The page; with ``draw``, its picture is written too."""
    world: dict[str, Any] = {}
    run(SETUP, world)
    with_picture = DRAW.replace('"derivation.svg"', repr(str(PICTURE)))
    run(with_picture if draw else DRAW.rpartition("tg.graph")[0], world)
    run(DERIVE.replace("print(d)\n", ""), world)
    run(TEXTBOOK, world)
    derivation = world["d"]
    alone: dict[str, Any] = {}
    run(derivation.source(), alone)
    proof = [
        f"| {what} | {' | '.join(f'{number:.1f}' for number in row)} |"
        for what, row in differences(world, alone).items()
    ]
    return PAGE_TEXT.format(
        setup=SETUP,
        draw=DRAW,
        derive=DERIVE,
        printed=derivation,
        table=table(derivation),
        source=derivation.source(),
        textbook=TEXTBOOK,
        seeds=SEEDS,
        proof="\n".join(proof),
        own=OWN,
        printed_own=printed(OWN, world),
        network=NETWORK,
        printed_network=printed(NETWORK, world),
    )


def alike(a: str, b: str) -> bool:
    """Whether two pages say the same; how far sums round apart differs from machine to machine."""
    return FIGURE.sub("", a) == FIGURE.sub("", b)


def main(arguments: list[str]) -> int:
    """Write the page, or say whether it is up to date."""
    return command(PAGE, make, arguments, __doc__, alike)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
