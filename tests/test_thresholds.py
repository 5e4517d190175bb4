"""Sizes from which the code takes another way: every primitive's VJP and every layer, below and above each of them."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.nn import losses
from tests.nn.losses import configured, inputs
from tests.nn.test_layers_against_torch import ELSEWHERE, LAYERS, OWN, identify
from tests.primitives.table import ROWS
from tests.thresholds import BEYOND, COMPILED, EAGER, OTHER, OTHER_COMPARISONS, crossed, numbers, unnamed
from tinygrad_cv import nn
from tinygrad_cv.compiler import pipeline
from tinygrad_cv.core.tape import apply

any_python = pytest.mark.any_python

BATCH, WIDTH, CLASSES = (
    640,
    1024,
    10,
)  # the cotangent that Linear hands back is much larger than its operands
SEED = 12
LONG = bool(os.environ.get("TGCV_LONG"))

NETWORKS = {
    "layer norm": lambda: nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, CLASSES)),
    "batch norm": lambda: nn.Sequential(nn.BatchNorm1d(WIDTH), nn.Linear(WIDTH, CLASSES)),
    "linear": lambda: nn.Sequential(nn.Linear(8, WIDTH), nn.Linear(WIDTH, CLASSES)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_layer_before_a_linear_one(name):
    """The gradients of the large batch are those of formulas, by hand from the one that reaches the last layer."""
    rng = np.random.default_rng(SEED)
    model = NETWORKS[name]().to("float64")
    x = tg.tensor(rng.normal(size=(BATCH, 8 if name == "linear" else WIDTH)), requires_grad=True)
    h = model[0](x)
    scores = model[1](h)
    F.cross_entropy(scores, np.zeros(BATCH, int)).backward()
    p = np.exp(scores.numpy() - scores.numpy().max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    p[:, 0] -= 1
    g = p / BATCH @ model[1].weight.numpy()
    np.testing.assert_allclose(model[1].weight.grad.numpy(), (p / BATCH).T @ h.numpy(), 1e-9, 1e-12)
    if name == "linear":
        expected = g @ model[0].weight.numpy()
        np.testing.assert_allclose(model[0].weight.grad.numpy(), g.T @ x.numpy(), 1e-9, 1e-12)
    else:
        axis = 1 if name == "layer norm" else 0
        v, xhat = g / np.sqrt(x.numpy().var(axis, keepdims=True) + 1e-5), h.numpy()
        expected = v - v.mean(axis, keepdims=True) - xhat * (v * xhat).mean(axis, keepdims=True)
        np.testing.assert_allclose(model[0].bias.grad.numpy(), g.sum(0), 1e-9, 1e-12)
    np.testing.assert_allclose(x.grad.numpy(), expected, 1e-8, 1e-12)


@pytest.mark.parametrize("view", ["transposed", "sliced", "flipped", "expanded"])
def test_a_view_before_a_product(view):
    rng = np.random.default_rng(SEED)
    w = rng.normal(size=(WIDTH, CLASSES))
    shape, function, back = {
        "transposed": ((WIDTH, BATCH), lambda x: x.T, lambda g: g.T),
        "sliced": ((BATCH + 1, WIDTH), lambda x: x[1:], lambda g: np.pad(g, ((1, 0), (0, 0)))),
        "flipped": ((BATCH, WIDTH), lambda x: x.flip(1), lambda g: g[:, ::-1]),
        "expanded": ((1, WIDTH), lambda x: x.expand(BATCH, WIDTH), lambda g: g.sum(0, keepdims=True)),
    }[view]
    x = tg.tensor(rng.normal(size=shape), requires_grad=True)
    y = function(x) @ tg.tensor(w)
    g = rng.normal(size=y.shape)
    y.backward(g)
    np.testing.assert_allclose(x.grad.numpy(), back(g @ w.T), 1e-10, 1e-10)


def test_gradcheck_of_a_view_before_a_product():
    rng = np.random.default_rng(SEED)
    w = tg.tensor(rng.normal(size=(512, 1)))
    assert tg.gradcheck(lambda x: (x[1:] @ w).sum(), tg.tensor(rng.normal(size=(514, 512))))


# ---------------------------------------------------------------- all thresholds, found in the code


@any_python
def test_every_size_in_the_code_is_listed():
    """A new number: is an array's size compared with it? Then tests cross it from now on."""
    listed = EAGER.keys() | COMPILED.keys() | OTHER.keys()
    assert numbers() == listed, "add it to EAGER, COMPILED or OTHER in tests/thresholds.py"
    assert set(unnamed()) == OTHER_COMPARISONS.keys(), "give the number a name, in capitals, at the head of its module"


