"""``python -m tinygrad_cv train`` from its options to the files that it leaves."""

import csv
import errno
import gzip
import inspect
import os
import re
import signal
import struct
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save

import tinygrad_cv as tg
from tinygrad_cv import models
from tinygrad_cv.__main__ import main
from tinygrad_cv.commands import train
from tinygrad_cv.commands.batches import TOGETHER
from tinygrad_cv.data.preprocess import fit_images
from tinygrad_cv.data.transforms import BatchTransform
from tinygrad_cv.files import checkpoint
from tinygrad_cv.models.catalog import MODELS

ROOT = Path(__file__).parent.parent.parent
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


def table(folder: Path) -> list[dict[str, str]]:
    """The rows of a run's history."""
    return list(csv.DictReader((folder / "history.csv").read_text(encoding="utf-8").splitlines()))


def test_a_run_leaves_weights_curves_and_the_graph(folder, tmp_path, capsys):
    out = tmp_path / "run"
    assert run("--data", folder, "--epochs", 3, "--batch-size", 16, "--out", out) == 0
    last = capsys.readouterr().out.strip().splitlines()[-1]
    assert float(LAST_LINE.fullmatch(last)[1]) == 100.0
    for name in ("learning_curve.png", "confusion_matrix.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    assert (out / "model.dot").read_text(encoding="utf-8").startswith("digraph")
    history = table(out)
    assert [row["epoch"] for row in history] == ["1", "2", "3"] and history[-1]["validation_accuracy"] == "1.0"
    model = models.convnet(1, 12, num_classes=2)
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


def test_a_run_that_was_stopped_is_resumed_to_the_same_weights(folder, tmp_path, capsys, monkeypatch):
    options = ("--data", folder, "--epochs", 4, "--batch-size", 16, "--augment", "shift")
    assert run(*options, "--out", tmp_path / "whole") == 0
    original = train.fit

    def stopping(model, *arguments, after_step, **more):
        def signalled(state):
            if state.step == 15:
                signal.raise_signal(signal.SIGTERM)
            after_step(state)

        return original(model, *arguments, after_step=signalled, **more)

    monkeypatch.setattr(train, "fit", stopping)
    assert run(*options, "--out", tmp_path / "run") == 143
    printed = capsys.readouterr().out
    assert f"to go on: tinygrad-cv resume {tmp_path / 'run'}" in printed
    assert LAST_LINE.fullmatch(printed.strip().splitlines()[-1]) and len(table(tmp_path / "run")) == 2
    monkeypatch.setattr(train, "fit", original)
    assert main(["resume", str(tmp_path / "run")]) == 0 and len(table(tmp_path / "run")) == 4
    whole, resumed = (load_file(tmp_path / name / "weights.safetensors") for name in ("whole", "run"))
    assert all(np.array_equal(whole[name], resumed[name]) for name in whole)


def test_a_run_is_reproduced_from_its_config_and_evaluated(folder, tmp_path, capsys):
    run(
        "--data",
        folder,
        "--epochs",
        2,
        "--batch-size",
        16,
        "--no-jit",
        "--classes",
        "dark",
        "bright",
        "--out",
        tmp_path / "a",
    )
    assert run("--config", tmp_path / "a" / "config.toml", "--out", tmp_path / "b") == 0
    first, again = (load_file(tmp_path / name / "weights.safetensors") for name in "ab")
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert (tmp_path / "a" / "config.toml").read_text() == (tmp_path / "b" / "config.toml").read_text()
    assert run("--config", tmp_path / "a" / "config.toml", "--epochs", 1, "--out", tmp_path / "c") == 0
    assert len(table(tmp_path / "c")) == 1
    capsys.readouterr()
    assert main(["evaluate", str(tmp_path / "a"), "--data", str(folder)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in printed[1:3]] == [["dark", "20"], ["bright", "20"]]
    assert re.fullmatch(r"loss \d\.\d{4}, accuracy 100.00 % of 40 images", printed[-1])


@pytest.mark.any_python
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "no/such/folder"], "no/such/folder"),
        (["--model", "lenet5", "--norm", "layer"], "--norm is for --model convnet"),
        (["--epochs", "0"], "must be above 0"),
        (["--lr", "-1"], "must be above 0"),
        (["--norm", "spectral"], "invalid choice"),
        (["--model", "resnet_18"], "there is no 'resnet_18'; similar names: resnet18"),
    ],
)
def test_a_wrong_option_is_named(arguments, words, capsys, tmp_path):
    with pytest.raises(SystemExit) as stopped:
        run(*arguments, "--out", tmp_path / "run")
    assert stopped.value.code
    assert words in f"{stopped.value.code} {capsys.readouterr().err}"
    assert not (tmp_path / "run").exists()


