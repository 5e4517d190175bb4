"""Training: the loop with all that belongs to it, metrics, checkpoints. Built on nn, optim, data and files."""

from .checkpoints import collect, restore
from .evaluation import evaluate, predict
from .fit import fit
from .history import History
from .logs import tensorboard
from .lr_finder import RateCurve, find_lr
from .metrics import MeanMetric, Metric, MulticlassAccuracy, MulticlassConfusionMatrix, MulticlassJaccardIndex
from .run import State

__all__ = [
    "History",
    "MeanMetric",
    "Metric",
    "MulticlassAccuracy",
    "MulticlassConfusionMatrix",
    "MulticlassJaccardIndex",
    "RateCurve",
    "State",
    "collect",
    "evaluate",
    "find_lr",
    "fit",
    "predict",
    "restore",
    "tensorboard",
]
