"""What a type checker must report: each comment is needed, or mypy --strict complains about it."""

import numpy as np

import tinygrad_cv as tg
from tinygrad_cv import nn

x = tg.zeros(2, 3)
x.summ()  # type: ignore[attr-defined]
x.sum(axis="rows")  # type: ignore[arg-type]
x.reshape("2")  # type: ignore[arg-type]
x.max(ties="last")  # type: ignore[arg-type]
x + "1"  # type: ignore[operator]
x.grad.numpy()  # type: ignore[union-attr]
tg.tensor("text")  # type: ignore[arg-type]
tg.tensor(1j)  # type: ignore[arg-type]
tg.tensor([["text"]])  # type: ignore[list-item]
tg.grad(x.sum(), np.zeros(2))  # type: ignore[call-overload]
print(tg.nothing)  # type: ignore[attr-defined]
print(tg.nn.Nothing)  # type: ignore[attr-defined]
print(tg.functional.nothing)  # type: ignore[attr-defined]
nn.Linear("4", 3)  # type: ignore[arg-type]
tg.graph(x, part="sideways")  # type: ignore[arg-type]
tg.graph(x).svg("x.svg", direction="up")  # type: ignore[arg-type]
print(tg.graph(x).nodes[0].colr)  # type: ignore[attr-defined]
tg.gradcheck(x, x)  # type: ignore[arg-type]
tg.gradcheck(lambda x: x, "text")  # type: ignore[arg-type]
tg.gradcheck(lambda x: x, x, mode="vpj")  # type: ignore[arg-type]
tg.check.assert_gradients(lambda x: x, x, odrer=2)  # type: ignore[call-arg]
tg.derive(x, x)  # type: ignore[arg-type]


@tg.jit
def step(x: tg.Tensor) -> tg.Tensor:
    """The argument is checked through the decorator."""
    return x


step(1, 2)  # type: ignore[call-arg, arg-type]
