"""Training a classifier: the loop, and the files of a run. Built on nn, optim and data."""

from .loop import Epoch, evaluate, predict, train_epoch, training_step

__all__ = ["Epoch", "evaluate", "predict", "train_epoch", "training_step"]
