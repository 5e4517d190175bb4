"""State goes to PyTorch's optimizers and comes from them: both go on as if nothing had happened."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.optim.test_optimizers_against_torch import OPTIMIZERS, compare
from tinygrad_cv import CheckpointError, nn, optim

SHAPES = {"w": (4, 3), "b": (3,), "v": (2, 3)}
OTHERS = [
    ("Muon", {"lr": 0.1}),
    ("LBFGS", {"max_iter": 3, "line_search_fn": "strong_wolfe"}),
    ("LBFGS", {"max_iter": 3, "lr": 0.1, "history_size": 2}),
]


def step(optimizer, parameters, gradients, constant):
    """One step; the loss is convex, so that LBFGS has something to follow."""

    def closure():
        loss = 0.0
        for p, g in zip(parameters, gradients, strict=True):
            p.grad = None
            loss = loss + ((p - constant(g)) * (p - constant(g))).sum() / 2
        loss.backward()
        return loss

    optimizer.step(closure)


@pytest.mark.parametrize("reorder", [False, True], ids=["as it is", "reordered"])
@pytest.mark.parametrize("towards", ["torch", "ours"])
@pytest.mark.parametrize(
    "name, settings", [*OPTIMIZERS, *OTHERS], ids=[f"{n}-{s}".replace(" ", "") for n, s in [*OPTIMIZERS, *OTHERS]]
)
def test_state_is_taken_over(torch, in_float64, monkeypatch, name, settings, towards, reorder):
    """Ten steps of one library, the state handed over, then ten of both, side by side."""
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)
    rng = np.random.default_rng(0)
    arrays = {key: rng.normal(size=shape) for key, shape in SHAPES.items() if name != "Muon" or len(shape) == 2}
    ours = {key: nn.Parameter(a.copy()) for key, a in arrays.items()}
    order = list(arrays)[::-1] if reorder else list(arrays)
    theirs = {key: torch.nn.Parameter(torch.tensor(arrays[key])) for key in order}
    mine = getattr(optim, name)(ours.items(), **settings)
    reference = getattr(torch.optim, name)(theirs.values(), **settings)
    constant = {"ours": lambda a: tg.tensor(a), "torch": lambda a: torch.tensor(a)}
    sides = {"ours": (mine, ours), "torch": (reference, theirs)}
    first = "ours" if towards == "torch" else "torch"

    def run(side, gradients):
        optimizer, parameters = sides[side]
        step(optimizer, [parameters[key] for key in arrays], gradients, constant[side])

    for _ in range(10):
        run(first, [rng.normal(size=a.shape) for a in arrays.values()])
    for key, p in ours.items():
        with tg.no_grad(), torch.no_grad():
            if towards == "torch":
                theirs[key].copy_(torch.tensor(p.numpy()))
            else:
                p.assign(tg.tensor(theirs[key].numpy().copy()))
    if towards == "torch":
        reference.load_state_dict(optim.to_torch(mine, order))
    else:
        mine.load_state_dict(optim.from_torch(mine, reference.state_dict(), order))
    for _ in range(10):
        gradients = [rng.normal(size=a.shape) for a in arrays.values()]
        run("ours", gradients), run("torch", gradients)
        if name in ("LBFGS", "Muon"):
            for key, p in ours.items():
                np.testing.assert_allclose(p.detach().numpy(), theirs[key].detach().numpy(), rtol=1e-9, atol=1e-9)
        else:
            compare(ours.values(), [theirs[key] for key in ours], "float64")


def test_groups_keep_their_settings(torch):
    a, b, c = (nn.Parameter(np.ones(n)) for n in (2, 3, 4))
    mine = optim.AdamW([{"params": [("c", c), ("a", a)], "lr": 0.5, "betas": (0.5, 0.6)}, {"params": [("b", b)]}])
    optim.StepLR(mine, 2)
    for p in (a, c):
        p.grad = tg.ones(p.size, dtype="float64")
    mine.step()
    state = optim.to_torch(mine, ["a", "b", "c"])
    assert [group["params"] for group in state["param_groups"]] == [[0, 1], [2]]
    assert [group["param_names"] for group in state["param_groups"]] == [["a", "c"], ["b"]]
    assert state["param_groups"][0]["betas"] == (0.5, 0.6) and state["param_groups"][0]["initial_lr"] == 0.5
    assert sorted(state["state"]) == [0, 1] and state["state"][1]["exp_avg"].shape == (4,)
    theirs = [torch.nn.Parameter(torch.ones(n, dtype=torch.float64)) for n in (2, 4, 3)]
    reference = torch.optim.AdamW([{"params": theirs[:2]}, {"params": theirs[2:]}])
    reference.load_state_dict(state)
    assert reference.param_groups[0]["lr"] == 0.5 and reference.state[theirs[1]]["step"].item() == 1.0
    back = optim.from_torch(mine, reference.state_dict())
    assert back["param_groups"][0]["names"] == ["a", "c"]  # PyTorch keeps the names that it was given
    mine.load_state_dict(back)
    assert mine.param_groups[0]["betas"] == (0.5, 0.6) and mine.state["c"]["step"].item() == 1.0


def test_what_cannot_be_converted(torch):
    p, q = nn.Parameter(np.ones(2)), nn.Parameter(np.ones(3))
    mine = optim.SGD([("p", p), ("q", q)], momentum=0.9)
    with pytest.raises(ValueError, match=r"to_torch: names=\['p'\]; they must be those of .* \['p', 'q'\]"):
        optim.to_torch(mine, ["p"])
    for state in ({}, mine.state_dict()):
        with pytest.raises(CheckpointError, match=r"from_torch: it holds .* a PyTorch optimizer"):
            optim.from_torch(mine, state)
    reference = torch.optim.SGD([torch.nn.Parameter(torch.ones(2))])
    with pytest.raises(CheckpointError, match="has 1 parameters, and there are 2 names"):
        optim.from_torch(mine, reference.state_dict())
    with pytest.raises(CheckpointError, match="from_torch converts PyTorch's"):
        mine.load_state_dict(reference.state_dict())
    other = torch.optim.Adam([torch.nn.Parameter(torch.ones(n)) for n in (2, 3)])
    with pytest.raises(CheckpointError, match="was saved with the settings"):
        mine.load_state_dict(optim.from_torch(mine, other.state_dict()))
