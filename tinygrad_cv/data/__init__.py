"""Data: the shipped Fashion-MNIST subset, IDX files, batches, augmentation. NumPy arrays only."""

from . import transforms
from .collate import default_collate, default_convert
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
from .loader import DataLoader, WorkerInfo, get_worker_info
from .preprocess import Preparation, normalize, preparation
from .readers import (
    DatasetFolder,
    HDF5Images,
    ImageFolder,
    ImageReader,
    load_arrays,
    load_cifar10,
    load_cifar100,
    load_pcam,
    load_stl10,
    load_svhn,
    locate,
    read_stl10,
)
from .sampler import (
    BatchSampler,
    DistributedSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

__all__ = [
    "BatchSampler",
    "ChainDataset",
    "ConcatDataset",
    "DIGITS",
    "DataLoader",
    "Dataset",
    "DatasetFolder",
    "DistributedSampler",
    "FASHION_MNIST_CLASSES",
    "HDF5Images",
    "ImageFolder",
    "ImageReader",
    "IterableDataset",
    "LabelledImages",
    "Preparation",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "TrainTest",
    "WeightedRandomSampler",
    "WorkerInfo",
    "default_collate",
    "default_convert",
    "fashion_mnist",
    "get_worker_info",
    "load_arrays",
    "load_cifar10",
    "load_cifar100",
    "load_idx",
    "load_pcam",
    "load_stl10",
    "load_svhn",
    "locate",
    "normalize",
    "preparation",
    "random_split",
    "read_idx",
    "read_stl10",
    "transforms",
]
