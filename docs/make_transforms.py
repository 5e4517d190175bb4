"""Write docs/transforms.md and its pictures: ``python docs/make_transforms.py``.

``--check`` writes nothing: it says whether the page is up to date.
"""

from __future__ import annotations

import inspect
import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pages
from PIL import Image, ImageDraw

from tinygrad_cv.data import transforms as T
from tinygrad_cv.data.randomness import sample_generator
from tinygrad_cv.files import write_bytes

DOCS = Path(__file__).parent
PAGE = DOCS / "transforms.md"
PICTURES = DOCS / "images" / "transforms"
CELL, SAMPLES, GAP, SEED = 96, 6, 6, 3
COLORS = np.array([[238, 238, 238], [190, 140, 60], [90, 150, 80], [200, 70, 60]], np.uint8)  # of the mask's classes

HEAD = """\
# Transforms

`tinygrad_cv.data.transforms` has torchvision's transforms (`torchvision.transforms.v2`), under its names, with its
arguments, defaults and ranges, on NumPy arrays C x H x W: uint8 in 0..255, or float32 and float64 in 0..1. This page
and its pictures are made by `python docs/make_transforms.py`.

```python
import numpy as np
from tinygrad_cv.data import transforms as T

train = T.Compose(
    [
        T.RandomResizedCrop(224),
        T.RandomHorizontalFlip(),
        T.TrivialAugmentWide(),
        T.ToDtype(np.float32, scale=True),
        T.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        T.RandomErasing(0.1),
    ]
)
image = np.zeros((3, 300, 400), np.uint8)
mask = np.zeros((300, 400), np.int64)
x = train(image)                    # 3 x 224 x 224, float32
x, m, label = train(image, mask, 7) # the mask is moved with the image; what is no array stays
```

**Random numbers** come from the sample that a `DataLoader` is making, so they are a function of seed, epoch and sample:
the same for any number of workers, and when a run resumes. Elsewhere they come from `generator=`, or from the generator
that `tg.manual_seed` restarts. A function of your own in a `Compose` draws from `data.randomness.current()`.

**Masks** are all further arrays of two or more axes, of any dtype, H x W or K x H x W. They are moved by nearest
pixels, those at the centers of new ones ([torchvision's](../findings/torchvision_masks_beside_images.sh) are to the
left of them), and filled as `fill={"image": ..., "mask": ...}` says; colors do not change them, and erasing does not.

**Batches** N x C x H x W go through `transform.batch(images)`: each image has random numbers of its own, and the result
is that of the images one by one, bit for bit. Crops, flips, dtypes and normalization take the whole batch at once, so
small images are augmented fastest by the loader: `DataLoader(data, 64, collate_fn=T.BatchTransform(...))`, which takes
mixtures too.

**Pixels** are interpolated by Pillow: of bytes, results are those that torchvision makes of Pillow's images, to the
last bit (affine maps but for roundings, hue but for Pillow's 256 angles); of floats, those that it makes of tensors, to
rounding. Rotations and affine maps are Pillow's too, since it works on bytes as they are: one millisecond for
3 x 224 x 224, where `F.grid_sample` takes thirty, and has derivatives that nobody asks for. Beyond the border it would
fade to the fill over half a pixel; Pillow's edge is sharp.

**Resizing** has two modes. `mode="pillow"`, of bytes the default, rounds and clips after the rows and again after the
columns, as Pillow does. `mode="float"` computes as PyTorch and Pillow's mode F do, and rounds once. Where black and
white pixels alternate the two differ by 15 to 30 grey levels (bicubic); elsewhere by one. Networks depend on how their
training images were resized: give them the same. (Pillow 13 begins with the columns where an image becomes lower and
wider, as [this script](../findings/pillow_order_of_passes.sh) shows; earlier versions always begin with the rows.)

**Grey** is 0.299 R + 0.587 G + 0.114 B; of bytes Pillow's `convert("L")`, bit for bit. So read a color JPEG as RGB and
use `.convert("L")` or `T.Grayscale()`, which are one: `draft("L")` takes the file's own brightness, which differs by 4
levels and more where colors are saturated. (Torchvision's weights for tensors add up to 0.9999:
[white becomes 254](../findings/torchvision_white_in_grey.sh).)

What torchvision takes and this does not: other labels than the second of a batch (`labels_getter`), videos, boxes and
key points. What it takes and this refuses: [normal numbers erased into
bytes](../findings/torchvision_noise_into_bytes.sh), a `fill` that the dtype does not hold, scales and ratios in the
wrong order.

"""

