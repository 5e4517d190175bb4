"""grad, vjp, jvp, hvp, jacobian, hessian; checkpoints; custom functions; the search for the first NaN."""

import math
import re
import weakref

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.differences import check
from tinygrad_cv.core.context import scope

quick = pytest.mark.quick
SEED = 13


def leaf(values):
    return tg.tensor(np.array(values, np.float64), requires_grad=True)


def real(*shape, seed=SEED):
    return np.random.default_rng(seed).normal(size=shape)


# ---------------------------------------------------------------- grad


@quick
def test_grad_returns_and_deposits_nothing():
    x, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    found = tg.grad((x * w).sum(), [x, w])
    assert [g.tolist() for g in found] == [[3.0, 4.0], [1.0, 2.0]] and isinstance(found, tuple)
    assert x.grad is None and w.grad is None
    assert tg.grad((x * w).sum(), x).tolist() == [3.0, 4.0]


@quick
def test_grad_of_a_result_and_of_the_output_itself():
    x = leaf(2.0)
    y = x * x
    z = y * 3.0
    assert [g.item() for g in tg.grad(z, [y, z, x])] == [3.0, 1.0, 12.0]


@quick
def test_grad_of_several_outputs():
    x = leaf([1.0, 2.0])
    found = tg.grad([x.sum(), x * x], x, [None, tg.tensor(np.array([1.0, 10.0]))])
    assert found.tolist() == [3.0, 41.0]


@quick
def test_grad_walks_only_what_leads_to_the_inputs():
    x, w = leaf(2.0), leaf(3.0)
    seen = []
    branch = (w * w).exp()
    branch.register_hook(lambda g: seen.append(g))
    assert tg.grad(x * 5.0 + branch, x).item() == 5.0
    assert seen == []


@quick
def test_grad_of_an_unused_input():
    x, w = leaf(2.0), leaf(3.0)
    with pytest.raises(tg.GraphError, match=r"do not depend on input 1 of shape \(\).*allow_unused"):
        tg.grad(x * x, [x, w])
    assert tg.grad(x * x, [x, w], allow_unused=True)[1] is None


@quick
def test_grad_of_what_has_no_graph():
    x = leaf(2.0)
    with pytest.raises(tg.GraphError, match="input 0 does not require grad"):
        tg.grad(x * x, tg.ones(1))
    with pytest.raises(tg.GraphError, match="no graph"):
        tg.grad(tg.ones(1), x)
    with pytest.raises(tg.GraphError, match="2 outputs need 2 cotangents, but got 1"):
        tg.grad([x, x], x, [tg.ones(1)])
    with pytest.raises(tg.GraphError, match=r"without a gradient"):
        tg.grad(leaf([1.0, 2.0]) * 2.0, x)


@quick
def test_grad_frees_the_graph():
    x = leaf(2.0)
    y = x.exp()
    tg.grad(y, x)
    with pytest.raises(tg.GraphError, match="freed"):
        tg.grad(y, x)


# ---------------------------------------------------------------- against PyTorch and differences

FUNCTIONS = {
    "polynomial": (lambda x, w: (x * x * w).sum() + (w**3).sum(), [(3,), (3,)]),
    "softmax": (lambda x, w: ((x @ w).exp() / (x @ w).exp().sum()).log().sum(), [(2, 3), (3, 2)]),
    "norm": (lambda x, w: (x * x).sum().sqrt() * w.sin().sum(), [(2, 2), (3,)]),
    "one unused": (lambda x, w: (x * x).sum(), [(2,), (3,)]),
    "linear": (lambda x, w: (x * 2.0).sum() + w.sum(), [(2,), (2,)]),
}


def arrays(name):
    rng = np.random.default_rng(SEED)
    return [rng.normal(size=shape) for shape in FUNCTIONS[name][1]]


@pytest.fixture(scope="module")
def functional():
    torch = pytest.importorskip("torch")
    return torch, torch.autograd.functional


