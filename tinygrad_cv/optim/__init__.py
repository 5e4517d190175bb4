"""Optimizers, schedules of their settings, and gradient clipping, with PyTorch's names and formulas."""

from . import lr_scheduler, swa_utils
from .adadelta import Adadelta
from .adagrad import Adagrad
from .adam import Adam
from .adamax import Adamax
from .adamw import AdamW
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
    "Adagrad",
    "Adam",
    "Adamax",
    "AdamW",
    "adaptive_clip_grad_",
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
