"""Arrays in files that SciPy, h5py and NumPy wrote: SVHN, PatchCamelyon, STL-10, .npz and .npy."""

import os
import pickle
import re

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import data
from tinygrad_cv.data.readers.matlab import read_mat

pytestmark = pytest.mark.any_python

rng = np.random.default_rng(0)


@pytest.fixture(params=[False, True])
def svhn(request, tmp_path):
    savemat = pytest.importorskip("scipy.io").savemat
    pixels = rng.integers(0, 256, (32, 32, 3, 4), np.uint8)
    for part in ("train", "test"):
        content = {"X": pixels, "y": np.array([[1], [10], [9], [2]], np.uint8)}
        savemat(tmp_path / f"{part}_32x32.mat", content, do_compression=request.param)
    return tmp_path, pixels


def test_svhn(svhn):
    place, pixels = svhn
    for part in data.load_svhn(place):
        assert part.images.shape == (4, 3, 32, 32) and part.images.flags.c_contiguous
        assert all(part.images[n, c, h, w] == pixels[h, w, c, n] for n, c, h, w in np.ndindex(4, 3, 3, 5))
        np.testing.assert_array_equal(part.images[2], pixels[..., 2].transpose(2, 0, 1))
        assert part.labels.tolist() == [1, 0, 9, 2] and part.classes == data.DIGITS


def test_svhn_truncated(svhn):
    path = svhn[0] / "train_32x32.mat"
    content = path.read_bytes()
    for end in [*range(0, 300, 7), *range(300, len(content), 997), len(content) - 1]:
        path.write_bytes(content[:end])
        with pytest.raises(ValueError, match=rf"^load_svhn: {re.escape(str(path))} .*") as info:
            data.load_svhn(svhn[0])
        assert "\n" not in str(info.value)


@pytest.mark.parametrize(
    "x, y, message",
    [
        (np.zeros((32, 32, 3, 2), np.uint8), [[1], [11]], "label 11 of image 1; it must be from 1 to 10"),
        (np.zeros((32, 32, 3, 2), np.uint8), [[0], [1]], "label 0 of image 0"),
        (np.zeros((32, 32, 3, 2), np.uint8), [[1.5], [1]], r"labels of shape \(2,\) and type float64"),
        (np.zeros((32, 32, 3, 2), np.uint8), [[1], [1], [1]], "has 2 images, and .* has 3 labels"),
        (np.zeros((32, 32, 3, 2)), [[1], [1]], "has X of float64; it must be uint8"),
        (np.zeros((3, 32, 32, 2), np.uint8), [[1], [1]], r"has X of shape \(3, 32, 32, 2\)"),
        (None, [[1], [1]], "has no X; it must have X of 32 x 32 x 3 x N"),
    ],
)
def test_wrong_svhn(tmp_path, x, y, message):
    savemat = pytest.importorskip("scipy.io").savemat
    savemat(tmp_path / "train_32x32.mat", {"y": np.array(y), **({} if x is None else {"X": x})})
    with pytest.raises(ValueError, match=rf"load_svhn: .*train_32x32\.mat.* {message}"):
        data.load_svhn(tmp_path)


@pytest.fixture
def stl10(tmp_path):
    place = tmp_path / "stl10_binary"
    place.mkdir()
    pixels = rng.integers(0, 256, (3, 3, 96, 96), np.uint8)  # n c h w
    for part in ("train", "test"):
        (place / f"{part}_X.bin").write_bytes(pixels.transpose(0, 1, 3, 2).tobytes())  # columns, as MATLAB's
        (place / f"{part}_y.bin").write_bytes(bytes([1, 10, 4]))
    return place, pixels


def test_stl10(stl10):
    place, pixels = stl10
    for folder in (place, place.parent):
        for part in data.load_stl10(folder):
            np.testing.assert_array_equal(part.images, pixels)
            assert part.labels.tolist() == [0, 9, 3] and part.classes[9] == "truck"
    found = data.read_stl10(place / "test_X.bin")
    np.testing.assert_array_equal(found, pixels)
    assert not found.flags.writeable


