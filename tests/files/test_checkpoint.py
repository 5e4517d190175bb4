"""Checkpoints: what was written comes back, or nothing does; and older ones can be read."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.faults import failing_in_turn
from tests.files.trees import arrays_of_all_kinds, damaged, same
from tinygrad_cv.files import checkpoint

any_python = pytest.mark.any_python
ROOT, VERSIONS = Path(__file__).parents[2], Path(__file__).parent / "versions"
ABOUT = {"epoch": 3, "metrics": {"accuracy": 0.1 + 0.2, "best": None}, "names": ["ä", "\u2028"], "seed": 2**64}


@any_python
def test_what_was_written_comes_back(tmp_path):
    arrays = arrays_of_all_kinds()
    checkpoint.write(tmp_path / "a", arrays, ABOUT)
    found = checkpoint.read(tmp_path / "a")
    same(found.arrays, arrays)
    assert found.about == ABOUT
    checkpoint.write(tmp_path / "b", {})
    assert checkpoint.read(tmp_path / "b") == ({}, {})
    checkpoint.write(tmp_path / "c", found.arrays, found.about)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "c").read_bytes()


@any_python
def test_the_checksum_is_that_of_the_whole_file_with_zeros_in_its_place(tmp_path):
    checkpoint.write(tmp_path / "file", arrays_of_all_kinds(), ABOUT)
    data = (tmp_path / "file").read_bytes()
    start = b'{"__metadata__":{"tinygrad_cv.sha256":"'
    before, digits, after = data[: 8 + len(start)], data[8 + len(start) :][:64], data[8 + len(start) + 64 :]
    assert before[8:] == start and after[:1] == b'"'
    assert hashlib.sha256(before + b"0" * 64 + after).hexdigest().encode() == digits


def test_every_truncation_and_every_flipped_bit_is_refused(tmp_path):
    path = tmp_path / "file"
    checkpoint.write(path, {"w": np.float32([1.5, -2.0]), "n": np.int64(7)}, {"epoch": 3})
    whole, count = path.read_bytes(), 0
    for what in damaged(path):
        for read in (checkpoint.read, tg.load):
            with pytest.raises(tg.CheckpointError) as caught:
                read(path)
                pytest.fail(f"{what} was read")
            assert f"{path}: " in str(caught.value) and "\n" not in str(caught.value)
        count += 1
    assert count == 9 * len(whole)
    assert path.read_bytes() == whole
    path.write_bytes(whole + b"\0")
    with pytest.raises(tg.CheckpointError, match=r"describes .* bytes of data"):
        checkpoint.read(path)


@any_python
def test_a_file_that_claims_to_be_large_is_refused_before_memory_is_allocated(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes((2**62).to_bytes(8, "little") + b"{" * 100)
    with pytest.raises(tg.CheckpointError, match="a header of 4,611,686,018,427,387,904 bytes"):
        checkpoint.read(path)
    checkpoint.write(path, {"w": np.zeros(4, np.float32)})
    data = path.read_bytes().replace(
        b'"shape":[4],"data_offsets":[0,16]', b'"shape":[4000000000],"data_offsets":[0,16000000000]'
    )
    length = data.index(b"}}") + 2
    path.write_bytes((length - 8).to_bytes(8, "little") + data[8:length] + data[-16:])
    monkeypatch.setattr(np, "empty", lambda *arguments: pytest.fail("memory was allocated"))
    with pytest.raises(tg.CheckpointError, match="describes 16,000,000,000 bytes of data, and 16 are there"):
        checkpoint.read(path)


@any_python
def test_what_json_does_not_know_is_refused_and_the_file_is_as_it_was(tmp_path):
    path = tmp_path / "file"
    checkpoint.write(path, {}, {"epoch": 1})
    before = path.read_bytes()
    for about, error in (({"loss": float("nan")}, ValueError), ({"model": object()}, TypeError)):
        with pytest.raises(error):
            checkpoint.write(path, {}, about)
    with pytest.raises(tg.DTypeError, match=r"x has dtype complex128; safetensors holds .*float64"):
        checkpoint.write(path, {"x": np.zeros(1, complex)})
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["file"]


@any_python
def test_a_file_of_a_newer_version_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "VERSION", 2)
    checkpoint.write(tmp_path / "file", {})
    monkeypatch.undo()
    with pytest.raises(tg.CheckpointError, match=r"newer version of tinygrad_cv \(format 2, this one reads 1\)"):
        checkpoint.read(tmp_path / "file")


@any_python
def test_files_without_a_checksum_are_none_of_these(tmp_path):
    save = pytest.importorskip("safetensors.numpy").save_file
    save({"w": np.ones(2)}, tmp_path / "file", {"format": "pt"})
    with pytest.raises(tg.CheckpointError, match=r"no checkpoint: its metadata have no tinygrad_cv\.sha256\. tg\.load"):
        checkpoint.read(tmp_path / "file")
    assert tg.load(tmp_path / "file")["w"].tolist() == [1, 1]
    for key in (checkpoint.NUMBER, checkpoint.ABOUT):  # one whose key of the checksum was damaged
        save({"w": np.ones(2)}, tmp_path / "file", {key: "1"})
        for read in (checkpoint.read, tg.load):
            with pytest.raises(tg.CheckpointError, match="damaged"):
                read(tmp_path / "file")
    text = json.dumps({"__metadata__": {"a": "", checkpoint.CHECKSUM: "0" * 64}}).encode()
    (tmp_path / "file").write_bytes(len(text).to_bytes(8, "little") + text)
    with pytest.raises(tg.CheckpointError, match="another program wrote it anew"):
        checkpoint.read(tmp_path / "file")


def wave(name, array):
    """the values that the files of all versions hold"""
    values = np.abs(np.cos(np.arange(array.size) + len(name))).reshape(array.shape)
    return np.asarray(values * (1 if array.dtype.kind == "f" else 9)).astype(array.dtype)


@any_python
def test_version_0_the_weights_of_the_train_command():
    found = checkpoint.read(VERSIONS / "version_0.safetensors")
    assert found.about["model"] == "convnet" and found.about["classes"] == ["cat", "dog"]
    model = tg.models.load(VERSIONS / "version_0.safetensors")
    assert model.classes == ("cat", "dog") and model.prepare.mean == 0.25
    expected = {name: wave(name, array) for name, array in model.state_dict().items()}
    same(dict(sorted(found.arrays.items())), dict(sorted(expected.items())))
    same(tg.load(VERSIONS / "version_0.safetensors"), found.arrays)
    same(model.state_dict(), expected)


@any_python
def test_version_1():
    found = checkpoint.read(VERSIONS / "version_1.safetensors")
    names = ["model/weight", "optimizer/state/weight/momentum_buffer", "model/count"]
    forms = [np.zeros((3, 2), "f4"), np.zeros((3, 2), "f4"), np.zeros((), "i8")]
    same(found.arrays, {name: wave(name, form) for name, form in zip(names, forms, strict=True)})
    assert found.about == ABOUT
    assert checkpoint.VERSION == 1, "keep a file of the new version beside this one"


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill without a last word")
def test_a_writer_that_is_killed_leaves_a_whole_checkpoint(tmp_path):
    path = tmp_path / "last"
    code = (
        "import itertools, sys, numpy as np\nfrom tinygrad_cv.files import checkpoint\n"
        "for i in itertools.count():\n"
        f"    checkpoint.write({str(path)!r}, {{'w': np.full(200_000, i, 'f4')}}, {{'epoch': i}})\n"
        "    print(i, flush=True)"
    )
    seen = []
    for lines in (1, 2, 5):
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT) as process:
            for _ in range(lines):
                process.stdout.readline()
            for _ in range(20):
                arrays, about = checkpoint.read(path)
                assert (arrays["w"] == about["epoch"]).all()
            process.kill()
        arrays, about = checkpoint.read(path)
        assert (arrays["w"] == about["epoch"]).all() and about["epoch"] >= lines - 1
        seen.append(about["epoch"])
    assert len(seen) == 3


def test_each_operation_that_fails_leaves_the_checkpoint_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "last"
    checkpoint.write(path, {"w": np.zeros(3)}, {"epoch": 0})
    operations = set()
    for operation, error in failing_in_turn(
        monkeypatch, lambda: checkpoint.write(path, {"w": np.ones(3)}, {"epoch": 1})
    ):
        operations.add(operation)
        arrays, about = checkpoint.read(path)
        assert (arrays["w"] == about["epoch"]).all() and (error is not None or about["epoch"] == 1)
        checkpoint.write(path, {"w": np.zeros(3)}, {"epoch": 0})
    assert operations >= {"open", "write", "fsync", "replace"}


@any_python
def test_other_programs_read_it(tmp_path):
    safetensors = pytest.importorskip("safetensors")
    arrays = arrays_of_all_kinds()
    checkpoint.write(tmp_path / "file", arrays, ABOUT)
    with safetensors.safe_open(tmp_path / "file", framework="numpy") as file:
        same({name: file.get_tensor(name) for name in arrays}, arrays)
        assert json.loads(file.metadata()["tinygrad_cv.about"]) == ABOUT
