"""Optimizers, schedules of the learning rate, and gradient clipping, with PyTorch's names and formulas."""

from .adagrad import Adadelta, Adagrad
from .adam import Adam, AdamW
from .adamax import Adamax
from .clip import clip_grad_norm_, clip_grad_value_
from .lars import LARS
from .lion import Lion
from .muon import Muon
from .nadam import NAdam
from .optimizer import Optimizer
from .radam import RAdam
from .rmsprop import RMSprop
from .rprop import Rprop
from .schedule import CosineAnnealingLR, LinearWarmup, MultiStepLR, Schedule, StepLR
from .sgd import SGD

__all__ = [
    "Adadelta",
    "Adagrad",
    "Adam",
    "Adamax",
    "AdamW",
    "clip_grad_norm_",
    "clip_grad_value_",
    "CosineAnnealingLR",
    "LARS",
    "LinearWarmup",
    "Lion",
    "MultiStepLR",
    "Muon",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "Schedule",
    "SGD",
    "StepLR",
]
