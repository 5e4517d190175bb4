"""Files of Keras, which Keras wrote: a model with their weights computes what Keras does."""

import os
import subprocess
import sys
import tracemalloc
import zipfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import nn

ROOT = Path(__file__).parents[2]
FORMATS = (".keras", ".h5", ".weights.h5")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """the files of all models, and what they compute"""
    for name in ("keras", "torch", "h5py"):
        if find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
    path = tmp_path_factory.mktemp("keras")
    subprocess.run(
        [sys.executable, "-m", "tests.nn.keras_models", str(path)], check=True, cwd=ROOT, capture_output=True
    )
    return path


def everything():
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU()),
        nn.Conv2d(4, 8, 3, groups=4),
        nn.BatchNorm2d(8),
        nn.Conv2d(8, 8, 3, groups=8, bias=False),
        nn.Conv2d(8, 6, 1),
        nn.ConvTranspose2d(6, 6, 3, stride=2),
        nn.Conv2d(6, 6, 3, groups=2),
        nn.GroupNorm(2, 6),
        nn.PReLU(6),
        nn.Conv2d(6, 4, 2, bias=False),
        nn.MaxPool2d(2),
        nn.Dropout(0.5),
        nn.Flatten(),
        nn.Linear(24, 9),
        nn.ReLU(),
        nn.Linear(9, 5),
    )


