"""Write docs/other_libraries.md: ``python docs/make_other_libraries.py [--check]``. All code on the page is run.

It needs PyTorch, JAX, MyGrad and autograd.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from make_checking import alike
from pages import command

PAGE = Path(__file__).parent / "other_libraries.md"

TORCH = """\
import numpy as np
import tinygrad_cv as tg
import torch
from torch.nn import functional as F

class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * x                                 # the 2 is missing

class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.line = torch.nn.Linear(3, 2)

    def forward(self, x):
        return F.softmax(Square.apply(self.line(x)), 1)

x = np.random.default_rng(0).normal(size=(4, 3))
torch.manual_seed(0)
"""
NORM = """\
def batch_norm(x):
    return F.batch_norm(x, None, None, training=True)
"""
JAX = """\
import jax
import jax.numpy as jnp

@jax.custom_vjp
def square(x):
    return x * x

square.defvjp(lambda x: (x * x, x), lambda x, g: (g * x,))

def network(parameters, x):
    return jax.nn.softmax(square(x @ parameters["w"]))

parameters = {"w": jnp.array([[0.3, -0.2], [0.1, 0.5], [-0.4, 0.2]])}
"""
OTHERS = """\
import autograd.numpy as anp
import mygrad
from autograd.extend import defvjp, primitive

@primitive
def autograd_square(x):
    return x * x

defvjp(autograd_square, lambda y, x: lambda g: g * x)

class MyGradSquare(mygrad.operation_base.Operation):
    def __call__(self, x):
        self.variables = (x,)
        return x.data**2

    def backward_var(self, grad, index, **_):
        return grad * self.variables[0].data
"""
ENGINE = '''\
import math

class Number:
    """A number that knows what it was computed from, and the slope by each of that."""

    def __init__(self, value, parents=()):
        self.value, self.parents, self.grad = value, parents, 0.0

    def __add__(self, other):
        return Number(self.value + other.value, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        return Number(self.value * other.value, [(self, other.value), (other, self.value)])

    def __neg__(self):
        return Number(-self.value, [(self, -1.0)])

    def reciprocal(self):
        return Number(1 / self.value, [(self, -1 / self.value**2)])

    def exp(self):
        y = math.exp(self.value)
        return Number(y, [(self, y)])

    def tanh(self):
        y = math.tanh(self.value)
        return Number(y, [(self, 1 - y)])            # should be 1 - y * y

    def backward(self, g=1.0):
        """Add g times the slopes along all paths."""
        self.grad += g
        for parent, slope in self.parents:
            parent.backward(g * slope)
'''
ADAPTER = """\
class Engine(tg.check.Checked):
    library = "the engine"

    def __init__(self, f):
        self.f = f

    def run(self, inputs):
        leaves = [[Number(float(v)) for v in x.ravel()] for x in inputs]
        return leaves, self.f(*leaves)

    def values(self, inputs):
        return [np.array([y.value for y in self.run(inputs)[1]])]

    def vjp(self, inputs, cotangents):
        leaves, outputs = self.run(inputs)
        for y, g in zip(outputs, cotangents[0], strict=True):
            y.backward(float(g))
        return [np.array([v.grad for v in vs]).reshape(x.shape) for vs, x in zip(leaves, inputs, strict=True)]

def neuron(w, x):
    total = w[0] * x[0] + w[1] * x[1]
    return [total.tanh(), total.exp() * x[0].reciprocal()]
"""

TEXT = """\
# Gradients of other libraries

`tg.gradcheck` takes functions of PyTorch, JAX, MyGrad and autograd as it takes its own, and gives the same verdicts,
Taylor remainders and [other checks](checking.md). This page is written by `python docs/make_other_libraries.py`,
which runs all of its code; the reports are what came out.

| library | what is taken | orders | forward mode | to blame is |
|---|---|---|---|---|
| PyTorch | functions, `autograd.Function`, `nn.Module` with its parameters | all | yes | an autograd node |
| JAX | functions of arrays and of dicts and lists of them, jitted or not | all | yes | an equation of the jaxpr |
| MyGrad | functions of tensors | 1 | | an operation |
| autograd | functions that compute with `autograd.numpy` | all | | a primitive |
| NumPy | a function and its `backward`, [also as in a course](checking.md) | 1 | | |
| your own | a subclass of `tg.check.Checked` | | | |

Whose function it is its type says, or that of its inputs; a plain function of NumPy arrays is tried. No library is
imported before something of it is seen.

## PyTorch

```python
{torch}
print(tg.gradcheck(Block(), x))
```

```text
{block}
```

The module was float32 and is checked in float64: its parameters and buffers have other values during a call, and are
what they were afterwards, bit by bit. Its modes stay as they are. Each call draws the same random numbers, so that
dropout is a function, and PyTorch's generator is then as it was. Functions may change their arguments in place, and
return views, tuples, dicts, complex numbers, and integers beside floats. Tensors that a function closes over are
checked if they are named: `parameters=[w, b]`. A function that fails in float64, because it closes over float32, is
checked in float32, to the three digits or so that differences have there.

