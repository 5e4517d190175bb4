"""Optimizers, schedules of the learning rate, and gradient clipping, with PyTorch's names and formulas."""

from .adam import Adam
from .adamw import AdamW
from .clip import clip_grad_norm_, clip_grad_value_
from .optimizer import Optimizer
from .schedule import CosineAnnealingLR, LinearWarmup, MultiStepLR, Schedule, StepLR
from .sgd import SGD

__all__ = [
    "Adam",
    "AdamW",
    "clip_grad_norm_",
    "clip_grad_value_",
    "CosineAnnealingLR",
    "LinearWarmup",
    "MultiStepLR",
    "Optimizer",
    "Schedule",
    "SGD",
    "StepLR",
]