class Forks(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(2, 3, 3, padding=1)
        self.norm = nn.LayerNorm((3, 6, 6))
        self.body = nn.Sequential({"second": nn.Conv2d(3, 3, 3, padding=1)})
        self.scores = nn.Linear(6 * 36, 4)

    def forward(self, x):
        y = self.first(x)
        return self.scores(tg.cat([y, self.body(self.norm(y))], 1).flatten(1))


NAMES = {"first": "first", "norm": "norm", "body.second": "body_second", "scores": "scores"}


def computes_the_same(model, folder, name):
    """in evaluation mode, on images whose channels come first here and last there"""
    with np.load(folder / f"{name}.npz") as case:
        x, y = case["x"], case["y"]
    x = np.moveaxis(x, -1, 1) if x.ndim == 4 else x
    np.testing.assert_allclose(model.eval()(x).numpy(), y, rtol=2e-5, atol=2e-5 * abs(y).max())


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_kind_of_layer_in_order(suffix, folder):
    """of a file without the order of the model it is the order of each class"""
    model = nn.use_convention(everything(), "keras")
    model.load_state_dict(nn.from_keras(model, folder / f"sequential{suffix}"))
    computes_the_same(model, folder, "sequential")


def test_normalizations_without_scale_or_shift(folder):
    for suffix in FORMATS:
        layers = nn.Linear(3, 4), nn.BatchNorm1d(4), nn.BatchNorm1d(4), nn.Linear(4, 2)
        model = nn.use_convention(nn.Sequential(*layers), "keras")
        if suffix == ".weights.h5":  # which does not say what is missing
            with pytest.raises(tg.CheckpointError, match=r"1 has weight, bias, .* and shifts has 3 variable\(s\)"):
                nn.from_keras(model, folder / f"vectors{suffix}")
            continue
        model.load_state_dict(nn.from_keras(model, folder / f"vectors{suffix}"))
        computes_the_same(model, folder, "vectors")
        assert model[1].weight.tolist() == [1.0] * 4 and model[2].bias.tolist() == [0.0] * 4


def test_a_network_that_forks(folder):
    for suffix in FORMATS:
        model = nn.use_convention(Forks(), "keras")
        with pytest.raises(
            tg.CheckpointError, match=r"scores takes 216 features.* H W C in Keras and C H W here: give"
        ):
            nn.from_keras(model, folder / f"functional{suffix}", NAMES)
        for names in (NAMES, None) if suffix != ".weights.h5" else (NAMES,):
            model.load_state_dict(nn.from_keras(model, folder / f"functional{suffix}", names, {"scores": 6}))
            computes_the_same(model, folder, "functional")


def test_a_table(folder):
    for suffix in FORMATS:
        model = nn.Sequential(nn.Embedding(7, 4), nn.Linear(4, 2))
        model.load_state_dict(nn.from_keras(model, folder / f"table{suffix}"))
        computes_the_same(model, folder, "table")


def test_load_gives_the_variables_as_keras_has_them(folder):
    for suffix, names in ((".keras", "01"), (".weights.h5", "01"), (".h5", ("kernel", "bias"))):
        found = tg.load(folder / f"sequential{suffix}")
        assert {key: array.shape for key, array in found["first"].items()} == dict(
            zip(names, [(3, 3, 3, 4), (4,)], strict=True)
        )
        assert set(found) == set(tg.load(folder / "sequential.keras"))
        assert all(array.dtype == np.float32 for layer in found.values() for array in layer.values())
    assert list(tg.load(folder / "sequential.keras"))[:3] == ["first", "bn", "by_channel"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: nn.use_convention(m, "torch"), "0.1 normalizes by the convention of torch. Call nn.use_convention"),
        (lambda m: setattr(m[7], "eps", 1e-6), "7 has eps=1e-06, and gn epsilon=0.001"),
        (
            lambda m: m.__setitem__(1, nn.Conv2d(4, 8, 3)),
            "1 is a Conv2d, and the next layer of the file is by_channel, a",
        ),
        (
            lambda m: m.__setitem__(9, nn.Conv2d(6, 4, 3, bias=False)),
            "9 needs weight of shape .4, 6, 3, 3., and last gives",
        ),
        (lambda m: m.__setitem__(9, nn.Conv2d(6, 4, 2)), "9 has weight, bias, and last has 1 variable"),
        (lambda m: m.__setitem__(14, nn.RMSNorm(9)), "14 is a RMSNorm, which has no counterpart"),
        (
            lambda m: m.__setitem__(15, nn.Identity()),
            "the model has 12 layers with weights, and the file 13: first, bn",
        ),
    ],
)
def test_what_does_not_fit_is_named(change, words, folder):
    model = nn.use_convention(everything(), "keras")
    change(model)
    with pytest.raises(tg.CheckpointError, match=f"from_keras: .*{words}"):
        nn.from_keras(model, folder / "sequential.keras")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({**NAMES, "first": "none"}, "no layer 'none' in the file; it has"),
        ({**NAMES, "third": "first"}, "names has 'third'; the layers with weights are first, norm"),
        ({**NAMES, "first": "body_second"}, "one layer to two paths"),
    ],
)
def test_names_that_are_wrong(names, words, folder):
    with pytest.raises(tg.CheckpointError, match=words):
        nn.from_keras(Forks(), folder / "functional.keras", names, {"scores": 6})


@pytest.mark.any_python
def test_a_layer_that_is_there_twice(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "file.weights.h5", "w") as root:
        root["layers/dense/vars/0"], root["layers/dense/vars/1"] = np.arange(16.0).reshape(4, 4), np.arange(4.0)
    layer = nn.Linear(4, 4)
    model = nn.Sequential(layer, nn.ReLU(), layer)
    model.load_state_dict(nn.from_keras(model, tmp_path / "file.weights.h5"))
    assert layer.weight.tolist() == np.arange(16.0).reshape(4, 4).T.tolist() and layer.bias.tolist() == [0, 1, 2, 3]


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 1)


