"""IDX files; the oracle is bytes that struct builds here."""

import gzip
import os
import struct
import tracemalloc
import zlib
from functools import cache

import numpy as np
import pytest

from tinygrad_cv.data import read_idx

pytestmark = pytest.mark.any_python

CODES = {"B": 0x08, "b": 0x09, "h": 0x0B, "i": 0x0C, "f": 0x0D, "d": 0x0E}


def idx_bytes(letter, shape, values):
    header = struct.pack(f">BBBB{len(shape)}I", 0, 0, CODES[letter], len(shape), *shape)
    return header + struct.pack(f">{len(values)}{letter}", *values)


@pytest.fixture
def write(tmp_path):
    def write_file(content, name="file"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write_file


@pytest.mark.parametrize(
    "letter, dtype, values",
    [
        ("B", np.uint8, [0, 1, 2, 127, 128, 255]),
        ("b", np.int8, [0, 1, -1, 127, -128, 5]),
        ("h", np.int16, [0, 1, -1, 258, -32768, 32767]),
        ("i", np.int32, [0, 1, -1, 16909060, -(2**31), 2**31 - 1]),
        ("f", np.float32, [0.0, 1.5, -2.25, 1e10, float("inf"), 0.1]),
        ("d", np.float64, [0.0, 1.5, -2.25, 1e300, float("-inf"), 0.1]),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_every_type_plain_and_packed(write, letter, dtype, values, pack):
    found = read_idx(write(pack(idx_bytes(letter, (2, 3), values))))
    np.testing.assert_array_equal(found, np.array(values, dtype).reshape(2, 3), strict=True)
    assert found.dtype.isnative and found.flags.writeable and found.flags.c_contiguous


def test_the_content_says_whether_it_is_packed(write):
    content = idx_bytes("B", (2,), [3, 4])
    assert read_idx(write(content, "plain.gz")).tolist() == [3, 4]
    assert read_idx(str(write(gzip.compress(content), "packed"))).tolist() == [3, 4]


@pytest.mark.parametrize("shape", [(), (6,), (1, 2, 3), (3, 1, 2, 1), (0, 28, 28)])
def test_dimensions(write, shape):
    count = int(np.prod(shape))
    found = read_idx(write(idx_bytes("B", shape, range(count))))
    assert found.shape == shape and found.ravel().tolist() == list(range(count))


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file .*absent.*Check the path"):
        read_idx(tmp_path / "absent")


def test_folder(tmp_path):
    with pytest.raises(ValueError, match=r"is a folder.*Use load_idx"):
        read_idx(tmp_path)


@pytest.mark.parametrize(
    "content, found",
    [(b"", "nothing"), (b"\0\0\x08", "00 00 08"), (b"\x89PNG....", "89 50 4e 47"), (b"\0\0\x0a\1....", "00 00 0a 01")],
)
def test_wrong_magic(write, content, found):
    with pytest.raises(ValueError, match=rf"not an IDX file: it begins with {found}.*must be 00 00.*"):
        read_idx(write(content))


def test_truncated_header(write):
    with pytest.raises(ValueError, match=r"truncated inside its header: 3 dimensions need .* 16 bytes.*has 10"):
        read_idx(write(bytes([0, 0, 8, 3, 0, 0, 0, 1, 0, 0])))


def test_truncated_entries(write):
    with pytest.raises(ValueError, match=r"is truncated: .* 2 x 3 entries of int16, 12 bytes.*come 11\..*Download"):
        read_idx(write(idx_bytes("h", (2, 3), range(6))[:-1]))


def test_too_many_bytes(write):
    with pytest.raises(ValueError, match=r"too many bytes: .* 2 entries of uint8, 2 bytes.*come 3\..*Remove"):
        read_idx(write(idx_bytes("B", (2,), [1, 2]) + b"!"))


def test_enormous_dimensions_are_an_error_of_the_file(write):
    content = struct.pack(">BBBB3I", 0, 0, 8, 3, *[2**32 - 1] * 3)
    with pytest.raises(ValueError, match=r"is truncated: .*4294967295 x 4294967295 x 4294967295 entries"):
        read_idx(write(content))


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-9], lambda b: b[:5], lambda b: b[:-8] + b"\0" * 8, lambda b: b + b"x"]
)
def test_damaged_gzip(write, damage):
    packed = gzip.compress(idx_bytes("B", (50,), range(50)))
    with pytest.raises(ValueError, match=r"file begins as a gzip file but does not unpack.*damaged"):
        read_idx(write(damage(packed)))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<!DOCTYPE html><html>404", "a web page"),
        (b"\xef\xbb\xbf \n<HTML>", "a web page"),
        (b'<?xml version="1.0"?><Error>AccessDenied', "a server's answer"),
        (b'{"message": "Not Found"}', "a server's answer"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git lfs pull"),
        (b"/annex/objects/MD5E-s9--0", "git annex get"),
        (gzip.compress(b"\0\0\x08\1\0\0\0\0", mtime=0), "gzipped twice"),
        (b"PK\x03\x04....", "a ZIP archive"),
        (b"\xfd7zXZ\0", "xz -d"),
        (b"BZh91AY", "bunzip2"),
        (b"\x93NUMPY\1\0", "numpy.load"),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_what_is_found_in_the_place_of_a_data_set_is_named(content, words, pack, write):
    pack = gzip.compress if content[:2] == b"\x1f\x8b" else pack  # packed once is how data sets come
    with pytest.raises(ValueError, match="not an IDX file: ") as caught:
        read_idx(write(pack(content), "train-images-idx3-ubyte.gz"))
    assert words in str(caught.value) and "\n" not in str(caught.value)


@cache
def _zeros():
    """A gzip file of 72 MiB of zeros, made without holding them."""
    packer, chunk = zlib.compressobj(9, wbits=31), bytes(1 << 20)
    return b"".join([*(packer.compress(chunk) for _ in range(72)), packer.flush()])


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((3, 28, 28), "too many bytes"),  # more than the header says: it is not looked at
        ((72 << 20,), "unpack it yourself"),  # as much as the header says, far too dense for images
        ((1 << 31,), "is truncated"),  # more than can be in so few bytes
        (None, "not an IDX file"),
    ],
)
def test_a_gzip_file_is_not_unpacked_to_find_out_its_size(shape, words, write):
    start = b"" if shape is None else struct.pack(f">BBBB{len(shape)}I", 0, 0, 8, len(shape), *shape)
    path = write(gzip.compress(start) + _zeros())
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=words):
            read_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are POSIX's")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="is a pipe or a device"):
        read_idx(tmp_path / "pipe")
