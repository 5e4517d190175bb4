"""Write docs/checking.md and its pictures: ``python docs/make_checking.py [--check]``.

All code on the page is run, and all reports are what came out.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
from pages import command

import tinygrad_cv as tg

DOCS = Path(__file__).parent
PAGE = DOCS / "checking.md"
NUMBER = re.compile(r"-?\d+\.?\d*(?:e[+-]?\d+)?")

FORWARD = """\
import numpy as np
import tinygrad_cv as tg

EPS = 1e-5

def batch_norm(x, gamma, beta):                      # x: N x C
    mu, var = x.mean(0), x.var(0)
    return gamma * (x - mu) / np.sqrt(var + EPS) + beta
"""

BACKWARD = """\
def batch_norm_backward(g, x, gamma, beta):
    n = len(x)
    mu, var = x.mean(0), x.var(0)
    inv = 1 / np.sqrt(var + EPS)
    xhat = (x - mu) * inv
    dxhat = g * gamma
    dvar = (dxhat * (x - mu)).sum(0) * -0.5 * inv**3
    dmu = -(dxhat * inv).sum(0)
    dx = dxhat * inv + dvar * 2 * (x - mu) / n + dmu / n
    return dx, (g * xhat).sum(0), g.sum(0)
"""

INPUTS = """\
rng = np.random.default_rng(0)
inputs = [rng.normal(2.0, 1.5, (5, 3)), rng.normal(size=3), rng.normal(size=3)]
"""

CHECK = "print(tg.gradcheck(batch_norm, inputs, backward=batch_norm_backward))\n"

MISTAKES = [  # heading, line as it should be, line as it is, how to read the report
    (
        "The path through the variance is dropped",
        "dx = dxhat * inv + dvar * 2 * (x - mu) / n + dmu / n",
        "dx = dxhat * inv + dmu / n",
        "Every element of dx is off, by no common factor; gamma and beta are right, so the mistake is in the line of\n"
        "dx.",
    ),
    (
        "The path through the mean is dropped",
        "dx = dxhat * inv + dvar * 2 * (x - mu) / n + dmu / n",
        "dx = dxhat * inv + dvar * 2 * (x - mu) / n",
        "The same picture. The gradients of a column add up to 0 where both paths are there, since adding a constant\n"
        "to a column changes nothing. Here they do not.",
    ),
    (
        "Unbiased for biased",
        "dx = dxhat * inv + dvar * 2 * (x - mu) / n + dmu / n",
        "dx = dxhat * inv + dvar * 2 * (x - mu) / (n - 1) + dmu / n",
        "The variance divides by n, its derivative by n - 1. The error is smaller than in the other cases, and as\n"
        "certain: the remainder is of order 1, and no tolerance had to be chosen to see it.",
    ),
    (
        "Epsilon outside of the root",
        "inv = 1 / np.sqrt(var + EPS)",
        "inv = 1 / (np.sqrt(var) + EPS)",
        "An error of the size of epsilon: a relative tolerance of 1e-4 would let it pass. What is allowed here is\n"
        "what the differences themselves may be off by, some 1e-10.",
    ),
]

LAYERS = [  # heading, code, call, how to read the report
    (
        "A convolution's kernel is flipped",
        """\
def conv(x, w):                                      # 4 x 4, 2 x 2 -> 3 x 3
    return np.array([[(x[i : i + 2, j : j + 2] * w).sum() for j in range(3)] for i in range(3)])

def conv_backward(g, x, w):
    dx = np.zeros_like(x)
    for i in range(3):
        for j in range(3):
            dx[i : i + 2, j : j + 2] += g[i, j] * w[::-1, ::-1]   # should be w
    dw = np.array([[(x[i : i + 3, j : j + 3] * g).sum() for j in range(2)] for i in range(2)])
    return dx, dw
""",
        "tg.gradcheck(conv, [rng.normal(size=(4, 4)), rng.normal(size=(2, 2))], backward=conv_backward)",
        "dw is right; dx is wrong everywhere and by no common factor: numbers in the wrong places. The kernel is\n"
        "flipped where windows of g are summed up. A loop that scatters takes w as it is.",
    ),
    (
        "A softmax without what is off the Jacobian's diagonal",
        """\
def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)

def softmax_backward(g, x):
    y = softmax(x)
    return g * y * (1 - y)                           # should be y * (g - (g * y).sum(1, keepdims=True))
""",
        "tg.gradcheck(softmax, rng.normal(size=(2, 3)), backward=softmax_backward)",
        "Each output depends on all inputs of its row. The gradients of a row have to add up to 0, and these do not.",
    ),
    (
        "A max pooling that routes the gradient to all ties",
        """\
def pool(x):                                         # 4 x 4 -> 2 x 2
    return x.reshape(2, 2, 2, 2).max((1, 3))

