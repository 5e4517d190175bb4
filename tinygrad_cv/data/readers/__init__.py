"""Readers: data sets of files, one format a file. Nothing in a file is run, and nothing is downloaded."""

from .arrays import load_arrays
from .cifar import load_cifar10, load_cifar100
from .coco import CocoSegmentation
from .hdf5 import HDF5Images, load_pcam
from .image_folder import DatasetFolder, ImageFolder
from .image_table import ImageTable
from .locate import locate
from .mask_folder import MaskFolder
from .pixels import ImageReader
from .stl10 import load_stl10, read_stl10
from .svhn import load_svhn
from .voc import VOCSegmentation

__all__ = [
    "CocoSegmentation",
    "DatasetFolder",
    "HDF5Images",
    "ImageFolder",
    "ImageReader",
    "ImageTable",
    "MaskFolder",
    "VOCSegmentation",
    "load_arrays",
    "load_cifar10",
    "load_cifar100",
    "load_pcam",
    "load_stl10",
    "load_svhn",
    "locate",
    "read_stl10",
]
