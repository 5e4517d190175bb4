"""The walk back through the graph: what is added up, kept, freed and refused; how graphs die."""

import gc
import os
import sys
import weakref

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv.core.tape import apply
from tinygrad_cv.ops import PRIMITIVES

quick = pytest.mark.quick


def leaf(*values, dtype="float64"):
    return tg.tensor(np.array(values, dtype) if len(values) != 1 else np.array(values[0], dtype), requires_grad=True)


# ---------------------------------------------------------------- accumulation


@quick
def test_gradients_add_up_over_backward_passes():
    x = leaf(1.0, 2.0)
    for k in (1, 2, 3):
        (x * x).sum().backward()
        assert x.grad.tolist() == [2.0 * k, 4.0 * k]
    x.grad = None
    (x * 3.0).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


@quick
def test_gradients_add_up_over_uses():
    x = leaf(2.0)
    y = x * x + x * 3.0 + x
    y.backward()
    assert x.grad.item() == 8.0


@quick
def test_two_consumers_do_not_share_a_cotangent():
    """conventions.md: z = x + y; p = x / z at x = y = 2"""
    x, y = leaf(2.0), leaf(2.0)
    z = x + y
    (x / z).backward()
    assert (x.grad.item(), y.grad.item()) == (0.125, -0.125)


@quick
def test_cotangent_is_complete_before_it_goes_on():
    """A node with users of different depth is visited once, after all of them."""
    x = leaf(1.5)
    seen = []
    y = x * 2.0
    y.register_hook(lambda g: seen.append(g.item()))
    z = y
    for _ in range(5):
        z = z * 2.0 + y
    z.backward()
    assert seen == [63.0] and x.grad.item() == 126.0


@quick
def test_sixty_doublings_in_linear_time():
    """conventions.md: 60 times y = y + y, then backward"""
    x = leaf(1.0)
    y = x
    calls = []
    for _ in range(60):
        y = y + y
        y.register_hook(lambda g: calls.append(1))
    y.backward()
    assert x.grad.item() == 2.0**60 and len(calls) == 60


@quick
def test_no_operand_requires_grad_no_graph():
    y = tg.ones(2) * 3.0
    assert y.node is None and not y.requires_grad and y.is_leaf


@quick
def test_a_leaf_is_its_own_graph():
    x = leaf(3.0)
    x.backward()
    assert x.grad.item() == 1.0


@quick
def test_gradient_argument_is_the_cotangent():
    x = leaf(1.0, 2.0, 3.0)
    (x * x).backward(np.array([1.0, 0.0, 10.0]))
    assert x.grad.tolist() == [2.0, 0.0, 60.0]
    x.grad = None
    (x * x).backward([1, 1, 1])
    assert x.grad.tolist() == [2.0, 4.0, 6.0]


@quick
def test_a_tensor_of_one_element_is_scalar_enough():
    x = tg.ones(1, 1, requires_grad=True)
    (x * 3.0).backward()
    assert x.grad.tolist() == [[3.0]]


@quick
def test_input_used_twice_by_one_operation():
    x = leaf(3.0)
    (x * x).backward()
    assert x.grad.item() == 6.0
    m = leaf([[1.0, 2.0], [3.0, 4.0]])
    tg.concatenate([m, m, m]).sum().backward()
    assert m.grad.tolist() == [[3.0, 3.0], [3.0, 3.0]]


@quick
def test_gradient_only_where_it_is_asked_for():
    x, w = leaf(2.0), tg.tensor(np.array(5.0))
    (x * w).backward()
    assert x.grad.item() == 5.0 and w.grad is None


# ---------------------------------------------------------------- keeping and freeing


@quick
def test_backward_twice_is_refused_with_the_remedy():
    """conventions.md: backward twice without retain"""
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(tg.GraphError, match=r"freed.*retain_graph=True"):
        y.backward()
    assert x.grad.tolist() == [2.0, 4.0]


@quick
def test_retain_graph():
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [4.0, 8.0]
    with pytest.raises(tg.GraphError, match="freed"):
        y.backward()


@quick
def test_a_part_that_was_freed_is_noticed_and_nothing_is_deposited():
    x = leaf(1.0)
    y = x.exp()
    y.backward()
    w = leaf(2.0)
    with pytest.raises(tg.GraphError, match="exp: backward through a graph that an earlier backward has freed"):
        (y * w).backward()
    assert w.grad is None and x.grad.item() == np.exp(1.0)


@quick
def test_create_graph_keeps_the_graph_and_makes_another():
    x = leaf(2.0)
    y = x**3
    y.backward(create_graph=True)
    first = x.grad
    assert first.item() == 12.0 and first.requires_grad
    x.grad = None
    first.backward()
    assert x.grad.item() == 12.0


@quick
def test_without_create_graph_the_gradient_has_no_graph():
    x = leaf(2.0)
    (x**3).backward()
    assert not x.grad.requires_grad


@quick
def test_derivatives_up_to_order_6():
    x = leaf(0.7)
    y = x.sin()
    for expected in (np.cos, lambda v: -np.sin(v), lambda v: -np.cos(v), np.sin, np.cos, lambda v: -np.sin(v)):
        y = tg.grad(y, x, create_graph=True)
        np.testing.assert_allclose(y.item(), expected(0.7), 1e-14)


