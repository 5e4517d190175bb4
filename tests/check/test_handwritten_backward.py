"""gradcheck(f, inputs, backward=...): a NumPy function and a backward written by hand, as in a course."""

from pathlib import Path

import numpy as np
import pytest

import tinygrad_cv as tg

EPS = 1e-5


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


# ---------------------------------------------------------------- the exercises


def affine(x, w, b):
    return x @ w + b


def affine_backward(g, x, w, b):
    return g @ w.T, x.T @ g, g.sum(0)


def batch_norm(x, gamma, beta):
    mu, var = x.mean(0), x.var(0)
    return gamma * (x - mu) / np.sqrt(var + EPS) + beta


def batch_norm_backward(g, x, gamma, beta):
    n = len(x)
    mu, var = x.mean(0), x.var(0)
    scale = 1 / np.sqrt(var + EPS)
    dxhat = g * gamma
    dvar = (dxhat * (x - mu)).sum(0) * -0.5 * scale**3
    dmu = -(dxhat * scale).sum(0)
    dx = dxhat * scale + dvar * 2 * (x - mu) / n + dmu / n
    return dx, (g * (x - mu) * scale).sum(0), g.sum(0)


def softmax_loss(scores):
    z = scores - scores.max(1, keepdims=True)
    return -(z[:, 0] - np.log(np.exp(z).sum(1))).mean()