@pytest.mark.any_python
@pytest.mark.parametrize(
    ("between", "found"),
    [
        ((), {}),
        ((nn.ReLU(), nn.MaxPool2d(2)), {}),
        ((nn.PixelShuffle(1),), None),
        ((Block(),), None),
        ((nn.Conv2d(2, 8, 1),), {}),
    ],
)
def test_the_order_of_flattened_features_is_only_taken_from_what_can_be_seen(between, found, tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "file.weights.h5", "w") as root:
        for i, (c, o) in enumerate(
            [(1, 2), *[(2, 4 if type(m) is Block else 8) for m in between if type(m) in (Block, nn.Conv2d)]]
        ):
            root[f"layers/conv2d_{i}/vars/0"], root[f"layers/conv2d_{i}/vars/1"] = np.ones((1, 1, c, o)), np.ones(o)
        root["layers/dense/vars/0"], root["layers/dense/vars/1"] = np.arange(16.0).reshape(16, 1), np.ones(1)
    model = nn.Sequential(nn.Conv2d(1, 2, 1), *between, nn.Flatten(), nn.Linear(16, 1))
    if found is None:
        with pytest.raises(tg.CheckpointError, match="give channels="):
            nn.from_keras(model, tmp_path / "file.weights.h5")
        return
    c = 8 if any(type(m) is nn.Conv2d for m in between) else 2
    state = nn.from_keras(model, tmp_path / "file.weights.h5")
    weight = state[f"{len(between) + 2}.weight"]
    assert weight.tolist() == np.arange(16.0).reshape(-1, c).T.reshape(1, 16).tolist()  # (h w) c -> (c h w)


def test_damaged_files(folder, tmp_path):
    for suffix in FORMATS:
        whole = (folder / f"table{suffix}").read_bytes()
        path = tmp_path / f"file{suffix}"
        for length in range(0, len(whole), 97):
            path.write_bytes(whole[:length])
            with pytest.raises(tg.CheckpointError) as caught:
                tg.load(path)
            assert f"{path}: " in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.any_python
def test_files_that_point_elsewhere_or_claim_too_much(tmp_path):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "file.h5"
    (tmp_path / "secret").write_bytes(b"\0" * 64)
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["x"] = np.ones(2)

    def write(change):
        with h5py.File(path, "w") as root:
            variables = root.create_group("layers/dense/vars")
            variables["0"] = np.ones((2, 3), "f4")
            change(variables)

    def virtual(group):
        layout = h5py.VirtualLayout((2,), "f8")
        layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", (2,))
        group.create_virtual_dataset("1", layout)

    changes = {
        "in another place or file": lambda g: g.__setitem__("1", h5py.ExternalLink(str(tmp_path / "other.h5"), "x")),
        "or in another place": lambda g: g.__setitem__("1", h5py.SoftLink("/layers/dense/vars/0")),
        "is no array of this file": lambda g: g.create_dataset("1", (8,), "f8", external=str(tmp_path / "secret")),
        "1 is no array of this file": virtual,
        "has too few bytes": lambda g: g.create_dataset("1", (10**9, 10**3), "f4", chunks=(1000, 1000)),
        "is not made of numbers": lambda g: g.__setitem__("1", np.array([b"a"])),
        "or there twice": lambda g: g.parent.__setitem__("again", g.parent.parent),
    }
    for words, change in changes.items():
        write(change)
        with pytest.raises(tg.CheckpointError, match=words):
            tg.load(path)
    write(lambda g: None)
    assert tg.load(path)["dense"]["0"].shape == (2, 3)
    with h5py.File(path, "w") as root:
        root["x"] = np.ones(2)
    with pytest.raises(tg.CheckpointError, match="without the weights of a Keras model"):
        tg.load(path)


@pytest.mark.any_python
def test_a_missing_library_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    (tmp_path / "file").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(ImportError, match="pip install h5py"):
        tg.load(tmp_path / "file")


def test_memory_is_that_of_the_arrays(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "model.weights.h5", "w") as root:
        for i in range(6):
            root[f"layers/dense_{i}/vars/0"] = np.ones((1 << 10, 1 << 10), "f4")
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
        archive.write(tmp_path / "model.weights.h5", "model.weights.h5")
        archive.writestr("config.json", "{}")
    for name in ("model.weights.h5", "model.keras"):
        tracemalloc.start()
        try:
            found = tg.load(tmp_path / name)
            kept, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        size = os.path.getsize(tmp_path / name)
        assert len(found) == 6 and 24 << 20 <= kept <= peak < 1.2 * size