@quick
def test_kept_values_are_freed_by_backward():
    x = tg.ones(3, requires_grad=True)
    y = x.exp()
    z = (y * y).sum()
    value = weakref.ref(y.value)
    del y
    assert value() is not None
    z.backward()
    assert value() is None


# ---------------------------------------------------------------- what is refused


@quick
def test_backward_on_a_non_scalar_needs_a_gradient():
    """conventions.md: backward on a non-scalar without a gradient"""
    x = leaf(1.0, 2.0)
    with pytest.raises(tg.GraphError, match=r"shape \(2,\) without a gradient.*gradient="):
        (x * x).backward()
    assert x.grad is None


@quick
def test_backward_without_a_graph():
    """conventions.md: backward on something with no graph"""
    with pytest.raises(tg.GraphError, match="no graph"):
        tg.ones(1).backward()
    x = leaf(1.0)
    with tg.no_grad():
        y = x * 2.0
    for dead in (y, (x * 2.0).detach(), (x * 2.0).floor(), (x * 2.0).argmax()):
        with pytest.raises(tg.GraphError, match="no graph"):
            dead.backward()


@quick
def test_gradient_of_another_shape_or_dtype():
    x = leaf(1.0, 2.0)
    with pytest.raises(tg.ShapeError, match=r"\(3,\).*\(2,\)"):
        (x * x).backward(tg.ones(3, dtype="float64"))
    with pytest.raises(tg.DTypeError, match=r"float32.*float64"):
        (x * x).backward(tg.ones(2))
    assert x.grad is None


@quick
def test_integers_have_no_gradient():
    """conventions.md: requires_grad on integers"""
    for make in (
        lambda: tg.tensor([1, 2], requires_grad=True),
        lambda: tg.tensor([True], requires_grad=True),
        lambda: tg.tensor([1]).requires_grad_(),
    ):
        with pytest.raises(tg.DTypeError, match="only floating-point tensors have gradients"):
            make()


@quick
def test_requires_grad_of_a_result_cannot_be_switched_off():
    x = leaf(1.0)
    with pytest.raises(tg.GraphError, match=r"mul.*detach"):
        (x * 2.0).requires_grad_(False)
    x.requires_grad = False
    assert not x.requires_grad and not (x * 2.0).requires_grad


@quick
def test_retain_grad_and_hooks_need_a_graph():
    for call in (lambda x: x.retain_grad(), lambda x: x.register_hook(print)):
        with pytest.raises(tg.GraphError, match="does not require grad"):
            call(tg.ones(1))


# ---------------------------------------------------------------- hooks


@quick
def test_retain_grad_fills_the_gradient_of_a_result():
    x = leaf(1.0, 2.0)
    y = (x * 3.0).retain_grad()
    (y * y).sum().backward()
    assert y.grad.tolist() == [6.0, 12.0] and x.grad.tolist() == [18.0, 36.0]


@quick
def test_hooks_see_and_replace_the_gradient():
    x = leaf(1.0, 2.0)
    y = x * 3.0
    seen = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    y.register_hook(lambda g: g * 10.0)
    y.register_hook(lambda g: seen.append(g.tolist()))
    y.sum().backward()
    assert seen == [[1.0, 1.0], [10.0, 10.0]] and x.grad.tolist() == [30.0, 30.0]


@quick
def test_hook_on_a_leaf_and_its_removal():
    x = leaf(1.0)
    handle = x.register_hook(lambda g: g * 2.0)
    (x * 1.0).backward()
    assert x.grad.item() == 2.0
    handle.remove(), handle()  # the second time nothing happens
    (x * 1.0).backward()
    assert x.grad.item() == 3.0


@quick
def test_hook_runs_for_grad_too():
    x = leaf(1.0)
    y = x * 3.0
    y.register_hook(lambda g: g * 5.0)
    assert tg.grad(y * 1.0, x).item() == 15.0


@quick
def test_hook_may_be_differentiated():
    x = leaf(2.0)
    y = x * x
    y.register_hook(lambda g: g * x)
    first = tg.grad(y, x, create_graph=True)
    assert first.item() == 8.0 and tg.grad(first, x).item() == 8.0  # 2 x², 4 x


# ---------------------------------------------------------------- no shared memory


def test_no_two_gradients_share_memory():
    """Changing one gradient in place changes no other, no parameter, and no cotangent that the caller passed."""
    a, b, c, d = (tg.ones(3, 3, requires_grad=True) for _ in range(4))
    e = tg.ones(9, requires_grad=True)
    s = a + b
    kept = s.retain_grad()
    y = s - c + d.T + e.reshape(3, 3)
    g = tg.ones(3, 3)
    y.retain_grad()
    y.backward(g)
    tensors = [a.grad, b.grad, c.grad, d.grad, e.grad, kept.grad, y.grad, g, a, b, c, d, e]
    for i, one in enumerate(tensors):
        for other in tensors[:i]:
            assert not np.shares_memory(one.value, other.value)
    a.grad[...] = 7.0
    assert all((t == 1).all() for t in (b.grad, d.grad, e.grad, kept.grad, y.grad, g))
    assert all(t.grad.value.flags.writeable and t.grad.value.flags.c_contiguous for t in (a, b, c, d, e))


