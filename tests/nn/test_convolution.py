"""Convolution layers: 'same' with every border and stride, and the output size of a transpose."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.nn.test_layers_against_torch import close
from tinygrad_cv import ShapeError, nn

pytestmark = pytest.mark.any_python
RNG = np.random.default_rng(11)
MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}  # and NumPy's names


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_same_is_a_border_of_the_image_and_a_convolution_without(mode, dims, stride):
    """H' = ceil(H / S); of an odd border the larger part is at the end. PyTorch has it at stride 1 only."""
    size, kernel, dilation = (9, 8, 7)[:dims], (3, 4, 2)[:dims], (2, 1, 3)[:dims]
    x = RNG.normal(size=(2, 4, *size))
    conv = getattr(nn, f"Conv{dims}d")(4, 2, kernel, stride, "same", dilation, 2, padding_mode=mode).to("float64")
    border = []
    for n, k, d in zip(size, kernel, dilation, strict=True):
        total = max((-(-n // stride) - 1) * stride + d * (k - 1) + 1 - n, 0)
        border.append((total // 2, total - total // 2))
    bordered = np.pad(x, [(0, 0), (0, 0), *border], MODES[mode])
    expected = getattr(F, f"conv{dims}d")(bordered, conv.weight, conv.bias, stride, 0, dilation, 2)
    for given, wanted in ((x, expected), (x[0], expected[0])):
        assert conv(given).shape[-dims:] == tuple(-(-n // stride) for n in size)
        np.testing.assert_allclose(conv(given).numpy(), wanted.numpy(), rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_the_output_size_of_a_transpose(dims):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'tinygrad_cv[torch]'")
    arguments = (4, 2, 3, 3, 1)
    theirs = getattr(torch.nn, f"ConvTranspose{dims}d")(*arguments).double()
    ours = getattr(nn, f"ConvTranspose{dims}d")(*arguments).to("float64")
    ours.load_state_dict(theirs.state_dict())
    x = RNG.normal(size=(2, 4, *(5, 4, 3)[:dims]))
    for size in ((13, 10, 7)[:dims], (15, 11, 8)[:dims], (2, 2, *(14, 12, 9)[:dims])):
        close(ours(x, output_size=size).detach(), theirs(torch.tensor(x), output_size=size), f"size {size}")
    close(ours(x[0], (13, 10, 7)[:dims]).detach(), theirs(torch.tensor(x[0]), (13, 10, 7)[:dims]), "one image")


@pytest.mark.parametrize(
    ("shape", "size", "words"),
    [
        ((1, 4, 5, 5), (16, 13), r"output_size=\(16, 13\) .*it must be \(13, 13\) to \(15, 15\)"),
        ((1, 4, 5, 5), (13,) * 3, r"output_size=\(13, 13, 13\).* pair of integers"),
        ((4, 5), (13, 13), "it must be N x C x H x W, or C x H x W"),
    ],
)
def test_an_output_size_that_cannot_be_is_refused(shape, size, words):
    with pytest.raises(ShapeError, match=words):
        nn.ConvTranspose2d(4, 2, 3, 3, 1)(tg.ones(*shape), size)


def test_a_border_is_part_of_a_compiled_step():
    conv = nn.Conv2d(2, 3, 3, padding=2, padding_mode="reflect")
    x = RNG.normal(size=(2, 2, 6, 5)).astype("f4")
    leaves = [tg.tensor(x, requires_grad=True), conv.weight]

    def gradients(x, weight):
        return tg.grad(conv(x).square().sum(), [x, weight])

    for found, expected in zip(tg.jit(gradients)(*leaves), gradients(*leaves), strict=True):
        np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-4, atol=1e-4)
