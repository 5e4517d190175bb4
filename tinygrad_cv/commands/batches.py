"""From a data set to batches: prepared in memory, or read as they are asked for; with the augmentation on the way."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..compiler.runtime.cores import cores
from ..data import (
    BatchSampler,
    DataLoader,
    Dataset,
    DistributedBatchSampler,
    HDF5Images,
    LabelledImages,
    Preparation,
    RandomSampler,
    SequentialSampler,
    TensorDataset,
    WeightedRandomSampler,
    preparation,
)
from ..data import transforms as T
from ..data.dataset import fetch
from ..data.randomness import nth_sample
from ..data.readers.masks import VOID
from ..distributed import get_world_size
from ..models.catalog import Entry
from .datasets import Masked, Parts, labels
from .options import UsageError

MEMORY = 1 << 30  # bytes of images that are prepared once and kept; larger sets are read as they are asked for
SAMPLE = 256  # images from which mean and deviation of a set are taken that is not kept
TEST_BATCH, TEST_PIXELS = 250, 1 << 20  # the most images, and pixels, of a batch that is not trained on
WIDER = 256 / 224  # by which images are larger than what is cut out of their middle, where training cuts at random
BEYOND = {"image": 0, "mask": VOID}  # black, and no class

Resizes = list[T.Transform]
Finish = Callable[..., Any]


def _shift(size: Sequence[int]) -> int:
    """Pixels by which an image of H x W is shifted: one in 28."""
    return max(1, round(min(size) / 28))


TOGETHER: dict[
    str, Callable[[Sequence[int], float | Sequence[float]], T.Transform]
] = {  # of prepared images of a batch
    "shift": lambda size, black: T.RandomCrop(size, padding=_shift(size), fill=black),
    "flip": lambda size, black: T.RandomHorizontalFlip(),
}
SINGLY: dict[str, Callable[[Sequence[int]], T.Transform]] = {  # of an image as it is, in this order
    "crop": T.RandomResizedCrop,
    "shift": lambda size: T.RandomCrop(size, padding=_shift(size), fill=BEYOND),
    "flip": lambda size: T.RandomHorizontalFlip(),
    "rotate": lambda size: T.RandomRotation(15, interpolation="bilinear", fill=BEYOND),
    "randaugment": lambda size: T.RandAugment(fill=BEYOND),
    "trivialaugment": lambda size: T.TrivialAugmentWide(fill=BEYOND),
    "color": lambda size: T.ColorJitter(0.4, 0.4, 0.4, 0.1),
    "erasing": lambda size: T.RandomErasing(0.25),
}
AUGMENT = ("none", *SINGLY)


class Unreadable(ValueError):
    """A file of the data set that is damaged or missing, found when it was asked for, in whichever process."""


class Transformed(Dataset[Any]):
    """The samples of a data set after a transform, which has each sample's own random numbers.

    Raises:
        Unreadable: when a sample is asked for that cannot be read.
    """

    def __init__(self, dataset: Any, transform: Finish):
        self.dataset, self.transform = dataset, transform

    def __getitem__(self, index: Any) -> Any:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        try:
            found = fetch(self.dataset, indices)
        except (OSError, ValueError) as error:
            raise Unreadable(str(error)) from error
        samples = []
        for n, sample in enumerate(found):
            with nth_sample(n):
                samples.append(self.transform(*sample))
        return samples

    def __len__(self) -> int:
        return len(self.dataset)


@dataclass(frozen=True)
class Prepared:
    """A transform: the image is prepared for the network, in the order C x H x W; a mask becomes whole numbers."""

    prepare: Preparation

    def __call__(self, image: np.ndarray, *others: Any) -> Any:
        targets = (np.ascontiguousarray(x, np.int64) if isinstance(x, np.ndarray) else x for x in others)
        return (np.ascontiguousarray(self.prepare(image[np.newaxis])[0]), *targets)


@dataclass
class Batches:
    """What a training reads.

    Attributes:
        prepare: how each image is prepared, with which no training is needed.
        in_memory: whether the images were prepared once and kept.
        train, test: batches of images and labels.
        labels: of the training images; None where each pixel has one.
    """

    prepare: Preparation
    in_memory: bool
    train: DataLoader[Any]
    test: DataLoader[Any]
    labels: np.ndarray | None


def batches(arguments: argparse.Namespace, parts: Parts, entry: Entry) -> Batches:
    """The batches of a data set for a network, as the options say.

    Raises:
        UsageError: an option does not fit the images, or the network does not take them.
    """
    names = [name for name in arguments.augment or getattr(parts.train, "augment", ()) if name != "none"]
    masked = isinstance(parts.train, Masked)
    _check_task(arguments, masked, entry)
    kept = set(names) <= TOGETHER.keys() and arguments.workers is None and not masked
    try:
        prepare, parts = _prepared(arguments, parts, entry, "crop" in names, kept)
        prepare = _with_statistics(prepare, arguments.mean, arguments.std)
        kept = kept and isinstance(parts.train, LabelledImages)
        classes, targets = parts.train.classes, labels(parts.train)
        mixtures = _mixtures(arguments, len(classes))
        size = (prepare.height, prepare.width)
        train: Any
        if kept:
            train, test = (TensorDataset(prepare(part.images), part.labels) for part in parts)  # type: ignore[union-attr]
            before = [TOGETHER[name](size, prepare.black) for name in TOGETHER if name in names]
        else:
            train = Transformed(parts.train, augmentation(names, prepare))
            test, before = Transformed(parts.test, evaluation(prepare)), []  # type: ignore[assignment]
            train[0], test[0]  # what does not fit is told before the training
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(_told(error, arguments)) from None
    collate = T.BatchTransform(*before, *mixtures) if before or mixtures else None
    workers = _workers(arguments, isinstance(parts.train, LabelledImages))
    batch = min(arguments.batch_size, len(train))
    if batch % (ranks := get_world_size()):
        raise UsageError(
            f"--batch-size: {batch} images a step, of all ranks together, which {ranks} ranks cannot share evenly; "
            f"give a multiple of {ranks}, and no more than the {len(train)} training images."
        )
    order = RandomSampler(train) if targets is None or arguments.sampler is None else _balanced(targets)
    loader = DataLoader(
        train,
        batch_sampler=DistributedBatchSampler(BatchSampler(order, batch, drop_last=True)),
        collate_fn=collate,
        num_workers=workers,
        persistent_workers=workers > 0,
        seed=arguments.seed,
    )
    return Batches(prepare, kept, loader, test_batches(test, prepare, workers, shared=True), targets)


@contextmanager
def telling() -> Iterator[None]:
    """Within the block, a file of the data set that cannot be read is told in one line.

    Raises:
        UsageError: it was.
    """
    try:
        yield
    except Unreadable as error:
        raise UsageError(f"--data: {error}") from None


def test_batches(samples: Any, prepare: Preparation, workers: int = 0, shared: bool = False) -> DataLoader[Any]:
    """Batches of samples that are prepared, for evaluation.

    Args:
        workers: threads, which take no time to start: without augmentation most work is Pillow's, which lets go of
            Python's lock.
    """
    most = TEST_PIXELS // (prepare.height * prepare.width)
    batches: Any = BatchSampler(SequentialSampler(samples), min(max(most, 1), TEST_BATCH), drop_last=False)
    share = DistributedBatchSampler(batches, even=False) if shared else batches
    return DataLoader(samples, batch_sampler=share, num_workers=workers, workers="threads")


def evaluation(prepare: Preparation) -> Finish:
    """An image, with its label or mask, from the data set to the network, always in the same way."""
    return T.Compose([*_resizes(prepare), Prepared(prepare)])


def augmentation(names: Sequence[str], prepare: Preparation) -> Finish:
    """The same with augmentations of these names, in their own order."""
    assert prepare.shape is not None
    resizes: Resizes = [] if "crop" in names else _resizes(prepare)
    return T.Compose(
        [*resizes, *(make(prepare.shape[1:]) for name, make in SINGLY.items() if name in names), Prepared(prepare)]
    )


def _resizes(prepare: Preparation) -> Resizes:
    if prepare.resize is None or prepare.shape is None:
        return []
    return [T.Resize(prepare.resize), T.CenterCrop(prepare.shape[1:])]


def _prepared(
    arguments: argparse.Namespace, parts: Parts, entry: Entry, cropped: bool, kept: bool
) -> tuple[Preparation, Parts]:
    """How images are prepared; and the images in memory, if they are to be kept and are not too many."""
    train, size = parts.train, arguments.image_size
    if isinstance(train, LabelledImages):
        if size:
            raise UsageError(f"--image-size is for image files; the images of {_name(arguments)} have one size.")
        return preparation(train.images, entry.channels, entry.side), parts
    if size is None and not isinstance(train, HDF5Images):
        shape = train[0][0].shape
        if not kept or not _fits(parts, shape):
            raise UsageError(
                "--image-size must be given where image files are read as they are asked for: they may have any size."
            )
        return _kept(parts, None, entry, lambda image: image)
    if size is None:
        shape, resize = train[0][0].shape, None
    else:
        resize = round(WIDER * size) if cropped else size
        shape = (train[0][0].shape[0], size, size)
        entry = entry._replace(side=size)  # what is asked for, without a border; most networks take any
    channels, height, width = shape
    fitted = Preparation(0.0, 1.0, "uint8", channels, height, width, shape, resize).resized
    if kept and _fits(parts, shape):
        return _kept(parts, resize, entry, fitted)
    places = np.unique(np.linspace(0, len(train) - 1, min(SAMPLE, len(train))).astype(int))
    sample = np.stack([fitted(train[place][0]) for place in places.tolist()])
    return preparation(sample, entry.channels, entry.side, resize), parts


def _with_statistics(prepare: Preparation, mean: list[float] | None, std: list[float] | None) -> Preparation:
    """The preparation with the mean and deviation that are asked for, such as those of pretrained weights."""
    if mean is None and std is None:
        return prepare
    if mean is None or std is None:
        raise UsageError("--mean and --std must be given together: both are those that the weights were trained with.")
    for option, values in (("--mean", mean), ("--std", std)):
        if len(values) not in (1, prepare.channels):
            one_each = f"one for each of {prepare.channels} channels"
            raise UsageError(f"{option}: {len(values)} numbers; give one, or {one_each}.")
    return replace(prepare, mean=tuple(mean), std=tuple(std))


def _kept(
    parts: Parts, resize: int | None, entry: Entry, fitted: Callable[[np.ndarray], np.ndarray]
) -> tuple[Preparation, Parts]:
    train, test = (gathered(part, fitted) for part in parts)
    if train.images.shape[1:] != test.images.shape[1:]:
        raise _sizes(parts.test, 0, test.images.shape[1:], train.images.shape[1:])
    return preparation(train.images, entry.channels, entry.side, resize), Parts(train, test)


def gathered(part: Any, fitted: Callable[[np.ndarray], np.ndarray]) -> LabelledImages:
    """All images of a part that is listed, in memory.

    Raises:
        ValueError: they differ in size.
    """
    first = fitted(part[0][0])
    images = np.empty((len(part), *first.shape), first.dtype)
    for n in range(len(part)):
        image = fitted(part[n][0])
        if image.shape != first.shape:
            raise _sizes(part, n, image.shape, first.shape)
        images[n] = image
    return LabelledImages(images, np.asarray(labels(part)), tuple(part.classes))


def _sizes(part: Any, n: int, found: Sequence[int], wanted: Sequence[int]) -> ValueError:
    path = part.samples[n][0] if hasattr(part, "samples") else f"image {n} of {part!r}"
    return ValueError(
        f"{path} is {found[2]} x {found[1]} pixels, and others are {wanted[2]} x {wanted[1]}; a network takes one "
        "size. Give --image-size."
    )


def _fits(parts: Parts, shape: Sequence[int]) -> bool:
    """Whether all images may be kept in memory: their bytes, and the floats that these become."""
    return sum(map(len, parts)) * math.prod(shape) * (1 + 4) <= MEMORY


def _workers(arguments: argparse.Namespace, in_memory: bool) -> int:
    """How many processes make batches: by default as many as there are cores, where files are read."""
    if arguments.workers is not None:
        return int(arguments.workers)
    return 0 if in_memory else len(cores())


def _check_task(arguments: argparse.Namespace, masked: bool, entry: Entry) -> None:
    """The network answers what the data set asks, and options are for that."""
    if masked != (entry.task == "segmentation"):
        what, wanted = ("masks", '"segmentation"') if masked else ("labels of images", '"classification"')
        raise UsageError(
            f"--model {arguments.model} is for {entry.task}, and {_name(arguments)} has {what}; take one of "
            f"models.list({wanted})."
        )
    for option in ("sampler", "class_weights", "mixup", "cutmix"):
        if masked and getattr(arguments, option) is not None:
            raise UsageError(f"--{option.replace('_', '-')} is for labels of images, not for masks; leave it out.")


def _balanced(targets: np.ndarray) -> WeightedRandomSampler:
    """All classes equally often: each image as often as its class is rare."""
    return WeightedRandomSampler(1 / np.bincount(targets)[targets], len(targets))


def _mixtures(arguments: argparse.Namespace, classes: int) -> list[Any]:
    kinds = {"mixup": T.MixUp, "cutmix": T.CutMix}
    given = {name: getattr(arguments, name) for name in kinds if getattr(arguments, name) is not None}
    if len(given) > 1:
        raise UsageError("--mixup and --cutmix both mix the images of a batch; give one of them.")
    return [kinds[name](alpha=alpha, num_classes=classes) for name, alpha in given.items()]


def _name(arguments: argparse.Namespace) -> str:
    return "the package" if arguments.data is None else str(arguments.data)


def _told(error: Exception, arguments: argparse.Namespace) -> str:
    option = f"--model {arguments.model}" if "Use convnet" in str(error) else "--data"
    return f"{option}: {error}"