def same(found, expected):
    if isinstance(found, tuple):
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            same(a, b)
        return
    assert found.shape == tuple(expected.shape) and found.dtype == np.float64
    np.testing.assert_allclose(found.numpy(), expected.numpy(), 1e-11, 1e-12)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_equal_to_pytorch(name, functional):
    torch, reference = functional
    function = FUNCTIONS[name][0]
    xs = arrays(name)
    vs = [real(*x.shape, seed=SEED + 1) for x in xs]
    ours = tuple(map(tg.tensor, xs)), tuple(map(tg.tensor, vs))
    theirs = tuple(map(torch.tensor, xs)), tuple(map(torch.tensor, vs))
    for transform in ("vjp", "jvp", "hvp"):
        v = (None, None) if transform == "vjp" else (ours[1], theirs[1])
        output, product = getattr(tg, transform)(function, ours[0], v[0])
        expected_output, expected = getattr(reference, transform)(function, theirs[0], v[1])
        same(output, expected_output)
        same(product, expected)
    same(tg.jacobian(function, ours[0]), reference.jacobian(function, theirs[0]))
    same(tg.hessian(function, ours[0]), reference.hessian(function, theirs[0]))


@pytest.mark.parametrize("shape", [(), (3,), (2, 2)])
def test_jacobian_of_a_vector_function(shape, functional):
    torch, reference = functional
    x = real(*shape)
    w = real(2, *shape, seed=SEED + 1)

    def function(x, module=tg):
        return (x * module.tensor(w)).exp() * x.sum()

    same(tg.jacobian(function, tg.tensor(x)), reference.jacobian(lambda x: function(x, torch), torch.tensor(x)))


@quick
def test_jacobian_of_nothing():
    assert tg.jacobian(lambda x: x * x, tg.zeros(0)).shape == (0, 0)
    assert tg.jacobian(lambda x: x.sum(), tg.zeros(2, 0)).shape == (2, 0)
    assert tg.jacobian(lambda x: x[:0], tg.zeros(3)).shape == (0, 3)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_is_differentiable(name):
    """With create_graph the products are in the graph: held against differences."""
    function = FUNCTIONS[name][0]
    xs = arrays(name)
    vs = [real(*x.shape, seed=SEED + 2) for x in xs]
    n = len(xs)

    def product(transform):
        def of(*inputs):
            v = None if transform in ("jacobian", "hessian", "vjp") else inputs[n:]
            args = (function, inputs[:n]) if v is None else (function, inputs[:n], v)
            result = getattr(tg, transform)(*args, create_graph=True)
            result = result[1] if transform in ("vjp", "jvp", "hvp") else result
            flat = result if isinstance(result, tuple) else (result,)
            return flat[0] if not isinstance(flat[0], tuple) else flat[0][0]

        return of

    for transform in ("vjp", "jvp", "hvp", "jacobian", "hessian"):
        check(product(transform), xs + vs if transform in ("jvp", "hvp") else xs, SEED, order=1)


@quick
def test_one_input_one_result():
    x = tg.tensor(np.array([1.0, 2.0]))
    assert tg.vjp(lambda x: x * x, x, [1.0, 1.0])[1].tolist() == [2.0, 4.0]
    assert tg.hessian(lambda x: (x**3).sum(), x).tolist() == [[6.0, 0.0], [0.0, 12.0]]
    assert tg.vjp(lambda x: x * x, (x,), [1.0, 1.0])[1][0].tolist() == [2.0, 4.0]
    assert not tg.vjp(lambda x: x * x, x, [1.0, 1.0])[0].requires_grad


@quick
def test_transforms_leave_the_inputs_graph_alone():
    x = leaf([1.0, 2.0])
    tg.hessian(lambda x: (x**3).sum(), x)
    tg.jvp(lambda x: x * x, x, np.ones(2))
    assert x.grad is None


@quick
def test_transforms_work_under_no_grad():
    with tg.no_grad():
        assert tg.vjp(lambda x: x * x, tg.tensor([3.0]))[1].tolist() == [6.0]
        assert tg.jvp(lambda x: x * x, tg.tensor([3.0]), tg.tensor([1.0]))[1].tolist() == [6.0]
        assert tg.hvp(lambda x: (x**3).sum(), tg.tensor([3.0]), tg.tensor([1.0]))[1].tolist() == [18.0]


