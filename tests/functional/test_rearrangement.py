"""Moving elements: what PyTorch cannot judge, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import ShapeError, nn

pytestmark = pytest.mark.any_python


def test_integers_and_empty_batches_are_moved_too():
    labels = np.arange(16, dtype="uint8").reshape(1, 4, 2, 2)
    assert F.pixel_unshuffle(F.pixel_shuffle(labels, 2), 2).tolist() == labels.tolist()
    assert F.channel_shuffle(F.channel_shuffle(labels, 2), 2).tolist() == labels.tolist()
    assert F.unfold(labels, 2).dtype == F.fold(F.unfold(labels, 2), 2, 2).dtype == np.uint8
    empty = tg.tensor(np.zeros((0, 4, 6, 2)), requires_grad=True)
    for y in (F.pixel_shuffle(empty, 2), F.pixel_unshuffle(empty, 2), F.channel_shuffle(empty, 2), F.unfold(empty, 2)):
        assert y.shape[0] == 0
        (g,) = tg.grad([y], [empty], [np.zeros(y.shape)])
        assert g.shape == empty.shape
    assert F.fold(np.zeros((0, 8, 5)), (2, 6), 2).shape == (0, 2, 2, 6)


def test_unfolding_and_a_product_are_a_convolution():
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(2, 3, 6, 7)), rng.normal(size=(4, 3, 2, 3))
    columns = F.unfold(x, (2, 3), 1, 1, 2)
    y = (tg.tensor(w.reshape(4, -1)) @ columns).reshape(2, 4, 4, 4)
    np.testing.assert_allclose(y.numpy(), F.conv2d(x, w, None, 2, 1).numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "layer", [nn.Unfold(2, padding=1), nn.Fold(3, 2), nn.PixelShuffle(3), nn.ChannelShuffle(2), nn.Unflatten(1, [2, 2])]
)
def test_layers_are_printed_as_in_pytorch(layer):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'tinygrad_cv[torch]'")
    settings = {key: value for key, value in vars(layer).items() if key != "training" and key[0] != "_"}
    theirs = getattr(torch.nn, type(layer).__name__)(**settings)
    assert repr(layer) == repr(theirs)


IMAGES, COLUMNS = np.ones((1, 6, 4, 5)), np.ones((1, 8, 12))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: F.pixel_shuffle(IMAGES, 2), "input of 6 channels, upscale_factor=2 (in pixel_shuffle): its square, 4"),
        (lambda: F.pixel_shuffle(IMAGES[0, 0], 1), "it must be C x H x W: at least 3 axes, not 2"),
        (lambda: F.pixel_shuffle(IMAGES, 0), "upscale_factor=0 (in pixel_shuffle): it must be at least 1"),
        (lambda: F.pixel_shuffle(IMAGES, 1.5), "upscale_factor=1.5"),
        (lambda: F.pixel_unshuffle(IMAGES, 2), "images of 4 x 5, downscale_factor=2"),
        (lambda: F.pixel_unshuffle(IMAGES, "2"), "downscale_factor='2'"),
        (lambda: F.channel_shuffle(IMAGES, 4), "input of 6 channels, groups=4 (in channel_shuffle)"),
        (lambda: F.channel_shuffle(IMAGES[0, 0], 2), "it must be N x C x ..., with at least one spatial axis"),
        (lambda: F.channel_shuffle(IMAGES, -1), "groups=-1"),
        (lambda: F.unfold(IMAGES[0, 0], 2), "it must be N x C x H x W, or C x H x W without a batch"),
        (lambda: F.unfold(IMAGES, 6), "the kernel is larger than the padded input"),
        (lambda: F.unfold(IMAGES, (2, 2, 2)), "kernel_size=(2, 2, 2)"),
        (lambda: F.unfold(IMAGES, 2, padding=-1), "padding=-1"),
        (lambda: F.fold(IMAGES, 4, 2), "it must be N x C Kh Kw x H'W', or C Kh Kw x H'W' without a batch"),
        (lambda: F.fold(COLUMNS, (4, 5), 3), "its 8 rows must be C Kh Kw, a multiple of 9"),
        (lambda: F.fold(COLUMNS, (4, 4), 2), "such an image has 3 x 3 windows, so there must be 9 columns, not 12"),
        (lambda: F.fold(COLUMNS, 1, 2), "the kernel is larger than the padded input"),
        (lambda: F.fold(COLUMNS, (4, 0), 2), "output_size=(4, 0)"),
    ],
)
def test_wrong_arguments_are_named(call, words):
    with pytest.raises(ShapeError) as caught:
        call()
    assert words in str(caught.value)