def softmax_loss_backward(g, scores):
    p = np.exp(scores - scores.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    p[:, 0] -= 1
    return g * p / len(scores)


def relu(x):
    return np.maximum(x, 0)


def relu_backward(g, x):
    return g * (x > 0)


def max_pool(x):
    n, h, w = x.shape
    return x.reshape(n, h // 2, 2, w // 2, 2).max((2, 4))


def max_pool_backward(g, x):
    y = max_pool(x)
    spread = lambda a: np.repeat(np.repeat(a, 2, 1), 2, 2)  # noqa: E731
    return spread(g) * (x == spread(y))


EXERCISES = {
    "affine": (affine, affine_backward, [normal(4, 3), normal(3, 2), normal(2)]),
    "batch norm": (batch_norm, batch_norm_backward, [normal(5, 3), normal(3, seed=1), normal(3, seed=2)]),
    "softmax loss": (softmax_loss, softmax_loss_backward, [normal(4, 3)]),
    "relu": (relu, relu_backward, [normal(4, 3)]),
    "max pooling": (max_pool, max_pool_backward, [normal(2, 4, 4)]),
    "None for no gradient": (lambda x, y: x * np.sign(y), lambda g, x, y: (g * np.sign(y), None), 2 * [normal(3)]),
    "several outputs": (lambda x: (np.sin(x), x.sum(0)), lambda g, x: g[0] * np.cos(x) + g[1], [normal(3, 2)]),
    "float32 inputs": (np.tanh, lambda g, x: g * (1 - np.tanh(x) ** 2), [normal(3).astype(np.float32)]),
}


@pytest.mark.parametrize("name", EXERCISES)
def test_right_solutions_pass(name):
    f, backward, inputs = EXERCISES[name]
    report = tg.gradcheck(f, inputs, backward=backward)
    assert report, report


# ---------------------------------------------------------------- and the usual mistakes


def batch_norm_mistake(change):
    """The backward above with one line changed, as people change it."""

    def backward(g, x, gamma, beta):
        n = len(x)
        mu, var = x.mean(0), x.var(0)
        parts = {"scale": 1 / np.sqrt(var + EPS), "dxhat": g * gamma, "count": n}
        parts["dvar"] = (parts["dxhat"] * (x - mu)).sum(0) * -0.5 * parts["scale"] ** 3
        parts["dmu"] = -(parts["dxhat"] * parts["scale"]).sum(0)
        parts["dgamma"] = (g * (x - mu) * parts["scale"]).sum(0)
        change(parts, g, x, mu, var)
        dx = parts["dxhat"] * parts["scale"] + parts["dvar"] * 2 * (x - mu) / parts["count"] + parts["dmu"] / n
        return dx, parts["dgamma"], g.sum(0)

    return backward


MISTAKES = {
    "variance path dropped": lambda parts, g, x, mu, var: parts.update(dvar=0.0),
    "mean path dropped": lambda parts, g, x, mu, var: parts.update(dmu=0.0),
    "unbiased instead of biased": lambda parts, g, x, mu, var: parts.update(count=len(x) - 1),
    "variance with the wrong sign": lambda parts, g, x, mu, var: parts.update(dvar=-parts["dvar"]),
    "scale squared instead of cubed": lambda parts, g, x, mu, var: parts.update(dvar=parts["dvar"] / parts["scale"]),
    "epsilon outside of the root": lambda parts, g, x, mu, var: parts.update(scale=1 / (np.sqrt(var) + EPS)),
    "epsilon forgotten": lambda parts, g, x, mu, var: parts.update(scale=1 / np.sqrt(var)),
    "gamma forgotten": lambda parts, g, x, mu, var: parts.update(dxhat=g),
    "gamma's gradient not normalized": lambda parts, g, x, mu, var: parts.update(dgamma=(g * x).sum(0)),
    "gamma's gradient not summed": lambda parts, g, x, mu, var: parts.update(dgamma=g * (x - mu) * parts["scale"]),
}


def test_the_changeable_backward_is_right_as_it_stands():
    f, _, inputs = EXERCISES["batch norm"]
    assert tg.gradcheck(f, inputs, backward=batch_norm_mistake(lambda *_: None))


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_in_a_batch_norm_backward_are_found(name):
    f, _, inputs = EXERCISES["batch norm"]
    report = tg.gradcheck(f, inputs, backward=batch_norm_mistake(MISTAKES[name]))
    assert report.verdict == "wrong", report


@pytest.mark.parametrize(
    "f, backward, inputs",
    [
        (affine, lambda g, x, w, b: (g @ w.T, x.T @ g, g.mean(0)), EXERCISES["affine"][2]),
        (affine, lambda g, x, w, b: (g @ w.T, -x.T @ g, g.sum(0)), EXERCISES["affine"][2]),
        (softmax_loss, lambda g, s: softmax_loss_backward(g, s) * len(s), [normal(4, 3)]),
        (softmax_loss, lambda g, s: softmax_loss_backward(1.0, s), [normal(4, 3)]),
        (relu, lambda g, x: g, [normal(4, 3)]),
        (max_pool, lambda g, x: np.repeat(np.repeat(g, 2, 1), 2, 2) / 4, [normal(2, 4, 4)]),
    ],
    ids=["mean for sum", "sign", "batch size forgotten", "cotangent ignored", "mask forgotten", "average's backward"],
)
def test_mistakes_in_other_backwards_are_found(f, backward, inputs):
    assert tg.gradcheck(f, inputs, backward=backward).verdict == "wrong"


def test_a_sum_over_broadcast_left_out_is_wrong_and_explained():
    report = tg.gradcheck(affine, EXERCISES["affine"][2], backward=lambda g, x, w, b: (g @ w.T, x.T @ g, g))
    assert report.verdict == "wrong"
    assert "shape (4, 2) for an input of shape (2,)" in str(report)
    assert [entry.verdict for entry in report.inputs] == ["correct", "correct", "wrong"]


def test_a_tie_is_a_kink():
    report = tg.gradcheck(relu, np.array([0.0, 1.0]), backward=relu_backward)
    assert report.verdict == "not differentiable"


@pytest.mark.parametrize(
    "f, backward, error, words",
    [
        (lambda x: np.exp(x, out=x), lambda g, x: g, tg.GraphError, "f changed input 0 in place.*copy"),
        (np.exp, lambda g, x: np.multiply(g, x, out=x), tg.GraphError, "backward changed input 0"),
        (np.exp, lambda g, x: (g, g), tg.GraphError, "2 gradients for 1 inputs"),
        (np.exp, lambda g, x: "no", tg.DTypeError, "backward returned str"),
        (np.exp, lambda g, x: tg.ones(2), tg.GraphError, "backward returned a Tensor"),
        (lambda x: tg.ones(2), lambda g, x: g, tg.GraphError, "Leave backward= out"),
        (lambda x: None, lambda g, x: g, tg.DTypeError, "f returned NoneType"),
        (np.sign, lambda g, x: g.astype(int), None, ""),
        (lambda x: x > 0, lambda g, x: g, tg.DTypeError, "dtype bool"),
        (lambda x: x[:0], lambda g, x: g, tg.ShapeError, "nothing to differentiate"),
    ],
)
def test_bad_functions_are_explained(f, backward, error, words):
    x = np.array([1.0, 2.0])
    if error is None:
        assert tg.gradcheck(f, x, backward=lambda g, x: np.zeros(2, int))
        return
    with pytest.raises(error, match=words):
        tg.gradcheck(f, x, backward=backward)


# ---------------------------------------------------------------- the form with a cache


def layers():
    """Those of the example, and other shapes that a cache has."""
    path = Path(__file__).parents[2] / "examples" / "07_course_layers.py"
    place: dict = {"__name__": "layers"}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), place)
    found = place["layers"](np.random.default_rng(0))
    found["output as cache"] = lambda x: 2 * (np.tanh(x),), normal(3), lambda dout, y: dout * (1 - y**2)
    found["input as cache"] = lambda x: (x**2, x), normal(3), lambda dout, x: 2 * dout * x
    found["mask as cache"] = lambda x: (x * (x > 0), x > 0), normal(3), lambda g, x: g * x
    found["no cache"] = lambda x: (3 * x, None), normal(3), lambda dout, cache: 3 * dout
    found["a list"] = lambda x: [3 * x, {}], normal(3), lambda dout, cache: 3 * dout
    found["default"] = (
        lambda x, w: (x * w, (x, w)),
        2 * [normal(3)],
        lambda g, cache, eps=0: (g * cache[1], g * cache[0]),
    )
    found["any parameters"] = lambda x, w: (x * w, (x, w)), 2 * [normal(3)], lambda *a: (a[0] * a[1][1], a[0] * a[1][0])
    return found


