"""What the options of ``train`` do: where images come from, how they are made, what is optimized and begun with."""

import argparse
import csv
import math
import os
import re
import signal

import numpy as np
import pytest
from safetensors.numpy import load_file

import tinygrad_cv as tg
from tinygrad_cv import models
from tinygrad_cv.__main__ import main
from tinygrad_cv.commands import batches, config, train, train_options
from tinygrad_cv.commands.options import UsageError
from tinygrad_cv.commands.starting_weights import begin_with
from tinygrad_cv.data import preparation
from tinygrad_cv.data.randomness import sampling

Image = pytest.importorskip("PIL.Image")
SMALL = ("--epochs", "1", "--batch-size", "8", "--no-jit")
CLASSES = ("cat", "dog")


@pytest.fixture(scope="module")
def pets(tmp_path_factory):
    """Images by class, of many sizes; and the same in tables, of which the test table has one class only."""
    root, rng = tmp_path_factory.mktemp("data") / "pets", np.random.default_rng(0)
    tables = root.parent / "tables"
    tables.mkdir()  # their rows in the order of the names, as a folder's
    for part, n in (("train", 12), ("val", 4)):
        rows = []
        for label, name in enumerate(CLASSES):
            (root / part / name).mkdir(parents=True)
            for i in range(n):
                h, w = rng.integers(12, 30, 2)
                pixels = rng.integers(100 * label, 100 * label + 120, (h, w, 3), np.uint8)
                Image.fromarray(pixels).save(root / part / name / f"{i}.png")
                rows.append((f"../pets/{part}/{name}/{i}.png", name))
        with open(tables / f"{part}.csv", "w", newline="") as file:
            csv.writer(file).writerows([("file", "species"), *sorted(rows if part == "train" else rows[n:])])
    return root


def run(*arguments, out):
    assert main(["train", *map(str, arguments), "--out", str(out)]) == 0
    return load_file(out / "weights.safetensors")


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def test_images_that_are_read_as_they_are_asked_for_train_to_the_same_bits(pets, tmp_path, capsys, monkeypatch):
    options = "--data", pets, "--image-size", 10, "--augment", "flip", *SMALL
    kept = run(*options, out=tmp_path / "kept")
    printed = capsys.readouterr().out
    assert "as they are asked for" not in printed and "waiting" not in printed
    read = run(*options, "--workers", 0, out=tmp_path / "read")
    printed = capsys.readouterr().out
    assert "images are made between steps as they are asked for" in printed
    assert re.search(r"epoch +1 .* accuracy +[\d.]+ %   waiting for images \d+ % of the time\n", printed)
    assert same(kept, read)
    monkeypatch.setattr(batches, "MEMORY", 24 * 3 * 10 * 10 * 5)  # less than all, so that processes read them
    monkeypatch.setattr(batches, "cores", lambda: [0])
    by_process = run(*options, out=tmp_path / "process")
    assert "images are made by 1 process as they are asked for" in capsys.readouterr().out
    assert same(kept, by_process)


def test_a_signal_that_ends_the_processes_too_ends_a_run_with_everything_written(pets, tmp_path, monkeypatch, capsys):
    """As when a terminal is closed: whichever of them is told first."""
    original = train.fit

    def ended(model, loader, *arguments, after_epoch, **more):
        def hung_up(state):
            after_epoch(state)
            signal.raise_signal(signal.SIGTERM)
            raise RuntimeError("DataLoader: worker 0 was killed by SIGTERM")

        return original(model, loader, *arguments, after_epoch=hung_up, **more)

    monkeypatch.setattr(train, "fit", ended)
    options = "--data", pets, "--image-size", 10, *SMALL, "--epochs", 3
    assert main(["train", *map(str, options), "--out", str(tmp_path / "run")]) == 143
    assert f"interrupted; to go on: tinygrad-cv resume {tmp_path / 'run'}" in capsys.readouterr().out
    monkeypatch.setattr(train, "fit", original)
    assert main(["resume", str(tmp_path / "run")]) == 0
    assert same(load_file(tmp_path / "run" / "weights.safetensors"), run(*options, out=tmp_path / "whole"))

    def broken(*arguments, **more):
        raise RuntimeError("something else")

    monkeypatch.setattr(train, "fit", broken)
    with pytest.raises(RuntimeError, match="something else"):
        run(*options, out=tmp_path / "broken")