@quick
def test_vectors_of_another_shape():
    x = tg.tensor([1.0, 2.0])
    with pytest.raises(tg.ShapeError, match=r"vjp: v has shape \(3,\), the output \(2,\)"):
        tg.vjp(lambda x: x * x, x, tg.ones(3))
    with pytest.raises(tg.ShapeError, match=r"jvp: v has shape \(\), the input \(2,\)"):
        tg.jvp(lambda x: x * x, x, tg.tensor(1.0))
    with pytest.raises(tg.ShapeError, match=r"hvp: v has shape \(\), the input \(2,\)"):
        tg.hvp(lambda x: (x * x).sum(), x, tg.tensor(1.0))
    with pytest.raises(tg.GraphError, match=r"vjp: the output has shape \(2,\)"):
        tg.vjp(lambda x: x * x, x)
    with pytest.raises(tg.GraphError, match="jvp: 2 inputs need 2 vectors, but got 1"):
        tg.jvp(lambda x, y: x * y, (x, x), (x,))


@quick
def test_third_derivative_by_nesting():
    x = tg.tensor(np.array([0.3, 0.7]))
    third = tg.jacobian(lambda x: tg.hessian(lambda x: x.sin().sum(), x, create_graph=True), x)
    expected = np.zeros((2, 2, 2))
    expected[0, 0, 0], expected[1, 1, 1] = -np.cos([0.3, 0.7])
    np.testing.assert_allclose(third.numpy(), expected, 1e-14)


# ---------------------------------------------------------------- checkpoint


def noisy(x, w):
    """A part with randomness, as dropout has it."""
    keep = tg.rand(*x.shape) < 0.5
    return keep.where(x @ w, 0.0).tanh().sum()


@quick
def test_checkpoint_has_the_same_gradients_and_random_numbers():
    results = []
    for call in (noisy, lambda *inputs: tg.checkpoint(noisy, *inputs)):
        tg.manual_seed(5)
        x, w = leaf(real(4, 4)), leaf(real(4, 4, seed=SEED + 1))
        y = call(x, w)
        drawn = tg.rand(3)
        tg.rand(2)
        y.backward()
        results.append((y.item(), x.grad.tolist(), w.grad.tolist(), drawn.tolist(), tg.rand(2).tolist()))
    assert results[0] == results[1]


@quick
def test_checkpoint_keeps_nothing_between():
    held = []

    def part(x):
        y = x.exp()
        held.append(weakref.ref(y.value))
        return (y * y).sum()

    x = leaf(real(5))
    y = tg.checkpoint(part, x)
    assert held[0]() is None
    y.backward()
    assert len(held) == 2 and held[1]() is None
    np.testing.assert_allclose(x.grad.value, 2 * np.exp(2 * x.value), 1e-14)


@quick
def test_checkpoint_with_a_parameter_that_it_closes_over():
    w = leaf(3.0)
    y = tg.checkpoint(lambda x: x * w, tg.tensor(np.array(2.0)))
    y.backward()
    assert w.grad.item() == 2.0


@quick
def test_checkpoint_passes_other_arguments_on():
    x = leaf([1.0, 2.0])
    tg.checkpoint(lambda x, k, power: (x**power).sum() * k, x, 10, 3).backward()
    assert x.grad.tolist() == [30.0, 120.0]


@quick
def test_checkpoints_nest_and_differentiate():
    def inner(x):
        return x.exp() * x

    def function(x):
        return tg.checkpoint(lambda x: tg.checkpoint(inner, x * x) * x, x)

    check(function, [real(3)], SEED)


@quick
def test_checkpoint_within_a_graph_and_grad_of_one_input():
    x, w = leaf(real(3)), leaf(real(3, seed=SEED + 1))
    y = (tg.checkpoint(lambda x, w: (x * w).sin(), x * 2.0, w) * x).sum()
    plain = ((x * 2.0 * w).sin() * x).sum()
    for wanted in (x, w):
        np.testing.assert_allclose(
            tg.grad(y, wanted, retain_graph=True).value, tg.grad(plain, wanted, retain_graph=True).value, 1e-14
        )


