"""Pascal VOC's images with the class of each pixel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any

from ..dataset import Dataset
from . import failure
from .masks import read_mask
from .pixels import ImageReader

READER = "VOCSegmentation"
CLASSES = (
    "background",
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
)


class VOCSegmentation(Dataset[Any]):
    """Images and masks of Pascal VOC's form: a sample is (image 3 x H x W, mask H x W of classes, uint8).

    ``JPEGImages/NAME.jpg``, ``SegmentationClass/NAME.png``, whose palette's indices are the classes, and
    ``ImageSets/Segmentation/SET.txt``, which lists names. Class 0 is the background, and 255 is no class.

    Args:
        root: the folder of the three, or that which holds ``VOCdevkit/VOC<year>``.
        year: with the latter.
        image_set: the name of the list: "train", "val", "trainval".
        transforms: of image and mask together, such as those of ``data.transforms``.
        classes: their names.

    Raises:
        FileNotFoundError: a folder or the list is missing, or a file that it names.
        ValueError: the list is empty. When a sample is asked for: a file is damaged, the mask is no palette or grey
            image, has another size than the image, or a class that is none.

    Source: M. Everingham et al., "The Pascal Visual Object Classes (VOC) Challenge", 2010.
    """

    def __init__(
        self,
        root: str | PathLike[str],
        year: str = "2012",
        image_set: str = "train",
        *,
        transforms: Callable[[Any, Any], Any] | None = None,
        classes: Sequence[str] = CLASSES,
    ):
        place = failure.folder(READER, root, "Give the folder that holds VOCdevkit.")
        inner = place / "VOCdevkit" / f"VOC{year}"
        place = inner if inner.is_dir() else place
        names = failure.file(
            READER, place / "ImageSets" / "Segmentation" / f"{image_set}.txt", "Give another image_set, or root."
        )
        listed = names.read_text("utf-8", errors="replace").split()
        if not listed:
            raise failure.wrong(READER, names, "lists no image")
        self.classes, self.transforms, self.root = list(classes), transforms, str(place)
        self.images = [str(place / "JPEGImages" / f"{name}.jpg") for name in listed]
        self.masks = [str(place / "SegmentationClass" / f"{name}.png") for name in listed]
        for path in (*self.images, *self.masks):
            failure.file(READER, path, f"{names} lists it.")

    def __getitem__(self, index: Any) -> Any:
        image = ImageReader(upright=False)(self.images[index])
        mask = read_mask(READER, self.masks[index], len(self.classes), image.shape[1:])
        return (image, mask) if self.transforms is None else self.transforms(image, mask)

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        return f"{READER}({self.root!r}, {len(self)} samples)"