@pytest.mark.parametrize("workers", [0, 1])
def test_a_photo_that_is_damaged_is_told_in_one_line(workers, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(batches, "SAMPLE", 2)  # else all images are read before the training
    for part, name in (("train", "a"), ("train", "b"), ("val", "a"), ("val", "b")):
        (tmp_path / "data" / part / name).mkdir(parents=True)
        for i in range(4):
            Image.new("RGB", (9, 9), (40 * i,) * 3).save(tmp_path / "data" / part / name / f"{i}.png")
    photo = tmp_path / "data" / "train" / "b" / "1.png"
    whole = photo.read_bytes()
    photo.write_bytes(whole[:45])
    options = "--data", tmp_path / "data", "--image-size", 8, "--workers", workers, *SMALL
    with pytest.raises(SystemExit) as stopped:
        run(*options, out=tmp_path / "run")
    line = capsys.readouterr().err.splitlines()[-1]
    assert (
        stopped.value.code == 2 and "Traceback" not in line and "1.png is damaged" in line and "error: --data: " in line
    )
    photo.write_bytes(whole)
    assert main(["resume", str(tmp_path / "run")]) == 0
    damaged = tmp_path / "data" / "val" / "b" / "3.png"
    damaged.write_bytes(whole[:45])
    with pytest.raises(SystemExit):
        main(["evaluate", str(tmp_path / "run"), "--data", str(tmp_path / "data")])
    assert "error: --data: ImageReader: " in capsys.readouterr().err.splitlines()[-1]


def test_tables_give_what_folders_give(pets, tmp_path):
    options = "--image-size", 10, *SMALL
    folder = run("--data", pets, *options, out=tmp_path / "folder")
    tables = "--data", pets.parent / "tables", "--columns", "file", "species"
    assert same(run(*tables, *options, out=tmp_path / "table"), folder)
    assert main(["evaluate", str(tmp_path / "table"), *map(str, tables)]) == 0


def test_hdf5_is_trained_on_and_evaluated(tmp_path, capsys):
    h5py = pytest.importorskip("h5py")
    rng = np.random.default_rng(0)
    for part in ("train", "valid"):
        with h5py.File(tmp_path / f"{part}.h5", "w") as file:
            file["y"] = np.arange(8) % 2
            file["x"] = (
                rng.integers(0, 100, (8, 9, 9, 3), np.uint8)
                + 100 * (np.arange(8) % 2).astype(np.uint8)[:, None, None, None]
            )
    options = "--data", tmp_path, *SMALL
    kept = run(*options, out=tmp_path / "kept")
    assert same(kept, run(*options, "--workers", 0, out=tmp_path / "read"))
    assert main(["evaluate", str(tmp_path / "kept"), "--data", str(tmp_path)]) == 0
    assert "of 8 images" in capsys.readouterr().out


def test_a_run_with_every_option_is_resumed_and_repeated_to_the_same_bits(pets, tmp_path, monkeypatch, capsys):
    options = ["--data", pets, "--image-size", 10, "--augment", "crop", "color", "erasing", "--mixup", 0.4]
    options += ["--sampler", "balanced", "--workers", 0, "--epochs", 3, "--batch-size", 4, "--accumulate", 2]
    options += ["--optimizer", "adamw", "--lr", 0.002, "--weight-decay", 0.1, "--clip-norm", 1]
    options += ["--class-weights", "balanced", "--label-smoothing", 0.1, "--ema", 0.9, "--patience", 5, "--seed", 3]
    whole = run(*options, "--no-jit", out=tmp_path / "whole")
    assert same(run("--config", tmp_path / "whole" / "config.toml", out=tmp_path / "again"), whole)
    text = (tmp_path / "whole" / "config.toml").read_text()
    assert text == (tmp_path / "again" / "config.toml").read_text()
    named = {word[2:].replace("-", "_") for word in map(str, options) if word.startswith("--")}
    assert named | {"model", "columns", "no_jit"} == set(re.findall(r"^(\w+) =", text, re.M))
    original, given = train.fit, []

    def stopping(*arguments, after_step, **more):
        given.append(more)

        def stopped(state):
            after_step(state)
            if state.step == 9:
                state.stop("as if it were killed")

        return original(*arguments, after_step=stopped, **more)

    monkeypatch.setattr(train, "fit", stopping)
    stopped = run(*options, "--no-jit", out=tmp_path / "run")
    monkeypatch.setattr(train, "fit", original)
    assert not same(stopped, whole) and (given[0]["accumulate"], given[0]["clip_norm"]) == (2, 1.0)
    assert main(["resume", str(tmp_path / "run")]) == 0
    assert same(load_file(tmp_path / "run" / "weights.safetensors"), whole)


def parsed(*words):
    parser = argparse.ArgumentParser()
    train_options.add_arguments(parser)
    arguments = parser.parse_args([str(word) for word in words])
    train_options.complete(arguments)
    return arguments


@pytest.mark.any_python
def test_every_option_is_in_the_config_but_what_names_files_of_the_run():
    parser = argparse.ArgumentParser()
    train_options.add_arguments(parser)
    assert {action.dest for action in parser._actions} - {"help", "out", "config"} == set(train_options.OPTIONS)
    arguments = parsed("--augment", "crop", "flip", "--no-jit", "--columns", "a", "b", "--lr", 0.5, "--mean", 0.4, 0.5)
    text = config.text(train_options.settings(arguments))
    assert 'augment = ["crop", "flip"]' in text and "no_jit = true" in text and "lr = 0.5" in text
    assert "mean = [0.4, 0.5]" in text


@pytest.mark.any_python
def test_class_weights_are_those_of_scikit_learn():
    labels, scores = np.array([0, 0, 0, 1, 2, 2]), np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    loss = train_options.loss(parsed("--class-weights", "balanced", "--label-smoothing", 0), labels, ("a", "b", "c"))
    weights = 6 / (3 * np.array([3, 1, 2]))  # compute_class_weight("balanced"): n / (k n_c)
    logp = scores - np.log(np.exp(scores).sum(1, keepdims=True))
    np.testing.assert_allclose(loss.keywords["weight"], weights, rtol=1e-6)  # also where it divides by N: mixed labels
    each = weights[labels]
    expected = -(each * logp[np.arange(6), labels]).sum() / each.sum()
    assert loss(tg.tensor(scores), labels).item() == pytest.approx(expected, rel=1e-5)
    with pytest.raises(UsageError, match="no training image of class 'd'"):
        train_options.loss(parsed("--class-weights", "balanced"), labels, ("a", "b", "c", "d"))


@pytest.mark.any_python
def test_labels_are_smoothed_and_what_is_of_no_class_does_not_count():
    scores = np.random.default_rng(0).normal(size=(2, 3, 4, 4)).astype(np.float32)
    masks = np.arange(32).reshape(2, 4, 4) % 3
    masks[0, :2] = 255
    logp = (scores - np.log(np.exp(scores).sum(1, keepdims=True))).transpose(0, 2, 3, 1)[masks != 255]
    target = 0.7 * np.eye(3)[masks[masks != 255]] + 0.1
    expected = -(target * logp).sum(1).mean()
    found = train_options.loss(parsed("--label-smoothing", 0.3), None, ("a", "b", "c"), 255)
    assert found(tg.tensor(scores), masks).item() == pytest.approx(expected, rel=1e-5)
    labels = masks[:, 3, 0]
    single = train_options.loss(parsed("--label-smoothing", 0.3), labels, ("a", "b", "c"))
    expected = -((0.7 * np.eye(3)[labels] + 0.1) * logp.reshape(-1, 3)[[4, -4]]).sum(1).mean()
    assert single(tg.tensor(scores[:, :, 3, 0]), labels).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.any_python
def test_the_balanced_sampler_shows_all_classes_equally_often():
    labels = np.array([0] * 900 + [1] * 90 + [2] * 10)
    sampler = batches._balanced(labels)
    with sampling(seed=0, epoch=0, index=0):
        drawn = np.bincount(labels[list(sampler)])
    assert drawn.sum() == 1000 and (np.abs(drawn - 333) < 60).all()  # four standard deviations


@pytest.mark.any_python
@pytest.mark.parametrize("name", train_options.OPTIMIZERS)
def test_each_optimizer_makes_a_network_better(name):
    tg.manual_seed(0)
    model, rng = tg.nn.Linear(4, 2), np.random.default_rng(0)
    x = rng.normal(size=(32, 4)).astype(np.float32)
    labels = (x[:, 0] > 0).astype(np.int64)
    arguments = parsed("--optimizer", name)
    assert arguments.lr == train_options.OPTIMIZERS[name].lr
    optimizer, schedule = train_options.optimization(model, arguments, 50)
    assert all(group["weight_decay"] == arguments.weight_decay for group in optimizer.param_groups)
    losses = []
    for _ in range(50):
        loss = tg.functional.cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_the_average_is_what_a_run_leaves(pets, tmp_path):
    options = "--data", pets, "--image-size", 10, *SMALL
    plain, averaged = run(*options, out=tmp_path / "plain"), run(*options, "--ema", 0.9, out=tmp_path / "ema")
    state = tg.load(tmp_path / "ema" / "last.safetensors")
    assert same(state["model"], plain)
    taken = {"n_averaged": state["average"]["n_averaged"], **{f"module.{k}": value for k, value in averaged.items()}}
    assert same(taken, state["average"]) and taken["n_averaged"] == 3
    assert not same(plain, averaged)


def test_a_run_that_does_not_improve_ends(pets, tmp_path, capsys):
    still = "--lr", 1e-30, "--norm", "none"  # weights that stay, and no averages that move
    run("--data", pets, "--image-size", 10, *SMALL, "--epochs", 9, *still, "--patience", 2, out=tmp_path / "run")
    assert "ended after epoch 3: validation_loss has not become better for 2 epochs" in capsys.readouterr().out
    assert len((tmp_path / "run" / "history.csv").read_text().splitlines()) == 1 + 3


@pytest.mark.any_python
def test_images_are_cut_at_random_and_evaluated_from_the_middle_of_slightly_larger_ones():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (3, 60, 80), np.uint8)
    prepare = preparation(rng.integers(0, 256, (2, 3, 28, 28), np.uint8), resize=32)
    again = batches.evaluation(prepare)
    seen, label = again(image, 7)
    with Image.fromarray(image.transpose(1, 2, 0)) as picture:
        scaled = np.array(picture.resize((42, 32), Image.Resampling.BILINEAR))[2:30, 7:35].transpose(2, 0, 1)
    assert label == 7 and seen.dtype == np.float32
    np.testing.assert_array_equal(seen, prepare(scaled[None])[0])
    np.testing.assert_array_equal(seen, prepare(prepare.resized(image)[None])[0])
    change = batches.augmentation(list(batches.SINGLY), prepare)
    made = []
    for index in (0, 0, 1):
        with sampling(seed=1, epoch=0, index=index):
            made.append(change(image, 7)[0])
    assert made[0].shape == (3, 28, 28) and np.array_equal(made[0], made[1]) and not np.array_equal(made[0], made[2])
    assert [parsed("--augment", name).augment for name in batches.AUGMENT] == [[name] for name in batches.AUGMENT]