@pytest.mark.any_python
def test_images_are_fitted_to_a_model_that_takes_larger_ones_in_colour():
    images = np.ones((2, 1, 28, 28), np.float32)
    fitted = fit_images(images, 3, (32, 32))
    assert fitted.shape == (2, 3, 32, 32)
    assert (fitted[:, :, 2:30, 2:30] == 1).all() and fitted.sum() == 2 * 3 * 28 * 28
    with pytest.raises(ValueError, match="28 x 28"):
        fit_images(np.ones((2, 3, 32, 32), np.float32), 3, (28, 28))


@pytest.mark.any_python
@pytest.mark.parametrize("name", tg.models.list("classification"))
def test_every_classifier_is_built_for_ten_classes(name):
    needs = MODELS[name]
    shape = (1, needs.channels or 1, needs.side or 28, needs.side or 28)
    if shape[2] > 64:  # making it takes long
        inspect.signature(needs.make).bind(**train.model_options(name, shape, 10, "batch"))
        return
    model = needs.make(**train.model_options(name, shape, 10, "batch"))
    with tg.no_grad():
        model.eval()
        assert model(tg.zeros(*shape)).shape == (1, 10)


@pytest.mark.parametrize("options", [(), ("--no-jit",)])
def test_it_says_whether_steps_are_compiled(options, folder, tmp_path, capsys):
    pytest.importorskip("llvmlite")
    assert run("--data", folder, "--epochs", 1, "--out", tmp_path / "run", *options) == 0
    printed = capsys.readouterr().out
    assert ("steps run as native code" in printed) == (not options)
    assert ("steps run on NumPy (--no-jit)" in printed) == bool(options)


