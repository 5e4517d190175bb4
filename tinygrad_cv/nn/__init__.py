"""Layers: thin modules over :mod:`tinygrad_cv.functional`, with PyTorch's names, arguments and state dicts.

``nn.init`` initializes parameters; gradient clipping is in :mod:`tinygrad_cv.optim`.
"""

import typing as _typing

from ..frontend.tensor import Tensor as _Tensor
from ..frontend.vocabulary import missing as _missing
from ..functional import __all__ as _functionals
from . import init, parallel, parametrizations, parametrize
from .activation import (
    CELU,
    ELU,
    GELU,
    GLU,
    SELU,
    LogSigmoid,
    Mish,
    Sigmoid,
    SiLU,
    Softplus,
    Softsign,
    Tanh,
    Tanhshrink,
)
from .adaptive_pooling import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveAvgPool3d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AdaptiveMaxPool3d,
    GlobalAvgPool1d,
    GlobalAvgPool2d,
    GlobalAvgPool3d,
    GlobalMaxPool1d,
    GlobalMaxPool2d,
    GlobalMaxPool3d,
)
from .averaging import AveragedModel, update_bn
from .batch_norm import BatchNorm1d, BatchNorm2d, BatchNorm3d, InstanceNorm1d, InstanceNorm2d, InstanceNorm3d
from .container import ModuleList, Sequential
from .conv_transpose import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from .conventions import use_convention
from .convolution import Conv1d, Conv2d, Conv3d
from .dictionaries import ModuleDict, ParameterDict, ParameterList
from .distance import CosineSimilarity, PairwiseDistance
from .dropout import AlphaDropout, Dropout, Dropout1d, Dropout2d, Dropout3d, FeatureAlphaDropout, StochasticDepth
from .embedding import Embedding
from .folding import fold_batch_norm, fold_pair
from .fractional_pooling import FractionalMaxPool2d, FractionalMaxPool3d
from .keras_weights import from_keras
from .lazy_layers import (
    LazyConv1d,
    LazyConv2d,
    LazyConv3d,
    LazyConvTranspose1d,
    LazyConvTranspose2d,
    LazyConvTranspose3d,
    LazyLinear,
)
from .lazy_norm import (
    LazyBatchNorm1d,
    LazyBatchNorm2d,
    LazyBatchNorm3d,
    LazyInstanceNorm1d,
    LazyInstanceNorm2d,
    LazyInstanceNorm3d,
)
from .linear import Linear
from .loss.binary import BCELoss, BCEWithLogitsLoss, MultiLabelSoftMarginLoss, SigmoidFocalLoss, SoftMarginLoss
from .loss.classification import CrossEntropyLoss, MultiLabelMarginLoss, MultiMarginLoss, NLLLoss
from .loss.ctc import CTCLoss
from .loss.distribution import GaussianNLLLoss, KLDivLoss, PoissonNLLLoss
from .loss.ranking import (
    CosineEmbeddingLoss,
    HingeEmbeddingLoss,
    MarginRankingLoss,
    TripletMarginLoss,
    TripletMarginWithDistanceLoss,
)
from .loss.regression import HuberLoss, L1Loss, MSELoss, SmoothL1Loss
from .loss.segmentation import DiceLoss, TotalVariation
from .module import Module
from .normalization import GroupNorm, LayerNorm, LocalResponseNorm, RMSNorm
from .padding import (
    CircularPad1d,
    CircularPad2d,
    CircularPad3d,
    ConstantPad1d,
    ConstantPad2d,
    ConstantPad3d,
    ReflectionPad1d,
    ReflectionPad2d,
    ReflectionPad3d,
    ReplicationPad1d,
    ReplicationPad2d,
    ReplicationPad3d,
    ZeroPad1d,
    ZeroPad2d,
    ZeroPad3d,
)
from .parameter import Parameter
from .piecewise import (
    Hardshrink,
    Hardsigmoid,
    Hardswish,
    Hardtanh,
    LeakyReLU,
    PReLU,
    ReLU,
    ReLU6,
    RReLU,
    Softshrink,
    Threshold,
)
from .pooling import AvgPool1d, AvgPool2d, AvgPool3d, LPPool1d, LPPool2d, LPPool3d, MaxPool1d, MaxPool2d, MaxPool3d
from .rearrangement import ChannelShuffle, Fold, PixelShuffle, PixelUnshuffle, Unfold
from .regions import RoIAlign, RoIPool, SpatialPyramidPool2d
from .resampling import Upsample, UpsamplingBilinear2d, UpsamplingNearest2d
from .shape import Flatten, Identity, Unflatten
from .softmax import LogSoftmax, Softmax, Softmax2d, Softmin
from .state_dict import LoadResult
from .summary import Summary, summary
from .sync_batch_norm import SyncBatchNorm
from .unpooling import MaxUnpool1d, MaxUnpool2d, MaxUnpool3d

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AlphaDropout",
    "AveragedModel",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "BCELoss",
    "BCEWithLogitsLoss",
    "CELU",
    "ChannelShuffle",
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "CosineEmbeddingLoss",
    "CosineSimilarity",
    "CrossEntropyLoss",
    "CTCLoss",
    "DiceLoss",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Dropout3d",
    "ELU",
    "Embedding",
    "FeatureAlphaDropout",
    "Flatten",
    "Fold",
    "fold_batch_norm",
    "fold_pair",
    "FractionalMaxPool2d",
    "FractionalMaxPool3d",
    "GaussianNLLLoss",
    "GELU",
    "GlobalAvgPool1d",
    "GlobalAvgPool2d",
    "GlobalAvgPool3d",
    "GlobalMaxPool1d",
    "GlobalMaxPool2d",
    "GlobalMaxPool3d",
    "GLU",
    "GroupNorm",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "HingeEmbeddingLoss",
    "HuberLoss",
    "Identity",
    "init",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "KLDivLoss",
    "L1Loss",
    "LayerNorm",
    "LazyBatchNorm1d",
    "LazyBatchNorm2d",
    "LazyBatchNorm3d",
    "LazyConv1d",
    "LazyConv2d",
    "LazyConv3d",
    "LazyConvTranspose1d",
    "LazyConvTranspose2d",
    "LazyConvTranspose3d",
    "LazyInstanceNorm1d",
    "LazyInstanceNorm2d",
    "LazyInstanceNorm3d",
    "LazyLinear",
    "LeakyReLU",
    "Linear",
    "LoadResult",
    "LocalResponseNorm",
    "LogSigmoid",
    "LogSoftmax",
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
    "MarginRankingLoss",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
    "Mish",
    "Module",
    "ModuleDict",
    "ModuleList",
    "MSELoss",
    "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss",
    "MultiMarginLoss",
    "NLLLoss",
    "PairwiseDistance",
    "Parameter",
    "ParameterDict",
    "ParameterList",
    "parametrizations",
    "parallel",
    "parametrize",
    "PixelShuffle",
    "PixelUnshuffle",
    "PoissonNLLLoss",
    "PReLU",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReLU",
    "ReLU6",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "RMSNorm",
    "RoIAlign",
    "RoIPool",
    "RReLU",
    "SELU",
    "Sequential",
    "Sigmoid",
    "SigmoidFocalLoss",
    "SiLU",
    "SmoothL1Loss",
    "SoftMarginLoss",
    "Softmax",
    "Softmax2d",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "SpatialPyramidPool2d",
    "StochasticDepth",
    "Summary",
    "SyncBatchNorm",
    "summary",
    "Tanh",
    "Tanhshrink",
    "Threshold",
    "TotalVariation",
    "TripletMarginLoss",
    "TripletMarginWithDistanceLoss",
    "Unflatten",
    "Unfold",
    "update_bn",
    "Upsample",
    "UpsamplingBilinear2d",
    "UpsamplingNearest2d",
    "from_keras",
    "use_convention",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
]


if not _typing.TYPE_CHECKING:  # a type checker is to report names that do not exist

    def __getattr__(name: str) -> _typing.Any:
        if name.startswith("__"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        raise AttributeError(_missing("tinygrad_cv.nn", name, __all__, dir(_Tensor), _functionals), name=name)
