"""Relaxed SIMD: contractions multiply and add at once, and nothing else has other bits, NaN and zeros above all."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import tinygrad_cv as tg
from tests.deploy.node import run
from tests.deploy.training import tiny, trained
from tinygrad_cv import functional as F
from tinygrad_cv import optim

FLAG = "--experimental-wasm-relaxed-simd"  # of Node 20; later ones need none, and ignore it
MULTIPLY_ADD, MINIMUM, MAXIMUM = b"\xfd\x85\x02", b"\xfd\x8d\x02", b"\xfd\x8e\x02"  # relaxed, of four floats
SPECIAL = np.array([np.nan, -np.nan, 0.0, -0.0, np.inf, -np.inf, 1.0, -1.0, 3e38, 1e-45, 88.8, -104.0, 0.5], np.float32)


def elements(x, y):
    """Whatever selects: comparisons, maxima, limits, special cases of functions."""
    return {
        "relu": F.relu(x),
        "hardtanh": F.hardtanh(x),
        "leaky": F.leaky_relu(x, 0.1),
        "elu": F.elu(x),
        "maximum": tg.Tensor.maximum(x, y),
        "clip": x.clip(-1.0, 1.0),
        "where": tg.where(x < y, x, y),
        "kept": tg.where(0.0 < x, x, 0.0),
        "exp": x.exp(),
        "log": x.log(),
        "tanh": x.tanh(),
        "sin": x.sin(),
        "long": F.relu(x.astype("float64")),
        "pooled": F.max_pool2d(x.reshape(1, 1, 13, 13), 2),
    }


def test_elements_have_the_same_bits(tmp_path):
    x, y = (np.ascontiguousarray(a.ravel()) for a in np.meshgrid(SPECIAL, SPECIAL))
    tg.export(elements, tg.tensor(x), tg.tensor(y), path=tmp_path / "f", relaxed_simd=True)
    call = [["step", {"x": x, "y": y}]]
    (plain,), (relaxed,) = run(tmp_path / "f", call), run(tmp_path / "f", call, FLAG)
    right = tg.jit(elements)(tg.tensor(x), tg.tensor(y))
    code = (tmp_path / "f.relaxed.wasm").read_bytes()
    assert MINIMUM not in code
    assert MAXIMUM not in code
    for name, wanted in right.items():
        np.testing.assert_array_equal(plain[name], relaxed[name], err_msg=name)
        assert (np.signbit(plain[name]) == np.signbit(relaxed[name]))[~np.isnan(plain[name])].all(), name
        np.testing.assert_allclose(plain[name], wanted.numpy().ravel(), rtol=1e-6, err_msg=name)
        assert (np.isnan(plain[name]) == np.isnan(wanted.numpy().ravel())).all(), name


def test_the_loader_takes_what_there_is(tmp_path):
    made = trained(tiny, lambda m: optim.SGD(m, lr=0.01), (8, 1, 8), 30, tmp_path, ("wasm32", {"relaxed_simd": True}))
    plain, relaxed = (made.stem.with_suffix(ending).read_bytes() for ending in (".wasm", ".relaxed.wasm"))
    assert MULTIPLY_ADD in relaxed
    assert MULTIPLY_ADD not in plain
    calls = [["step", {"images": x, "labels": y}] for x, y in made.data]
    for options in ([], [FLAG]):
        losses = [x["loss"] for x in run(made.stem, calls, *options)]
        np.testing.assert_allclose(losses, made.losses, rtol=1e-5)
