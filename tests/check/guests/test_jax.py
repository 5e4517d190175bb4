"""gradcheck of JAX's functions: right and wrong ones, kinks, float64 whatever is enabled, and who is to blame."""

import re

import pytest

import tinygrad_cv as tg
from tinygrad_cv.check.guests.recognition import recognised
from tinygrad_cv.check.trails import first_wrong
from tinygrad_cv.core.errors import DTypeError, GraphError

jax = pytest.importorskip("jax", reason="JAX is not installed: pip install jax")
import jax.numpy as jnp  # noqa: E402

from tinygrad_cv.check.guests.jax import enable_x64  # noqa: E402


@jax.custom_vjp
def half(x):
    """x², whose gradient forgets the 2."""
    return x * x


half.defvjp(lambda x: (x * x, x), lambda x, g: (g * x,))


@jax.custom_vjp
def cube(x):
    """x³ with a right gradient, which has none itself."""
    return x**3


cube.defvjp(lambda x: (x**3, x), lambda x, g: (g * 3 * jax.lax.stop_gradient(x) ** 2,))

RIGHT = {
    "softplus": jax.nn.softplus,
    "a jitted function": jax.jit(lambda x: jax.nn.softmax(x @ x.T)),
    "with a right stop_gradient": jax.scipy.special.logsumexp,
    "a scan": lambda x: jax.lax.scan(lambda c, a: (c * jnp.sin(a), c), jnp.ones(3, x.dtype), x),
    "several outputs": lambda x: {"a": jnp.sin(x), "b": [jnp.cos(x).sum(), jnp.argmax(x)]},
    "complex outputs": lambda x: jnp.fft.fft(x * x),
    "a branch on values": lambda x: x * x if x.sum() > 0 else jnp.sin(x),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_gradients_of_two_orders(name, x):
    report = tg.gradcheck(RIGHT[name], jnp.asarray(x), order=2)
    assert report and report.function.library == "JAX", report


@pytest.mark.parametrize("name", sorted(set(RIGHT) - {"a branch on values"}))
def test_nobody_is_blamed_for_what_is_right(name, x):
    """But a stop_gradient: it may be right, since what comes after it takes it into account."""
    found = recognised(RIGHT[name], [jnp.asarray(x)], None)
    assert found.function.trail(found.arrays, 0).steps
    blame = first_wrong(found.function, found.arrays, 1, 0)
    assert blame is None or (blame.primitive, blame.cut) == ("stop_gradient", True)


BLAMED = {
    "alone": (half, 1, ("half", "", 1, False)),
    "in a network": (lambda x: jax.nn.softmax(half(jnp.sin(x)) @ x.T), 1, ("half", "", 1, False)),
    "in a jitted function": (
        lambda x: jax.jit(lambda y: half(y).sum(0))(jnp.sin(x)),
        1,
        ("half", "<lambda>", 1, False),
    ),
    "after a right stop_gradient": (lambda x: half(x - jax.lax.stop_gradient(x.max())), 1, ("half", "", 1, False)),
    "of order 2": (lambda x: cube(jnp.sin(x)), 2, ("stop_gradient", "", 2, True)),
}


@pytest.mark.parametrize("name", BLAMED)
def test_the_first_wrong_equation_is_named(name, x):
    f, order, expected = BLAMED[name]
    blame = tg.gradcheck(f, jnp.asarray(x), order=order).blame
    assert (blame.primitive, blame.module, blame.order, blame.cut) == expected
    assert re.search(r"test_jax\.py:\d+", blame.source)
    if not blame.cut:
        assert blame.analytic == pytest.approx(blame.numeric / 2, rel=1e-6)


def test_dicts_of_parameters(x):
    parameters = {"w": jnp.ones((3, 2)) / 3, "b": [jnp.zeros(2)]}
    report = tg.gradcheck(lambda p, x: jnp.tanh(x @ p["w"]) + half(p["b"][0] + 1), (parameters, x))
    assert {entry.name: entry.verdict for entry in report.inputs} == {
        "input 0['b'][0]": "wrong",
        "input 0['w']": "correct",
        "input 1": "correct",
    }


def test_kinks_are_kinks():
    report = tg.gradcheck(jax.nn.relu, jnp.array([-1.0, 0.0, 2.0]))
    assert report.inputs[0].verdicts.tolist() == ["correct", "not differentiable", "correct"]


def test_forward_mode(x):
    assert tg.gradcheck(jax.nn.softplus, x, mode="jvp")


def test_it_is_checked_in_float64_without_enabling_it(x):
    before = jax.config.jax_enable_x64
    report = tg.gradcheck(lambda x: jnp.sin(x), x)
    assert report and report.inputs[0].allowed.max() < 1e-8
    assert report.notes == ("checked in float64, though jax_enable_x64 is off, and f is float32 elsewhere",)
    assert jax.config.jax_enable_x64 == before and jnp.ones(2).dtype == jnp.float32
    with enable_x64(True):
        assert tg.gradcheck(lambda x: jnp.sin(x), x).notes == ()


def test_what_fails_in_float64_is_checked_in_float32(x):
    def f(x):
        return jax.lax.scan(lambda c, a: (c * jnp.sin(a), c), jnp.ones(3, jnp.float32), x)[0]

    report = tg.gradcheck(f, jnp.asarray(x))
    assert report and 1e-6 < report.inputs[0].allowed.max() < 0.03
    assert report.notes[0].startswith(
        "checked in float32, to few digits, since f fails in float64: TypeError: scan body"
    )
    assert tg.gradcheck(lambda x: half(f(x)), jnp.asarray(x)).verdict == "wrong"


def test_what_has_no_derivative(x):
    with pytest.raises(DTypeError, match="f returned int64; only floats have derivatives"):
        tg.gradcheck(lambda x: jnp.argmax(x), x)
    with pytest.raises(DTypeError, match="input 0 has dtype int32"):
        tg.gradcheck(lambda x: x, jnp.arange(3))
    with pytest.raises(GraphError, match="parameters= with a function of JAX"):
        tg.gradcheck(lambda x: x, jnp.asarray(x), parameters=[x])
