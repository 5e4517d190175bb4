"""Where functions and layers differ from PyTorch's of the same name: for docs/functions.md; tests run each row."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import NamedTuple


class Argument(NamedTuple):
    """An argument that is not as PyTorch has it."""

    names: str  # patterns of what has it, as "nn.Conv2d nn.Lazy*"
    parameter: str
    how: str  # "left out", "ours alone", or what stands here, not what there
    why: str


ARGUMENTS = (
    Argument("nn.*", "device", "left out", "everything is on the CPU"),
    Argument("nn.*", "dtype", "left out", "layers start in float32; .to('float64') converts"),
    Argument("functional.*", "_stacklevel", "left out", "it is private"),
    Argument("nn.Embedding", "_*", "left out", "they are private"),
    Argument("functional.one_hot", "tensor", "left out", "the name in PyTorch's documentation; its code says input"),
    Argument("functional.one_hot", "input", "ours alone", "as PyTorch's code has it"),
    Argument("functional.*", "generator", "ours alone", "what random numbers are drawn from"),
    Argument("functional.normalize", "out", "left out", "results are new tensors"),
    Argument("functional.batch_norm", "unbiased", "ours alone", "whether the running variance is the unbiased one"),
    Argument("functional.batch_norm", "running_*", "default None, not required", "there need be none"),
    Argument("nn.*BatchNorm*", "momentum", "default Ellipsis, not default 0.1", "it is that of the convention"),
    Argument("nn.*BatchNorm*", "convention", "ours alone", "running averages by the formulas of other libraries"),
    Argument("nn.Hardtanh", "m??_value", "left out", "PyTorch's old names of min_val and max_val"),
    Argument("nn.*", "*args", "left out", "what is not used is not accepted"),
    Argument("nn.*", "**kwargs", "left out", "what is not used is not accepted"),
    Argument("nn.Sequential", "*modules", "ours alone", "the same by another name"),
    Argument("nn.ModuleList", "*others", "ours alone", "for the error that says to pass a list"),
    Argument("nn.ModuleList", "modules", "default (), not default None", "none either way"),
    Argument("nn.Parameter", "data", "required, not default None", "a parameter has a value"),
)

# What PyTorch has by another name, elsewhere, or not at all
COUNTERPARTS = {
    "functional.cdist": "torch.cdist",
    "functional.dice_loss": "none",
    "functional.global_avg_pool?d": "none; adaptive_avg_pool of output_size 1, flattened",
    "functional.global_max_pool?d": "none; adaptive_max_pool of output_size 1, flattened",
    "functional.roi_align": "torchvision.ops.roi_align",
    "functional.roi_pool": "torchvision.ops.roi_pool",
    "functional.spatial_pyramid_pool2d nn.SpatialPyramidPool2d": "none",
    "nn.RoIAlign": "torchvision.ops.RoIAlign",
    "nn.RoIPool": "torchvision.ops.RoIPool",
    "functional.sigmoid_focal_loss": "torchvision.ops.sigmoid_focal_loss",
    "functional.standardize": "none; layer_norm of its own last axes",
    "functional.stochastic_depth": "torchvision.ops.stochastic_depth",
    "functional.total_variation": "none",
    "nn.AveragedModel": "torch.optim.swa_utils.AveragedModel",
    "nn.update_bn": "torch.optim.swa_utils.update_bn",
    "nn.DiceLoss": "none",
    "nn.Global*Pool?d": "none; AdaptiveAvgPool and AdaptiveMaxPool of output_size 1, flattened",
    "nn.SigmoidFocalLoss": "torchvision.ops.sigmoid_focal_loss",
    "nn.StochasticDepth": "torchvision.ops.StochasticDepth",
    "nn.TotalVariation": "none",
    "nn.fold_batch_norm": "torch.nn.utils.fusion.fuse_conv_bn_eval",
    "nn.fold_pair": "torch.nn.utils.fusion.fuse_conv_bn_weights",
    "nn.LoadResult": "what load_state_dict returns",
    "nn.Summary nn.from_keras nn.summary nn.use_convention": "none",
    "nn.init.fans": "none that is public",
    "nn.init.default_": "none; what the layers do",
}

# Other results, on purpose
RESULTS = {
    "binary_cross_entropy": "where a logarithm is limited to -100 the derivative is 0; PyTorch's is up to 1e12",
    "cosine_embedding_loss": "a target other than 1 and -1 is refused; PyTorch ignores it",
    "cosine_similarity": "where a length is below eps its derivative is 0",
    "ctc_loss": "the derivative is that by the log-probabilities; PyTorch's is that by scores before a log_softmax",
    "gaussian_nll_loss": "an input and a target of different shapes are refused; PyTorch broadcasts them",
    "hinge_embedding_loss": "a target other than 1 and -1 is refused; PyTorch takes the sum of both formulas",
    "interpolate": "the nearest modes find their places exactly: PyTorch finds those of float32 images in float32, "
    "takes a scale_factor that doubles two axes for 2, and has the gradient of the factor H'/H; a scale_factor that "
    "leaves the size as it is moves linear positions too; with antialias corners are aligned if asked for, and images "
    "of width 1 are right",
    "max_pool?d": "of several NaN in a window the place is that of the first; PyTorch's is that of the last. Where a "
    "window over the padding holds nothing but -inf, its gradient is lost; PyTorch's goes to its first element",
    "max_unpool?d": "several inputs of one place give their mean; PyTorch keeps one, and gives all the whole gradient",
    "poisson_nll_loss": "an input and a target of different shapes are refused; PyTorch broadcasts them",
    "soft_margin_loss": "finite for large scores, where PyTorch's overflows; other shapes are refused, not broadcast",
    "softplus": "exact for all arguments; PyTorch returns x above the threshold of 20",
}


def counterpart(name: str) -> str:
    """What PyTorch has for "functional.relu" or "nn.ReLU": the same name, unless it says otherwise."""
    found = [text for patterns, text in COUNTERPARTS.items() if matches(name, patterns)]
    return found[0] if found else name.rpartition(".")[2]


def arguments(name: str) -> list[Argument]:
    """The rows about this function or layer alone, not about all of its room."""
    return [row for row in ARGUMENTS if matches(name, row.names) and not row.names.endswith(".*")]


def results(name: str) -> str:
    """What differs in the results of a functional; empty if nothing does."""
    return next((text for pattern, text in RESULTS.items() if fnmatchcase(name, pattern)), "")


def matches(name: str, patterns: str) -> bool:
    """Whether one of the patterns fits the name."""
    return any(fnmatchcase(name, pattern) for pattern in patterns.split())
