"""Wrong sizes are found where a layer is made, with the values, the rule and the remedy."""

from __future__ import annotations

import pytest

import tinygrad_cv as tg
from tinygrad_cv import ShapeError, nn

pytestmark = pytest.mark.any_python

WRONG = [
    (lambda: nn.Conv2d(0, 4, 3), ShapeError, "Conv2d: in_channels=0; it must be an integer of at least 1"),
    (lambda: nn.Conv2d(4, -1, 3), ShapeError, "out_channels=-1"),
    (lambda: nn.Conv2d(4, 2.5, 3), ShapeError, "out_channels=2.5"),
    (
        lambda: nn.Conv2d(4, 6, 3, groups=4),
        ShapeError,
        "groups=4 with 4 input and 6 output channels: groups must divide",
    ),
    (lambda: nn.Conv2d(4, 6, 3, groups=0), ShapeError, "groups=0"),
    (lambda: nn.Conv2d(4, 6, 0), ShapeError, "kernel_size=0"),
    (lambda: nn.Conv2d(4, 6, 3, stride=0), ShapeError, "stride=0"),
    (lambda: nn.Conv2d(4, 6, 3, padding=-1), ShapeError, "padding=-1"),
    (lambda: nn.Conv2d(4, 6, 3, padding="full"), ShapeError, "padding='full'"),
    (lambda: nn.Conv1d(4, 6, (3, 3)), ShapeError, r"kernel_size=\(3, 3\) \(in \w+\): it must be an integer"),
    (
        lambda: nn.Conv3d(4, 6, 3, padding=(1, 1)),
        ShapeError,
        r"padding=\(1, 1\) \(in \w+\): .* three integers",
    ),
    (
        lambda: nn.Conv2d(4, 6, 3, padding_mode="wrap"),
        ValueError,
        "padding_mode='wrap'; it must be one of 'zeros', 'ref",
    ),
    (lambda: nn.ConvTranspose3d(4, 6, 3, padding="same"), ShapeError, "padding='same'"),
    (lambda: nn.ConvTranspose1d(4, 6, 3, padding_mode="reflect"), ValueError, "it must be 'zeros'"),
    (lambda: nn.ConvTranspose2d(3, 4, 3, groups=2), ShapeError, "ConvTranspose2d: groups=2 with 3 input and 4 output"),
    (lambda: nn.Linear(0, 4), ShapeError, "Linear: in_features=0"),
    (lambda: nn.Linear(4, "4"), ShapeError, "Linear: out_features='4'"),
    (lambda: nn.BatchNorm2d(0), ShapeError, "BatchNorm2d: num_features=0"),
    (lambda: nn.BatchNorm2d(3, momentum=1.5), ValueError, "BatchNorm2d: momentum=1.5; it must be in"),
    (
        lambda: nn.BatchNorm2d(3, convention="caffe"),
        ValueError,
        "convention='caffe'; it must be one of 'torch', 'onnx'",
    ),
    (lambda: nn.InstanceNorm2d(3, momentum=2.0), ValueError, "InstanceNorm2d: momentum=2.0; it must be in"),
    (lambda: nn.InstanceNorm1d(0), ShapeError, "InstanceNorm1d: num_features=0"),
    (lambda: nn.RMSNorm((3, 0.5)), ShapeError, "RMSNorm: normalized_shape=0.5"),
    (lambda: nn.LayerNorm("3"), ShapeError, "LayerNorm: normalized_shape='3'"),
    (lambda: nn.LocalResponseNorm(0), ShapeError, "LocalResponseNorm: size=0"),
    (lambda: nn.GroupNorm(4, 6), ShapeError, "num_groups=4 with num_channels=6"),
    (lambda: nn.LayerNorm((3, 0)), ShapeError, "normalized_shape=0"),
    (lambda: nn.MaxPool2d(2, padding=2), ShapeError, "padding=2 with kernel_size=2: padding must be at most half"),
    (lambda: nn.MaxPool2d(0), ShapeError, "kernel_size=0"),
    (lambda: nn.AvgPool2d(2, stride=0), ShapeError, "stride=0"),
    (lambda: nn.AvgPool2d(2, divisor_override=0), ShapeError, "divisor_override=0"),
    (lambda: nn.AdaptiveAvgPool2d((0, 2)), ShapeError, r"output_size=\(0, 2\)"),
    (
        lambda: nn.AdaptiveMaxPool3d((1, 2)),
        ShapeError,
        r"output_size=\(1, 2\) \(in \w+\): .* three integers",
    ),
    (lambda: nn.AdaptiveMaxPool1d("2"), ShapeError, "output_size=.*it must be an integer"),
    (
        lambda: nn.MaxPool3d((2, 2)),
        ShapeError,
        r"kernel_size=\(2, 2\) \(in \w+\): .* or three integers",
    ),
    (lambda: nn.AvgPool1d(2, padding=2), ShapeError, "AvgPool1d: padding=2 with kernel_size=2"),
    (lambda: nn.AvgPool3d(2, divisor_override=0), ShapeError, "AvgPool3d: divisor_override=0"),
    (lambda: nn.LPPool2d(0, 2), ValueError, r"norm_type=0 \(in \w+\): it must be a number other than 0"),
    (lambda: nn.LPPool2d("2", 2), ValueError, "norm_type='2'"),
    (lambda: nn.MaxUnpool2d(0), ShapeError, "kernel_size=0"),
    (lambda: nn.FractionalMaxPool2d(2), ValueError, "output_size=None, output_ratio=None: give one of the two"),
    (lambda: nn.FractionalMaxPool2d(2, 3, 0.5), ValueError, "output_size=3, output_ratio=0.5: give one of the two"),
    (
        lambda: nn.FractionalMaxPool3d(2, output_ratio=1.5),
        ValueError,
        r"output_ratio=1.5 \(in \w+\): .* number between",
    ),
    (lambda: nn.ZeroPad2d((1, 2)), ShapeError, r"ZeroPad2d: padding=\(1, 2\); it must be an integer or 4 integers"),
    (lambda: nn.ReflectionPad1d(1.5), ShapeError, "ReflectionPad1d: padding=1.5; it must be an integer or 2"),
    (lambda: nn.CircularPad1d((1, 0.5)), ShapeError, r"padding=\(1, 0.5\) \(in \w+\): it must be pairs of integers"),
    (lambda: nn.PixelShuffle(0), ShapeError, "PixelShuffle: upscale_factor=0; it must be an integer of at least 1"),
    (lambda: nn.PixelUnshuffle(1.5), ShapeError, "PixelUnshuffle: downscale_factor=1.5"),
    (lambda: nn.ChannelShuffle("2"), ShapeError, "ChannelShuffle: groups='2'"),
    (lambda: nn.Unfold((3, 3, 3)), ShapeError, r"kernel_size=\(3, 3, 3\) \(in \w+\): it must be an integer or a pair"),
    (lambda: nn.Fold(4, 2, padding=-1), ShapeError, r"padding=-1 \(in \w+\): it must be at least 0"),
    (lambda: nn.Fold(0, 2), ShapeError, "output_size=0"),
    (lambda: nn.Unflatten(1, (-1, -1)), ShapeError, r"Unflatten: unflattened_size=\(-1, -1\); it must be a tuple of"),
    (lambda: nn.Unflatten(1, "ab"), ShapeError, "unflattened_size='ab'"),
    (lambda: nn.Upsample(), ValueError, "Upsample: size=None, scale_factor=None; give one of the two"),
    (lambda: nn.UpsamplingNearest2d(2, 2), ValueError, "UpsamplingNearest2d: size=2, scale_factor=2; give one"),
    (
        lambda: nn.Upsample(2, mode="cubic"),
        ValueError,
        r"mode='cubic' \(in \w+\): .* one of 'nearest', 'nearest-exact'",
    ),
    (lambda: nn.Dropout(1.5), ValueError, r"Dropout: p=1.5; a probability must be in \[0, 1\]"),
    (lambda: nn.Dropout2d(-0.1), ValueError, "Dropout2d: p=-0.1"),
    (lambda: nn.Dropout(float("nan")), ValueError, "p=nan"),
    (lambda: nn.GELU("erf"), ValueError, "approximate='erf'; it must be one of 'none', 'tanh'"),
    (lambda: nn.Softplus(0), ValueError, "Softplus: beta=0; it divides, so it must not be 0"),
    (lambda: nn.CELU(0.0), ValueError, "CELU: alpha=0.0; it divides"),
    (lambda: nn.Hardtanh(2.0, 1.0), ValueError, "Hardtanh: min_val=2.0 and max_val=1.0; min_val must not be above"),
    (lambda: nn.RReLU(0.5, 0.1), ValueError, "RReLU: lower=0.5 and upper=0.1; lower must not be above"),
    (lambda: nn.Softshrink(-1.0), ValueError, "Softshrink: lambd=-1.0; it must not be negative"),
    (lambda: nn.PReLU(0), ShapeError, "PReLU: num_parameters=0; it must be an integer"),
    (
        lambda: nn.MSELoss(reduction="average"),
        ValueError,
        "reduction='average'; it must be one of 'mean', 'sum', 'none'",
    ),
    (lambda: nn.CrossEntropyLoss(label_smoothing=2), ValueError, "label_smoothing=2"),
    (lambda: nn.Conv2d(3, 4, 3, device="cpu"), TypeError, "Conv2d: device='cpu'; everything is on the CPU"),
    (lambda: nn.LazyLinear(2, dtype="float64"), TypeError, r"LazyLinear: dtype='float64'; .* \.to\('float64'\)"),
]


