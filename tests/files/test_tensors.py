"""tg.save and tg.load: trees of arrays there and back, formats by content, and little memory."""

import math
import os
import tracemalloc
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_cv as tg
from tests.files.trees import arrays_of_all_kinds, damaged, same
from tinygrad_cv.files.tree import pack, unpack

any_python = pytest.mark.any_python

TREE = {
    "epoch": 3,
    "rates": [0.1, 1e-300, -0.0, 2**70],
    "none": None,
    "flags": (True, False, ()),
    "nested": {"a": {"b": np.arange(3)}, "a/b": np.arange(2)},
    "numbers as keys": {0: np.float32(1.5), -1: "one", None: 2, True: 3, 2.5: 4},
    "marks": {"$array": "w", "$tuple": [1]},
    "one mark": {"$array": 5},
    "text": 'ä\u2028"\\',
    "empty": [{}, [], ()],
}


@any_python
def test_trees_come_back(tmp_path):
    tg.save(TREE, tmp_path / "tree.safetensors")
    found = tg.load(tmp_path / "tree.safetensors")
    expected = {**TREE, "numbers as keys": {**TREE["numbers as keys"], 0: np.array(1.5, "f4")}}
    same(found, expected)
    assert str(found["rates"]) == str(TREE["rates"])
    tg.save([math.nan, math.inf, -math.inf], tmp_path / "tree.safetensors")
    assert str(tg.load(tmp_path / "tree.safetensors")) == "[nan, inf, -inf]"


@any_python
@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
def test_state_dicts_and_tensors(suffix, tmp_path):
    model = tg.nn.Sequential(tg.nn.Conv2d(3, 4, 3), tg.nn.BatchNorm2d(4))
    path = tmp_path / f"model{suffix}"
    for state in (model.state_dict(), dict(model.named_parameters()), OrderedDict(model.state_dict())):
        tg.save(state, path)
        same(
            tg.load(path),
            {
                name: np.asarray(value.detach() if isinstance(value, tg.Tensor) else value)
                for name, value in state.items()
            },
        )
    tg.save(model.state_dict(), path)
    other = tg.nn.Sequential(tg.nn.Conv2d(3, 4, 3), tg.nn.BatchNorm2d(4))
    other.load_state_dict(tg.load(path))
    assert other[0].weight.tolist() == model[0].weight.tolist()


@any_python
def test_one_tensor(tmp_path):
    x = tg.tensor([[1.0, 2.0]], requires_grad=True)
    for suffix in (".safetensors", ".npy"):
        tg.save(x, tmp_path / f"x{suffix}")
        same(tg.load(tmp_path / f"x{suffix}"), np.float32([[1, 2]]))


@any_python
def test_arrays_through_npz_and_npy(tmp_path):
    arrays = {
        **arrays_of_all_kinds(),
        "text": np.array(["a", "bcd"]),
        "file": np.ones(1),
        "when": np.array("2026-11-30", "M8[D]"),
    }
    tg.save(arrays, tmp_path / "a.npz")
    same(tg.load(tmp_path / "a.npz"), arrays)
    with np.load(tmp_path / "a.npz") as theirs:
        same({name: theirs[name].astype(theirs[name].dtype.newbyteorder("=")) for name in arrays}, arrays)
    np.savez_compressed(tmp_path / "b.npz", **{"a": arrays["transposed"], "zeros": np.zeros(100_000)})
    same(tg.load(tmp_path / "b.npz"), {"a": arrays["transposed"], "zeros": np.zeros(100_000)})
    for array in arrays.values():
        np.save(tmp_path / "c.npy", array)
        found = tg.load(tmp_path / "c.npy")
        same(found, array)
        assert found.flags.f_contiguous == np.load(tmp_path / "c.npy").flags.f_contiguous


@any_python
def test_the_content_is_the_format_not_the_name(tmp_path):
    tg.save({"w": np.ones(2)}, tmp_path / "a.npz")
    (tmp_path / "a.npz").rename(tmp_path / "a.pth")
    same(tg.load(tmp_path / "a.pth"), {"w": np.ones(2)})
    tg.save({"w": np.ones(2)}, str(tmp_path / "b.safetensors"))
    os.rename(tmp_path / "b.safetensors", tmp_path / "b")
    same(tg.load(str(tmp_path / "b")), {"w": np.ones(2)})


