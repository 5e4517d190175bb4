"""Derivatives and jit: derivatives of jitted functions, jitted derivatives, and one jitted function in another."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import GraphError, TraceError, nn, optim
from tinygrad_cv import functional as F

any_python = pytest.mark.any_python
pytestmark = pytest.mark.usefixtures("on_numpy")


def cubic(x):
    return (x**3 + x.sin() * x).sum()


def values(x=(0.5, -1.0, 2.0)):
    return tg.tensor(np.array(x), requires_grad=True)


def equal(a, b):
    if isinstance(a, (tuple, list)):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            equal(x, y)
    else:
        np.testing.assert_array_equal(a.numpy(), b.numpy())


DERIVATIVES = {
    "grad": lambda x: tg.grad(cubic(x), x),
    "grad of grad": lambda x: tg.grad(tg.grad(cubic(x), x, create_graph=True).sum(), x),
    "vjp": lambda x: tg.vjp(lambda x: x.exp() * x, x.detach(), tg.ones(3, dtype="float64")),
    "jvp": lambda x: tg.jvp(lambda x: x.exp() * x, x.detach(), tg.ones(3, dtype="float64")),
    "hvp": lambda x: tg.hvp(cubic, x.detach(), tg.ones(3, dtype="float64")),
    "jacobian": lambda x: tg.jacobian(lambda x: x.exp() * x.sum(), x.detach()),
    "hessian": lambda x: tg.hessian(cubic, x.detach()),
    "two inputs": lambda x: tg.hvp(
        lambda a, b: (a * b * b).sum(), (x.detach(), x.detach() * 2), (x.detach(), x.detach())
    ),
}


@pytest.mark.parametrize("name", DERIVATIVES)
@pytest.mark.parametrize("recording", [True, False])
def test_derivatives_in_a_jitted_function(name, recording):
    f = DERIVATIVES[name]
    if not recording and "grad" in name:
        with tg.no_grad(), pytest.raises(GraphError):
            tg.jit(f)(values())
        return
    jitted = tg.jit(f)
    for x in (values(), values((1.0, 2.0, -0.3))):
        if recording:
            equal(f(x), jitted(x))
        else:
            with tg.no_grad():
                equal(f(x), jitted(x))
    assert jitted.explain().count("traced because") == 1


@pytest.mark.parametrize("name", ["vjp", "jvp", "hvp", "jacobian", "hessian"])
def test_derivatives_of_a_jitted_function(name):
    derivative = getattr(tg, name)
    scalar = name in ("hvp", "hessian")

    def f(x):
        return cubic(x) if scalar else x.exp() * x.sin() * x.sum()

    x, more = values().detach(), () if name in ("jacobian", "hessian") else (values((1.0, 2.0, 3.0)).detach(),)
    jitted = tg.jit(f)
    for _ in range(2):
        a, b = derivative(f, x, *more), derivative(jitted, x, *more)
        for left, right in zip(*((r if isinstance(r, tuple) else (r,)) for r in (a, b)), strict=True):
            np.testing.assert_allclose(left.numpy(), right.numpy(), rtol=1e-13)


@any_python
def test_gradients_flow_through_a_jitted_model_to_its_parameters_and_its_input():
    def run(jit):
        tg.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 4))
        opt = optim.SGD(model, lr=0.1)
        forward = tg.jit(model) if jit else model
        rng = np.random.default_rng(0)
        seen = []
        for _ in range(3):
            x = tg.tensor(rng.normal(size=(2, 1, 6, 6)).astype(np.float32), requires_grad=True)
            loss = F.cross_entropy(forward(x * 1.0), [0, 3])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen += [loss.tolist(), x.grad.tolist()]
        return seen, {name: value.tolist() for name, value in model.state_dict().items()}

    jitted, eager = run(True), run(False)
    for a, b in zip(jitted[0], eager[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
    for name, value in eager[1].items():
        np.testing.assert_allclose(jitted[1][name], value, rtol=1e-5, atol=1e-7)


@any_python
def test_backward_works_as_on_any_graph():
    w = values()
    f = tg.jit(lambda x: ((x * w).sum(), (x * x).sum(), x.detach()))
    x = values((1.0, 2.0, 3.0))
    a, b, c = f(x)
    assert a.requires_grad and b.requires_grad and not c.requires_grad and not a.is_leaf
    assert "jit(" in repr(a)
    (a * b).backward(retain_graph=True)
    first = x.grad.numpy().copy(), w.grad.numpy().copy()
    x.grad = w.grad = None
    x2, w2 = values((1.0, 2.0, 3.0)), values()
    ((x2 * w2).sum() * (x2 * x2).sum()).backward()
    np.testing.assert_allclose(first[0], x2.grad.numpy(), rtol=1e-15)
    np.testing.assert_allclose(first[1], w2.grad.numpy(), rtol=1e-15)
    (a * b).backward()
    np.testing.assert_array_equal(x.grad.numpy(), first[0])
    with pytest.raises(GraphError, match="freed"):
        a.backward()
    with tg.no_grad():
        assert not f(x)[0].requires_grad
    assert not f(x.detach())[1].requires_grad and f(x.detach())[0].requires_grad


def test_only_what_is_asked_for_is_computed():
    f = tg.jit(lambda x, y: (x * y.exp()).sum())
    x, y = values(), values((1.0, 2.0, 3.0))
    np.testing.assert_array_equal(tg.grad(f(x, y), x).numpy(), y.exp().numpy())
    assert x.grad is None and y.grad is None
    with pytest.raises(GraphError, match="do not depend on input"):
        tg.grad(f(x, x), y)
    hooked = []
    y.register_hook(hooked.append)
    tg.grad(f(x, y), [x, y])
    assert len(hooked) == 1


@pytest.mark.parametrize("order", [2, 3, 4])
def test_derivatives_of_any_order_through_a_jitted_function(order):
    def nth(f):
        x = values()
        y = f(x)
        for _ in range(order):
            y = tg.grad(y.sum(), x, create_graph=True)
        return y

    def function(x):
        return F.layer_norm(x, 3).exp() * x

    np.testing.assert_allclose(nth(function).numpy(), nth(tg.jit(function)).numpy(), rtol=1e-9)


def test_gradients_are_those_of_the_call():
    """What was called with: values that change afterwards do not matter."""
    w = values((2.0, 2.0, 2.0))
    f = tg.jit(lambda x: (x * w).sum())
    x = values()
    y = f(x)
    with tg.no_grad():
        w.assign(w * 100.0)
    assert tg.grad(y, x).tolist() == [2.0, 2.0, 2.0]
    y = f(x)
    x.detach()[...] = 0.0
    with pytest.raises(GraphError, match=r"jit\(.*changed in place"):
        y.backward()


def test_dropout_is_that_of_the_call():
    def run(jit):
        tg.manual_seed(1)
        f = (lambda x: F.dropout(x, 0.5).sum()) if not jit else tg.jit(lambda x: F.dropout(x, 0.5).sum())
        x = tg.ones(20, requires_grad=True)
        y = f(x)
        tg.rand(5)
        y.backward()
        return y.item(), x.grad.tolist(), tg.rand(2).tolist()

    assert run(True) == run(False)


@any_python
def test_one_jitted_function_in_another():
    inner = tg.jit(lambda x, scale: (x * scale).sin())
    outer = tg.jit(lambda x: tg.grad(inner(x, 2.0).sum() + inner(x, 3.0).sum(), x))
    x = values()
    np.testing.assert_array_equal(outer(x).numpy(), tg.grad((x * 2.0).sin().sum() + (x * 3.0).sin().sum(), x).numpy())
    assert inner.explain().count("traced because") == 0
    assert outer.graph().text().count("sin") == 0 and outer.graph().text().count("cos") == 2


@any_python
def test_custom_functions():
    class Clamp(tg.CustomFunction):
        @staticmethod
        def forward(ctx, x, scale):
            ctx.save_for_backward(x, scale, tg.tensor(np.array([1.0, 2.0, 3.0])))
            return x.clip(0, 1) * scale

        @staticmethod
        def backward(ctx, g):
            x, scale, constant = ctx.saved_tensors
            return g * x * constant, g * scale

    def run(jit):
        scale = values((1.0, 1.5, 2.0))

        def f(x):
            return tg.grad((Clamp.apply(x, scale) ** 2).sum(), [x, scale], create_graph=True)

        g = tg.jit(f) if jit else f
        out = []
        for start in (0.5, 1.5):
            x = values((start, -1.0, 0.2))
            first = g(x)
            out += [t.tolist() for t in first] + [t.tolist() for t in tg.grad(first[0].sum(), [x, scale])]
        return out

    np.testing.assert_allclose(run(True), run(False), rtol=1e-14)


@any_python
def test_an_argument_that_was_computed_outside():
    """Gradients flow back through it; but backward() within the function ends at it, which is an error."""
    x = values()
    h = x * x
    f = tg.jit(lambda h: (h * 2.0).sum())
    f(h).backward()
    assert x.grad.tolist() == [4 * v for v in x.tolist()]
    inside = tg.jit(lambda h: (h * 2.0).sum().backward())
    with pytest.raises(TraceError, match=r"reaches an argument.*computed outside"):
        inside(x * x)
    partial = tg.jit(lambda h: tg.grad((h * h).sum(), h))
    np.testing.assert_array_equal(partial(h).numpy(), 2 * h.numpy())


def test_a_closed_over_tensor_that_was_computed_outside():
    x = values()
    h = x * x
    f = tg.jit(lambda z: (h * z).sum())
    with pytest.raises(TraceError, match=r"closes over.*Pass it as an argument"):
        f(tg.ones(3, dtype="float64"))
    with tg.no_grad():
        assert f(tg.ones(3, dtype="float64")).item() == 5.25


def test_gradients_with_a_graph_that_a_function_returns():
    """create_graph inside, differentiated further outside."""
    f = tg.jit(lambda x: tg.grad(cubic(x), x, create_graph=True))
    x = values()
    np.testing.assert_allclose(
        tg.grad(f(x).sum(), x).numpy(), tg.grad(tg.grad(cubic(x), x, create_graph=True).sum(), x).numpy(), rtol=1e-14
    )


def test_gradcheck_of_a_jitted_function():
    f = tg.jit(lambda x, w: F.conv2d(x, w, padding=1).tanh())
    rng = np.random.default_rng(0)
    x, w = (tg.tensor(rng.normal(size=shape)) for shape in ((1, 2, 4, 4), (3, 2, 3, 3)))
    assert tg.gradcheck(f, (x, w))


def test_a_loss_whose_graph_is_used_up_comes_without_one():
    w = values()

    @tg.jit
    def step(x):
        loss = (w * x).sum()
        loss.backward()
        return loss

    loss = step(values().detach())
    with pytest.raises(GraphError):
        loss.backward()


@any_python
def test_what_is_detached_stays_detached_at_every_order():
    def f(x):
        return (x.detach() * x * x).sum() + (x.detach() * x.detach()).sum()

    jitted = tg.jit(f)
    x = values()
    first = [tg.grad(g(x), x, create_graph=True) for g in (f, jitted)]
    np.testing.assert_array_equal(first[0].numpy(), first[1].numpy())
    second = [tg.grad(g.sum(), x, create_graph=True) for g in first]
    np.testing.assert_array_equal(second[0].numpy(), second[1].numpy())


def test_hooks_inside_run_once_and_those_of_arguments_too():
    def run(jit):
        w = values((1.0, 2.0, 3.0))
        w.register_hook(lambda g: g * 10.0)

        def f(x):
            y = x * w
            y.register_hook(lambda g: g + 1.0)
            return y.sum()

        x = values()
        x.register_hook(lambda g: -g)
        (tg.jit(f) if jit else f)(x).backward()
        return x.grad.tolist(), w.grad.tolist()

    assert run(True) == run(False)


def test_derivatives_hold_in_several_threads():

    f = tg.jit(lambda x: (x.exp() * x.detach()).sum())
    wrong = []

    def work(i):
        for k in range(20):
            x = values((0.1 * i, 0.2 * k, 1.0))
            if tg.grad(f(x), x).tolist() != (x.exp() * x).tolist():
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