SIDES = [{name: low} for name, (low, _) in EAGER.items()]  # small arrays as they are lie on the other side
SIDES += [{name: sides[i] for name, sides in EAGER.items()} for i in (0, 1)]  # all of them
sides = pytest.mark.parametrize("values", SIDES, ids=lambda v: " ".join(f"{n}={x}" for n, x in v.items())[:40])


def pulled(function: Callable[..., Any], *arrays: np.ndarray) -> list[np.ndarray]:
    """Value and gradients of a function; then of the same before a product with one column."""
    found = []
    for narrow in (False, True):
        xs = [tg.tensor(x, requires_grad=x.dtype.kind == "f") for x in arrays]
        y = function(*xs)
        if narrow and y.dtype.kind == "f" and y.size:
            rows = y.reshape(y.shape[0] if y.ndim > 1 else 1, -1)
            y = rows @ tg.tensor(np.linspace(-1.0, 1.0, rows.shape[1]).astype(y.dtype)[:, None])
        found.append(y.numpy().copy())
        if y.requires_grad:
            y.backward(np.cos(np.arange(y.size)).reshape(y.shape))
        found += [x.grad.numpy().copy() for x in xs if x.requires_grad and x.grad is not None]
    return found


def assert_alike(found: list[np.ndarray], expected: list[np.ndarray], rtol: float, what: Any) -> None:
    assert len(found) == len(expected), what
    for a, b in zip(found, expected, strict=True):
        scale = np.abs(b[np.isfinite(b)]).max(initial=1.0) if b.dtype.kind == "f" else 0
        np.testing.assert_allclose(a, b, rtol, rtol * scale, err_msg=str(what))


CALLS = [(row, case, row.inputs(case, SEED)) for row in ROWS.values() for case in row.cases if row.draws]


@pytest.fixture(scope="module")
def plainly():
    """Every primitive as it is."""
    return [pulled(lambda *xs, s=s, c=c: apply(s.primitive, *xs, **c.params), *arrays) for s, c, arrays in CALLS]


@sides
def test_every_primitive_and_its_vjp(plainly, values):
    with crossed(values):
        for (s, c, arrays), expected in zip(CALLS, plainly, strict=True):
            found = pulled(lambda *xs, s=s, c=c: apply(s.primitive, *xs, **c.params), *arrays)
            assert_alike(found, expected, 1e-13, (s, c))


def layer(case: Any, shape: Any = None, dtype: str = "float64", jit: bool = False) -> list[np.ndarray]:
    """What a layer in training gives, alone and before a product with one column, and all gradients."""
    name, args, kwargs, usual = case
    found = []
    for narrow in (False, True):
        tg.manual_seed(SEED)
        model = getattr(nn, name)(*args, **kwargs).to(dtype)
        x = tg.tensor(np.random.default_rng(SEED).normal(size=shape or usual).astype(dtype), requires_grad=True)

        def step(x: Any, model: Any = model, narrow: bool = narrow) -> Any:
            y = model(x)
            if narrow:
                rows = y.reshape(y.shape[0], -1)
                y = rows @ tg.tensor(np.linspace(-1.0, 1.0, rows.shape[1]).astype(dtype)[:, None])
            (y * tg.tensor(np.cos(np.arange(y.size)).reshape(y.shape).astype(dtype))).sum().backward()
            return y

        if shape is not None and not narrow:
            continue
        y = (tg.jit(step) if jit else step)(x)
        found += [t.numpy().copy() for t in (y, x.grad, *(p.grad for p in model.parameters()))]
    return found


