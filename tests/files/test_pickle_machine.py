"""Pickles are read as Python reads them, as far as they are data; what would run is refused, by name."""

import collections
import io
import os
import pickle
import pickletools
import zipfile

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.files.trees import same
from tinygrad_cv.files.pickle_machine import Malformed, names_in, run
from tinygrad_cv.files.torch_names import NAMES

pytestmark = pytest.mark.any_python


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_that_would_run_something_is_refused_by_name(zipped, tmp_path):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")

    class Calls:
        def __reduce__(self):
            return os.path.join, ("a", "b")

    class Sets:
        def __reduce__(self):
            return collections.Counter, ({},), {"update": None}

    for obj, words in (
        ({"w": torch.ones(1), "x": Calls()}, "names posixpath.join, which no state dict needs.*nothing was run"),
        (torch.nn.Linear(1, 1), "names torch.nn.modules.linear.Linear"),
        ({"x": {1, 2}}, "names __builtin__.set"),
    ):
        torch.save(obj, tmp_path / "file", _use_new_zipfile_serialization=zipped)
        with pytest.raises(tg.CheckpointError, match=words) as caught:
            tg.load(tmp_path / "file")
        assert f"{tmp_path / 'file'}: " in str(caught.value) and "\n" not in str(caught.value)
    torch.save({"x": Sets()}, tmp_path / "file", _use_new_zipfile_serialization=zipped)
    before = collections.Counter.update
    assert tg.load(tmp_path / "file") == {"x": {}}  # of a class that is known the pickle gets no hold
    assert collections.Counter.update is before


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
        assert f"{path}: " in str(caught.value) and "\n" not in str(caught.value)
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