@quick
def test_checkpoint_twice_needs_retain_graph():
    x = leaf(2.0)
    y = tg.checkpoint(lambda x: x * x, x)
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 8.0
    with pytest.raises(tg.GraphError, match="checkpoint: backward through a graph that an earlier backward has freed"):
        y.backward()


@quick
def test_checkpoint_returns_one_tensor():
    with pytest.raises(tg.GraphError, match="checkpoint: the function returned tuple; it must return one tensor"):
        tg.checkpoint(lambda x: (x, x), leaf(1.0))


@quick
def test_checkpoint_under_no_grad_is_a_plain_call():
    with tg.no_grad():
        assert not tg.checkpoint(lambda x: x * 2.0, leaf(1.0)).requires_grad


@quick
def test_checkpoint_puts_random_numbers_back_after_an_error():
    fails = []

    def part(x):
        if fails:
            raise ZeroDivisionError
        return x * tg.rand(1).astype("float64").item()

    x = leaf(1.0)
    y = tg.checkpoint(part, x)
    state = tg.frontend.random.default_generator.state.tolist()
    fails.append(True)
    with pytest.raises(ZeroDivisionError):
        y.backward()
    assert tg.frontend.random.default_generator.state.tolist() == state


# ---------------------------------------------------------------- custom functions


class Exp(tg.CustomFunction):
    """eˣ, by its saved output."""

    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * y


class Product(tg.CustomFunction):
    """a b k, where k is a Python number."""

    @staticmethod
    def forward(ctx, a, k, b):
        ctx.save_for_backward(a, b)
        ctx.k = k
        return a * b * k

    @staticmethod
    def backward(ctx, g):
        a, b = ctx.saved_tensors
        return g * b * ctx.k, g * a * ctx.k


@quick
def test_custom_function_with_its_output_saved():
    x = leaf([0.5, 1.0])
    Exp.apply(x).sum().backward()
    assert x.grad.tolist() == np.exp([0.5, 1.0]).tolist()


@quick
def test_custom_functions_differentiate_twice():
    check(Exp.apply, [real(3)], SEED, order=3)
    check(lambda a, b: Product.apply(a, 3.0, b), [real(3), real(3, seed=1)], SEED, order=3)
    check(lambda a, b: Exp.apply(Product.apply(a, 0.5, a.sin()) * b), [real(3), real(3, seed=1)], SEED)


@quick
def test_custom_function_of_numpy_code():
    class Sort(tg.CustomFunction):
        @staticmethod
        def forward(ctx, x):
            ctx.order = np.argsort(x.numpy())
            return tg.tensor(x.numpy()[ctx.order])

        @staticmethod
        def backward(ctx, g):
            out = np.empty(g.shape)
            out[ctx.order] = g.numpy()
            return out

    x = leaf([3.0, 1.0, 2.0])
    (Sort.apply(x) * tg.tensor(np.array([1.0, 10.0, 100.0]))).sum().backward()
    assert x.grad.tolist() == [100.0, 1.0, 10.0]


@quick
def test_custom_function_with_a_gradient_for_some():
    class First(tg.CustomFunction):
        @staticmethod
        def forward(ctx, a, b):
            return a + b

        @staticmethod
        def backward(ctx, g):
            return g, None

    a, b = leaf(1.0), leaf(2.0)
    First.apply(a, b).backward()
    assert a.grad.item() == 1.0 and b.grad is None
    assert not First.apply(a.detach(), b.detach()).requires_grad
    with tg.no_grad():
        assert not First.apply(a, b).requires_grad


class Wrong(tg.CustomFunction):
    result = None

    @staticmethod
    def forward(ctx, a, b):
        return a * b

    @staticmethod
    def backward(ctx, g):
        return Wrong.result(g)


