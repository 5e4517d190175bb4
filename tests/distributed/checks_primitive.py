"""What every rank checks of sums over processes: derivatives, compiled functions, the order of calls.

The oracle is one process: it has everybody's tensors, and adds them up itself.
"""

from __future__ import annotations

import numpy as np

import tinygrad_cv as tg
from tinygrad_cv import distributed as dist


def everybody() -> range:
    """The ranks."""
    return range(dist.get_world_size())


def mine(seed: int, *shape: int) -> np.ndarray:
    """This rank's numbers."""
    return numbers(seed, dist.get_rank(), *shape)


def numbers(seed: int, rank: int, *shape: int) -> np.ndarray:
    """A rank's numbers."""
    return np.random.default_rng([seed, rank]).normal(size=shape)


def close(found: tg.Tensor, expected: tg.Tensor, tolerance: float = 1e-12) -> None:
    np.testing.assert_allclose(found.numpy(), expected.numpy(), tolerance, tolerance)


def loss(x: tg.Tensor, together) -> tg.Tensor:
    """A loss in which all depends on all; ``together`` adds up everybody's."""
    total = together((x * x).sin())
    return (total * x.exp() * together(x)).sum() * (1.0 + together(total * x).square().mean())


def check_derivatives_of_three_orders():
    """Those of the sum of all losses, which one process computes alone."""
    xs = [tg.tensor(numbers(1, rank, 3, 2), requires_grad=True) for rank in everybody()]
    us = [[tg.tensor(numbers(order, rank, 3, 2)) for rank in everybody()] for order in (2, 3)]

    def alone(index: int) -> tg.Tensor:
        """A rank's loss, from all ranks' tensors."""
        totals = sum(((x * x).sin() for x in xs), tg.zeros(3, 2, dtype="float64"))
        plain = sum(xs, tg.zeros(3, 2, dtype="float64"))
        mixed = sum((totals * x for x in xs), tg.zeros(3, 2, dtype="float64"))
        return (totals * xs[index].exp() * plain).sum() * (1.0 + mixed.square().mean())

    expected = [
        tg.grad(sum((alone(rank) for rank in everybody()), tg.tensor(0.0, dtype="float64")), xs, create_graph=True)
    ]
    for u in us:
        dot = sum(((g * v).sum() for g, v in zip(expected[-1], u, strict=True)), tg.tensor(0.0, dtype="float64"))
        expected.append(tg.grad(dot, xs, create_graph=True))

    for ordered in (False, True):
        x = tg.tensor(mine(1, 3, 2), requires_grad=True)
        value = loss(x, lambda t, ordered=ordered: t.all_reduce(ordered=ordered))
        (g,) = tg.grad(value, [x], create_graph=True)
        close(g, expected[0][dist.get_rank()])
        for u, gradients in zip(us, expected[1:], strict=True):
            (g,) = tg.grad((g * u[dist.get_rank()]).sum(), [x], create_graph=True)
            close(g, gradients[dist.get_rank()], 1e-11)


def check_compiled_functions():
    """The value, the gradient inside and the gradient outside of a compiled function are those of eager code."""
    x = tg.tensor(mine(1, 4, 3), requires_grad=True)
    eager = loss(x, lambda t: t.all_reduce())
    (expected,) = tg.grad(eager, [x])

    @tg.jit
    def inside(x):
        (g,) = tg.grad(loss(x, lambda t: t.all_reduce()), [x])
        return g

    outside = tg.jit(lambda x: loss(x, lambda t: t.all_reduce()))
    for _ in range(3):
        close(inside(x), expected)
        y = outside(x)
        close(y, eager)
        close(tg.grad(y, [x])[0], expected)


def check_a_step_is_two_segments():
    """What comes before a sum over processes is one native segment, and what comes after it is another."""
    w = tg.ones(8, 8)

    @tg.jit
    def f(x):
        return ((x @ w).relu() * 2.0).all_reduce().exp().sum() + 1.0

    x = tg.tensor(mine(1, 4, 8).astype("float32") / 100)
    total = sum(
        np.maximum(numbers(1, r, 4, 8).astype("float32") / 100 @ np.ones((8, 8), "float32"), 0) for r in everybody()
    )
    np.testing.assert_allclose(f(x).item(), np.exp(2.0 * total).sum() + 1.0, 1e-5)
    kinds = [type(segment).__name__ for segment in f._entry((x,), {}).program._segments]
    assert kinds == ["Program", "ImageStep", "Program"], kinds


def check_order_of_unequal_shares():
    """Ranks whose graphs differ, since their shares do, meet in the same order."""
    rows = 5 * dist.get_rank() + 1

    @tg.jit
    def f(x, w):
        a = (x @ w).sum(0).all_reduce()
        b = x.square().sum().all_reduce()
        c = w.sum(0, keepdims=True).all_reduce()
        d = (x.max(0) if len(x) > 4 else x[:1].sum(0)).all_reduce()
        (g,) = tg.grad((a * c).sum() + b + d.sum(), [w])
        return g + 0.0 * (b + d.sum())

    x, w = tg.tensor(mine(1, rows, 6)), tg.tensor(np.ones((6, 7)), requires_grad=True)
    for _ in range(2):
        found = f(x, w)
    xs = [numbers(1, rank, 5 * rank + 1, 6) for rank in everybody()]
    size = dist.get_world_size()
    a, c = sum(x.sum(0) for x in xs) @ np.ones((6, 7)), 6.0 * size * np.ones((1, 7))
    expected = size * (x.numpy().sum(0)[:, None] * c + a[None, :] * np.ones((6, 1)))
    np.testing.assert_allclose(found.numpy(), expected, 1e-12)


def check_groups():
    size, rank = dist.get_world_size(), dist.get_rank()
    parity = tuple(r for r in everybody() if r % 2 == rank % 2)
    x = tg.tensor(mine(1, 3), requires_grad=True)
    y = x.all_reduce(parity)
    np.testing.assert_allclose(y.numpy(), sum(numbers(1, r, 3) for r in parity), 1e-12)
    (y * (rank + 1.0)).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.full(3, sum(r + 1.0 for r in parity)))
    for group in ((rank, rank), (rank, size), ((rank + 1) % size,)):
        try:
            x.all_reduce(group)
        except ValueError as error:
            assert str(size) in str(error)
        else:
            raise AssertionError(group)


def check_ordered_sums_are_those_of_a_tree():
    size = dist.get_world_size()
    terms = [numbers(1, rank, 50).astype("float32") for rank in everybody()]
    while len(terms) > 1:
        terms = [terms[i] + terms[i + 1] if i + 1 < len(terms) else terms[i] for i in range(0, len(terms), 2)]
    found = tg.tensor(mine(1, 50).astype("float32")).all_reduce(ordered=True)
    assert found.numpy().tobytes() == terms[0].tobytes(), size


def check_dtypes_and_empty_arrays():
    for dtype in ("float16", "float32", "int32", "int64", "uint8"):
        for shape in ((), (0,), (3, 0), (2, 2)):
            y = tg.ones(shape, dtype=dtype).all_reduce()
            assert y.dtype == dtype and y.shape == shape and (y.numpy() == dist.get_world_size()).all()
    strided = tg.asarray(np.arange(12.0).reshape(3, 4)).permute(1, 0)[::2]
    np.testing.assert_array_equal(strided.all_reduce().numpy(), dist.get_world_size() * strided.numpy())
    try:
        tg.tensor([True]).all_reduce()
    except tg.DTypeError as error:
        assert "all_reduce" in str(error)
    else:
        raise AssertionError("booleans were added")
