"""CIFAR's two forms; the files are made by Python's pickle and by NumPy, as the data set's pages describe them."""

import pickle
import re

import numpy as np
import pytest

from tinygrad_cv import data

pytestmark = pytest.mark.any_python

rng = np.random.default_rng(0)
FILES = [*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]
PIXELS = {name: rng.integers(0, 256, (3, 3072), np.uint8) for name in [*FILES, "train", "test"]}
LABELS = {name: rng.integers(0, 10, 3).tolist() for name in PIXELS}
NAMES = [f"class{n}" for n in range(10)]
HUNDRED, TWENTY = [f"fine{n}" for n in range(100)], [f"coarse{n}" for n in range(20)]


def dump(path, content, protocol=2):
    path.write_bytes(pickle.dumps(content, protocol))


def octets(array):
    return array.astype(np.uint8).tobytes()


def python_form(folder, protocol):
    place = folder / "cifar-10-batches-py"
    place.mkdir()
    for name in FILES:
        content = {"batch_label": name, "labels": LABELS[name], "data": PIXELS[name], "filenames": ["a.png"] * 3}
        dump(place / name, content, protocol)
    dump(place / "batches.meta", {"label_names": NAMES, "num_vis": 3072}, protocol)
    return place


def binary_form(folder):
    place = folder / "cifar-10-batches-bin"
    place.mkdir()
    for name in FILES:
        (place / f"{name}.bin").write_bytes(octets(np.column_stack([LABELS[name], PIXELS[name]])))
    (place / "batches.meta.txt").write_text("\n".join(NAMES) + "\n\n")
    return place


@pytest.fixture(params=["binary", *range(2, 6)])
def cifar10(request, tmp_path):
    return binary_form(tmp_path) if request.param == "binary" else python_form(tmp_path, request.param)


def test_cifar10(cifar10):
    place = cifar10
    for folder in (place, place.parent):
        train, test = data.load_cifar10(folder, partial=True)
        np.testing.assert_array_equal(train.images.reshape(15, -1), np.concatenate([PIXELS[n] for n in FILES[:5]]))
        assert train.images.shape == (15, 3, 32, 32) and train.images.dtype == np.uint8
        assert train.labels.tolist() == [y for n in FILES[:5] for y in LABELS[n]] and train.classes == tuple(NAMES)
        np.testing.assert_array_equal(test.images.reshape(3, -1), PIXELS["test_batch"])


