"""Training a classifier: the loop, and what a run leaves behind. Stands over nn, optim and data."""

from .loop import Epoch, evaluate, predict, train_epoch, training_step

__all__ = ["Epoch", "evaluate", "predict", "train_epoch", "training_step"]
