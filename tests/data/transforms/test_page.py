"""The page of transforms is what its script writes, and so are its pictures."""

import io
import re

import make_transforms as page
import numpy as np
import pytest
from PIL import Image

from tinygrad_cv.data import transforms

SHOWN = re.compile(r"^`T\.(.*)` \\$\n.*\n\n!\[\w+\]\(images/transforms/(\w+\.png)\)$", re.M)


def test_page_is_up_to_date():
    assert page.main(["--check"]) == 0, "run: python docs/make_transforms.py"


def test_every_transform_is_shown_once_at_least():
    shown = SHOWN.findall(page.PAGE.read_text(encoding="utf-8"))
    names = {row.split("(")[0] for row, _ in shown}
    assert names == set(transforms.__all__) - {"BatchTransform", "ToImage", "Transform", "functional"}
    assert sorted(name for _, name in shown) == sorted(path.name for path in page.PICTURES.iterdir())


@pytest.mark.parametrize("row", [row for rows in page.ROWS.values() for row in rows])
def test_pictures_are_up_to_date(row):
    """But for roundings, which are Pillow's."""
    kept, made = (
        np.asarray(Image.open(file).convert("RGB"), np.float64)
        for file in (page.PICTURES / page.picture_name(row), io.BytesIO(page.picture(row)))
    )
    assert kept.shape == made.shape and abs(kept - made).mean() < 1, "run: python docs/make_transforms.py"
