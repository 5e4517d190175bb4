"""A folder of images, and one of masks of the same names."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from ..dataset import Dataset
from . import failure
from .masks import read_mask
from .pixels import SUFFIXES, ImageReader

READER = "MaskFolder"
IMAGES, MASKS = "images", "masks"


class MaskFolder(Dataset[Any]):
    """Images and masks of the same names: a sample is (image 3 x H x W, mask H x W of classes, uint8).

    ``images/NAME.jpg`` (or another suffix of an image) has its mask in ``masks/NAME.png``: grey levels, or the indices
    of a palette, are the classes, and 255 is no class. Images are as they are stored, whatever EXIF says.

    Args:
        root: the folder of the two.
        classes: their names, or how many there are.
        transforms: of image and mask together, such as those of ``data.transforms``.
        mode: "RGB" or "L", of all images alike.

    Raises:
        FileNotFoundError: a folder is missing, it has no image, or an image has no mask.
        ValueError: when a sample is asked for: a file is damaged, the mask is no palette or grey image, has another
            size than the image, or a class that is none.
    """

    def __init__(
        self,
        root: str | PathLike[str],
        classes: Sequence[str] | int,
        transforms: Callable[[Any, Any], Any] | None = None,
        *,
        mode: str = "RGB",
    ):
        self.classes = list(map(str, range(classes))) if isinstance(classes, int) else list(classes)
        self.root, self.transforms, self.mode = os.fspath(root), transforms, mode
        place, masks = (
            failure.folder(READER, Path(root) / name, f"There must be {IMAGES} and {MASKS}.")
            for name in (IMAGES, MASKS)
        )
        found = sorted(path for path in place.iterdir() if path.suffix.lower() in SUFFIXES)
        if not found:
            raise failure.missing(READER, place, "image in", f"Names must end in {', '.join(SUFFIXES)}.")
        self.images = [str(path) for path in found]
        self.masks = [str(masks / f"{path.stem}.png") for path in found]
        for path in self.masks:
            failure.file(READER, path, "Each image needs a mask of its name.")

    def __getitem__(self, index: Any) -> Any:
        image = ImageReader(self.mode, upright=False)(self.images[index])
        mask = read_mask(READER, self.masks[index], len(self.classes), image.shape[1:])
        return (image, mask) if self.transforms is None else self.transforms(image, mask)

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        return f"{READER}({self.root!r}, {len(self)} samples)"