def test_it_runs_on_numpy_where_llvmlite_is_missing(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(train.compiler, "available", lambda: False)
    assert run("--data", folder, "--epochs", 1, "--out", tmp_path / "run") == 0
    assert "steps run on NumPy; with llvmlite" in capsys.readouterr().out


SETS = {
    "mnist": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
    "unpacked": (
        "train-images.idx3-ubyte",
        "train-labels.idx1-ubyte",
        "t10k-images.idx3-ubyte",
        "t10k-labels.idx1-ubyte",
    ),
    "emnist": tuple(
        f"emnist-letters-{part}-{kind}-ubyte.gz"
        for part in ("train", "test")
        for kind in ("images-idx3", "labels-idx1")
    ),
    "qmnist": tuple(
        f"qmnist-{part}-{kind}" for part in ("train", "test") for kind in ("images-idx3-ubyte", "labels-idx2-int")
    ),
}
CODES = {"uint8": 8, "int8": 9, "int16": 11, "int32": 12, "float32": 13, "float64": 14}


def write_set(folder, names=SETS["mnist"], shape=(8, 8), dtype="uint8", values=(0, 1), n=(24, 8)):
    """Four files; the classes differ in brightness"""
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    for i, count in enumerate(n):
        which = np.arange(count) % len(values)
        images = 100 * which.reshape(-1, *[1] * len(shape)) / len(values) + rng.integers(0, 20, (count, *shape))
        labels = np.array(values)[which]
        if "idx2-int" in names[2 * i + 1]:
            labels = np.column_stack([labels, *[np.arange(count)] * 7])
        for name, array, kind in (
            (names[2 * i], images, dtype),
            (names[2 * i + 1], labels, "int32" if labels.ndim == 2 else "uint8"),
        ):
            header = struct.pack(f">BBBB{array.ndim}I", 0, 0, CODES[kind], array.ndim, *array.shape)
            data = header + array.astype(np.dtype(kind).newbyteorder(">")).tobytes()
            (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return folder


@pytest.mark.parametrize(
    "options",
    [
        {"dtype": "float32"},
        {"dtype": "int16"},
        {"dtype": "float64", "shape": (5, 9)},
        {"shape": (4, 4)},
        {"shape": (1, 1)},
        {"shape": (9, 7, 3)},
        {"shape": (3, 8, 8)},
        {"names": SETS["unpacked"]},
        {"names": SETS["emnist"], "values": tuple(range(1, 27)), "n": (52, 26)},
        {"names": SETS["qmnist"], "values": (3, 7)},
        {"values": tuple(range(62)), "n": (124, 62)},
        {"n": (1, 1), "values": (5,)},
    ],
    ids=str,
)
def test_a_set_as_it_is_found_trains_and_its_folder_is_all_that_is_needed(options, tmp_path, capsys):
    folder, out = write_set(tmp_path / "data", **options), tmp_path / "run"
    assert run("--data", folder, "--epochs", 2, "--batch-size", 8, "--no-jit", "--out", out) == 0
    accuracy = float(LAST_LINE.search(capsys.readouterr().out)[1])
    sets = tg.data.load_idx(folder)
    assert sets.train.classes == tuple(map(str, options.get("values", (0, 1))))
    for place in (out, out / "weights.safetensors", str(out)):
        model = tg.models.load(place)
    assert model.classes == sets.train.classes and not model.training
    answers = model(tg.tensor(model.prepare(sets.test.images))).argmax(1).numpy()
    assert 100 * (answers == sets.test.labels).mean() == pytest.approx(accuracy, abs=0.01)
    network = checkpoint.read(out / "weights.safetensors").about
    again = getattr(models, network["model"])(**network["arguments"])
    again.load_state_dict(load_file(out / "weights.safetensors"))
    assert network["classes"] == list(model.classes)
    assert {"mean", "std"} <= network["prepare"].keys()


@pytest.mark.any_python
@pytest.mark.parametrize(
    ("options", "arguments", "words"),
    [
        ({"n": (0, 8)}, (), "at least one image"),
        ({"shape": (0, 4)}, (), "at least one image"),
        ({"values": (1, 2, 3)}, ("--classes", 2), "--classes"),
        ({"shape": (40, 40)}, ("--model", "lenet5"), "Use convnet"),
        ({"shape": (3, 8, 8)}, ("--model", "lenet5"), "Use convnet"),
        ({"names": (*SETS["mnist"][:3], "t10k-labels")}, (), "add the missing one"),
    ],
    ids=str,
)
def test_a_set_that_cannot_be_used_is_told_in_one_line(options, arguments, words, tmp_path, capsys):
    folder = write_set(tmp_path / "data", **options)
    with pytest.raises(SystemExit) as stopped:
        run("--data", folder, "--out", tmp_path / "run", *arguments)
    err = capsys.readouterr().err
    assert stopped.value.code == 2 and err.startswith("error: ") and err.count("\n") == 1 and words in err
    assert not (tmp_path / "run").exists()


@pytest.mark.any_python
def test_of_several_sets_one_is_chosen_and_another_folder_is_pointed_at(tmp_path):
    folder = write_set(tmp_path / "gzip", SETS["emnist"], values=(1, 2))
    write_set(folder, tuple(name.replace("letters", "digits") for name in SETS["emnist"]))
    (folder / "emnist-letters-mapping.txt").write_text("1 65 97\n2 66 98\n")
    with pytest.raises(ValueError, match="several data sets, 'emnist-digits', 'emnist-letters'"):
        tg.data.load_idx(folder)
    assert tg.data.load_idx(folder / "emnist-letters").train.classes == ("A", "B")
    assert tg.data.load_idx(folder / "emnist-letters", 2).train.classes == ("1", "2")
    assert tg.data.load_idx(folder / "emnist-letters", ["a", "b"]).train.labels[:2].tolist() == [0, 1]
    write_set(tmp_path / "MNIST", n=(2, 2)).rename(tmp_path / "raw")
    (tmp_path / "MNIST").mkdir()
    (tmp_path / "raw").rename(tmp_path / "MNIST" / "raw")
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path / "MNIST" / "raw"))):
        tg.data.load_idx(tmp_path / "MNIST")


@pytest.mark.any_python
def test_images_are_augmented_as_their_own_set_says_or_as_asked():
    image = np.arange(16, dtype=np.float32).reshape(1, 4, 4)

    def seen(*names):
        chosen = [make((4, 4), -1.0) for name, make in TOGETHER.items() if name in names]
        images, labels = BatchTransform(*chosen)([(image, 7)] * 200)
        assert images.dtype == np.float32 and (labels == 7).all()
        return {image.tobytes() for image in images}

    tg.manual_seed(0)
    assert seen() == {image.tobytes()}
    assert seen("flip") == {image.tobytes(), image[..., ::-1].copy().tobytes()}
    shifted = np.pad(image, ((0, 0), (1, 1), (1, 1)), constant_values=-1)
    places = {shifted[:, i : i + 4, j : j + 4].copy().tobytes() for i in range(3) for j in range(3)}
    assert seen("shift") == places and len(seen("flip", "shift")) == 18
    assert tg.data.fashion_mnist().train.augment == ("shift", "flip")


