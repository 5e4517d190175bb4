"""One image file as an array, through Pillow; every path from a file's pixels to RGB and to grey is here.

Pillow is asked for the formats below only: of the others some are programs (EPS).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..extras import pillow
from . import failure

if TYPE_CHECKING:
    from PIL.Image import Image

READER = "ImageReader"
FORMATS = {  # Pillow's name of a format -> the suffixes of its files
    "JPEG": (".jpg", ".jpeg"),
    "PNG": (".png",),
    "PPM": (".ppm", ".pgm"),
    "BMP": (".bmp",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
}
ALIASES = {"MPO": "JPEG"}  # several JPEG pictures in one file, as telephones write them; the first is read
SUFFIXES = tuple(suffix for suffixes in FORMATS.values() for suffix in suffixes)
MODES = ("RGB", "L")
SIXTEEN_BITS = ("I;16", "I;16B", "I;16L", "I;16N")
ORIENTATION = 0x0112  # EXIF's tag
TURNS = {  # its value -> the turn that sets the picture upright
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
WHITE = 255


@dataclass(frozen=True)
class ImageReader:
    """Read an image file: ``reader(path)`` is C x H x W, uint8, a view of memory in the order H x W x C.

    JPEG, PNG, WebP, BMP, TIFF, PPM and PGM; of several frames the first. Every picture takes the same path:

    1. It is set upright, as its EXIF orientation says.
    2. 16-bit grey v becomes v / 257, rounded. (Of 16-bit colors Pillow keeps the higher byte.)
    3. Palettes, CMYK and YCbCr become RGB, by Pillow's ``convert``.
    4. What is transparent is laid over the background: also colors that are transparent in a palette.
    5. Grey becomes RGB by repeating it; RGB becomes grey as (299 R + 587 G + 114 B) / 1000, by Pillow's ``convert``.
       JPEG's ``draft``, which is faster and up to 4 levels off, is never used.

    Args:
        mode: "RGB", 3 x H x W; or "L", grey, 1 x H x W.
        background: what shows through, 0 to 255, one level or one for R, G and B. None drops transparency, as
            torchvision does; the colors below are then arbitrary.
        check_suffix: refuse a file whose format is not that of its name, such as a PNG named .jpg.
        upright: step 1; False for images beside which masks of the stored pixels lie.

    Raises:
        ValueError: another mode or background. When called: the file is no image of these formats, is damaged or
            truncated, has more pixels than ``PIL.Image.MAX_IMAGE_PIXELS`` (89 million; no pixel of it is decoded), has
            values without a white (32-bit), or is of another format than its name says.
        FileNotFoundError: when called, there is no such file.
        ModuleNotFoundError: when called, Pillow is not installed.

    >>> ImageReader("L")
    ImageReader(mode='L', background=255, check_suffix=True, upright=True)
    """

    mode: str = "RGB"
    background: int | Sequence[int] | None = WHITE
    check_suffix: bool = True
    upright: bool = True

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f'{READER}: mode is {self.mode!r}; it must be "RGB" or "L", for grey.')
        if self.background is not None:
            levels = np.asarray(self.background)
            if (
                levels.shape not in ((), (3,))
                or levels.dtype.kind not in "ui"
                or not np.all((levels >= 0) & (levels < 256))
            ):
                raise ValueError(
                    f"{READER}: background is {self.background!r}; it must be a level from 0 to 255, three of them, or "
                    "None to drop transparency."
                )

    def __call__(self, path: str | PathLike[str]) -> np.ndarray:
        with opened(READER, path, self.check_suffix) as image:
            array = np.array(self._converted(decoded(READER, path, image, self.upright), path))
        return array[np.newaxis] if array.ndim == 2 else array.transpose(2, 0, 1)  # h w c -> c h w

    def _converted(self, image: Image, path: str | PathLike[str]) -> Image:
        if image.mode in SIXTEEN_BITS or (image.mode == "I" and image.format == "PNG"):
            image = _eight_bits(image)
        elif image.mode in ("I", "F"):
            raise failure.wrong(
                READER, path, f"has 32-bit values (Pillow's mode {image.mode}), of which none is known to be white",
                "Scale them to 0 to 255, and save them with 8 bits.",
            )  # fmt: skip
        try:
            image = self._opaque(image)
            if image.mode not in ("1", "L", "RGB"):
                image = image.convert("RGB")
            return image if image.mode == self.mode else image.convert(self.mode)
        except ValueError as error:  # no conversion, as from LAB
            raise failure.wrong(READER, path, f"has Pillow's mode {image.mode}: {error}", "Save it as RGB.") from None

    def _opaque(self, image: Image) -> Image:
        if not (image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info):
            return image
        if self.background is None:
            image.info.pop("transparency", None)
            return image.convert("L" if image.mode in ("L", "LA", "La", "1") else "RGB")
        layer = image.convert("RGBA")
        levels = tuple(map(int, np.broadcast_to(self.background, 3)))
        below = pillow().new("RGBA", layer.size, (*levels, 255))
        return pillow().alpha_composite(below, layer).convert("RGB")


def opened(reader: str, path: str | PathLike[str], check_suffix: bool = True) -> Image:
    """Pillow's image, of which the header was read and checked."""
    from PIL import UnidentifiedImageError

    module = pillow()
    found = failure.file(reader, path, "Give the path of an image.")
    try:
        image: Image = module.open(found, formats=tuple(FORMATS))
    except UnidentifiedImageError:
        raise failure.wrong(reader, path, _unknown(found), "Give an image, or remove it.") from None
    except (module.DecompressionBombError, module.DecompressionBombWarning) as error:
        raise failure.wrong(reader, path, f"is too large: {str(error).split(',')[0]}", BOMB) from None
    except Exception as error:  # Pillow's decoders raise many kinds
        _pass_on(error)
        raise failure.wrong(reader, path, f"is damaged: {_reason(error)}") from None
    try:
        limit = module.MAX_IMAGE_PIXELS
        w, h = image.size
        if limit is not None and w * h > limit:
            raise failure.wrong(reader, path, f"is too large: {w:,} x {h:,} pixels, and {limit:,} are the most", BOMB)
        kind = ALIASES.get(str(image.format), str(image.format))
        suffix = found.suffix.lower()
        if check_suffix and suffix in SUFFIXES and suffix not in FORMATS[kind]:
            raise failure.wrong(
                reader, path, f"is a {kind} file, and its name says otherwise",
                f"Name it {found.stem}{FORMATS[kind][0]}, or read it with ImageReader(check_suffix=False).",
            )  # fmt: skip
    except BaseException:
        image.close()
        raise
    return image