@pytest.mark.parametrize("make, error, message", WRONG, ids=[message[:40] for _, _, message in WRONG])
def test_wrong_arguments(make, error, message):
    """conventions.md: dropout p outside [0, 1]; channels and groups that do not match."""
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    "layer, shape, message",
    [
        (nn.BatchNorm2d(3), (2, 3), "must be N x C x H x W with C = 3"),
        (nn.BatchNorm1d(3), (2, 4), "num_features=4"),
        (nn.BatchNorm2d(3), (1, 3, 1, 1), "one value per channel"),
        (nn.InstanceNorm2d(3), (2, 4, 5, 5), "num_features=4"),
        (nn.GroupNorm(2, 4), (2, 6, 5, 5), "num_channels=6"),
        (nn.BatchNorm3d(3), (2, 3, 5, 5), "must be N x C x D x H x W with C = 3"),
        (nn.InstanceNorm1d(3), (2, 3, 5, 5), "must be N x C x L, or C x L with C = 3"),
        (nn.InstanceNorm3d(3), (3, 1, 1, 1), "one value per channel and image"),
        (nn.RMSNorm(4), (2, 5), "must be normalized_shape"),
        (nn.LocalResponseNorm(4), (2, 5), "must be N x C x L or N x C x H x W"),
        (nn.LayerNorm(4), (2, 5), "must be normalized_shape"),
        (nn.PReLU(3), (2, 4), "one for each of 4 channels"),
        (nn.GLU(1), (2, 3), "axis 1 has size 3; it is halved"),
        (nn.Softmax2d(), (2, 3), "must be N x C x H x W, or C x H x W"),
        (nn.Conv2d(3, 4, 3), (2, 4, 5, 5), "second axis must be"),
        (nn.Conv2d(3, 4, 7), (2, 3, 5, 5), "kernel is larger than the padded input"),
        (nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect"), (5,), "it must be N x C x H x W, or C x H x W"),
        (
            nn.Conv2d(3, 4, 3, padding=5, padding_mode="reflect"),
            (2, 3, 5, 5),
            "mode='reflect'.* at most 4 on each side",
        ),
        (nn.Conv1d(3, 4, 3, padding=6, padding_mode="circular"), (3, 5), "mode='circular'.* at most 5 on each side"),
        (nn.CircularPad2d(1), (2, 3), "give a pair of numbers for each spatial"),
        (nn.ReplicationPad1d(-2), (2, 3), "removes 2 . 2 elements from an axis of 3"),
        (nn.Unflatten(1, (2, -1)), (2, 3), "axis 1 of .* it has 3 elements"),
        (nn.Upsample(2, mode="linear"), (2, 3, 4, 4), "Use mode='bilinear'"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_wrong_inputs_name_the_layer(layer, shape, message):
    before = layer.state_dict()
    with pytest.raises(ShapeError, match=message) as caught:
        nn.Sequential({"here": layer})(tg.ones(*shape))
    assert "Sequential.here" in str(caught.value)
    assert all((before[key] == value).all() for key, value in layer.state_dict().items())
