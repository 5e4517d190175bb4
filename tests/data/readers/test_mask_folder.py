"""Images and masks of the same names; the files are written by Pillow."""

import numpy as np
import pytest

from tinygrad_cv import data
from tinygrad_cv.data import transforms as T

Image = pytest.importorskip("PIL.Image")
pytestmark = pytest.mark.any_python
MASK = np.array([[0, 1, 2, 255]] * 3, np.uint8)


@pytest.fixture
def root(tmp_path):
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    for n, suffix in enumerate(("jpg", "png")):
        Image.new("RGB", (4, 3), (n, n, n)).save(tmp_path / "images" / f"{n}.{suffix}")
        Image.fromarray(MASK).save(tmp_path / "masks" / f"{n}.png")
    (tmp_path / "images" / "notes.txt").touch()
    return tmp_path


def test_samples_and_transforms(root):
    found = data.MaskFolder(root, 3)
    assert len(found) == 2 and found.classes == ["0", "1", "2"]
    image, mask = found[1]
    assert image.shape == (3, 3, 4) and (image == 1).all() and mask.tolist() == MASK.tolist() and mask.dtype == np.uint8
    flipped = data.MaskFolder(root, ["sky", "sea", "sand"], T.Compose([T.RandomHorizontalFlip(1)]), mode="L")
    image, mask = flipped[0]
    assert image.shape == (1, 3, 4) and mask.tolist() == MASK[:, ::-1].tolist() and flipped.classes[2] == "sand"


def test_a_palette(root):
    image = Image.fromarray(MASK, "P")
    image.putpalette([10, 20, 30] * 256)
    image.save(root / "masks" / "0.png")
    assert data.MaskFolder(root, 3)[0][1].tolist() == MASK.tolist()


def test_what_is_missing_or_wrong(root):
    with pytest.raises(ValueError, match=r"0\.png has the class 2; it must be below 2, or 255"):
        data.MaskFolder(root, 2)[0]
    Image.new("L", (5, 3)).save(root / "masks" / "0.png")
    with pytest.raises(ValueError, match=r"0\.png is 5 x 3, and its image 4 x 3"):
        data.MaskFolder(root, 3)[0]
    Image.new("RGB", (4, 3)).save(root / "masks" / "0.png")
    with pytest.raises(ValueError, match=r"0\.png has Pillow's mode RGB; a mask has a palette"):
        data.MaskFolder(root, 3)[0]
    (root / "masks" / "1.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"no file .*1\.png\. Each image needs a mask of its name"):
        data.MaskFolder(root, 3)
    for path in (root / "images").iterdir():
        path.unlink()
    with pytest.raises(FileNotFoundError, match=r"no image in .*images"):
        data.MaskFolder(root, 3)
    (root / "images").rmdir()
    with pytest.raises(FileNotFoundError, match="There must be images and masks"):
        data.MaskFolder(root, 3)
