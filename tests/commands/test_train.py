"""``python -m tinygrad_cv train`` from its options to the files that it leaves."""

import gzip
import json
import re
import struct

import numpy as np
import pytest
from safetensors.numpy import load_file

import tinygrad_cv as tg
from tinygrad_cv import models
from tinygrad_cv.__main__ import main
from tinygrad_cv.commands import train

LAST_LINE = re.compile(r"test accuracy (\d+\.\d\d) % in \d+\.\d s")


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


@pytest.fixture
def folder(tmp_path):
    """Four IDX files, two of them packed: dark and bright images of 12 x 12, which a network tells apart at once."""
    rng = np.random.default_rng(5)
    for part, n in (("train", 96), ("t10k", 40)):
        labels = np.arange(n) % 2
        images = rng.integers(0, 60, (n, 12, 12)) + 180 * labels[:, None, None]
        (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(idx(labels))
    return tmp_path


def run(*arguments: object) -> int:
    return main(["train", *map(str, arguments)])


def test_a_run_leaves_weights_curves_and_the_graph(folder, tmp_path, capsys):
    out = tmp_path / "run"
    assert run("--data", folder, "--epochs", 3, "--batch-size", 16, "--out", out) == 0
    last = capsys.readouterr().out.strip().splitlines()[-1]
    assert float(LAST_LINE.fullmatch(last)[1]) == 100.0
    for name in ("learning_curve.png", "confusion_matrix.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    assert (out / "model.dot").read_text(encoding="utf-8").startswith("digraph")
    history = json.loads((out / "history.json").read_text(encoding="utf-8"))
    assert history["settings"]["epochs"] == 3 and len(history["epochs"]) == 3
    assert history["epochs"][-1]["test"]["accuracy"] == 1.0
    model = models.convnet(1, 12, train.CHANNELS, train.HIDDEN, 10, "batch")
    model.load_state_dict(load_file(out / "weights.safetensors"))


@pytest.mark.parametrize("norm", ["layer", "instance", "group", "none"])
def test_every_normalization_trains(norm, folder, tmp_path, capsys):
    assert run("--data", folder, "--norm", norm, "--epochs", 2, "--batch-size", 16, "--out", tmp_path / norm) == 0
    assert LAST_LINE.search(capsys.readouterr().out)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(folder, tmp_path):
    weights = []
    for i, seed in enumerate((7, 7, 8)):
        run("--data", folder, "--seed", seed, "--epochs", 1, "--out", tmp_path / str(i))
        weights.append(load_file(tmp_path / str(i) / "weights.safetensors"))
    first, again, other = weights
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert any(not np.array_equal(first[name], other[name]) for name in first)


def test_an_interrupt_ends_the_run_with_what_there_is(folder, tmp_path, capsys, monkeypatch):
    original, calls = train.train_epoch, []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(*arguments)

    monkeypatch.setattr(train, "train_epoch", interrupted)
    out = tmp_path / "run"
    assert run("--data", folder, "--epochs", 5, "--out", out) == 130
    printed = capsys.readouterr().out
    assert "interrupted" in printed and LAST_LINE.fullmatch(printed.strip().splitlines()[-1])
    assert len(json.loads((out / "history.json").read_text(encoding="utf-8"))["epochs"]) == 1
    assert (out / "weights.safetensors").exists() and (out / "learning_curve.png").exists()


@pytest.mark.quick
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "no/such/folder"], "no/such/folder"),
        (["--model", "lenet5", "--norm", "layer"], "--norm is for --model convnet"),
        (["--epochs", "0"], "must be above 0"),
        (["--lr", "-1"], "must be above 0"),
        (["--norm", "spectral"], "invalid choice"),
    ],
)
def test_a_wrong_option_is_named(arguments, words, capsys, tmp_path):
    with pytest.raises(SystemExit) as stopped:
        run(*arguments, "--out", tmp_path / "run")
    assert stopped.value.code
    assert words in f"{stopped.value.code} {capsys.readouterr().err}"
    assert not (tmp_path / "run").exists()


@pytest.mark.quick
def test_images_are_fitted_to_a_model_that_takes_larger_ones_in_colour():
    images = np.ones((2, 1, 28, 28), np.float32)
    fitted = train.fit_images(images, 3, 32, -1.0)
    assert fitted.shape == (2, 3, 32, 32)
    assert (fitted[:, :, 2:30, 2:30] == 1).all() and fitted.sum() == 2 * 3 * (28 * 28 - (32 * 32 - 28 * 28))
    with pytest.raises(SystemExit, match="28 x 28"):
        train.fit_images(np.ones((2, 3, 32, 32), np.float32), 3, 28, 0.0)


@pytest.mark.quick
@pytest.mark.parametrize("name", train.MODELS)
def test_every_model_is_built_for_ten_classes(name):
    needs = train.MODELS[name]
    model = train.build(name, (1, needs.channels or 1, needs.side or 28, needs.side or 28), 10, "batch")
    with tg.no_grad():
        model.eval()
        assert model(tg.zeros(1, needs.channels or 1, needs.side or 28, needs.side or 28)).shape == (1, 10)


@pytest.mark.parametrize("options", [(), ("--no-jit",)])
def test_it_says_whether_steps_are_compiled(options, folder, tmp_path, capsys):
    pytest.importorskip("llvmlite")
    assert run("--data", folder, "--epochs", 1, "--out", tmp_path / "run", *options) == 0
    printed = capsys.readouterr().out
    assert ("steps run as native code" in printed) == (not options)
    assert ("steps run on NumPy, as --no-jit asks" in printed) == bool(options)


def test_it_runs_on_numpy_where_llvmlite_is_missing(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(train.compiler, "available", lambda: False)
    assert run("--data", folder, "--epochs", 1, "--out", tmp_path / "run") == 0
    assert "steps run on NumPy; with llvmlite" in capsys.readouterr().out
