"""An attribute that a layer shows is read in every call, or follows from its parameters and cannot be set otherwise."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.nn.test_arrays import NAMES, ROWS, row
from tinygrad_cv import nn
from tinygrad_cv.nn.arguments import derived

pytestmark = pytest.mark.any_python


def spied(layer, seen):
    """The layer, which notes the attributes that are read from it."""
    kind = type(layer)

    def read(self, name):
        seen.add(name)
        return kind.__getattribute__(self, name)

    layer.__class__ = type(kind.__name__, (kind,), {"__getattribute__": read})
    return layer


def of_parameters(layer):
    return {name for kind in type(layer).__mro__ for name, value in vars(kind).items() if isinstance(value, derived)}


@pytest.mark.parametrize("name", NAMES)
def test_what_the_repr_shows_is_read_or_follows(name):
    seen: set[str] = set()
    make, arrays = row(name)
    layer = spied(make(), seen)
    layer.extra_repr()
    shown = seen & (set(vars(layer)) | of_parameters(layer)) - {"weight", "bias"}
    seen.clear()
    for training in (True, False):
        layer.train(training)(**arrays)
    stored = {key for key in vars(layer) if key[0] != "_"} - {"training", "weight", "bias"}
    if name.startswith("Instance"):
        stored -= {"num_batches_tracked"}  # it is in PyTorch's state dict, and stays 0
    assert stored <= seen, "kept, but not read"
    assert shown <= seen | of_parameters(layer), "shown, but not read"


OTHER = {"affine": False, "elementwise_affine": False, "kernel_size": (5, 5)}


@pytest.mark.parametrize(
    "name", [name for name in ROWS if of_parameters(getattr(nn, name)(*ROWS[name][0], **ROWS[name][1]))]
)
def test_what_follows_from_the_parameters_cannot_be_set_otherwise(name):
    layer = getattr(nn, name)(*ROWS[name][0], **ROWS[name][1])
    if name.startswith("InstanceNorm"):
        layer = getattr(nn, name)(6, affine=True)
    for attribute in of_parameters(layer):
        before = getattr(layer, attribute)
        setattr(layer, attribute, before)
        with pytest.raises(AttributeError, match=rf"{name}\.{attribute} = .*follows from.*Make a new layer"):
            setattr(layer, attribute, OTHER.get(attribute, 77))
        assert getattr(layer, attribute) == before


def test_other_parameters_give_other_attributes():
    conv = nn.Conv2d(3, 8, 3)
    conv.weight = nn.Parameter(tg.zeros(8, 1, 5, 5))
    conv.in_channels = 1
    assert (conv.in_channels, conv.kernel_size) == (1, (5, 5)) and "1, 8, kernel_size=(5, 5)" in repr(conv)


# layer, arguments, attribute, its new value
CHANGES = [
    ("BatchNorm2d", (6,), "track_running_stats", False),
    ("BatchNorm2d", (6,), "momentum", 0.7),
    ("BatchNorm2d", (6,), "momentum", None),
    ("BatchNorm2d", (6,), "eps", 0.5),
    ("BatchNorm1d", (6,), "track_running_stats", False),
    ("LayerNorm", (8,), "eps", 0.5),
    ("InstanceNorm2d", (6,), "eps", 0.5),
    ("InstanceNorm2d", (6, 1e-5, 0.1, True, True), "momentum", 0.7),
    ("InstanceNorm2d", (6, 1e-5, 0.1, True, True), "track_running_stats", False),
    ("RMSNorm", (8,), "eps", 0.5),
    ("LocalResponseNorm", (3,), "size", 4),
    ("LocalResponseNorm", (3,), "alpha", 0.5),
    ("LocalResponseNorm", (3,), "beta", 0.5),
    ("LocalResponseNorm", (3,), "k", 2.0),
    ("GroupNorm", (2, 6), "eps", 0.5),
    ("GroupNorm", (2, 6), "num_groups", 3),
    ("Conv2d", (6, 6, 3), "stride", (2, 1)),
    ("Conv2d", (6, 6, 3), "padding", (1, 2)),
    ("Conv2d", (6, 6, 3), "dilation", (2, 2)),
    ("ConvTranspose2d", (6, 6, 3, 2), "output_padding", (1, 1)),
    ("MaxPool2d", (2,), "return_indices", False),
    ("LPPool2d", (2, 3), "norm_type", 4.0),
    ("AdaptiveMaxPool2d", (1,), "output_size", (4, None)),
    ("MaxPool2d", (3, 2), "ceil_mode", True),
    ("MaxPool2d", (2,), "kernel_size", 3),
    ("MaxPool2d", (2,), "dilation", 2),
    ("MaxPool2d", (2,), "stride", 1),
    ("MaxPool2d", (2,), "padding", 1),
    ("AvgPool2d", (3, 2, 1), "count_include_pad", False),
    ("AvgPool2d", (2,), "divisor_override", 3),
    ("AdaptiveAvgPool2d", (1,), "output_size", (3, 2)),
    ("Softmax", (1,), "dim", 2),
    ("LeakyReLU", (), "negative_slope", 0.5),
    ("ELU", (), "alpha", 0.5),
    ("GELU", (), "approximate", "tanh"),
    ("Softplus", (), "beta", 2.0),
    ("Softplus", (), "threshold", 0.5),
    ("Hardtanh", (), "max_val", 0.5),
    ("CELU", (), "alpha", 0.5),
    ("Hardshrink", (), "lambd", 1.5),
    ("Softshrink", (), "lambd", 1.5),
    ("Threshold", (1.0, 2.0), "threshold", 0.5),
    ("Threshold", (1.0, 2.0), "value", 0.5),
    ("GLU", (1,), "dim", 3),
    ("LogSoftmax", (1,), "dim", 2),
    ("Softmin", (1,), "dim", 2),
    ("Flatten", (), "start_dim", 2),
    ("Dropout", (0.0,), "p", 1.0),
]


@pytest.mark.parametrize("name, args, attribute, value", CHANGES, ids=[f"{n}.{a}={v}" for n, _, a, v in CHANGES])
def test_a_changed_attribute_works_as_in_pytorch(name, args, attribute, value):
    torch = pytest.importorskip("torch")
    theirs, ours = getattr(torch.nn, name)(*args), getattr(nn, name)(*args)
    ours.load_state_dict(theirs.state_dict())
    shape = (4, 6, 9) if name == "BatchNorm1d" else (4, 6, 9, 8)
    x = np.random.default_rng(0).normal(size=shape).astype("f4") + 1
    setattr(theirs, attribute, value), setattr(ours, attribute, value)
    for training in (True, True, False):
        ours.train(training), theirs.train(training)
        expected = theirs(torch.from_numpy(x)).detach().numpy()
        np.testing.assert_allclose(ours(x).numpy(), expected, 1e-4, 1e-5)
    for key, buffer in theirs.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[key], buffer.numpy(), 1e-5, 1e-6)