@pytest.mark.any_python
def test_fine_tuning_keeps_all_but_a_last_layer_of_other_classes(tmp_path):
    tg.manual_seed(1)
    trained, model = models.resnet20(num_classes=10), models.resnet20(num_classes=3)
    before, given = model.state_dict(), trained.state_dict()
    heads = {"aux1.fc.weight": np.zeros((10, 4), np.float32)}  # of the training of GoogLeNet; not of use any more
    tg.save({**given, **heads}, tmp_path / "w.safetensors")
    said = begin_with(model, tmp_path / "w.safetensors", 3)
    assert said.endswith("fc.weight, fc.bias begin anew: 10 classes there, 3 here")
    after = model.state_dict()
    assert all(np.array_equal(after[name], (before if name.startswith("fc.") else given)[name]) for name in after)
    again = models.resnet20(num_classes=10)
    assert begin_with(again, tmp_path / "w.safetensors", 10) == f"weights of {tmp_path / 'w.safetensors'}"
    assert same(again.state_dict(), given)


@pytest.mark.any_python
def test_weights_of_pytorch_in_a_training_s_file_and_of_a_run(tmp_path):
    torch = pytest.importorskip("torch")
    layers = [("conv1", torch.nn.Conv2d(1, 20, 5, padding=2)), ("conv2", torch.nn.Conv2d(20, 50, 5, padding=2))]
    layers += [("fc1", torch.nn.Linear(2450, 500)), ("fc2", torch.nn.Linear(500, 10))]
    state = {f"module.{name}.{key}": value for name, layer in layers for key, value in layer.state_dict().items()}
    torch.save({"epoch": 3, "state_dict": state}, tmp_path / "w.pt")
    model = models.lenet5()
    begin_with(model, tmp_path / "w.pt", 10)
    assert same(model.state_dict(), {name.removeprefix("module."): value.numpy() for name, value in state.items()})