def pool_backward(g, x):
    def up(a):
        return a.repeat(2, 0).repeat(2, 1)
    return up(g) * (x == up(pool(x)))

ties = np.array([[1.0, 1, 0, 2], [0, 0.5, 1, 1], [3, 3, 3, 3], [0, 1, 2, 3]])
""",
        "tg.gradcheck(pool, ties, backward=pool_backward)",
        "At a tie there is no gradient to be right or wrong about: moved up, such an element is the maximum, moved\n"
        "down it is not. Each value alone is that of a subgradient; no difference can tell that together they add\n"
        "up to more than g. To check the code, give it inputs without ties.",
    ),
]

INTRODUCTION = """\
# Is my gradient right?

A walk through `tg.gradcheck`: an exercise of a vision course, batch normalization with a hand-written backward in
NumPy, right at first and then with each of the usual mistakes. This page is written by `python docs/make_checking.py`,
which runs all of its code; the reports are what came out.

## The exercise

```python
{forward}
{backward}
{inputs}
{check}```

```text
{report}
```

How to read it. For every element of every input the *analytic* gradient, from the backward, and the *numeric* one, from
central differences, are compared for a random cotangent; here also every entry of the Jacobian. They may differ by
the error of the differences, which is estimated, not chosen. The *Taylor remainder* |F(x + hu) - F(x) - h F'(x) u|
falls like h² if F' is right, and like h if not, until rounding stops it. Beta enters linearly: nothing remains at any
step.

In a course a forward usually returns `(out, cache)`, and the backward takes the gradient and that cache. That form is
checked as it is; a note in the report says so:

```python
def relu_forward(x):
    return np.maximum(x, 0), x

def relu_backward(dout, cache):
    return dout * (cache > 0)

print(tg.gradcheck(relu_forward, inputs[0], backward=relu_backward))
```

```text
{cached}
```

[examples/07_course_layers.py](../examples/07_course_layers.py) checks all layers of a course that way.

## The mistakes
"""

SUM = """\
## Why not simply sum the outputs?

Because the sum of a normalized batch does not depend on x at all: its gradient is 0, with or without the paths through
mean and variance. With the sum as a loss, a backward without the path through the variance passes:

```python
{without}
def loss(x, gamma, beta):
    return batch_norm(x, gamma, beta).sum()

def loss_backward(g, x, gamma, beta):
    return without_variance(g * np.ones_like(x), x, gamma, beta)

print(tg.gradcheck(loss, inputs, backward=loss_backward).verdict)
```

```text
{verdict}
```

A random cotangent finds it, as above, with probability one.
"""

DETACHED = """\
## Mean detached in the variance

With tensors there is no backward to write, but a graph can still be cut. Here the mean in the variance is detached:

```python
{code}
print(tg.gradcheck(detached, inputs[0]).verdict)
print(tg.gradcheck(detached, inputs[0], order=2))
```

```text
{first}
{second}
```

At first order nothing is wrong: the deviations from the mean add up to 0, so what was cut off is 0 as well. (That is
why some textbooks drop the term.) At second order it is not. No operation's own derivative is wrong, so the check looks
for a value that changes with the inputs but entered the graph as a constant, and blames the operation that reads it.

## The wrong operation in a larger graph

A function with a backward of its own, somewhere in a network. The check goes through the graph operation by operation
and names the first one whose own derivative is wrong, with a few lines that reproduce it:

```python
{custom}
report = tg.gradcheck(lambda x: tg.functional.softmax(Square.apply(x) * x), inputs[0])
print(report)
report.plot("remainders.svg")
report.draw("blame.svg")
```

```text
{report}
```

| `report.plot` | `report.draw` |
|---|---|
| ![The remainder falls like h](images/check_remainders.svg) | ![The edge into Square is red](images/check_blame.svg) |

## What else is checked

- **Kinks.** If the slopes to the left and to the right differ at every step size, an element is *not differentiable*,
  which is not wrong: the report says which subgradients there are, and whether the value is one of them.
- **Digits.** At inputs with a mean of 1e13, or for sin(1e14 x), rounding leaves a difference quotient no digits to
  check a gradient with. How far rounding moves f is measured at neighbouring floats. If less than two digits are left
  at every step, the verdict is *ill-conditioned*: neither right nor wrong, with advice (and exit code 1, as for all
  that is not *correct*). Subnormal numbers have few digits, too: values and gradients may be as small as 1e-316, or
  1e-38 if a float32 is inside. At a mean of 1e17 rounding makes the elements of an input equal, and a note says so: a
  function with a kink there, such as a deviation or a maximum, is *not differentiable*.
- **Zeros.** The bias of a convolution in front of batch normalization has gradient 0. Two tiny numbers are not compared
  by their ratio: the report says that f does not depend on this input.
