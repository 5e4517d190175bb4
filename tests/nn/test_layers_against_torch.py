"""Every layer and loss against PyTorch's of the same name and arguments: output, gradients, buffers, state dict."""

from __future__ import annotations

import warnings
import zlib

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.nn.losses import LOSSES, configured, inputs
from tinygrad_cv import nn

IMAGE = (4, 6, 9, 8)
LINE, VOLUME = (4, 6, 9), (2, 4, 5, 6, 7)

# name, arguments, keyword arguments, input shape
LAYERS = [
    ("Conv2d", (6, 8, 3), {}, IMAGE),
    ("Conv2d", (6, 8, (3, 2)), {"stride": (2, 1), "padding": (1, 0), "bias": False}, IMAGE),
    ("Conv2d", (6, 9, 3), {"padding": "same", "dilation": 2, "groups": 3}, IMAGE),
    ("Conv2d", (6, 12, 3, 2, 1, 1, 6), {}, IMAGE),
    ("Conv1d", (6, 8, 3), {"stride": 2, "padding": 1, "groups": 2}, LINE),
    ("Conv3d", (4, 6, 3), {"padding": (1, 0, 2), "dilation": (1, 2, 1)}, VOLUME),
    ("Conv1d", (6, 4, 4), {"padding": "same", "padding_mode": "reflect"}, LINE),
    ("Conv2d", (6, 4, 3, (2, 1), (1, 2), 1, 2, False, "reflect"), {}, IMAGE),
    ("Conv2d", (6, 4, (3, 4)), {"padding": "same", "dilation": (1, 2), "padding_mode": "replicate"}, IMAGE),
    ("Conv2d", (6, 4, 3), {"stride": 3, "padding": 2, "padding_mode": "circular"}, IMAGE),
    ("Conv2d", (6, 4, 3), {"padding": "valid", "padding_mode": "circular"}, IMAGE),
    ("Conv3d", (4, 2, 2), {"padding": (0, 1, 2), "padding_mode": "circular"}, VOLUME),
    ("ConvTranspose1d", (6, 4, 3, 2, 1, 1), {"groups": 2}, LINE),
    ("ConvTranspose3d", (4, 2, 3), {"stride": (1, 2, 2), "output_padding": (0, 1, 0), "dilation": (2, 1, 1)}, VOLUME),
    ("ConvTranspose2d", (6, 8, 3), {}, IMAGE),
    ("ConvTranspose2d", (6, 8, (3, 4), 2, 1, 1, 2, True, 1), {}, IMAGE),
    ("ConvTranspose2d", (6, 4, 3), {"stride": 2, "dilation": 2, "bias": False}, IMAGE),
    ("Linear", (8, 5), {}, (4, 8)),
    ("Linear", (8, 5), {"bias": False}, (2, 3, 8)),
    ("BatchNorm1d", (6,), {}, (7, 6)),
    ("BatchNorm1d", (6,), {"momentum": 0.3}, (4, 6, 5)),
    ("BatchNorm2d", (6,), {}, IMAGE),
    ("BatchNorm2d", (6, 1e-3, None), {}, IMAGE),
    ("BatchNorm2d", (6,), {"affine": False}, IMAGE),
    ("BatchNorm2d", (6,), {"track_running_stats": False}, IMAGE),
    ("BatchNorm2d", (6,), {"bias": False}, IMAGE),
    ("BatchNorm3d", (4,), {"momentum": None}, VOLUME),
    ("BatchNorm3d", (4,), {"track_running_stats": False, "affine": False}, VOLUME),
    ("RMSNorm", (8,), {}, (4, 8)),
    ("RMSNorm", ((9, 8), 0.1, False), {}, IMAGE),
    ("LocalResponseNorm", (3,), {}, IMAGE),
    ("LocalResponseNorm", (2, 0.5, 0.5, 2.0), {}, VOLUME),
    ("LayerNorm", (8,), {}, (4, 8)),
    ("LayerNorm", ((6, 9, 8),), {"bias": False}, IMAGE),
    ("LayerNorm", (8,), {"elementwise_affine": False, "eps": 1e-2}, IMAGE),
    ("InstanceNorm2d", (6,), {}, IMAGE),
    ("InstanceNorm2d", (6, 1e-3, 0.1, True), {}, IMAGE),
    ("InstanceNorm2d", (6, 1e-3, 0.3, True, True), {}, IMAGE),
    ("InstanceNorm2d", (6,), {"affine": True, "bias": False}, IMAGE),
    ("InstanceNorm2d", (6,), {"track_running_stats": True}, IMAGE[1:]),
    ("InstanceNorm1d", (6,), {"track_running_stats": True}, LINE),
    ("InstanceNorm1d", (6,), {}, LINE[1:]),
    ("InstanceNorm3d", (4,), {"affine": True, "track_running_stats": True}, VOLUME),
    ("InstanceNorm3d", (4,), {}, VOLUME[1:]),
    ("GroupNorm", (3, 6), {}, IMAGE),
    ("GroupNorm", (2, 6, 1e-3, False), {}, IMAGE),
    ("GroupNorm", (2, 6), {"bias": False}, IMAGE),
    ("ReLU", (), {"inplace": False}, IMAGE),
    ("ReLU6", (), {}, IMAGE),
    ("Hardtanh", (), {}, IMAGE),
    ("Hardtanh", (-2.0, 0.5), {}, IMAGE),
    ("Hardswish", (), {}, IMAGE),
    ("LeakyReLU", (0.2,), {}, IMAGE),
    ("PReLU", (), {}, IMAGE),
    ("PReLU", (6, 0.1), {}, IMAGE),
    ("Threshold", (0.5, -1.0), {}, IMAGE),
    ("Hardshrink", (0.7,), {}, IMAGE),
    ("Softshrink", (0.7,), {}, IMAGE),
    ("RReLU", (0.3, 0.3), {}, IMAGE),
    ("ELU", (1.5,), {}, IMAGE),
    ("CELU", (1.0,), {}, IMAGE),
    ("SELU", (), {}, IMAGE),
    ("Softplus", (), {}, IMAGE),
    ("Softplus", (2.0, 1.0), {}, IMAGE),
    ("LogSigmoid", (), {}, IMAGE),
    ("Sigmoid", (), {}, IMAGE),
    ("Tanh", (), {}, IMAGE),
    ("Tanhshrink", (), {}, IMAGE),
    ("Softsign", (), {}, IMAGE),
    ("SiLU", (), {}, IMAGE),
    ("Mish", (), {}, IMAGE),
    ("GELU", (), {}, IMAGE),
    ("GELU", ("tanh",), {}, IMAGE),
    ("GLU", (1,), {}, IMAGE),
    ("Softmax", (1,), {}, IMAGE),
    ("Softmax", (-1,), {}, (4, 8)),
    ("Softmin", (1,), {}, IMAGE),
    ("LogSoftmax", (1,), {}, IMAGE),
    ("Softmax2d", (), {}, IMAGE),
    ("Softmax2d", (), {}, (6, 5, 4)),
    ("MaxPool2d", (2,), {}, IMAGE),
    ("MaxPool2d", (3, 2, 1, 1), {"ceil_mode": True}, IMAGE),
    ("MaxPool1d", (3, 2, 1), {}, LINE),
    ("MaxPool3d", (2, 1, 1), {}, VOLUME),
    ("MaxPool2d", ((3, 2),), {"dilation": 2, "stride": 1}, IMAGE),
    ("AvgPool2d", (2,), {}, IMAGE),
    ("AvgPool2d", (3, 2, 1, True, False), {}, IMAGE),
    ("AvgPool2d", (3,), {"divisor_override": 2}, IMAGE),
    ("AvgPool1d", (3, 2, 1, True, False), {}, LINE),
    ("AvgPool3d", (3, 2, 1), {"divisor_override": 2}, VOLUME),
    ("LPPool1d", (2, 3), {}, LINE),
    ("LPPool2d", (2, 3, 2, True), {}, IMAGE),
    ("LPPool3d", (4.0, (2, 1, 3)), {}, VOLUME),
    ("AdaptiveAvgPool1d", (4,), {}, LINE),
    ("AdaptiveAvgPool3d", ((4, None, 2),), {}, VOLUME),
    ("AdaptiveMaxPool1d", (4,), {}, LINE),
    ("AdaptiveMaxPool3d", ((4, None, 2),), {}, VOLUME),
    ("AdaptiveAvgPool2d", (1,), {}, IMAGE),
    ("AdaptiveAvgPool2d", ((4, None),), {}, IMAGE),
    ("AdaptiveMaxPool2d", ((3, 4),), {}, IMAGE),
    ("PixelShuffle", (2,), {}, (2, 8, 3, 4)),
    ("PixelUnshuffle", (2,), {}, (2, 3, 4, 6)),
    ("ChannelShuffle", (3,), {}, IMAGE),
    ("Unfold", ((3, 2), 1, (1, 0), 2), {}, IMAGE),
    ("Fold", ((5, 4), (3, 2)), {"padding": 1}, (2, 12, 25)),
    ("Unflatten", (1, (2, -1)), {}, IMAGE),
    ("Unflatten", (-2, (3, 3)), {}, IMAGE),
    ("Upsample", (), {"scale_factor": 2}, IMAGE),
    ("Upsample", (7,), {"mode": "linear", "align_corners": True}, LINE),
    ("Upsample", (None, (1.5, 2, 0.5), "trilinear"), {"recompute_scale_factor": True}, VOLUME),
    ("UpsamplingNearest2d", ((4, 11),), {}, IMAGE),
    ("UpsamplingBilinear2d", (None, 2), {}, IMAGE),
    ("ConstantPad1d", ((2, -1), 0.5), {}, LINE),
    ("ConstantPad2d", (1, -1.0), {}, IMAGE),
    ("ConstantPad3d", (2, 1), {}, VOLUME),
    ("ZeroPad1d", (1,), {}, LINE),
    ("ZeroPad2d", ((1, 2, -1, 0),), {}, IMAGE),
    ("ZeroPad3d", (1,), {}, VOLUME),
    ("ReflectionPad1d", ((2, 3),), {}, LINE),
    ("ReflectionPad2d", (2,), {}, IMAGE),
    ("ReflectionPad3d", ((1, 2, 0, 3, 2, 1),), {}, VOLUME),
    ("ReplicationPad1d", ((2, 3),), {}, LINE),
    ("ReplicationPad2d", ((3, -2, 1, 0),), {}, IMAGE),
    ("ReplicationPad3d", (2,), {}, VOLUME),
    ("CircularPad1d", ((2, 3),), {}, LINE),
    ("CircularPad2d", (2,), {}, IMAGE),
    ("CircularPad3d", ((1, 2, 0, 3, 2, 1),), {}, VOLUME),
    ("Flatten", (), {}, IMAGE),
    ("Flatten", (2, 3), {}, IMAGE),
    ("Dropout", (0.0,), {}, IMAGE),
    ("Dropout1d", (0.0,), {}, LINE),
    ("Dropout2d", (0.0,), {}, IMAGE),
    ("Dropout3d", (0.0,), {}, VOLUME),
    ("AlphaDropout", (0.0,), {}, IMAGE),
    ("FeatureAlphaDropout", (0.0,), {}, IMAGE),
    ("Identity", (), {}, IMAGE),
]

