"""What goes in, stays and comes out: names, forms, dtypes; and what is refused, with the remedy."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import tinygrad_cv as tg
from tests.deploy.node import run
from tinygrad_cv import nn, optim

X = np.linspace(-1.0, 1.0, 12, dtype=np.float32).reshape(3, 4)


def test_results_have_the_form_of_what_the_function_returns(tmp_path):
    table = tg.tensor(np.arange(20.0, dtype=np.float32).reshape(5, 4))
    spread = tg.tensor(np.array([7, 7, 7, 7], np.int64))

    def f(x, rows, flags):
        picked = table[rows]
        return {
            "best": (x + picked).argmax(1),
            "parts": (picked.sum(), [tg.where(flags, x[:, 0], 0.0), spread]),
            "same": x,
            "count": flags.sum(),
            "any": flags.any(),
            "word": "fixed",
            "nothing": None,
            "twice": [x, x],
        }

    rows, flags = np.array([4, 0, -1]), np.array([True, False, True])
    made = tg.export(f, X, rows, flags, path=tmp_path / "f.wasm")
    assert made.inputs == ("x", "rows", "flags")
    assert made.outputs[:4] == ("best", "parts.0", "parts.1.0", "parts.1.1")
    assert set(made.state) == {"table", "spread"}
    (found, refused) = run(
        tmp_path / "f",
        [["step", {"x": X, "rows": rows, "flags": flags}], ["step", {"x": X, "rows": rows + 1, "flags": flags}]],
    )
    right = tg.jit(f)(tg.tensor(X), tg.tensor(rows), tg.tensor(flags))
    np.testing.assert_array_equal(found["best"], right["best"].numpy())
    assert found["parts"][0] == right["parts"][0].item()
    np.testing.assert_array_equal(found["parts"][1][0], right["parts"][1][0].numpy())
    np.testing.assert_array_equal(found["parts"][1][1], spread.numpy())
    np.testing.assert_array_equal(found["same"], X.ravel())
    assert (found["count"], found["any"], found["word"], found["nothing"]) == (2, True, "fixed", None)
    np.testing.assert_array_equal(found["twice"][1], X.ravel())
    assert refused.startswith("RangeError: step: what the function was compiled for does not hold")


def test_state_that_trades_places_and_state_that_is_only_written(tmp_path):
    a, b, last = tg.tensor([1.0, 2.0]), tg.tensor([3.0, 4.0]), tg.zeros(2)

    def f(x):
        before = a * 1.0
        last.assign(x + before)
        a.assign(b)
        b.assign(before)
        return before

    made = tg.export(f, tg.zeros(2), path=tmp_path / "f")
    assert sorted(made.state) == ["a", "b", "last"]
    call = ["step", {"x": np.zeros(2, np.float32)}]
    first, second, third, kept, now = run(tmp_path / "f", [call, call, call, ["state", "last"], ["state", "a"]])
    assert [x.tolist() for x in (first, second, third)] == [[1, 2], [3, 4], [1, 2]]
    assert kept.tolist() == [1, 2]
    assert now.tolist() == [3, 4]


def test_gradients_that_add_up_and_several_modules_and_groups(tmp_path):
    one, other = nn.Linear(4, 3), nn.Linear(3, 2)
    groups = [{"params": one.named_parameters("one")}, {"params": other.named_parameters("other"), "lr": 0.5}]
    sgd = optim.SGD(groups, lr=0.1)

    def f(x):
        loss = other(one(x)).square().sum()
        loss.backward()
        sgd.step()
        return loss

    jitted = tg.jit(f)
    with pytest.raises(tg.ExportError, match=r"leaves gradients that were not there before it.*zero_grad"):
        tg.export(jitted, tg.tensor(X), path=tmp_path / "f")
    jitted(tg.tensor(X))
    made = tg.export(jitted, tg.tensor(X), path=tmp_path / "f")
    assert {"one.weight", "other.bias", "one.weight.grad", "other.bias.grad"} <= set(made.state)
    assert {"param_groups[0].lr", "param_groups[1].lr"} <= set(made.state)
    found = run(tmp_path / "f", [["step", {"x": X}]] * 3)
    np.testing.assert_allclose(found, [jitted(tg.tensor(X)).item() for _ in range(3)], rtol=1e-5)


def test_a_module_and_its_buffers(tmp_path):
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)).eval()
    made = tg.export(model, tg.tensor(X), path=tmp_path / "f")
    assert set(made.state) == set(model.state_dict()) - {"1.num_batches_tracked"}
    (found,) = run(tmp_path / "f", [["step", {made.inputs[0]: X}]])
    np.testing.assert_allclose(found, model(tg.tensor(X)).numpy().ravel(), rtol=1e-5, atol=1e-6)


def test_what_needs_python_is_refused_with_a_remedy(tmp_path):
    model = nn.Linear(4, 3)
    sgd = optim.SGD(model, lr=0.1)
    schedule = optim.StepLR(sgd, 2)
    calls = {"count": 0}

    def scheduled(x):
        sgd.zero_grad()
        model(x).sum().backward()
        sgd.step()
        schedule.step()

    def assigning(x):
        x.assign(x + 1.0)

    def counting(x):
        calls["count"] += 1
        return x * 2.0

    for function, words in (
        (scheduled, r"steps of a schedule \(StepLR\).*set the learning rate"),
        (assigning, r"assigns to its argument number 0\. Return the new value"),
        (counting, r"changes what it depends on.*Keep what changes in tensors"),
        (lambda x: x.argsort(1), r"no compiled code for argsort.*pass the result as an argument"),
        (lambda x: x.astype("float16"), r"float16"),
        (lambda x: x[:0], "array without elements"),
        (lambda x: {"x": x, "y": 1j}, "JavaScript cannot write"),
    ):
        with pytest.raises(tg.ExportError, match=words):
            tg.export(function, tg.tensor(X), path=tmp_path / "f")
    assert not list(tmp_path.iterdir())
    for wrong in ({"target": "z80"}, {"threads": 0}, {"threads": 65}, {"relaxed_simd": True, "target": "native"}):
        with pytest.raises(tg.ExportError, match=next(iter(wrong))):
            tg.export(lambda x: x, tg.tensor(X), path=tmp_path / "f", **wrong)
