"""Exported WebAssembly: it trains as ``tg.jit`` does, keeps its state by name, and changes nothing on errors."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import tinygrad_cv as tg
from tests.deploy.node import run
from tests.deploy.training import lenet_bn, training_step
from tinygrad_cv import optim
from tinygrad_cv.compiler.runtime import target
from tinygrad_cv.compiler.runtime.target import named

CLOSE = 1e-5  # of losses, relative


def test_a_step_trains_as_it_does_here(lenet):
    calls = [["step", {"images": x, "labels": y}] for x, y in lenet.data]
    kept = [name for name in lenet.state if name in lenet.start]
    assert kept == list(lenet.start)
    found = run(lenet.stem, [*calls, *(["state", name] for name in kept)])
    np.testing.assert_allclose([x["loss"] for x in found[: len(calls)]], lenet.losses, rtol=CLOSE)
    assert found[len(calls) - 1]["loss"] < 0.5 * found[0]["loss"]
    for name, values in zip(kept, found[len(calls) :], strict=True):
        right = np.asarray(lenet.model.state_dict()[name])
        assert values.dtype == right.dtype, name
        np.testing.assert_allclose(values, right.ravel(), rtol=1e-3, atol=1e-5, err_msg=name)


@pytest.mark.skipif(not named("x86-64").runs_here, reason="the oracle is code for vectors of 16 bytes without fma")
def test_a_step_has_the_bits_of_other_code_for_the_same_vectors(lenet, monkeypatch):
    model = lenet_bn().train()
    model.load_state_dict(lenet.start)
    step = training_step(model, optim.SGD(model, lr=0.003, momentum=0.9))
    monkeypatch.setattr(target, "host", lambda: named("x86-64"))
    losses = [step(*map(tg.tensor, pair))["loss"].item() for pair in lenet.data]
    found = run(lenet.stem, [["step", {"images": x, "labels": y}] for x, y in lenet.data])
    assert [x["loss"] for x in found] == losses


def test_state_goes_in_and_out_by_name(lenet, tmp_path):
    call = ["step", {"images": lenet.data[0][0], "labels": lenet.data[0][1]}]
    moment = ["state", "optimizer.fc1.weight.momentum_buffer"]
    first, moved, file, second, _, still, again, _, back, after, wrong, tail = run(
        lenet.stem,
        [
            *[call, moment, ["save"], call, ["init"], moment, call],
            *[["setState", "lr", 0.0], ["state", "lr"], call],
            *[["restore", np.zeros(9, np.uint8)], call],
        ],
    )
    assert first == again != second
    assert np.abs(moved).max() > 0 == np.abs(still).max()
    assert back == [0.0]
    assert after == second, "the rate is 0 from now on, but the last step was taken with the old one"
    assert tail == after, "at a rate of 0 nothing is learned"
    assert wrong == "RangeError: restore: these bytes are no safetensors file."
    (tmp_path / "state.safetensors").write_bytes(file.tobytes())
    saved = tg.load(tmp_path / "state.safetensors")
    assert tuple(saved) == lenet.state
    np.testing.assert_array_equal(np.ravel(saved[moment[1]]), moved)
    tg.save(lenet.start, tmp_path / "start.safetensors")
    start = np.fromfile(tmp_path / "start.safetensors", np.uint8)
    names, resumed, weights, fresh = run(
        lenet.stem, [["restore", file], call, ["restore", start], ["state", "conv1.weight"]]
    )
    assert tuple(names) == lenet.state
    assert resumed == second
    assert weights == list(lenet.start)
    np.testing.assert_array_equal(fresh, lenet.start["conv1.weight"].ravel())


def test_an_argument_that_does_not_fit_changes_nothing(lenet):
    x, y = lenet.data[0]
    wrong = y.copy()
    wrong[3] = 10
    calls = [
        ["step", {"images": x, "labels": wrong}],
        ["step", {"images": x[:1], "labels": y}],
        ["step", {"images": x}],
        ["state", "conv3.weight"],
        ["setState", "lr", [1, 2]],
        *(["state", name] for name in lenet.state),
    ]
    range_, count, missing, unknown, two, *state = run(lenet.stem, calls)
    assert range_.startswith(
        "RangeError: step: what the function was compiled for does not hold: an argument is out of "
    )
    assert count == "RangeError: step: the argument images has 784 numbers; float32[16,1,28,28] has 12544."
    assert missing == "TypeError: step: the argument labels is missing; it must be int64[16]."
    assert unknown.startswith("TypeError: there is no state named conv3.weight; there is conv1.weight, ")
    assert two == "RangeError: setState: lr has 2 numbers; float64[] has 1."
    for name, values in zip(lenet.state, state, strict=True):
        right = lenet.start.get(name, np.float64({"lr": 0.003, "momentum": 0.9}.get(name, 0.0)))
        np.testing.assert_array_equal(values, np.broadcast_to(right.ravel(), values.shape), err_msg=name)


def test_the_files_are_small(lenet):
    code = lenet.stem.with_suffix(".wasm").read_bytes()
    assert len(code) <= 80_000
    assert len(gzip.compress(code, 9)) <= 25_000