BOMB = "Make it smaller; or, if you trust it, set PIL.Image.MAX_IMAGE_PIXELS."


def decoded(reader: str, path: str | PathLike[str], image: Image, upright: bool) -> Image:
    """The image, decoded and, if asked for, set upright."""
    try:
        image.load()
    except Exception as error:
        _pass_on(error)
        raise failure.wrong(reader, path, f"is damaged or truncated: {_reason(error)}") from None
    turn = TURNS.get(_orientation(image)) if upright else None
    if turn is None:
        return image
    turned = image.transpose(getattr(pillow().Transpose, turn))
    turned.format = image.format
    return turned


def _orientation(image: Image) -> Any:
    try:
        return image.getexif().get(ORIENTATION)
    except Exception as error:  # EXIF that is damaged says nothing; the pixels are whole
        _pass_on(error)
        return None


def _eight_bits(image: Image) -> Image:
    """16-bit grey with 65535 as white; its transparent value, if it has one, keeps its meaning."""
    values = np.array(image).astype(np.uint32)
    grey = ((values + 128) // 257).astype(np.uint8)
    clear = image.info.get("transparency")
    if not isinstance(clear, int):
        return pillow().fromarray(grey)
    alpha = np.where(values == clear, 0, 255).astype(np.uint8)
    return pillow().fromarray(np.stack([grey, alpha], -1), "LA")


def _pass_on(error: Exception) -> None:
    """Raise what says nothing of the file."""
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno is not None):
        raise error


def _reason(error: Exception) -> str:
    return f"{str(error)[:200] or type(error).__name__}"


def _unknown(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(4)
    return (
        f"is no image that can be read ({', '.join(FORMATS)}), or its header is damaged: it begins with "
        f"{start.hex(' ') or 'nothing'}"
    )