@pytest.mark.any_python
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("fc2.weight"), r"has no weight 'fc2\.weight' \(the nearest is .*\), one of 1 such"),
        (lambda state: state.update(fc3=np.zeros(1)), "has a weight that the network has not, 'fc3'.*, one of 1 such"),
        (lambda state: state.update({"conv1.weight": np.zeros((20, 3, 5, 5))}), r"conv1\.weight"),
        (lambda state: state.update({"fc2.weight": np.zeros((7, 400))}), r"fc2\.weight"),
        (lambda state: state.update(fc2=[1, 2]), "holds no state dict"),
    ],
)
def test_weights_of_another_network_are_refused_and_change_nothing(change, message, tmp_path):
    model = models.lenet5()
    before = model.state_dict()
    state = dict(models.lenet5().state_dict())
    change(state)
    tg.save(state, tmp_path / "w.safetensors")
    with pytest.raises(UsageError, match=f"(?s)--init: .*{message}"):
        begin_with(model, tmp_path / "w.safetensors", 10)
    assert same(model.state_dict(), before)


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="asks Linux for the memory")
def test_a_folder_that_is_read_as_it_is_asked_for_takes_the_memory_of_a_few_batches(tmp_path):
    """100 photos of 512 x 512 are 79 MB as bytes, 315 MB prepared; a batch of 4 is 13 MB."""
    root, rng = tmp_path / "photos", np.random.default_rng(0)
    pixels = np.kron(rng.integers(0, 256, (16, 16, 3)), np.ones((32, 32, 1))).astype(np.uint8)
    for part, n in (("train", 100), ("val", 1)):
        (root / part / "a").mkdir(parents=True)
        Image.fromarray(pixels).save(root / part / "a" / "0.jpg")
        for i in range(1, n):
            (root / part / "a" / f"{i}.jpg").symlink_to(root / part / "a" / "0.jpg")
    arguments = parsed("--data", root, "--image-size", 512, "--workers", 0, "--batch-size", 4, "--augment", "flip")
    parts = train.datasets.load(arguments, None, None)
    found = batches.batches(arguments, parts, train.MODELS["convnet"])
    resident = []
    for images, _ in found.train:
        assert images.shape == (4, 3, 512, 512)
        with open("/proc/self/statm") as file:
            resident.append(int(file.read().split()[1]) * 4096)
    assert len(resident) == 25 and max(resident) - resident[2] < 60e6 < 4 * math.prod((100, 3, 512, 512))