@quick
@pytest.mark.parametrize(
    "result, error, message",
    [
        (lambda g: g, tg.GraphError, "Wrong.backward returned 1 gradients for 2 tensor inputs"),
        (lambda g: (g, g, g), tg.GraphError, "Wrong.backward returned 3 gradients for 2 tensor inputs"),
        (lambda g: (g, g.sum()), tg.ShapeError, r"Wrong.backward returned a gradient of shape \(\) .* of shape \(2,\)"),
        (
            lambda g: (g.astype("float32"), g),
            tg.DTypeError,
            "Wrong.backward returned a gradient of dtype float32 .* float64",
        ),
    ],
)
def test_custom_function_with_a_wrong_backward(monkeypatch, result, error, message):
    monkeypatch.setattr(Wrong, "result", result)
    a, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    with pytest.raises(error, match=message):
        Wrong.apply(a, b).sum().backward()
    assert a.grad is None and b.grad is None


@quick
def test_custom_function_returns_one_tensor():
    class Two(tg.CustomFunction):
        @staticmethod
        def forward(ctx, x):
            return x, x

    with pytest.raises(tg.GraphError, match=r"Two.forward returned tuple; it must return one tensor"):
        Two.apply(leaf(1.0))


@quick
def test_gradient_of_a_custom_function_is_nobodys_array():
    class Constant(tg.CustomFunction):
        @staticmethod
        def forward(ctx, x, w):
            ctx.save_for_backward(w)
            return x * w

        @staticmethod
        def backward(ctx, g):
            (w,) = ctx.saved_tensors
            return w, None

    x, w = leaf([1.0, 1.0]), tg.tensor(np.array([3.0, 4.0]))
    Constant.apply(x, w).sum().backward()
    x.grad[...] = 0.0
    assert w.tolist() == [3.0, 4.0]


@quick
def test_custom_function_is_named_in_messages():
    x = leaf(1.0)
    y = Exp.apply(x)
    assert "from=Exp" in repr(y)
    y.backward()
    with pytest.raises(tg.GraphError, match="Exp: backward through a graph"):
        y.backward()


@quick
def test_custom_function_that_returns_its_input():
    class Through(tg.CustomFunction):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 10.0

    x = leaf(2.0)
    (Through.apply(x) * x).backward()
    assert x.grad.item() == 22.0


# ---------------------------------------------------------------- anomaly


def here(offset=0):
    """This file's name and the caller's line, as messages show them."""
    import inspect

    return f"{re.escape(__file__)}:{inspect.currentframe().f_back.f_lineno + offset}"


@quick
def test_anomaly_in_the_forward_pass():
    x = tg.tensor([1.0, 0.0, -1.0], requires_grad=True)
    with tg.detect_anomaly(), scope("head", "module"), pytest.raises(tg.GraphError) as error:
        line = here(+1)
        x.log()
    assert re.match(rf"forward pass: log in head, at {line}, made 1 NaN and 1 infinite value\(s\)", str(error.value))
    assert "from finite inputs of shapes (3,)" in str(error.value)


@quick
def test_anomaly_in_the_backward_pass():
    x = tg.tensor([1.0, 0.0], requires_grad=True)
    with tg.detect_anomaly():
        with scope("head", "module"):
            line = here(+1)
            y = x.sqrt()
        with pytest.raises(tg.GraphError) as error:
            y.sum().backward()
    assert re.match(rf"backward pass: the derivative of sqrt in head, at {line} made 1 infinite", str(error.value))
    assert x.grad is None


@quick
def test_anomaly_finds_nothing_where_nothing_is():
    x = tg.tensor([4.0, 0.0], requires_grad=True)
    with tg.detect_anomaly():
        y = tg.where(x > 0, x.sqrt(), x) + x.relu().norm() + x.logsumexp()
        y.sum().backward()
        assert math.isfinite(x.grad.sum().item())
        tg.checkpoint(lambda x: x.exp(), x).sum().backward()


@quick
def test_anomaly_passes_what_came_in_infinite():
    x = tg.tensor([math.inf, 1.0], requires_grad=True)
    with tg.detect_anomaly():
        y = (x * 2.0).sum()
        padded = tg.ones(2).pad(((1, 1),), -math.inf).max()
    assert y.item() == math.inf and padded.item() == 1.0


@quick
def test_anomaly_ends_with_its_block():
    with tg.detect_anomaly():
        pass
    assert tg.zeros(1).log().item() == -math.inf