@any_python
@pytest.mark.parametrize(
    ("obj", "name", "error", "words"),
    [
        ({}, "x.pt", ValueError, "one of .safetensors, .npz, .npy. PyTorch reads the first"),
        ({}, "x", ValueError, "ends in ''"),
        ({}, "x.npy", TypeError, "holds one array, not a dict"),
        ([np.ones(1)], "x.npz", TypeError, "a dict of arrays by name, not this list"),
        ({"w": np.ones(1), "epoch": 3}, "x.npz", TypeError, "use .safetensors"),
        ({"w": np.array([None])}, "x.npz", TypeError, "'w' has dtype object"),
        (np.array([None]), "x.npy", TypeError, "has dtype object"),
        ({"w": np.array(["a"])}, "x.safetensors", tg.DTypeError, "w has dtype <U1"),
        (tg.nn.Linear(1, 1), "x.safetensors", TypeError, "the object is a Linear; .* state_dict"),
        ({"a": [object()]}, "x.safetensors", TypeError, "a/0 is a object"),
        ({("a", 1): 2}, "x.safetensors", TypeError, "has a key of type tuple"),
        ({"w": np.float64(1), "a": b""}, "x.safetensors", TypeError, "a is a bytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_saved_leaves_no_file(obj, name, error, words, tmp_path):
    with pytest.raises(error, match=words):
        tg.save(obj, tmp_path / name)
    assert os.listdir(tmp_path) == []


@any_python
def test_a_tree_that_holds_itself(tmp_path):
    tree = []
    tree.append(tree)
    with pytest.raises(TypeError, match="nested too deep, or hold themselves"):
        tg.save(tree, tmp_path / "x.safetensors")


@any_python
def test_no_file_a_folder_and_something_else(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.pt"):
        tg.load(tmp_path / "none.pt")
    with pytest.raises(IsADirectoryError):
        tg.load(tmp_path)
    for data, words in (
        (b"", "it is empty"),
        (b"%PDF-1.7 and so on", "no known format"),
        (b"PK\3\4 no archive", "zip archive"),
    ):
        (tmp_path / "file").write_bytes(data)
        with pytest.raises(tg.CheckpointError, match=words):
            tg.load(tmp_path / "file")


@any_python
def test_a_file_beside_is_named_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("weights.pt", "w.1.2", "Weights"):
        Path(name).write_bytes(b"no weights")
        with pytest.raises(tg.CheckpointError, match=f"load: {name}: it is of no known format"):
            tg.load(name)


@any_python
@pytest.mark.parametrize(
    "skeleton", [{"$array": "v"}, {"$other": 1}, {"$dict": [1]}, {"$float": "x"}, {"$tuple": 3}, {"$dict": [[[], 1]]}]
)
def test_a_skeleton_that_does_not_fit_its_arrays(skeleton, tmp_path):
    from tinygrad_cv.files import checkpoint

    checkpoint.write(tmp_path / "file", {"w": np.ones(1)}, {"tree": skeleton})
    with pytest.raises(tg.CheckpointError, match="its description does not fit its arrays"):
        tg.load(tmp_path / "file")


@any_python
def test_names_of_arrays_are_their_paths():
    arrays, skeleton = pack(TREE)
    assert list(arrays) == ["nested/a/b", "nested/a/b'", "numbers as keys/0"]
    same(unpack(arrays, skeleton)["nested"], TREE["nested"])


@pytest.mark.parametrize("suffix", [".npz", ".npy", "packed.npz"])
def test_damaged_files_of_numpy(suffix, tmp_path):
    """cut anywhere they are refused; with a bit flipped so are archives, and of an array another error never comes"""
    path, arrays = tmp_path / f"file{suffix}", {"w": np.arange(6.0).reshape(2, 3), "b": np.array([True, False])}
    if suffix == "packed.npz":
        np.savez_compressed(path, **arrays)
    else:
        tg.save(arrays["w"] if suffix == ".npy" else arrays, path)
    for what in damaged(path):
        try:
            found = tg.load(path)
        except tg.CheckpointError as error:
            assert f"{path}: " in str(error) and "\n" not in str(error), what
        else:
            assert "flipped" in what, what
            if suffix != ".npy":  # the names of members are under no CRC-32, in one place of two
                assert all(np.array_equal(a, b) for a, b in zip(found.values(), arrays.values(), strict=True)), what


def npy(header, data=b"", version=b"\1\0"):
    length = len(header).to_bytes(2 if version[0] == 1 else 4, "little")
    return b"\x93NUMPY" + version + length + header.encode("latin1") + data


@any_python
@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}", bytes(7)),
            r"\(1,\) and dtype float64 cannot have 7",
        ),
        (npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}"), "header that is not valid"),
        (npy("{'descr': '<f8', 'fortran_order': False, 'shape': (True,)}"), "header that is not valid"),
        (npy("{'descr': '<f8', 'fortran_order': 1, 'shape': ()}"), "header that is not valid"),
        (npy("{'descr': '<f8', 'shape': ()}"), "header that is not valid"),
        (npy("{'descr': '<f8', 'fortran_order': False, 'shape': '\\o'}"), "header that is not valid"),
        (npy("(" * 5000), "header that is not valid"),
        (npy("open('x')"), "header that is not valid"),
        (npy("{'descr': '<f3', 'fortran_order': False, 'shape': ()}"), "dtype '<f3'"),
        (npy("{'descr': [('a', 'O')], 'fortran_order': False, 'shape': ()}"), "none of numbers or text"),
        (npy("{'descr': 'a3', 'fortran_order': False, 'shape': ()}"), "none of numbers or text"),
        (npy("{'descr': '<f8', 'fortran_order': False, 'shape': (0, " + "9" * 99 + ")}"), "has the shape"),
        (npy("", version=b"\3\0"), "version 1 or 2"),
        (npy(" " * 10_001, version=b"\2\0"), "a header of 10,001 bytes; 10,000 are the most"),
        (b"\x93NUMPY", "ends too early"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_headers_of_numpy_that_lie(data, words, tmp_path):
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(tg.CheckpointError, match=words) as caught:
        tg.load(tmp_path / "file")
    assert f"{tmp_path / 'file'}: " in str(caught.value) and "\n" not in str(caught.value)


@any_python
def test_headers_of_other_writers(tmp_path):
    for text in (
        "{'shape': (2L,), 'descr': '<f4', 'fortran_order': False}",
        "{'descr':'>f4','fortran_order':True,'shape':(2,),}",
    ):
        order = ">" if ">" in text else "<"
        for version in (b"\1\0", b"\2\0"):
            (tmp_path / "file").write_bytes(npy(text, np.array([1, 2], f"{order}f4").tobytes(), version))
            same(tg.load(tmp_path / "file"), np.float32([1, 2]))


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.integers(0, 3).map(np.arange),
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.lists(inside, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3) | st.sampled_from(["$", "$array", "$dict"]), inside, max_size=3)
        | st.dictionaries(st.integers() | st.text(max_size=2), inside, max_size=3)
    ),
    max_leaves=12,
)