- **Cotangents** that are strided, reversed, read-only or expanded must give the gradients of a plain array.
- **Complex steps**, a second witness: Im f(x + ihu) / h loses no digits. The library's derivatives take no part.
- **Modules.** `tg.gradcheck(model, x)` checks the gradients of all parameters, in float64; parameters, running
  statistics and random states are left as they were.
- **Large inputs** are checked along 8 random directions for 4 cotangents. An error in one entry, row or column of the
  Jacobian shows multiplied by two independent normal numbers; an error of 100 times what is allowed is missed if all 4
  of one kind or all 8 of the other are below 0.1, which has a probability of 0.08⁴ + 0.08⁸ < 5e-5.
- **Higher orders**: `order=2` checks the gradient of the gradient; `mode="jvp"` Jacobian-vector products.

In tests: `tg.check.assert_gradients(f, inputs)`. Functions of PyTorch, JAX and others, and an engine of your
own: [other_libraries.md](other_libraries.md). On the command line:

```sh
python -m tinygrad_cv gradcheck tinygrad_cv.functional:softmax --inputs 2x3 --plot check.svg
```
"""

DETACHED_CODE = """\
def detached(x):
    mu = x.mean(0)
    var = (x - mu.detach()).square().mean(0)
    return (x - mu) / (var + EPS).sqrt()
"""

CUSTOM = """\
class Square(tg.CustomFunction):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * x                                 # the 2 is missing
"""


def page(pictures: Path | None = None) -> str:
    """The whole page; its pictures go into a folder, if one is given."""
    place: dict[str, Any] = {}
    exec(compile(FORWARD + BACKWARD + INPUTS + DETACHED_CODE + CUSTOM, "exercise.py", "exec"), place)
    inputs = place["inputs"]
    right = tg.gradcheck(place["batch_norm"], inputs, backward=place["batch_norm_backward"])
    parts = [
        INTRODUCTION.format(
            forward=FORWARD, backward=BACKWARD, inputs=INPUTS, check=CHECK, report=right, cached=_cached(inputs)
        ),
    ]
    for heading, should, is_, reading in MISTAKES:
        wrong = _backward(BACKWARD.replace(should, is_))
        report = tg.gradcheck(place["batch_norm"], inputs, backward=wrong)
        parts.append(
            f"### {heading}\n\n```diff\n-    {should}\n+    {is_}\n```\n\n```text\n{report}\n```\n\n{reading}\n"
        )
    parts.append("## Other layers\n")
    rng = np.random.default_rng(0)
    for heading, code, call, reading in LAYERS:
        there: dict[str, Any] = {"np": np, "tg": tg, "rng": rng}
        exec(code, there)
        report = eval(call, there)
        parts.append(f"### {heading}\n\n```python\n{code}\nprint({call})\n```\n\n```text\n{report}\n```\n\n{reading}\n")
    without_source = BACKWARD.replace(*MISTAKES[0][1:3]).replace("batch_norm_backward", "without_variance")
    without = _backward(without_source, "without_variance")
    verdict = tg.gradcheck(
        lambda *xs: place["batch_norm"](*xs).sum(),
        inputs,
        backward=lambda g, x, *rest: without(g * np.ones_like(x), x, *rest),
    ).verdict
    custom = tg.gradcheck(lambda x: tg.functional.softmax(place["Square"].apply(x) * x), inputs[0])
    if pictures is not None:
        custom.plot(pictures / "check_remainders.svg")
        custom.draw(pictures / "check_blame.svg")
    parts.append(SUM.format(verdict=verdict, without=without_source))
    parts.append(
        DETACHED.format(
            code=DETACHED_CODE,
            first=tg.gradcheck(place["detached"], inputs[0]).verdict,
            second=tg.gradcheck(place["detached"], inputs[0], order=2),
            custom=CUSTOM,
            report=custom,
        )
    )
    return re.sub(r"\S*(?:make_checking|exercise)\.py:\d+", "exercise.py:42", "\n".join(parts))


def _cached(inputs: list[np.ndarray]) -> tg.check.Report:
    return tg.gradcheck(lambda x: (np.maximum(x, 0), x), inputs[0], backward=lambda dout, cache: dout * (cache > 0))


def _backward(source: str, name: str = "batch_norm_backward") -> Any:
    place: dict[str, Any] = {}
    exec(FORWARD + source, place)
    return place[name]


def alike(a: str, b: str) -> bool:
    """Whether two pages say the same, but for digits that depend on a processor's rounding."""
    return NUMBER.sub("#", a) == NUMBER.sub("#", b)


def main(arguments: list[str]) -> int:
    """Write the page; with --check, say whether it is up to date."""
    return command(PAGE, lambda draw: page(DOCS / "images" if draw else None), arguments, __doc__, alike)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