@pytest.mark.parametrize("name", layers())
def test_a_cache_is_given_to_backward(name):
    forward, inputs, backward = layers()[name]
    report = tg.gradcheck(forward, inputs, backward=backward)
    assert report and "backward(g, cache)" in str(report), report
    assert tg.gradcheck(forward, inputs, backward=backward, cache=True)

    def mistaken(*arguments):
        found = backward(*arguments)
        return (1.01 * found[0], *found[1:]) if isinstance(found, tuple) else 1.01 * found

    report = tg.gradcheck(forward, inputs, backward=mistaken, cache=True)
    assert report.inputs[0].verdict == "wrong" and "broadcast" not in str(report)


def test_two_outputs_are_told_from_a_cache_by_names_and_by_word():
    def f(x):
        return np.sin(x), np.cos(x)

    x = normal(3)
    assert tg.gradcheck(f, x, backward=lambda g, x: g[0] * np.cos(x) - g[1] * np.sin(x))
    assert tg.gradcheck(f, x, backward=lambda dout, slope: dout * slope)
    assert tg.gradcheck(f, x, backward=lambda g, x: g * x, cache=True)
    assert tg.gradcheck(f, x, backward=lambda g, z: g[0] * np.cos(z) - g[1] * np.sin(z), cache=False)
    assert tg.gradcheck(np.modf, x, backward=lambda g, x: g[0])
    with pytest.raises(ValueError, match="cache=True is about a hand-written backward"):
        tg.gradcheck(lambda x: x, x, cache=True)


@pytest.mark.parametrize(
    "f, inputs, backward, error, words",
    [
        (
            lambda x, w: x @ w,
            2 * [normal(2, 2)],
            lambda g, cache: g,
            tg.GraphError,
            r"\(g, cache\) takes neither g and",
        ),
        (lambda x: x, normal(2), lambda g: g, tg.GraphError, "takes neither"),
        (lambda x: (x, (x, x[:1])), normal(2), lambda g, a, b: g, tg.GraphError, "a tuple of 2"),
        (lambda x: ((x, x[:1]), x), normal(2), lambda g, c: g, tg.DTypeError, "return y, cache"),
    ],
)
def test_forms_that_do_not_fit_are_explained(f, inputs, backward, error, words):
    with pytest.raises(error, match=words):
        tg.gradcheck(f, inputs, backward=backward)


def test_shapes_that_no_broadcasting_made_get_no_advice_about_it():
    report = tg.gradcheck(affine, EXERCISES["affine"][2], backward=lambda g, x, w, b: (g @ w.T, g.T @ x, g.sum(0)))
    assert report.verdict == "wrong" and "(2, 3) for an input of shape (3, 2)" in str(report)
    assert "broadcast" not in str(report)