*To blame* is the first autograd node whose gradient, from the node alone, differs from differences of its recorded
values: an error further up does not count against it. Values are seen through PyTorch's function mode, and gradients
through hooks; nothing is patched. A value that was detached is found as well.

### Third derivatives

PyTorch's own `torch.autograd.gradcheck` and `gradgradcheck` compare the first and the second derivative. With
`order=3`:

```python
{norm}
report = tg.gradcheck(batch_norm, torch.tensor(x), order=3)
for entry in report.inputs:
    print(f"order {{entry.order}}, by {{entry.name}}: {{entry.verdict}}")
print(report.blame)
```

```text
{third}
```

So it is in PyTorch {version} for batch, instance and layer normalization. Training with a penalty on second
derivatives needs the third ones, and gets other numbers without a warning. Composed of `mean`, `square` and `sqrt`
they are right.

### No false alarms

In a checkout, `python -m tests.check.guests.campaign` checks PyTorch's functions on the samples that PyTorch tests them
with: 121 functions, from convolutions and poolings to losses, sums and decompositions. Of 978 samples 974 are
*correct*, one is *ill-conditioned*, two have no elements, and one is *wrong*, rightly so: the slope 1/6 of
`hardsigmoid` has single precision in float64. With `--order 2` two more functions are told, whose second derivatives
add 1e-12 to a denominator (`binary_cross_entropy`) or take logarithms of gradients (`logcumsumexp`). What is wrong in
which version is in [findings](../findings).

## JAX

```python
{jax}
print(tg.gradcheck(network, (parameters, jnp.asarray(x))))
```

```text
{jax_report}
```

JAX computes in float32 unless `jax_enable_x64` is set. The check runs f in float64 without setting it; if f itself
fails there, it runs in float32 and says why. f is called once as it is, and then compiled, if it can be.

## MyGrad and autograd

```python
{others}
print(tg.gradcheck(lambda x: mygrad.tanh(mygrad.execute_op(MyGradSquare, x)), x).blame)
print(tg.gradcheck(lambda x: anp.tanh(autograd_square(x)), x).blame)
```

```text
{mygrad_blame}
{autograd_blame}
```

## An engine of your own

Here is a small one, as people write them to learn how it is done, with a mistake:

```python
{engine}
```

What the check has to know of it are two methods: the values, and the gradients for a cotangent of each. They get and
return NumPy arrays.

```python
{adapter}
print(tg.gradcheck(Engine(neuron), [np.array([0.5, -0.3]), np.array([1.2, 0.7])]))
```

```text
{engine_report}
```

With `derivative` besides, which returns the function of (*inputs, v) that computes the gradients, an engine is checked
to any order; `jvp` is for its forward mode, and `trail` says what it computed on the way, for the question who is to
blame. [`Checked`](../tinygrad_cv/check/checked.py) says what each of them gets and returns.
"""


def page() -> str:
    """The text of the page."""
    place: dict[str, Any] = {}
    exec(compile("\n".join([TORCH, NORM, JAX, OTHERS, ENGINE, ADAPTER]), "yours.py", "exec"), place)
    tg, np, torch, jnp, x = (place[name] for name in ("tg", "np", "torch", "jnp", "x"))
    third = tg.gradcheck(place["batch_norm"], torch.tensor(x), order=3)
    text = TEXT.format(
        torch=TORCH,
        block=tg.gradcheck(place["Block"](), x),
        norm=NORM,
        third="\n".join(
            [*(f"order {entry.order}, by {entry.name}: {entry.verdict}" for entry in third.inputs), str(third.blame)]
        ),
        version=torch.__version__.partition("+")[0],
        jax=JAX,
        jax_report=tg.gradcheck(place["network"], (place["parameters"], jnp.asarray(x))),
        others=OTHERS,
        mygrad_blame=_blame(place, "lambda x: mygrad.tanh(mygrad.execute_op(MyGradSquare, x))"),
        autograd_blame=_blame(place, "lambda x: anp.tanh(autograd_square(x))"),
        engine=ENGINE.rstrip(),
        adapter=ADAPTER,
        engine_report=tg.gradcheck(place["Engine"](place["neuron"]), [np.array([0.5, -0.3]), np.array([1.2, 0.7])]),
    )
    return re.sub(r"\S*yours\.py:\d+", "yours.py:42", text)


def _blame(place: dict[str, Any], code: str) -> object:
    return place["tg"].gradcheck(eval(compile(code, "yours.py", "eval"), place), place["x"]).blame


def main(arguments: list[str]) -> int:
    """Write the page; with --check, say whether it is up to date."""
    return command(PAGE, lambda _: page(), arguments, __doc__, alike)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