# Layers that PyTorch has not under these names; and those of random places, of several inputs, or of no size yet: their
# tests are in test_pooling.py and test_lazy.py.
GLOBAL = [
    (f"Global{kind}Pool{dims}d", (), {}, (LINE, IMAGE, VOLUME)[dims - 1])
    for kind in ("Avg", "Max")
    for dims in (1, 2, 3)
]
OWN = [  # that PyTorch does not have, or not to the last digits
    ("SyncBatchNorm", (6,), {}, IMAGE),  # PyTorch's refuses a processor
    *GLOBAL,
    ("Hardsigmoid", (), {}, IMAGE),
    ("StochasticDepth", (0.0, "row"), {}, IMAGE),
    ("SpatialPyramidPool2d", ((1, (2, 3)), "avg"), {}, IMAGE),
]
ELSEWHERE = {
    "AveragedModel",
    "Embedding",
    "FractionalMaxPool2d",
    "FractionalMaxPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
    "RoIAlign",
    "RoIPool",
}
ELSEWHERE |= {name for name in nn.__all__ if name.startswith("Lazy")}


@pytest.fixture(scope="module")
def torch():
    module = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'tinygrad_cv[torch]'")
    module.set_num_threads(1)  # arrays are small; threads would only wait for each other
    return module


def close(ours, theirs, what):
    theirs = np.asarray(theirs if isinstance(theirs, np.ndarray) else theirs.detach())
    ours = ours.numpy() if isinstance(ours, tg.Tensor) else ours
    assert ours.shape == theirs.shape and ours.dtype == theirs.dtype, what
    np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-10, err_msg=what)