def loss(case: Any) -> list[np.ndarray]:
    name, kwargs, kind = case
    rng = np.random.default_rng(SEED)
    first, *others = map(tg.tensor, inputs(name, kind, rng).values())
    module = configured(name, kwargs, tg.tensor(rng.uniform(0.5, 2.0, 5)), nn)
    return pulled(lambda x: module(x, *others), first.numpy())


LOSSES = [*losses.LOSSES, *losses.OWN]
NOT_LAYERS = {"Module", "ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential", *ELSEWHERE}
CASES = [*LAYERS, *OWN]


@any_python
def test_every_layer_and_loss_is_among_them():
    modules = {name for name in nn.__all__ if isinstance(getattr(nn, name), type)}
    modules = {name for name in modules if issubclass(getattr(nn, name), nn.Module)}
    assert modules - NOT_LAYERS == {case[0] for case in (*CASES, *LOSSES)}


@pytest.fixture(scope="module")
def layers():
    return [layer(case) for case in CASES], [loss(case) for case in LOSSES]


@sides
def test_every_layer_and_loss(layers, values):
    with crossed(values):
        for case, expected in zip(CASES, layers[0], strict=True):
            assert_alike(layer(case), expected, 1e-12, case)
        for case, expected in zip(LOSSES, layers[1], strict=True):
            assert_alike(loss(case), expected, 1e-12, case)


# images without a batch have their channels first, which the layer counts: there is no larger batch of them
BATCHED = [case for case in CASES if not (case[0].startswith("InstanceNorm") and case[3][0] == case[1][0])]


@pytest.mark.parametrize("case", BATCHED, ids=identify)
def test_every_layer_on_an_array_above_all_thresholds(case):
    """As it is, and with all thresholds out of reach."""
    n, *rest = case[3]
    shape = (n * (1 + 2**18 // math.prod(case[3])), *rest)
    found = layer(case, shape)
    with crossed({name: BEYOND for name in EAGER if not name.endswith((".ROWS", ".WIDE"))}):
        assert_alike(found, layer(case, shape), 1e-10, case)


# ---------------------------------------------------------------- compiled code

COMPILED_SIDES = [{name: side} for name, sides in COMPILED.items() for side in sides]


@pytest.mark.parametrize("values", COMPILED_SIDES, ids=lambda v: " ".join(f"{n}={x}" for n, x in v.items()))
def test_compiled_layers(layers, values):
    """A convolution each time; every layer with ``TGCV_LONG=1``, which takes minutes."""
    with crossed(values):
        for case, expected in zip(CASES, layers[0], strict=True):
            if LONG or case is CASES[0]:
                assert_alike(layer(case, jit=True), expected, 1e-11, case)


def test_programs_on_disk_are_passed_over(monkeypatch, tmp_path):
    """They were compiled with the thresholds as they are: whoever finds one tests no other side."""
    pytest.importorskip("llvmlite")
    monkeypatch.setenv("TGCV_CACHE_DIR", str(tmp_path))
    made = []
    make = pipeline.make
    monkeypatch.setattr(pipeline, "make", lambda *args: made.append(args) or make(*args))
    x = tg.ones(3)
    for _ in range(2):
        tg.jit(lambda x: x * 2.0)(x)
    assert len(made) == 1
    with crossed({"compiler.schedule.tiles.MIN_ACCUMULATED": 2}):
        tg.jit(lambda x: x * 2.0)(x)
    assert len(made) == 2