def python2(content):
    """A pickle as Python 2 wrote it: text and bytes are strings of 8 bits."""

    def string(value):
        return b"T" + len(value).to_bytes(4, "little") + value

    out = b"\x80\x02}("
    for key, value in content.items():
        out += string(key)
        if isinstance(value, np.ndarray):
            out += b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR(K\x01"
            out += b"(M" + len(value).to_bytes(2, "little") + b"M\x00\x0ct"  # 3072 = 0x0c00
            out += b"cnumpy\ndtype\n(U\x02u1K\x00K\x01tR(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
            out += b"\x89" + string(value.tobytes()) + b"tb"
        else:
            out += b"](" + b"".join(b"K" + bytes([v]) if isinstance(v, int) else string(v) for v in value) + b"e"
    return out + b"u."


def test_pickles_of_python_2(tmp_path):
    for name in FILES:
        content = python2({b"data": PIXELS[name], b"labels": LABELS[name]})
        assert pickle.loads(content, encoding="bytes")[b"labels"] == LABELS[name]  # it is such a pickle
        (tmp_path / name).write_bytes(content)
    (tmp_path / "batches.meta").write_bytes(python2({b"label_names": [name.encode() for name in NAMES]}))
    train, test = data.load_cifar10(tmp_path, partial=True)
    np.testing.assert_array_equal(test.images.reshape(3, -1), PIXELS["test_batch"])
    assert test.labels.tolist() == LABELS["test_batch"] and train.classes == tuple(NAMES)


@pytest.mark.parametrize("coarse", [False, True])
@pytest.mark.parametrize("form", ["python", "binary"])
def test_cifar100(tmp_path, form, coarse):
    fine, broad = {"train": [99, 0, 50], "test": [1, 2, 3]}, {"train": [19, 0, 7], "test": [4, 5, 6]}
    for part in fine:
        if form == "python":
            dump(tmp_path / part, {"data": PIXELS[part], "fine_labels": fine[part], "coarse_labels": broad[part]})
        else:
            records = np.column_stack([broad[part], fine[part], PIXELS[part]])
            (tmp_path / f"{part}.bin").write_bytes(octets(records))
    dump(tmp_path / "meta", {"fine_label_names": HUNDRED, "coarse_label_names": TWENTY})
    (tmp_path / "fine_label_names.txt").write_text("\n".join(HUNDRED))
    (tmp_path / "coarse_label_names.txt").write_text("\n".join(TWENTY))
    train, test = data.load_cifar100(tmp_path, coarse=coarse, partial=True)
    assert train.labels.tolist() == (broad if coarse else fine)["train"]
    assert train.classes == tuple(TWENTY if coarse else HUNDRED)
    np.testing.assert_array_equal(test.images.reshape(3, -1), PIXELS["test"])


def test_wrong_counts(cifar10):
    with pytest.raises(
        ValueError, match=r"load_cifar10: .*data_batch_1.* has 3 images, .* has 10,000\. .*partial=True"
    ):
        data.load_cifar10(cifar10)


def test_a_binary_file_truncated_anywhere(tmp_path):
    place = binary_form(tmp_path)
    path = place / "data_batch_3.bin"
    content = path.read_bytes()
    for end in range(0, len(content), 499):
        path.write_bytes(content[:end])
        with pytest.raises(ValueError, match=rf"{re.escape(str(path))} has [\d,]+ bytes, .* it is truncated"):
            data.load_cifar10(place, partial=True)


def test_a_pickle_truncated_anywhere(tmp_path):
    for name in FILES:
        dump(tmp_path / name, {"data": PIXELS[name], "labels": LABELS[name]})
    path = tmp_path / "data_batch_2"
    content = path.read_bytes()
    for end in [*range(200), *range(200, len(content), 499), len(content) - 1]:
        path.write_bytes(content[:end])
        with pytest.raises(ValueError, match=rf"{re.escape(str(path))} is damaged, or no pickle") as info:
            data.load_cifar10(tmp_path, partial=True)
        assert "\n" not in str(info.value)


class Evil:
    def __reduce__(self):
        return print, ("run",)


@pytest.mark.parametrize(
    "content, message",
    [
        ({"data": Evil(), "labels": [1]}, r"it names \w+\.print, .*nothing was run"),
        ({"data": PIXELS["test"], "labels": [1, 2]}, "has 3 images, and .* has 2 labels"),
        ({"data": PIXELS["test"], "labels": [1, 10, 2]}, "has the label 10 of image 1; it must be from 0 to 9"),
        ({"data": PIXELS["test"], "labels": [1, -1, 2]}, "has the label -1 of image 1"),
        ({"data": PIXELS["test"], "labels": [1, "2", 2]}, "has no 'labels', a list of whole numbers"),
        ({"data": PIXELS["test"], "fine_labels": [1, 2, 2]}, "has no 'labels', a list"),
        ({"data": PIXELS["test"][:, :9], "labels": [1, 2, 2]}, r"no 'data' of N x 3072 bytes; it has \(3, 9\)"),
        ({"data": PIXELS["test"].astype(np.int16), "labels": [1, 2, 2]}, "no 'data' .* of int16"),
        ({"data": PIXELS["test"].astype(float), "labels": [1, 2, 2]}, "an array of dtype 'f8', not of integers"),
        ([1, 2], "holds a list, and should hold a dict"),
    ],
)
def test_wrong_pickles(tmp_path, content, message, capsys):
    for name in FILES:
        dump(tmp_path / name, content)
    with pytest.raises(ValueError, match=rf"load_cifar10: {tmp_path / FILES[0]} .*{message}"):
        data.load_cifar10(tmp_path, partial=True)
    assert capsys.readouterr().out == ""


def test_a_claim_of_memory(tmp_path):
    """A text of 2^31 bytes in a file of 20."""
    (tmp_path / "data_batch_1").write_bytes(b"\x80\x02T" + (2**31 - 1).to_bytes(4, "little") + b"x" * 13)
    with pytest.raises(ValueError, match="is damaged, or no pickle"):
        data.load_cifar10(tmp_path)


def test_missing_files(tmp_path):
    place = binary_form(tmp_path)
    (place / "data_batch_4.bin").unlink()
    with pytest.raises(FileNotFoundError, match=r"there is no file .*data_batch_4\.bin\. Unpack"):
        data.load_cifar10(place, partial=True)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"no file data_batch_1 or data_batch_1\.bin in .*empty"):
        data.load_cifar10(tmp_path / "empty")
    (place / "data_batch_4.bin").write_bytes(bytes(3073))
    (place / "batches.meta.txt").write_text("one\ntwo")
    with pytest.raises(ValueError, match=r"batches\.meta\.txt names 2 classes, and there are 10"):
        data.load_cifar10(place, partial=True)