def test_damaged_stl10(stl10):
    place, _ = stl10
    path = place / "test_X.bin"
    content = path.read_bytes()
    for end in range(0, len(content), 4001):
        path.write_bytes(content[:end])
        with pytest.raises(ValueError, match=rf"{re.escape(str(path))} has [\d,]+ bytes, .* it is truncated"):
            data.load_stl10(place)
    path.write_bytes(content[: 2 * 27648])
    with pytest.raises(ValueError, match=r"test_X\.bin has 2 images, and .*test_y\.bin has 3 labels"):
        data.load_stl10(place)
    (place / "train_y.bin").write_bytes(bytes([1, 0, 4]))
    with pytest.raises(ValueError, match=r"train_y\.bin has the label 0 of image 1; it must be from 1 to 10"):
        data.load_stl10(place)
    (place / "train_y.bin").unlink()
    with pytest.raises(FileNotFoundError, match=r"there is no file .*train_y\.bin"):
        data.load_stl10(place)


READERS = ["load_arrays", "load_cifar10", "load_cifar100", "load_pcam", "load_stl10", "load_svhn", "read_stl10"]


@pytest.mark.parametrize("name", READERS)
def test_what_is_no_path(name):
    with pytest.raises(TypeError, match=rf"{name}: (folder|path)=3; it must be a string or a path"):
        getattr(data, name)(3)


X, Y = rng.integers(0, 256, (4, 6, 5, 3), np.uint8), np.array([2, 0, 1, 2])
NAMES = ["x_train", "y_train", "x_test", "y_test"]


@pytest.mark.parametrize("names", [NAMES, ["train_images", "train_labels", "test_images", "test_labels"]])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed, None])
def test_arrays(tmp_path, names, save):
    arrays = dict(zip(names, [X, Y[:, np.newaxis], X[::-1], Y[::-1]], strict=True))
    path = tmp_path / "set.npz" if save else tmp_path
    if save:
        save(path, **arrays)
    else:
        for name, array in arrays.items():
            np.save(tmp_path / f"{name}.npy", array)
    train, test = data.load_arrays(path)
    np.testing.assert_array_equal(train.images, X.transpose(0, 3, 1, 2))
    assert train.labels.tolist() == Y.tolist() and train.classes == ("0", "1", "2")
    assert test.labels.tolist() == Y[::-1].tolist() and data.load_arrays(path, ["a", "b", "c"]).test.classes[2] == "c"


def test_arrays_of_npy_are_mapped(tmp_path):
    for name, array in zip(NAMES, [X[..., 0], Y, X[..., 0], Y], strict=True):
        np.save(tmp_path / f"{name}.npy", array)
    images = data.load_arrays(tmp_path).train.images
    assert images.shape == (4, 1, 6, 5) and isinstance(images, np.memmap)


def test_damaged_arrays(tmp_path):
    path = tmp_path / "set.npz"
    np.savez(path, x_train=X, y_train=Y, x_test=X, y_test=Y)
    content = path.read_bytes()
    for end in range(0, len(content), 101):
        path.write_bytes(content[:end])
        with pytest.raises(ValueError, match=rf"^load_arrays: {re.escape(str(path))} ") as info:
            data.load_arrays(path)
        assert "\n" not in str(info.value)
    for name in NAMES:
        np.save(tmp_path / f"{name}.npy", Y if name[0] == "y" else X)
    path = tmp_path / "x_test.npy"
    content = path.read_bytes()
    for end in range(0, len(content), 11):
        path.write_bytes(content[:end])
        with pytest.raises(ValueError, match=rf"^load_arrays: {re.escape(str(path))} is damaged"):
            data.load_arrays(tmp_path)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"x_train": Y}, r"x_train has shape \(4,\) and type int64; it must be N x H x W"),
        ({"y_train": Y / 2}, r"y_train has labels of shape \(4,\) and type float64"),
        ({"y_test": Y[:3]}, r"x_test has 4 images, and .*y_test has 3 labels"),
        ({"y_test": -Y}, r"y_test has the label -2 of image 0; it must be from 0 to 2"),
        ({"y_test": np.array([None])}, "holds Python objects in a pickle"),
    ],
)
def test_wrong_arrays(tmp_path, change, message):
    np.savez(tmp_path / "set.npz", **{**dict(zip(NAMES, [X, Y, X, Y], strict=True)), **change})
    with pytest.raises(ValueError, match=rf"load_arrays: .*{message}"):
        data.load_arrays(tmp_path / "set.npz", ["a", "b", "c"])


