"""Optimizers, schedules of their settings, and gradient clipping, with PyTorch's names and formulas."""

import difflib as _difflib
import typing as _typing

from . import lr_scheduler, swa_utils
from .adadelta import Adadelta
from .adafactor import Adafactor
from .adagrad import Adagrad
from .adam import Adam
from .adamax import Adamax
from .adamw import AdamW
from .asgd import ASGD
from .clip import (
    adaptive_clip_grad_,
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
)
from .lars import LARS
from .lbfgs import LBFGS
from .lion import Lion
from .lr_scheduler import (
    SWALR,
    ChainedScheduler,
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    CyclicLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    MultiplicativeLR,
    MultiStepLR,
    OneCycleLR,
    PolynomialLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)
from .muon import Muon
from .nadam import NAdam
from .optimizer import Optimizer
from .radam import RAdam
from .rmsprop import RMSprop
from .rprop import Rprop
from .sgd import SGD
from .torch_state import from_torch, to_torch

__all__ = [
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "Adamax",
    "AdamW",
    "adaptive_clip_grad_",
    "ASGD",
    "ChainedScheduler",
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "from_torch",
    "get_total_norm",
    "LambdaLR",
    "LARS",
    "LBFGS",
    "LinearLR",
    "Lion",
    "lr_scheduler",
    "LRScheduler",
    "MultiplicativeLR",
    "MultiStepLR",
    "Muon",
    "NAdam",
    "OneCycleLR",
    "Optimizer",
    "PolynomialLR",
    "RAdam",
    "ReduceLROnPlateau",
    "RMSprop",
    "Rprop",
    "SequentialLR",
    "SGD",
    "StepLR",
    "swa_utils",
    "SWALR",
    "to_torch",
]

_INSTEAD = {
    "AveragedModel": "it is about modules: use tg.nn.AveragedModel",
    "update_bn": "it is about modules: use tg.nn.update_bn",
    "SparseAdam": "gradients are dense here: use Adam",
    "swap_in_optimizer_params_and_state": "use load_state_dict, of the model and of the optimizer",
}


if not _typing.TYPE_CHECKING:  # a type checker is to report names that do not exist

    def __getattr__(name: str) -> _typing.Any:
        named = {other.lower(): other for other in __all__}
        near = [named[other] for other in _difflib.get_close_matches(name.lower(), named, 2, 0.6)]
        if name.startswith("__") or not (near or name in _INSTEAD):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
        instead = _INSTEAD.get(name) or f"the nearest name is {' or '.join(near)}"
        raise AttributeError(f"{__name__} has no {name!r}: {instead}.", name=name)
