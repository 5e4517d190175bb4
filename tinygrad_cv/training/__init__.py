"""Training a classifier: the loop, the state and the files of a run. Built on nn, optim and data."""

from .checkpoints import collect, restore
from .loop import Epoch, evaluate, predict, train_epoch, training_step

__all__ = ["Epoch", "collect", "evaluate", "predict", "restore", "train_epoch", "training_step"]
