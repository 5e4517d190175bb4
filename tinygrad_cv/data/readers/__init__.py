"""Readers: data sets of files, one format a file. Nothing in a file is run, and nothing is downloaded."""

from .image_folder import DatasetFolder, ImageFolder
from .pixels import ImageReader

__all__ = ["DatasetFolder", "ImageFolder", "ImageReader"]
