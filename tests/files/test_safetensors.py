"""Safetensors both ways with its own library, and headers that lie."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_cv as tg
from tests.files.trees import DTYPES, arrays_of_all_kinds, same

pytestmark = pytest.mark.any_python
safetensors = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed")


def with_header(header, data=b"", padding=b""):
    text = (header if isinstance(header, bytes) else json.dumps(header).encode()) + padding
    return len(text).to_bytes(8, "little") + text + data


def entry(dtype="F32", shape=(2,), offsets=(0, 8), **more):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets), **more}


def test_both_ways_with_the_library(tmp_path):
    arrays = arrays_of_all_kinds()
    tg.save(arrays, tmp_path / "ours.safetensors")
    same({name: safetensors.load_file(tmp_path / "ours.safetensors")[name] for name in arrays}, arrays)
    contiguous = {name: np.array(array, array.dtype.newbyteorder("="), order="C") for name, array in arrays.items()}
    safetensors.save_file(contiguous, tmp_path / "theirs")  # which writes the memory of others as it is
    found = tg.load(tmp_path / "theirs")
    same({name: found[name] for name in arrays}, arrays)


@settings(max_examples=30, deadline=None)
@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8"), max_size=8).filter(lambda name: name != "__metadata__"),
        st.tuples(st.sampled_from(DTYPES), st.lists(st.integers(0, 3), max_size=4)),
        max_size=6,
    )
)
def test_any_names_dtypes_and_shapes(tmp_path_factory, forms):
    path = tmp_path_factory.mktemp("any") / "file.safetensors"
    rng = np.random.default_rng(0)
    arrays = {name: np.asarray(rng.integers(0, 2, shape)).astype(dtype) for name, (dtype, shape) in forms.items()}
    tg.save(arrays, path)
    same(tg.load(path), arrays)
    theirs = safetensors.load_file(path)
    same({name: theirs[name] for name in arrays}, arrays)
    assert len(theirs) == len(arrays)


def test_arrays_are_aligned_so_that_others_can_map_them(tmp_path):
    tg.save({"a": np.ones(3, "u1"), "b": np.ones(2, "f8"), "c": np.ones(1, "f2")}, tmp_path / "file.safetensors")
    data = (tmp_path / "file.safetensors").read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    assert length % 8 == 0
    assert [header[name]["data_offsets"][0] for name in "abc"] == [18, 0, 16]


@pytest.mark.parametrize("length", [0x80, 0x4B50, 0x580])
def test_a_length_that_begins_as_another_format_does(length, tmp_path):
    """a pickle begins with 80, a zip archive with 50 4B"""
    header = json.dumps({"w": entry()}).encode()
    data = with_header(header, np.float32([1, 2]).tobytes(), b" " * (length - len(header)))
    assert int.from_bytes(data[:8], "little") == length
    (tmp_path / "file").write_bytes(data)
    same(tg.load(tmp_path / "file"), {"w": np.float32([1, 2])})
    for name in ("a" * n for n in range(140)):
        tg.save({name: np.float32([1, 2])}, tmp_path / "file.safetensors")
        same(tg.load(tmp_path / "file.safetensors"), {name: np.float32([1, 2])})


def test_bfloat16_becomes_float32(tmp_path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    values = torch.tensor([0.0, -0.0, 1.0, 3.140625, float("inf"), float("nan"), 1e-40, 3e38, -7.0]).bfloat16()
    save_file({"x": values, "many": torch.arange(3_000_000).bfloat16()}, tmp_path / "file")
    found = tg.load(tmp_path / "file")
    same(found["x"], values.float().numpy())
    same(found["many"], torch.arange(3_000_000).bfloat16().float().numpy())
    assert np.signbit(found["x"]).tolist() == torch.signbit(values).tolist()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "it is empty"),
        (b"\0" * 7, "no known format"),
        (with_header(b"{", b"\0"), "header is not valid"),
        (with_header(b'{"w":' + b"[" * 100_000), "header is not valid"),
        (with_header(b'{"w": 1, "w": 2}'), "'w' is there twice"),
        (with_header(b'{"\xff": 1}'), "header is not valid"),
        (with_header({"w": entry("F4")}, b"\0" * 8), "'F4'; those that can be read are F64"),
        (with_header({"w": entry("F8_E4M3")}, b"\0" * 8), "'F8_E4M3'"),
        (with_header({"w": entry(shape=(3,))}, b"\0" * 8), "header says of 'w'"),
        (with_header({"w": entry(shape=(-2,))}, b"\0" * 8), "header says of 'w'"),
        (with_header({"w": entry(shape=(True, 2))}, b"\0" * 8), "header says of 'w'"),
        (with_header({"w": entry(shape=(2.0,))}, b"\0" * 8), "header says of 'w'"),
        (with_header({"w": entry(offsets=(0, 8, 8))}, b"\0" * 8), "header says of 'w'"),
        (with_header({"w": entry(offsets=(8, 0))}, b"\0" * 8), "header says of 'w'"),
        (with_header({"w": entry(other=1)}, b"\0" * 8), "header says of 'w'"),
        (with_header({"w": [1]}, b"\0" * 8), "header says of 'w'"),
        (with_header({"w": entry(), "v": entry()}, b"\0" * 8), "begin at 0 instead of 8"),
        (with_header({"w": entry(offsets=(4, 12))}, b"\0" * 12), "begin at 4 instead of 0"),
        (with_header({"w": entry()}, b"\0" * 9), "describes 8 bytes of data, and 9 are there"),
        (with_header({"w": entry()}, b"\0" * 7), "describes 8 bytes of data, and 7 are there"),
        (with_header({"w": entry(shape=[1] * 99 + [2])}, b"\0" * 8), "'w' has the shape"),
        (with_header({"w": entry(shape=(0, 2**62, 2**62), offsets=(0, 0))}), "'w' has the shape"),
        (with_header({"__metadata__": {"a": 1}}), "not a JSON object of strings"),
        (with_header({"__metadata__": []}), "not a JSON object of strings"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_headers_that_lie(data, words, tmp_path):
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(tg.CheckpointError) as caught:
        tg.load(tmp_path / "file")
    assert words in str(caught.value) and f"{tmp_path / 'file'}: " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_others_write_without_being_asked(tmp_path):
    """spaces after the header, metadata, entries in any order, arrays without elements"""
    header = {
        "b": entry("U8", (1,), (8, 9)),
        "__metadata__": {"format": "pt"},
        "a": entry(),
        "none": entry("F64", (0, 5), (8, 8)),
    }
    (tmp_path / "file").write_bytes(with_header(header, np.float32([1, 2]).tobytes() + b"\7", b"  "))
    same(tg.load(tmp_path / "file"), {"b": np.uint8([7]), "a": np.float32([1, 2]), "none": np.zeros((0, 5))})