WORDS = {
    "Places": "Left an image and its mask, then what becomes of them in samples 0 to 5 of a data set with seed 3.\n\n",
    "Colors": "Masks stay as they are.\n\n",
    "Batches": "The first image of a batch of two, in batches 0 to 5. Labels become probabilities.\n\n",
}

FOOT = """\
## Your own, and others'

A transform of one's own draws in `make_params`, so that masks and batches come by themselves; one that moves pixels
defines `transform_mask` too:

```python
class Salt(T.Transform):
    def make_params(self, image, rng):
        return {"where": rng.random(image.shape[1:]) < 0.01}

    def transform(self, image, params):
        return np.where(params["where"], image.dtype.type(255), image)

salted, same = Salt()(image, mask)
assert (salted == 255).any() and same is mask
```

A `Compose` takes any callable. [examples/10_albumentations.py](../examples/10_albumentations.py) plugs a pipeline of
albumentations in, and gives it the sample's random numbers.
"""


def scene() -> tuple[np.ndarray, np.ndarray]:
    """A house on a hill under a sun, 3 x 72 x 96, and its mask: wall, hill, roof."""
    w, h, fine = 96, 72, 4
    y = np.linspace(0, 1, h * fine)[:, None, None]
    sky = (np.array([90, 150, 230]) * (1 - y) + np.array([235, 225, 200]) * y) + np.zeros((1, w * fine, 1))
    picture = Image.fromarray(sky.astype(np.uint8))
    classes = Image.new("L", picture.size)
    shapes: list[tuple[str, Any, Any, int]] = [
        ("ellipse", (68, 6, 84, 22), (255, 220, 90), 0),
        ("ellipse", (-20, 46, 120, 130), (70, 140, 60), 2),
        ("rectangle", (24, 34, 54, 60), (214, 170, 90), 1),
        ("polygon", (18, 36, 39, 16, 60, 36), (190, 50, 45), 3),
        ("rectangle", (29, 42, 36, 50), (60, 70, 110), 1),
        ("rectangle", (42, 44, 49, 60), (110, 60, 40), 1),
    ]
    for kind, box, color, number in shapes:
        corners = [fine * v for v in box]
        getattr(ImageDraw.Draw(picture), kind)(corners, fill=color)
        getattr(ImageDraw.Draw(classes), kind)(corners, fill=number)
    small = picture.resize((w, h), Image.Resampling.LANCZOS)
    return T.ToImage()(small), np.asarray(classes)[fine // 2 :: fine, fine // 2 :: fine]


# What the page shows, by heading.
ROWS: dict[str, list[str]] = {
    "Places": [
        'Pad((12, 4), fill={"image": (255, 190, 0), "mask": 0})',
        'Pad(16, padding_mode="reflect")',
        "CenterCrop(56)",
        "RandomCrop(56)",
        'RandomCrop((72, 96), padding=16, padding_mode="edge")',
        "RandomResizedCrop(72)",
        "RandomHorizontalFlip()",
        "RandomVerticalFlip()",
        "Resize(24)",
        "RandomRotation(30)",
        'RandomRotation(30, interpolation="bilinear", expand=True, fill={"image": 255, "mask": 0})',
        'RandomAffine(15, translate=(0.2, 0.1), scale=(0.7, 1.2), shear=15, interpolation="bicubic")',
    ],
    "Colors": [
        "Grayscale(3)",
        "RandomGrayscale(0.5)",
        "ColorJitter(brightness=0.6)",
        "ColorJitter(contrast=0.8)",
        "ColorJitter(saturation=1)",
        "ColorJitter(hue=0.5)",
        "ColorJitter(0.4, 0.4, 0.4, 0.1)",
        "ToDtype(np.float32, scale=True)",
        "Normalize(0.5, 0.25)",
        "RandomErasing(1, value=(255, 190, 0))",
    ],
    "Policies": ["RandAugment()", "RandAugment(num_ops=3, magnitude=20)", "TrivialAugmentWide()"],
    "Containers": [
        "Compose([RandomCrop(56), RandomHorizontalFlip()])",
        "RandomApply([RandomRotation(30), Grayscale(3)], p=0.5)",
        "RandomChoice([RandomRotation(30), Grayscale(3)])",
        "RandomOrder([Resize(36), RandomCrop((36, 48))])",
    ],
    "Batches": ["MixUp(num_classes=4)", "CutMix(num_classes=4)"],
}


def main(arguments: list[str]) -> int:
    """Write the page and its pictures, or compare the page; the exit code."""
    return pages.command(PAGE, make, arguments, __doc__)


def make(draw: bool) -> str:
    """The page's text; its pictures are written if ``draw``."""
    text = HEAD
    for heading, rows in ROWS.items():
        text += f"## {heading}\n\n{WORDS.get(heading, '')}"
        for row in rows:
            name = picture_name(row)
            if draw:
                PICTURES.mkdir(exist_ok=True)
                write_bytes(PICTURES / name, picture(row))
            text += f"`T.{row}` {summary(row)}\n\n![{row.split('(')[0]}](images/transforms/{name})\n\n"
    return text + FOOT


def picture_name(row: str) -> str:
    """The file of a row's picture: its name, and the number of its occurrence."""
    name = row.split("(")[0]
    rows = [other for group in ROWS.values() for other in group if other.split("(")[0] == name]
    return f"{name}{rows.index(row) + 1 if len(rows) > 1 else ''}.png"


def summary(row: str) -> str:
    """The first sentence of the docstring, as part of a sentence."""
    text = (inspect.getdoc(getattr(T, row.split("(")[0])) or "").split("\n\n")[0].replace("\n", " ").replace("``", "`")
    sentence = text.split(". ")[0].split(": see ")[0].rstrip(".")
    return f"\\\n{sentence}."


def picture(row: str) -> bytes:
    """The image, and what the transform makes of it for six samples; masks below where they are moved."""
    transform = eval(row, {**vars(T), "np": np})
    image, mask = scene()
    columns = [(image, mask), *samples(transform, image, mask)]
    moved = any(not np.array_equal(mask, other) for _, other in columns)
    sheet = Image.new("RGB", ((CELL + GAP) * len(columns) + GAP, (CELL * 3 // 4 + GAP) * (1 + moved)), "white")
    for i, (picture, classes) in enumerate(columns):
        panels = [visible(picture), COLORS[classes % len(COLORS)]] if moved else [visible(picture)]
        for j, panel in enumerate(panels):
            shown = Image.fromarray(np.ascontiguousarray(panel))
            shown.thumbnail((CELL, CELL * 3 // 4), Image.Resampling.LANCZOS)
            sheet.paste(shown, (GAP + i * (CELL + GAP), j * (CELL * 3 // 4 + GAP)))
    packed = io.BytesIO()
    sheet.quantize(128, dither=Image.Dither.NONE).save(packed, "PNG", optimize=True)
    return packed.getvalue()


def samples(transform: Any, image: np.ndarray, mask: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """What becomes of image and mask in samples 0 to 5; of a mixture, of the first of two images."""
    if isinstance(transform, (T.MixUp, T.CutMix)):
        other = T.ColorJitter(hue=(0.4, 0.4))(image[:, :, ::-1])
        batch = T.ToDtype(np.float32, scale=True).batch(np.stack([image, other]))
        drawn = [transform(batch, np.array([0, 1]), generator=sample_generator(SEED, 0, i)) for i in range(SAMPLES)]
        return [(images[0], mask) for images, _ in drawn]
    if isinstance(transform, T.Normalize):
        image = T.ToDtype(np.float32, scale=True)(image)
    return [transform(image, mask, generator=sample_generator(SEED, 0, i)) for i in range(SAMPLES)]


def visible(image: np.ndarray) -> np.ndarray:
    """Bytes H x W x 3 of an image: floats below 0 are black, and above 1 white."""
    if image.dtype != np.uint8:
        image = T.ToDtype(np.uint8, scale=True)(image)
    return np.broadcast_to(image, (3, *image.shape[1:])).transpose(1, 2, 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
