"""Layers: thin modules over :mod:`tinygrad_cv.functional`, with PyTorch's names, arguments and state dicts.

``nn.init`` initializes parameters; gradient clipping is in :mod:`tinygrad_cv.optim`.
"""

import typing as _typing

from ..frontend.tensor import Tensor as _Tensor
from ..frontend.vocabulary import missing as _missing
from ..functional import __all__ as _functionals
from . import init
from .activation import ELU, GELU, LeakyReLU, LogSoftmax, ReLU, ReLU6, Sigmoid, SiLU, Softmax, Softplus, Tanh
from .container import ModuleList, Sequential
from .convolution import Conv2d, ConvTranspose2d
from .dropout import Dropout, Dropout2d
from .folding import fold_batch_norm, fold_pair
from .linear import Linear
from .loss import BCEWithLogitsLoss, CrossEntropyLoss, L1Loss, MSELoss, NLLLoss
from .module import Module
from .normalization import BatchNorm1d, BatchNorm2d, GroupNorm, InstanceNorm2d, LayerNorm
from .parameter import Parameter
from .pooling import AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, GlobalAvgPool2d, MaxPool2d
from .shape import Flatten, Identity
from .state_dict import LoadResult
from .summary import Summary, summary

__all__ = [
    "AdaptiveAvgPool2d",
    "AdaptiveMaxPool2d",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "BCEWithLogitsLoss",
    "Conv2d",
    "ConvTranspose2d",
    "CrossEntropyLoss",
    "Dropout",
    "Dropout2d",
    "ELU",
    "Flatten",
    "fold_batch_norm",
    "fold_pair",
    "GELU",
    "GlobalAvgPool2d",
    "GroupNorm",
    "Identity",
    "init",
    "InstanceNorm2d",
    "L1Loss",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LoadResult",
    "LogSoftmax",
    "MaxPool2d",
    "Module",
    "ModuleList",
    "MSELoss",
    "NLLLoss",
    "Parameter",
    "ReLU",
    "ReLU6",
    "Sequential",
    "Sigmoid",
    "SiLU",
    "Softmax",
    "Softplus",
    "Summary",
    "summary",
    "Tanh",
]


if not _typing.TYPE_CHECKING:  # a type checker is to report names that do not exist

    def __getattr__(name: str) -> _typing.Any:
        if name.startswith("__"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        raise AttributeError(_missing("tinygrad_cv.nn", name, __all__, dir(_Tensor), _functionals), name=name)
