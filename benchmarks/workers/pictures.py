"""A folder of JPEG files, and the same data set of it for both libraries: decode, crop, resize, flip, normalize."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_cv.data import Dataset
from tinygrad_cv.data.randomness import current

SIDE = 224
KINDS = 64  # different images; the other files are links to them
MEAN = np.float32([0.485, 0.456, 0.406]).reshape(3, 1, 1)
STD = np.float32([0.229, 0.224, 0.225]).reshape(3, 1, 1)


def write_folder(folder: Path, count: int) -> list[str]:
    """Write so many JPEG files of SIDE x SIDE pixels, smooth as photographs are; their paths."""
    from PIL import Image

    rng = np.random.default_rng(0)
    paths = []
    for i in range(count):
        path = folder / f"{i:06d}.jpg"
        if i < KINDS:
            coarse = Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8))
            stream = io.BytesIO()
            coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(stream, "JPEG", quality=90)
            path.write_bytes(stream.getvalue())
        else:
            os.link(folder / f"{i % KINDS:06d}.jpg", path)
        paths.append(str(path))
    return paths


def augmented(path: str, rng: np.random.Generator) -> Any:
    """The image, H x W x C of bytes: a random part of it, resized, perhaps mirrored. The work is Pillow's."""
    from PIL import Image

    with Image.open(path) as file:
        image = file.convert("RGB")
    side = SIDE * rng.uniform(0.6, 1.0)
    left, top = rng.uniform(0, SIDE - side, 2)
    image = image.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=(left, top, left + side, top + side))
    if rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return np.array(image)


class Pictures(Dataset):
    """(image, label): float32 C x H x W, normalized, as arrays."""

    def __init__(self, paths: list[str]):
        self.paths = paths

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        pixels = augmented(self.paths[index], current())
        image = np.ascontiguousarray(pixels.transpose(2, 0, 1), np.float32)  # h w c -> c h w
        image /= 255
        image -= MEAN
        image /= STD
        return image, index % 10

    def __len__(self) -> int:
        return len(self.paths)


class TorchPictures(Pictures):
    """The same as tensors, as torchvision's ToTensor and Normalize make them."""

    def __getitem__(self, index: int) -> tuple[Any, int]:
        import torch

        rng = np.random.default_rng(int(torch.randint(2**63 - 1, ())))
        pixels = augmented(self.paths[index], rng)
        image = torch.from_numpy(pixels).permute(2, 0, 1).contiguous().to(torch.float32).div(255)  # h w c -> c h w
        return image.sub_(torch.from_numpy(MEAN)).div_(torch.from_numpy(STD)), index % 10
