"""The picture of a map: what is bright in it lies where the map is large."""

import numpy as np
import pytest

from tinygrad_cv.explain import save_map

pytest.importorskip("matplotlib")
Image = pytest.importorskip("PIL.Image")
pytestmark = pytest.mark.any_python


def drawn(path):
    with Image.open(path) as image:
        return np.array(image.convert("RGB")).astype(int)


@pytest.mark.parametrize("shape", [(1, 20, 20), (3, 20, 30), (3, 300, 20)])
def test_the_map_lies_over_the_right_half_of_the_picture(shape, tmp_path):
    image, map = np.full(shape, 0.5, np.float32), np.zeros((2, 2), np.float32)
    save_map(tmp_path / "dark.png", image, map, "nothing")
    map[0, 1] = 7  # the upper right
    save_map(tmp_path / "lit.png", image, map, "nothing")
    dark, lit = drawn(tmp_path / "dark.png"), drawn(tmp_path / "lit.png")
    h, w, _ = dark.shape
    assert lit.shape[0] == h
    ys, xs = np.nonzero(np.abs(lit[:, : w // 2] - dark[:, : w // 2]).sum(-1))
    assert not xs.size  # the image itself stays
    bright = (lit[..., 0] > 150) & (lit[..., 2] < 140)  # orange and yellow
    ys, xs = np.nonzero(bright[:, w // 2 :])
    assert xs.size and (ys < 0.6 * h).mean() > 0.5


def test_titles_and_bytes(tmp_path):
    save_map(tmp_path / "a.svg", np.zeros((1, 4, 4), np.uint8), np.ones((1, 1)), "a $ sign $", "L $x$")
    assert "<svg" in (tmp_path / "a.svg").read_text()


@pytest.mark.parametrize(
    ("image", "map", "message"),
    [
        (np.zeros((4, 4)), np.zeros((1, 1)), r"image has shape \(4, 4\)"),
        (np.zeros((2, 4, 4)), np.zeros((1, 1)), r"image has shape \(2, 4, 4\)"),
        (np.zeros((1, 4, 4)), np.zeros((1, 1, 1)), r"map has shape \(1, 1, 1\); it must be h x w"),
    ],
)
def test_errors(image, map, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        save_map(tmp_path / "a.png", image, map)
    assert not list(tmp_path.iterdir())