def test_missing_arrays(tmp_path):
    np.savez(tmp_path / "set.npz", other=X)
    with pytest.raises(FileNotFoundError, match=r"no x_train, .* in .*set\.npz\. The arrays in it are 'other'"):
        data.load_arrays(tmp_path / "set.npz")
    with pytest.raises(FileNotFoundError, match=r"there is no file .*no\.npz"):
        data.load_arrays(tmp_path / "no.npz")


def write_h5(path, **arrays):
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array, compression="gzip", chunks=(1, *array.shape[1:]))
    return path


def test_pcam(tmp_path):
    pixels, labels = rng.integers(0, 256, (3, 96, 96, 3), np.uint8), np.array([1, 0, 1], np.uint8).reshape(3, 1, 1, 1)
    for part in ("train", "valid", "test"):
        write_h5(tmp_path / f"camelyonpatch_level_2_split_{part}_x.h5", x=pixels)
        write_h5(tmp_path / f"camelyonpatch_level_2_split_{part}_y.h5", y=labels)
    for part in data.load_pcam(tmp_path):
        assert len(part) == 3 and part.classes == ("no tumor", "tumor")
        for index in (0, 2, -1):
            image, label = part[index]
            np.testing.assert_array_equal(image, pixels[index].transpose(2, 0, 1))
            assert label == labels.ravel()[index]
    ((images, found),) = data.DataLoader(part, 4, sampler=[2, 0, 2, 1])
    np.testing.assert_array_equal(images, pixels[[2, 0, 2, 1]].transpose(0, 3, 1, 2))
    assert found.tolist() == [1, 1, 1, 0]
    copy = pickle.loads(pickle.dumps(part))
    np.testing.assert_array_equal(copy[1][0], part[1][0])
    with pytest.raises(IndexError, match="HDF5Images: indices 3 to 3 of 3 samples"):
        part[3]


def test_hdf5_of_other_names_and_transforms(tmp_path):
    path = write_h5(tmp_path / "set.h5", pictures=X[..., 0], numbers=Y)
    found = data.HDF5Images(path, image_key="pictures", label_key="numbers", transform=np.sum, target_transform=str)
    assert found[1] == (X[1, ..., 0].sum(), "0") and found.classes == ("0", "1", "2")


def test_hdf5_is_read_by_worker_processes(tmp_path):
    dataset = data.HDF5Images(write_h5(tmp_path / "set.h5", x=X, y=Y))
    dataset[0]  # opened here, too
    images = np.concatenate([images for images, _ in data.DataLoader(dataset, 1, num_workers=2)])
    np.testing.assert_array_equal(images, X.transpose(0, 3, 1, 2))


def test_a_process_that_was_forked_opens_the_file_itself(tmp_path, monkeypatch):
    dataset = data.HDF5Images(write_h5(tmp_path / "set.h5", x=X, y=Y))
    before = dataset._stored()
    assert dataset._stored() is before
    process = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: process + 1)
    assert dataset._stored() is not before


def test_damaged_hdf5(tmp_path):
    """Truncation is an error when the file is opened, or when the image is asked for that is missing."""
    path = write_h5(tmp_path / "set.h5", x=X, y=Y)
    content = path.read_bytes()
    for end in range(0, len(content), 211):
        path.write_bytes(content[:end])
        with pytest.raises(ValueError, match=rf"^HDF5Images: {re.escape(str(path))} is damaged, or no HDF5") as info:
            list(data.HDF5Images(path))
        assert "\n" not in str(info.value)


