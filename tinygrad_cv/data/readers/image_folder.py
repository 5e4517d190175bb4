"""A folder of classes, one folder of files for each, as torchvision reads it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from os import PathLike
from pathlib import Path
from typing import Any

from ..dataset import Dataset
from . import failure
from .pixels import SUFFIXES, ImageReader

LAYOUT = "Give a folder that holds a folder for each class, with its files in it."


class DatasetFolder(Dataset[tuple[Any, Any]]):
    """Files in a folder for each class, read when they are asked for: a sample is (what the loader makes, label).

    ``root/cat/1.png`` and ``root/cat/more/2.png`` are of class "cat". Classes count from 0 in the order of their names,
    files are in the order of theirs. Links are followed.

    Args:
        root: the folder of the classes.
        loader: of a path; what it returns is the sample, before the transform.
        extensions: the ends of the names of files that belong to the data set, in any case.
        transform, target_transform: of what was loaded, and of its label.
        is_valid_file: of a path; instead of the extensions.
        allow_empty: whether a class may have no file.

    Attributes:
        classes: the names.
        class_to_idx: the label of each.
        samples: paths and labels. targets: the labels.

    Raises:
        FileNotFoundError: there is no such folder, no class in it, or no file in a class.
        ValueError: a link leads to a folder that it is in, or nowhere; or not one of extensions and is_valid_file.
    """

    def __init__(
        self,
        root: str | PathLike[str],
        loader: Callable[[str], Any],
        extensions: str | tuple[str, ...] | None = None,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[int], Any] | None = None,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ):
        if (extensions is None) == (is_valid_file is None):
            raise ValueError(
                f"{self._name}: extensions are {extensions!r} and is_valid_file is {is_valid_file!r}; give one of them."
            )
        self.root, self.loader = os.fspath(root), loader
        self.extensions, self.transform, self.target_transform = extensions, transform, target_transform
        self.classes, self.class_to_idx = self.find_classes(root)
        self.samples = self.make_dataset(root, self.class_to_idx, extensions, is_valid_file, allow_empty)
        self.targets = [label for _, label in self.samples]

    @property
    def _name(self) -> str:
        return type(self).__name__

    def find_classes(self, directory: str | PathLike[str]) -> tuple[list[str], dict[str, int]]:
        """The classes in a folder, and their labels; a subclass may find them otherwise."""
        folder = failure.folder(self._name, directory, LAYOUT)
        classes = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
        if not classes:
            raise failure.missing(self._name, folder, "folder of a class in", LAYOUT)
        return classes, {name: label for label, name in enumerate(classes)}

    def make_dataset(
        self,
        directory: str | PathLike[str],
        class_to_idx: dict[str, int],
        extensions: str | tuple[str, ...] | None = None,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> list[tuple[str, int]]:
        """The paths of a folder's files, with their labels; a subclass may choose others."""
        ends = (extensions,) if isinstance(extensions, str) else extensions or ()
        ends = tuple(end.lower() for end in ends)
        valid = is_valid_file or (lambda path: path.lower().endswith(ends))
        samples: list[tuple[str, int]] = []
        for name in sorted(class_to_idx):
            folder = Path(directory) / name
            if not folder.is_dir():
                raise failure.missing(self._name, folder, "folder of a class", LAYOUT)
            paths = [path for path in self._files(folder) if valid(path)]
            if not paths and not allow_empty:
                raise failure.missing(
                    self._name, folder, f"file{' ending in ' * bool(ends)}{', '.join(ends)} in",
                    "Remove the folder if it is no class, or give allow_empty=True.",
                )  # fmt: skip
            for path in paths:
                failure.file(self._name, path, "Remove it.")
            samples += [(path, class_to_idx[name]) for path in paths]
        return samples

    def _files(self, folder: Path) -> list[str]:
        """The paths of all files below a folder: folder by folder, in the order of their names."""
        found = sorted(self._walk(str(folder), ()))
        return [os.path.join(place, name) for place, names in found for name in names]

    def _walk(self, place: str, above: tuple[tuple[int, int], ...]) -> Iterator[tuple[str, list[str]]]:
        status = os.stat(place)
        key = (status.st_dev, status.st_ino)
        if key in above:
            raise failure.wrong(
                self._name, place, f"is a link to a folder that it is in, {os.path.realpath(place)}, so it has no end",
                "Remove the link.",
            )  # fmt: skip
        with os.scandir(place) as entries:
            listed = sorted((entry.name, entry.is_dir()) for entry in entries)
        yield place, [name for name, is_folder in listed if not is_folder]
        for name, is_folder in listed:
            if is_folder:
                yield from self._walk(os.path.join(place, name), (*above, key))

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        path, label = self.samples[index]
        sample = self.loader(path)
        return (
            sample if self.transform is None else self.transform(sample),
            label if self.target_transform is None else self.target_transform(label),
        )

    def __len__(self) -> int:
        return len(self.samples)

    def __repr__(self) -> str:
        return f"{self._name}({self.root!r}, {len(self)} samples, {len(self.classes)} classes)"


class ImageFolder(DatasetFolder):
    """Images in a folder for each class: a sample is (image C x H x W, label). See :class:`DatasetFolder`.

    Args:
        root: the folder of the classes.
        transform, target_transform: of the image, and of its label.
        loader: of a path, instead of an :class:`ImageReader` of this mode.
        is_valid_file: of a path; by default files belong to the data set that end in .jpg, .jpeg, .png, .ppm, .pgm,
            .bmp, .tif, .tiff or .webp.
        allow_empty: whether a class may have no image.
        mode: "RGB" or "L", of all images alike.

    Raises:
        FileNotFoundError, ValueError: as of DatasetFolder; and of ImageReader when a sample is asked for.

    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as root:
    ...     for name in ("cat", "dog"):
    ...         (Path(root) / name).mkdir()
    ...         Image.new("RGB", (8, 6)).save(Path(root) / name / "1.png")
    ...     images = ImageFolder(root)
    ...     images.classes, len(images), images[1][0].shape, images[1][1]
    (['cat', 'dog'], 2, (3, 6, 8), 1)
    """

    def __init__(
        self,
        root: str | PathLike[str],
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[int], Any] | None = None,
        loader: Callable[[str], Any] | None = None,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
        *,
        mode: str = "RGB",
    ):
        extensions = SUFFIXES if is_valid_file is None else None
        read = ImageReader(mode) if loader is None else loader
        super().__init__(root, read, extensions, transform, target_transform, is_valid_file, allow_empty)
        self.imgs = self.samples
