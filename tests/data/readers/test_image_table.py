"""Images that a CSV file lists; the files are written by Python's csv."""

import csv

import numpy as np
import pytest

from tinygrad_cv import data

Image = pytest.importorskip("PIL.Image")
pytestmark = pytest.mark.any_python


def table(folder, rows, name="table.csv", **options):
    (folder / "images").mkdir(exist_ok=True)
    for level in range(3):
        Image.new("RGB", (4, 3), (level,) * 3).save(folder / "images" / f"{level}, x.png")
    with (folder / name).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, **options).writerows(rows)
    return folder / name


ROWS = [
    ["id", "path", "label"],
    [1, "images/2, x.png", "dog"],
    [2, "images/0, x.png", "cat"],
    [3, "images/1, x.png", "dog"],
]


def test_rows_are_samples(tmp_path):
    found = data.ImageTable(table(tmp_path, ROWS))
    assert found.classes == ["cat", "dog"] and found.class_to_idx == {"cat": 0, "dog": 1}
    assert found.targets == [1, 0, 1] and len(found) == 3
    assert [int(image[0, 0, 0]) for image, _ in found] == [2, 0, 1] and found[0][0].shape == (3, 3, 4)
    ((images, labels),) = data.DataLoader(found, 3)
    assert images.shape == (3, 3, 3, 4) and labels.tolist() == [1, 0, 1]


def test_classes_of_another_table(tmp_path):
    path = table(tmp_path, ROWS[:2])
    found = data.ImageTable(path, classes=["emu", "dog", "cat"])
    assert found.classes == ["emu", "dog", "cat"] and found.targets == [1] and found.class_to_idx["cat"] == 2
    with pytest.raises(ValueError, match="has the label 'dog' in line 2, which is none of the classes cat, emu"):
        data.ImageTable(path, classes=["emu", "cat"])


def test_names_root_delimiter_mode_and_transforms(tmp_path):
    rows = [["file", "kind"], ["2, x.png", 10], ["0, x.png", 9], ["1, x.png", 2]]
    path = table(tmp_path, rows, delimiter=";")
    found = data.ImageTable(path, "file", "kind", tmp_path / "images", np.max, str, delimiter=";", mode="L")
    assert found.classes == ["2", "9", "10"]  # as numbers
    assert [found[n] for n in range(3)] == [(2, "2"), (0, "1"), (1, "0")]
    assert data.ImageTable(path, "file", "kind", tmp_path / "images", loader=len, delimiter=";")[0][0] > 7


def test_a_byte_order_mark(tmp_path):
    path = table(tmp_path, [row[1:] for row in ROWS])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(data.ImageTable(path)) == 3


@pytest.mark.parametrize(
    "rows, message",
    [
        ([["file", "label"]], "has no column 'path'; its columns are file, label"),
        ([], "has no column 'path'; its columns are none"),
        (ROWS[:1], "has no row"),
        ([*ROWS, [4, "images/1, x.png"]], "has no label in line 5"),
        ([*ROWS, [4, "", "cat"]], "has no path in line 5"),
        ([*ROWS[:2], [4, "images/9.png", "cat"]], r"names .*9\.png in line 3, and there is no such file"),
        ([*ROWS, [4, "x" * 200_000, "cat"]], "is no CSV in UTF-8, from line 5 on: field larger than field limit"),
    ],
)
def test_wrong_tables(tmp_path, rows, message):
    path = table(tmp_path, rows)
    with pytest.raises(ValueError, match=rf"ImageTable: {path} {message}"):
        data.ImageTable(path)


def test_files_that_are_no_tables(tmp_path):
    path = table(tmp_path, ROWS)
    path.write_bytes(path.read_bytes().replace(b"cat", b"\xff\xfe"))
    with pytest.raises(ValueError, match=rf"ImageTable: {path} is no CSV in UTF-8"):
        data.ImageTable(path)
    with pytest.raises(FileNotFoundError, match=r"no file .*none\.csv\. Give a CSV file"):
        data.ImageTable(tmp_path / "none.csv")
