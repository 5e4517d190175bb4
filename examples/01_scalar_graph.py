"""A scalar expression, its gradient, and the graph behind it.

One learns that a computation leaves a graph, that the gradient walks it backwards by the chain rule, and that a value
with two consumers (here x) receives the sum of what both send back.
"""

import sys
from pathlib import Path

import tinygrad_cv as tg


def main(folder="runs/examples"):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)

    x = tg.tensor(2.0, requires_grad=True)
    y = tg.tensor(2.0, requires_grad=True)
    z = x + y
    p = x / z  # the share of x: it depends on x directly, and through z

    view = tg.graph(p, names=locals())
    print(view.text())

    p.backward()
    print(f"\np = x / (x + y) = {p.item()} at x = {x.item()}, y = {y.item()}")
    print(f"dp/dx = 1/z - x/z² = {x.grad.item()}")
    print(f"dp/dy =     - x/z² = {y.grad.item()}")
    assert (x.grad.item(), y.grad.item()) == (0.125, -0.125)

    # Derivatives are operations too, so they have derivatives: d²p/dx² = -2y/z³.
    (dx,) = tg.grad(x / (x + y), [x], create_graph=True)
    second = tg.grad(dx, x)
    print(f"d²p/dx² = -2y/z³   = {second.item()}")
    assert second.item() == -0.0625

    (folder / "scalar_graph.dot").write_text(view.dot(), encoding="utf-8")
    print(f"\nwritten: {folder / 'scalar_graph.dot'}")
    try:
        view.svg(folder / "scalar_graph.svg")
        print(f"written: {folder / 'scalar_graph.svg'}")
    except RuntimeError as error:  # no renderer is installed
        print(error)


if __name__ == "__main__":
    main(*sys.argv[1:])
