"""Albumentations in a data set: whatever its pipeline draws comes from the sample, so workers change nothing.

One learns that a transform is any callable on an image and its mask, that albumentations takes images as H x W x C,
and that the generator of the sample makes what it draws a function of seed and epoch: without workers, with two, and
tomorrow. Masks stay on their images.
"""

import os
import random

import numpy as np

from tinygrad_cv.data import DataLoader, Dataset
from tinygrad_cv.data import transforms as T
from tinygrad_cv.data.randomness import current

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"  # otherwise its import asks a server for the newest version
import albumentations as A

SIDE, COUNT = 64, 24


class Albumentations:
    """A pipeline of albumentations as a transform of images C x H x W and masks H x W."""

    def __init__(self, *transforms):
        self.pipeline = A.Compose(transforms)

    def __call__(self, image, mask):
        rng = current()
        self.pipeline.set_random_state(rng, random.Random(int(rng.integers(2**63))))
        done = self.pipeline(image=np.ascontiguousarray(image.transpose(1, 2, 0)), mask=mask)  # c h w -> h w c
        return done["image"].transpose(2, 0, 1), done["mask"]  # h w c -> c h w


class Squares(Dataset):
    """A bright square on a dark ground, and a mask that says where it is."""

    def __init__(self, transform):
        self.transform = transform

    def __len__(self):
        return COUNT

    def __getitem__(self, index):
        image, mask = np.full((3, SIDE, SIDE), 40, np.uint8), np.zeros((SIDE, SIDE), np.int32)
        rows, columns = slice(8 + index, 28 + index), slice(36 - index, 60 - index)
        image[:, rows, columns], mask[rows, columns] = 220, 1
        return self.transform(image, mask)


def main():
    """Load two epochs without workers and with two."""
    transform = T.Compose(
        [
            Albumentations(A.ElasticTransform(alpha=60, sigma=6, p=1), A.RandomGamma(p=0.5), A.CoarseDropout(p=0.5)),
            T.RandomHorizontalFlip(),
            T.ToDtype({"image": np.float32, "mask": np.int64}, scale=True),
        ]
    )
    epochs = {}
    for workers in (0, 2):
        loader = DataLoader(Squares(transform), batch_size=8, shuffle=True, num_workers=workers, seed=1)
        epochs[workers] = [list(loader) for _ in range(2)]
    alone, together = (
        [np.concatenate([images for images, _ in epoch]) for epoch in epochs[workers]] for workers in (0, 2)
    )
    print(f"epochs of {alone[0].shape}: the same with workers: {all(map(np.array_equal, alone, together))}")
    print(f"another in the next epoch: {not np.array_equal(*alone)}")
    assert all(map(np.array_equal, alone, together)) and not np.array_equal(*alone)

    images, masks = (np.concatenate(parts) for parts in zip(*epochs[0][0], strict=True))
    covered = images.mean(1) > 0.5
    overlap = (covered & (masks == 1)).sum() / (covered | (masks == 1)).sum()
    print(f"{overlap:.0%} of the squares' pixels are bright, and of the bright ones in the mask")
    assert masks.dtype == np.int64 and overlap > 0.9


if __name__ == "__main__":
    main()