@pytest.mark.any_python
@pytest.mark.parametrize("damage", [lambda b: b[:-9], lambda b: b"", lambda b: b.replace(b"convnet", b"xonvnet"), None])
def test_weights_that_do_not_say_what_they_are(damage, tmp_path):
    path, network = (
        tmp_path / "weights.safetensors",
        {"model": "convnet", "arguments": {}, "prepare": {}, "classes": []},
    )
    checkpoint.write(path, tg.nn.Linear(1, 1).state_dict(), network)
    path.write_bytes(damage(path.read_bytes()) if damage else save({"weight": np.zeros(1)}))
    with pytest.raises(tg.CheckpointError, match=r"models\.load: .*weights\.safetensors"):
        tg.models.load(tmp_path)
    path.unlink()
    with pytest.raises(FileNotFoundError, match="--out"):
        tg.models.load(tmp_path)


def endless_run(folder, out, *options, **more):
    """The train command as a process of its own, which only a signal ends."""
    command = [sys.executable, "-m", "tinygrad_cv", "train", "--data", str(folder), "--out", str(out)]
    command += ["--epochs", "100000", *options]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=ROOT, **more)


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # from Python 3.12 on: there are threads
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_ends_a_run_with_everything_written(name, code, folder, tmp_path):
    out = tmp_path / "run"
    heard = partial(signal.signal, getattr(signal, name), signal.SIG_DFL)  # where these tests run under nohup, too
    with endless_run(folder, out, "--no-jit", preexec_fn=heard) as process:
        while not (out / "weights.safetensors").exists() and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(getattr(signal, name))
        printed, errors = process.communicate(timeout=60)
    assert process.returncode == code and "Traceback" not in errors and LAST_LINE.search(printed)
    assert table(out)
    assert tg.models.load(out).classes == ("0", "1") and (out / "learning_curve.png").exists()


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="asks Linux how far the program is")
@pytest.mark.parametrize("wait", [0, 0.2, 0.6])
def test_an_interrupt_at_the_start_leaves_no_traceback(wait, folder, tmp_path):
    with endless_run(folder, tmp_path / "run") as process:
        while "numpy" not in Path(f"/proc/{process.pid}/maps").read_text():  # the package is being imported
            time.sleep(0.001)
        time.sleep(wait)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode in (130, -signal.SIGINT) and "Traceback" not in errors


def test_a_disk_without_room_keeps_the_weights_of_the_epoch_before(folder, tmp_path, monkeypatch, capsys):
    original, calls = checkpoint.replacing, []

    def full(path):
        calls.append(path)
        if len(calls) > 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return original(path)

    monkeypatch.setattr(checkpoint, "replacing", full)
    out = tmp_path / "run"
    assert run("--data", folder, "--epochs", 12, "--no-jit", "--out", out) == 2
    assert "No space left on device" in capsys.readouterr().err.splitlines()[-1]
    assert tg.models.load(out).classes == ("0", "1")


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ((), ["RandomCrop", "RandomHorizontalFlip"]),
        (("--augment", "none"), []),
        (("--data", "FOLDER"), []),
        (("--data", "FOLDER", "--augment", "flip"), ["RandomHorizontalFlip"]),
    ],
)
def test_only_a_set_that_says_so_is_augmented_unasked(arguments, names, folder, tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(train, "fit", lambda model, data, *others, **options: given.append(data) or [])
    run(*(folder if word == "FOLDER" else word for word in arguments), "--no-jit", "--out", tmp_path / "run")
    used = getattr(given[0].collate_fn, "transforms", ())
    assert [type(transform).__name__ for transform in used] == names


def test_images_are_normalized_by_the_numbers_of_pretrained_weights(folder, tmp_path, capsys):
    out = tmp_path / "run"
    assert run("--data", folder, "--epochs", 1, "--mean", 0.25, "--std", 0.5, "--out", out, "--no-jit") == 0
    prepare = models.load(out).prepare
    assert (list(prepare.mean), list(prepare.std)) == ([0.25], [0.5])
    for options, words in (
        (["--mean", 0.1], "--mean and --std must be given together"),
        (["--mean", 0.1, 0.2, "--std", 1], "--mean: 2 numbers; give one, or one for each of 1 channels"),
    ):
        with pytest.raises(SystemExit):
            run("--data", folder, *options, "--out", tmp_path / "none")
        assert words in capsys.readouterr().err