def test_wrong_hdf5(tmp_path):
    h5py = pytest.importorskip("h5py")
    path = write_h5(tmp_path / "set.h5", x=X, y=Y, short=Y[:2], text=Y.reshape(2, 2), flat=X[0, 0])
    for arguments, message in [
        ({"image_key": "z"}, r"has no array of numbers 'z'; it has 'flat', 'short', 'text', 'x', 'y'"),
        ({"image_key": "flat"}, r"has 'flat' of shape \(5, 3\); it must be N x H x W"),
        ({"label_key": "short"}, r"has 4 images, and .* has labels of shape \(2,\)"),
        ({"label_key": "text"}, r"has 4 images, and .* has labels of shape \(2, 2\)"),
        ({"classes": ("a", "b")}, "has the label 2 of image 0; it must be from 0 to 1"),
    ]:
        with pytest.raises(ValueError, match=rf"HDF5Images: {path} {message}"):
            data.HDF5Images(path, **arguments)
    with h5py.File(tmp_path / "claim.h5", "w") as file:  # of which nothing is stored
        file.create_dataset("x", (4, 2**20, 2**20), np.uint8, chunks=(1, 64, 64))
        file.create_dataset("few", (4, 8, 8), np.uint8)
        file.create_dataset("y", (2**40,), np.uint8, chunks=(64,))
    with pytest.raises(ValueError, match=r"has images of 1048576 x 1048576; 268,435,456 values are the most"):
        data.HDF5Images(tmp_path / "claim.h5")
    with pytest.raises(ValueError, match=r"has 4 images, and .* has labels of shape \(1099511627776,\)"):
        data.HDF5Images(tmp_path / "claim.h5", image_key="few")
    with pytest.raises(FileNotFoundError, match=r"there is no file .*no\.h5"):
        data.HDF5Images(tmp_path / "no.h5")


@pytest.mark.parametrize("compress", [False, True])
def test_single_bits_of_a_file_of_matlab(tmp_path, compress):
    """Damage is an error of one line, or in what has no meaning; if it is compressed, never another value."""
    savemat = pytest.importorskip("scipy.io").savemat
    path = tmp_path / "x.mat"
    arrays = {"X": np.arange(24, dtype=np.uint8).reshape(2, 3, 4), "y": np.array([[1.0], [2.5]])}
    savemat(path, {"other": "text", **arrays}, do_compression=compress)
    content = path.read_bytes()
    for bit in range(8 * 124, 8 * len(content), 9):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        try:
            found = read_mat("test", path, ("X", "y"))
        except ValueError as error:
            assert str(error).startswith(f"test: {path} is damaged") and "\n" not in str(error)
        else:
            for name in found if compress else ():
                np.testing.assert_array_equal(found[name], arrays[name])


def test_all_types_of_matlab(tmp_path):
    savemat = pytest.importorskip("scipy.io").savemat
    arrays = {
        f"a{n}": rng.integers(0, 100, (3, n + 1)).astype(kind)
        for n, kind in enumerate(["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"])
    }
    savemat(tmp_path / "x.mat", arrays)
    found = read_mat("test", tmp_path / "x.mat", arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array, strict=True)
    savemat(tmp_path / "x.mat", {"z": np.array([1j])})
    with pytest.raises(ValueError, match="z is no array of real numbers"):
        read_mat("test", tmp_path / "x.mat", ("z",))


def test_labels_that_cannot_be_classes(tmp_path):
    np.savez(tmp_path / "set.npz", x_train=X, y_train=Y, x_test=X, y_test=Y + 2**40)
    with pytest.raises(ValueError, match=r"set\.npz has the label 1,099,511,627,778; classes count from 0"):
        data.load_arrays(tmp_path / "set.npz")
    path = write_h5(tmp_path / "set.h5", x=X, y=Y + 2**40)
    with pytest.raises(ValueError, match=r"set\.h5 has the label 1,099,511,627,778; classes count from 0"):
        data.HDF5Images(path)


def test_bits_of_the_header_of_an_array(tmp_path):
    """Each is an error that names the file, or leaves the array's size as it is."""
    for name in NAMES:
        np.save(tmp_path / f"{name}.npy", Y if name[0] == "y" else X)
    path = tmp_path / "x_train.npy"
    content = path.read_bytes()
    for bit in range(8 * 128):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        for read in (lambda: data.load_arrays(tmp_path).train.images, lambda: tg.load(path)):
            try:
                assert read().size == X.size
            except ValueError as error:
                assert str(path) in str(error) or str(tmp_path) in str(error)