def identify(case):
    return f"{case[0]}{case[1] or ''}{case[2] or ''}".replace(" ", "")


@pytest.mark.parametrize("case", LAYERS, ids=identify)
def test_layer(torch, case):
    """In float64: two training steps, then use; the state dict goes both ways."""
    name, args, kwargs, shape = case
    rng = np.random.default_rng(zlib.crc32(identify(case).encode()))
    theirs = getattr(torch.nn, name)(*args, **kwargs).double()
    ours = getattr(nn, name)(*args, **kwargs).to("float64")
    with torch.no_grad():
        for p in theirs.parameters():
            p.add_(torch.from_numpy(rng.normal(size=tuple(p.shape))))
    assert {k: tuple(v.shape) for k, v in theirs.state_dict().items()} == {
        k: v.shape for k, v in ours.state_dict().items()
    }
    assert [k for k, _ in theirs.named_parameters()] == [k for k, _ in ours.named_parameters()]
    ours.load_state_dict(theirs.state_dict())
    for training in (True, True, False):
        ours.train(training), theirs.train(training)
        ours.zero_grad(), theirs.zero_grad()
        data = rng.normal(size=shape) * 3
        x, z = tg.tensor(data, requires_grad=True), torch.tensor(data, requires_grad=True)
        y, w = ours(x), theirs(z)
        close(y.detach(), w, "output")
        cotangent = rng.normal(size=y.shape)
        y.backward(tg.tensor(cotangent)), w.backward(torch.from_numpy(cotangent))
        close(x.grad, z.grad, "gradient of the input")
        for (key, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
            close(p.grad, q.grad, f"gradient of {key}")
        for key, value in ours.state_dict().items():
            close(value, theirs.state_dict()[key], key)
    theirs.load_state_dict({key: torch.from_numpy(value) for key, value in ours.state_dict().items()})


@pytest.mark.parametrize("case", LOSSES, ids=lambda case: f"{case[0]}-{case[2]}{case[1]}".replace(" ", ""))
def test_loss(torch, case):
    name, kwargs, kind = case
    rng = np.random.default_rng(zlib.crc32(repr(case).encode()))
    arrays = list(inputs(name, kind, rng).values())
    weights = rng.uniform(0.5, 2.0, 5)
    ours = configured(name, kwargs, tg.tensor(weights), nn)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of older arguments
        theirs = configured(name, kwargs, torch.from_numpy(weights), torch.nn)
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    xs = [tg.tensor(x, requires_grad=x is arrays[0]) for x in arrays]
    zs = [torch.tensor(x, requires_grad=x is arrays[0]) for x in arrays]
    if name == "CTCLoss":  # PyTorch's gradient is right only behind a log_softmax
        y, w = ours(tg.functional.log_softmax(xs[0], -1), *xs[1:]), theirs(zs[0].log_softmax(-1), *zs[1:])
    else:
        y, w = ours(*xs), theirs(*zs)
    close(y.detach(), w, "loss")
    cotangent = rng.normal(size=y.shape)
    y.backward(tg.tensor(cotangent)), w.backward(torch.tensor(cotangent))
    close(xs[0].grad, zs[0].grad, "gradient")


def test_the_defaults_are_pytorchs_distributions(torch):
    """Weights and biases start uniform in ± 1/√fan_in, as PyTorch's do."""
    tg.manual_seed(1)
    torch.manual_seed(1)
    for name, args in (("Conv2d", (16, 32, 3)), ("ConvTranspose2d", (16, 32, 3)), ("Linear", (200, 100))):
        ours, theirs = getattr(nn, name)(*args), getattr(torch.nn, name)(*args)
        for (key, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
            a, b = p.detach().numpy(), q.detach().numpy()
            assert abs(np.abs(a).max() / np.abs(b).max() - 1) < 0.15, (name, key)
            if a.size > 1000:
                assert abs(a.std() / b.std() - 1) < 0.05 and abs(a.mean()) < 0.05 * np.abs(a).max(), (name, key)


def test_hardsigmoid(torch):
    """PyTorch rounds its slope, 1/6, to float32: here it is compared with the formula by PyTorch's ReLU6."""
    data = np.random.default_rng(0).normal(size=IMAGE) * 3
    x, z = tg.tensor(data, requires_grad=True), torch.tensor(data, requires_grad=True)
    y, w = nn.Hardsigmoid()(x), torch.nn.functional.relu6(z + 3) / 6
    close(y.detach(), torch.nn.Hardsigmoid()(z), "output")
    y.backward(tg.tensor(data[::-1].copy())), w.backward(torch.tensor(data[::-1].copy()))
    close(x.grad, z.grad, "gradient")


def test_bfloat16_is_refused_by_name(torch):
    from tinygrad_cv import CheckpointError

    with pytest.raises(CheckpointError, match="bias: "):
        nn.Linear(1, 1).load_state_dict({"weight": torch.ones(1, 1), "bias": torch.ones(1, dtype=torch.bfloat16)})
