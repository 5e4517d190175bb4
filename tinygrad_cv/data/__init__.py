"""Data: the shipped Fashion-MNIST subset, IDX files, batches, augmentation. NumPy arrays only."""

from .augment import compose, random_horizontal_flip, random_shift
from .dataset import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    LabelledImages,
    Subset,
    TensorDataset,
    random_split,
)
from .datasets import DIGITS, FASHION_MNIST_CLASSES, TrainTest, fashion_mnist, load_idx
from .idx import read_idx
from .loader import DataLoader
from .preprocess import Preparation, normalize, preparation

__all__ = [
    "DIGITS",
    "FASHION_MNIST_CLASSES",
    "ChainDataset",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "IterableDataset",
    "LabelledImages",
    "Preparation",
    "Subset",
    "TensorDataset",
    "TrainTest",
    "compose",
    "fashion_mnist",
    "load_idx",
    "normalize",
    "preparation",
    "random_horizontal_flip",
    "random_shift",
    "random_split",
    "read_idx",
]
