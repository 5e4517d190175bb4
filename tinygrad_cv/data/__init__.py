"""Data: the shipped Fashion-MNIST subset, IDX files, batches, augmentation. NumPy arrays only."""

from .augment import compose, random_horizontal_flip, random_shift
from .datasets import DIGITS, FASHION_MNIST_CLASSES, Dataset, TrainTest, fashion_mnist, load_idx
from .idx import read_idx
from .loader import DataLoader
from .preprocess import Preparation, normalize, preparation

__all__ = [
    "DIGITS",
    "FASHION_MNIST_CLASSES",
    "DataLoader",
    "Dataset",
    "Preparation",
    "TrainTest",
    "compose",
    "fashion_mnist",
    "load_idx",
    "normalize",
    "preparation",
    "random_horizontal_flip",
    "random_shift",
    "read_idx",
]
