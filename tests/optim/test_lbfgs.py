"""L-BFGS against PyTorch's, call by call, on Rosenbrock's valley and on a fit; its state; where it refuses."""

from __future__ import annotations

from functools import partial
from importlib import import_module

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import TraceError, nn, optim
from tinygrad_cv.optim.line_search import Point, strong_wolfe

X = np.random.default_rng(0).normal(size=(12, 4))
Y = np.random.default_rng(1).normal(size=(12, 3))


def rosenbrock(x, y):
    """The valley (1 - x)² + 100 (y - x²)², of the two parameters' elements."""
    return ((1 - x) ** 2 + 100 * (y - x**2) ** 2).sum()


def fit(w, b, constant):
    """A small regression that is not quadratic."""
    return ((constant(X) @ w + b).tanh() - constant(Y)).square().mean()


PROBLEMS = {
    "rosenbrock": ([np.array([-1.2, 0.5]), np.array([1.0, -1.0])], lambda a, b, constant: rosenbrock(a, b)),
    "fit": ([np.random.default_rng(2).normal(size=(4, 3)), np.zeros(3)], fit),
}
SETTINGS = [
    {},
    {"line_search_fn": "strong_wolfe"},
    {"lr": 0.1, "max_iter": 5, "history_size": 2},
    {"lr": 0.5, "max_iter": 4, "history_size": 3, "line_search_fn": "strong_wolfe"},
    {"max_iter": 30, "max_eval": 6, "line_search_fn": "strong_wolfe"},
    {"max_iter": 10, "tolerance_grad": 1e-2, "tolerance_change": 1e-4, "line_search_fn": "strong_wolfe"},
]


def closure_of(optimizer, parameters, loss_of, constant):
    def closure():
        optimizer.zero_grad()
        loss = loss_of(*parameters[:2], constant)
        loss.backward()
        return loss

    return closure


def both(torch, problem, settings, dtype="float64"):
    arrays, loss_of = PROBLEMS[problem]
    ours = [nn.Parameter(a.astype(dtype)) for a in (*arrays, np.ones(2))]  # the last is not used: it has no gradient
    theirs = [torch.nn.Parameter(torch.tensor(a.astype(dtype))) for a in (*arrays, np.ones(2))]
    mine, reference = optim.LBFGS(ours, **settings), torch.optim.LBFGS(theirs, **settings)
    constant = lambda a: tg.tensor(a.astype(dtype))  # noqa: E731
    theirs_constant = lambda a: torch.tensor(a.astype(dtype))  # noqa: E731
    return (
        (mine, ours, closure_of(mine, ours, loss_of, constant)),
        (reference, theirs, closure_of(reference, theirs, loss_of, theirs_constant)),
    )


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("problem", PROBLEMS)
def test_every_call_is_pytorchs(torch, problem, settings):
    """Losses, parameters, counts of steps and evaluations, in float64; saved and loaded between the calls."""
    if "line_search_fn" not in settings:  # full steps overshoot, and then the least rounding error shows
        settings = {**settings, "lr": {"rosenbrock": 1e-3, "fit": 0.1}[problem]}
    (mine, ours, closure), (reference, theirs, wanted) = both(torch, problem, settings)
    for _ in range(5):
        np.testing.assert_allclose(mine.step(closure).item(), reference.step(wanted).item(), rtol=1e-6, atol=1e-12)
        for p, q in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-6, atol=1e-9)
        state = reference.state[theirs[0]]
        slots = mine.state["0"]
        assert (slots["n_iter"].item(), slots["old_dirs"].shape[0]) == (state["n_iter"], len(state["old_dirs"]))
        saved, mine = mine.state_dict(), optim.LBFGS(ours, lr=77.0)
        mine.load_state_dict(saved)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rosenbrocks_valley_is_walked_to_its_end(torch, dtype):
    (mine, ours, closure), (reference, theirs, wanted) = both(
        torch, "rosenbrock", {"line_search_fn": "strong_wolfe", "max_iter": 100, "tolerance_change": 1e-18}, dtype
    )
    for _ in range(3):
        mine.step(closure), reference.step(wanted)
    for p, q in zip(ours[:2], theirs[:2], strict=True):
        tolerance = {"float32": 1e-3, "float64": 1e-8}[dtype]
        np.testing.assert_allclose(p.detach().numpy(), 1.0, atol=tolerance)
        np.testing.assert_allclose(q.detach().numpy(), 1.0, atol=tolerance)
    assert mine.step(closure).item() < 1e-6


def test_it_ends_where_the_gradient_is_nothing():
    x = nn.Parameter(np.ones(2))
    lbfgs = optim.LBFGS([x])
    calls = []

    def closure():
        calls.append(1)
        x.grad = tg.zeros(2, dtype="float64")
        return tg.tensor(1.0)

    assert lbfgs.step(closure).item() == 1.0 and len(calls) == 1 and lbfgs.state_dict()["state"] == {}