@quick
def test_gradients_that_grad_returns_share_no_memory():
    a, b = tg.ones(3, requires_grad=True), tg.ones(3, requires_grad=True)
    s = a + b
    found = tg.grad(s * 1.0, [a, b, s, a], tg.ones(3))
    assert not any(np.shares_memory(x.value, y.value) for i, x in enumerate(found[:3]) for y in found[:i])


@quick
def test_a_hooks_tensor_does_not_become_a_gradient():
    x, constant = tg.ones(3, requires_grad=True), tg.ones(3)
    x.register_hook(lambda g: constant)
    (x * 2.0).sum().backward()
    x.grad[...] = 5.0
    assert constant.tolist() == [1.0, 1.0, 1.0]


@quick
def test_gradient_is_no_view_of_a_parameter():
    x, w = tg.ones(3, requires_grad=True), tg.ones(3)
    (x * w).backward(tg.ones(3))
    assert not np.shares_memory(x.grad.value, w.value)


@quick
def test_accumulation_leaves_the_older_gradient_alone():
    x = tg.ones(3, requires_grad=True)
    (x * 2.0).sum().backward()
    before = x.grad
    (x * 2.0).sum().backward()
    assert before.tolist() == [2.0, 2.0, 2.0] and x.grad.tolist() == [4.0, 4.0, 4.0]


# ---------------------------------------------------------------- long chains, dead graphs


NODES = 1_000_000 if os.environ.get("TGCV_LONG") else 200_000  # far beyond any stack


@pytest.mark.parametrize("order", ["backward first", "freed as it is"])
def test_a_chain_of_very_many_nodes(order):
    """conventions.md: no recursion limit, no stack overflow when freed; a million with ``TGCV_LONG=1``"""
    x = tg.tensor(1.0, requires_grad=True)
    neg = PRIMITIVES["neg"]
    y = x
    for _ in range(NODES):
        y = apply(neg, y)
    if order == "backward first":
        y.backward()
        assert x.grad.item() == 1.0
    node = weakref.ref(y.node)
    del y
    assert node() is None


def test_a_deep_graph_of_gradients_dies_too():
    x = tg.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(5_000):
        y = y.sin()
    g = tg.grad(y, x, create_graph=True)
    assert sys.getrecursionlimit() < 5_000
    node = weakref.ref(g.node)
    del g, y
    assert node() is None


def step(w, x, kind):
    y = (x @ w).relu()
    if kind == "norm":
        y = (y - y.mean(0)) / (y.var(0) + 1e-5).sqrt()
    if kind == "checkpoint":
        y = tg.checkpoint(lambda y: (y * y).exp(), y)
    if kind == "custom":
        y = Cube.apply(y)
    if kind == "second order":
        (g,) = tg.grad((y * y).sum(), [w], create_graph=True)
        y = g * g
    loss = (y * y).mean()
    loss.backward()
    with tg.no_grad():
        w.assign(w - 0.01 * w.grad)
    w.grad = None


class Cube(tg.CustomFunction):
    @staticmethod
    def forward(ctx, x):
        y = x * x * x
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx, g):
        x, _ = ctx.saved_tensors
        return g * 3.0 * x * x


@pytest.mark.parametrize("kind", ["plain", "norm", "checkpoint", "custom", "second order"])
def test_graphs_die_by_reference_count(kind):
    """conventions.md: gc disabled, training loop: gc.collect() finds 0"""
    w, x = tg.ones(4, 3, requires_grad=True), tg.ones(5, 4)
    step(w, x, kind)
    gc.collect()
    gc.disable()
    try:
        for _ in range(20):
            step(w, x, kind)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_memory_is_flat_over_2000_steps():
    """conventions.md: memory flat over 2,000 steps"""
    w, x = tg.ones(4, 3, requires_grad=True), tg.ones(5, 4)
    gc.disable()
    try:
        held = []
        for steps in (100, 1900):
            for _ in range(steps):
                step(w, x, "norm")
            assert gc.collect() == 0  # and gives the interpreter's free lists back
            held.append(sys.getallocatedblocks())
    finally:
        gc.enable()
    assert held[1] - held[0] < 190, f"{held[1] - held[0]} blocks more after 1,900 steps"


@quick
def test_a_dropped_graph_is_gone_at_once():
    gc.disable()
    try:
        x = tg.ones(10, requires_grad=True)
        y = (x * x).exp()
        value, node = weakref.ref(y.value), weakref.ref(y.node)
        del y
        assert value() is None and node() is None
    finally:
        gc.enable()


@quick
def test_a_leaf_that_is_gone_receives_nothing():
    x, w = tg.ones(2, requires_grad=True), tg.ones(2, requires_grad=True)
    y = (x * w).sum()
    del x
    y.backward()
    assert w.grad.tolist() == [1.0, 1.0]
