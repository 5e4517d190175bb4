"""The page about files says what the code does."""

import re
from pathlib import Path

import pytest

from tinygrad_cv.files import checkpoint, safetensors, tensors
from tinygrad_cv.files.elements import ELEMENTS
from tinygrad_cv.files.torch_names import NAMES, STORAGES

pytestmark = pytest.mark.any_python
TEXT = (Path(__file__).parents[2] / "docs" / "files.md").read_text(encoding="utf-8")


def section(heading):
    return re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", TEXT, re.S | re.M)[1]


def test_names_of_pickles():
    text = section("Pickles are read without running anything")
    listed = set(re.findall(r"`([\w.]+\.\w+)`", text.split("state dicts need:")[1].split("Everything else")[0]))
    storages = {f"torch.{name}Storage" for name in STORAGES}
    dtypes = {f"torch.{name}" for name in ELEMENTS}
    assert listed == NAMES.keys() - storages - dtypes
    assert "of twelve element types" in text and len(STORAGES) == 12


def test_formats_and_dtypes():
    text = section("What is read and written")
    written = {
        row.split("|")[2].strip(" `")
        for row in text.splitlines()
        if row.startswith("|") and row.split("|")[4].strip() == "yes"
    }
    assert written == set(tensors.WRITTEN)
    named = set(
        re.findall(
            r"\b(?:float|complex|int|uint)\d+\b|\bbool\b", text.split("Arrays come back")[1].split("NumPy has no")[0]
        )
    )
    assert named == ELEMENTS.keys() - {"bfloat16"}


def test_versions_of_the_container():
    text = section("The container")
    assert re.findall(r"^\| (\d+) \|", text, re.M) == [str(n) for n in range(checkpoint.VERSION + 1)]
    assert f"`{checkpoint.PREFIX.decode()}`" in text and str(checkpoint.DIGITS) in text
    for key in (checkpoint.CHECKSUM, checkpoint.NUMBER, checkpoint.ABOUT, checkpoint.FIRST):
        assert f"`{key}`" in text
    assert safetensors.METADATA in text