def test_a_closure_may_be_compiled_and_a_step_not():
    arrays, _ = PROBLEMS["rosenbrock"]

    def run(jit):
        parameters = [nn.Parameter(a.copy()) for a in arrays]
        lbfgs = optim.LBFGS(parameters, line_search_fn="strong_wolfe", max_iter=10)
        closure = closure_of(lbfgs, parameters, lambda a, b, _: rosenbrock(a, b), None)
        closure = tg.jit(closure) if jit else closure
        losses = [lbfgs.step(closure).item() for _ in range(3)]
        if jit:
            assert "1 trace>" in repr(closure)  # the optimizer's state is no business of the closure
            before = [p.tolist() for p in parameters]
            with pytest.raises(TraceError, match=r"LBFGS\.step in a jitted function: .* the closure can be jitted"):
                tg.jit(lambda: lbfgs.step(closure))()
            assert [p.tolist() for p in parameters] == before
        return losses

    np.testing.assert_allclose(run(True), run(False), rtol=1e-5)


def test_state_follows_names_when_parameters_are_reordered():
    arrays, _ = PROBLEMS["rosenbrock"]

    def walk(reorder):
        a, b = (nn.Parameter(x.copy()) for x in arrays)
        named = [("a", a), ("b", b)]
        lbfgs = optim.LBFGS(named, line_search_fn="strong_wolfe", max_iter=6)
        for i in range(3):
            lbfgs.step(closure_of(lbfgs, [a, b], lambda a, b, _: rosenbrock(a, b), None))
            if reorder and i == 0:
                saved = lbfgs.state_dict()
                lbfgs = optim.LBFGS(named[::-1])
                lbfgs.load_state_dict(saved)
        return a.detach().numpy()

    np.testing.assert_allclose(walk(True), walk(False), rtol=1e-9)


def wave(rng):
    """A random function of one number, and its derivative."""
    heights, waves, phases = rng.normal(size=3), rng.uniform(0.5, 6.0, 3), rng.uniform(0.0, 6.0, 3)
    bend = rng.uniform(0.0, 0.3)
    f = lambda t: float((heights * np.sin(waves * t + phases)).sum() + bend * t * t)  # noqa: E731
    return f, lambda t: float((heights * waves * np.cos(waves * t + phases)).sum() + 2 * bend * t)


def test_line_searches_are_pytorchs(torch):
    """Along random waves, from random beginnings: where each ends, and after how many looks."""
    search = import_module("torch.optim.lbfgs")._strong_wolfe
    tensor = partial(torch.tensor, dtype=torch.float64)

    def both(f, slope, first, limit):
        look = lambda t: Point(t, f(t), tg.zeros(1), slope(t))  # noqa: E731
        point, count = strong_wolfe(look, look(0.0), first, 1.0, 1e-9, limit)
        theirs = lambda x, t, d: (f(float(t)), tensor([slope(float(t))]))  # noqa: E731
        g = tensor([slope(0.0)])
        loss, _, t, wanted = search(theirs, None, first, tensor([1.0]), f(0.0), g, g[0], max_ls=limit)
        return (point.t, point.loss, count), (float(t), loss, wanted)

    rng = np.random.default_rng(0)
    counts = set()
    for _ in range(3000):
        f, slope = wave(rng)
        if slope(0.0) < 0:
            ours, theirs = both(f, slope, float(10.0 ** rng.uniform(-2, 1)), int(rng.integers(1, 26)))
            assert ours == pytest.approx(theirs, rel=1e-6, abs=1e-9)
            counts.add(ours[2])
    assert {1, 2, 3, 4, 5, 6} <= counts


WRONG = [
    (lambda: optim.LBFGS([W], max_iter=0), ValueError, "LBFGS: max_iter=0; it must be an integer of at least 1"),
    (lambda: optim.LBFGS([W], line_search_fn="armijo"), ValueError, "line_search_fn='armijo'; .* 'strong_wolfe'"),
    (lambda: optim.LBFGS([W], tolerance_grad=-1), ValueError, "LBFGS: tolerance_grad=-1"),
    (lambda: optim.LBFGS([W]).step(), TypeError, r"LBFGS\.step: closure is missing"),
    (
        lambda: optim.LBFGS([W]).add_param_group({"params": [V]}),
        ValueError,
        "LBFGS: several parameter groups; it takes one",
    ),
    (lambda: optim.LBFGS([W, V]), ValueError, "LBFGS: parameters of float32 and float64; it takes one dtype"),
]
W, V = nn.Parameter(np.ones(2)), nn.Parameter(np.ones(2, np.float32))


@pytest.mark.parametrize("make, error, message", WRONG, ids=[message[:30] for _, _, message in WRONG])
def test_wrong_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_state_that_does_not_fit_together():
    a, b = (nn.Parameter(x.copy()) for x in PROBLEMS["rosenbrock"][0])
    lbfgs = optim.LBFGS([a, b], max_iter=3, line_search_fn="strong_wolfe")
    lbfgs.step(closure_of(lbfgs, [a, b], lambda a, b, _: rosenbrock(a, b), None))
    whole = lbfgs.state_dict()
    for name, key, value, message in (
        ("1", "t", 0.3, "t of 1 is not that of 0"),
        ("0", "old_dirs", whole["state"]["0"]["old_dirs"][1:], "old_dirs of 0 has 0 entries, and ro 1"),
    ):
        state = {**whole, "state": {**whole["state"], name: {**whole["state"][name], key: value}}}
        with pytest.raises(tg.CheckpointError, match=message):
            lbfgs.load_state_dict(state)
    with pytest.raises(tg.CheckpointError, match="there is no state of 1"):
        lbfgs.load_state_dict({**whole, "state": {"0": whole["state"]["0"]}})