@any_python
@settings(max_examples=60, deadline=None)
@given(TREES)
def test_any_tree_comes_back(tmp_path_factory, tree):
    path = tmp_path_factory.mktemp("tree") / "file.safetensors"
    tg.save(tree, path)
    same(tg.load(path), tree)


MEGABYTES = 24


def large_files(folder):
    """files of arrays of 24 MB in all, as each library writes them"""
    torch, safetensors = pytest.importorskip("torch"), pytest.importorskip("safetensors.numpy")
    arrays = {f"w{i}": np.random.default_rng(i).normal(size=(1 << 18, 4)).astype("f4") for i in range(MEGABYTES // 4)}
    tensors = {name: torch.from_numpy(array).T for name, array in arrays.items()}  # views with strides
    tg.save(arrays, folder / "ours.safetensors")
    safetensors.save_file(arrays, folder / "theirs.safetensors")
    np.savez(folder / "file.npz", **arrays)
    np.save(folder / "file.npy", np.concatenate(list(arrays.values())))
    torch.save(tensors, folder / "zip.pt")
    torch.save({"state_dict": tensors}, folder / "stream.pt", _use_new_zipfile_serialization=False)
    return arrays, sorted(folder.iterdir())


def test_memory_is_at_most_1_2_times_the_file(tmp_path):
    arrays, paths = large_files(tmp_path)
    assert len(paths) == 6
    for path in paths:
        tracemalloc.start()
        try:
            found = tg.load(path)
            kept, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        size = os.path.getsize(path)
        assert size > MEGABYTES << 20 and 0.99 * size < kept <= peak < 1.2 * size, (path.name, peak / size)
        del found
    for suffix in (".safetensors", ".npz"):
        tracemalloc.start()
        try:
            tg.save(arrays, tmp_path / f"again{suffix}")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 0.2 * (MEGABYTES << 20), (suffix, peak)


@any_python
def test_a_load_reads_only_what_a_file_can_hold(tmp_path):
    """of a file that was cut: no more memory than it has bytes"""
    np.save(tmp_path / "x.npy", np.zeros(1 << 20))
    data = Path(tmp_path / "x.npy").read_bytes()
    (tmp_path / "x.npy").write_bytes(data[:1000].replace(b"1048576", b"9999999999999"[:7]))
    tracemalloc.start()
    try:
        with pytest.raises(tg.CheckpointError, match="cannot have"):
            tg.load(tmp_path / "x.npy")
        assert tracemalloc.get_traced_memory()[1] < 200_000
    finally:
        tracemalloc.stop()
