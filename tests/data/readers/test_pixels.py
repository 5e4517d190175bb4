"""Images through Pillow: what Pillow wrote comes back, along one path to RGB and grey; what is damaged is an error."""

import io
import re
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest

from tinygrad_cv.data import ImageReader

Image = pytest.importorskip("PIL.Image")
pytestmark = pytest.mark.any_python

rng = np.random.default_rng(0)
COLORS = rng.integers(0, 256, (5, 7, 3), np.uint8)
GREY = rng.integers(0, 256, (5, 7), np.uint8)
LOSSLESS = {"png": {}, "bmp": {}, "ppm": {}, "tiff": {}, "webp": {"lossless": True}}


def saved(tmp_path, picture, name, **options):
    path = tmp_path / name
    picture.save(path, **options)
    return path


def opened(path, what):
    with Image.open(path) as image:
        return what(image)


def chw(pixels):
    return pixels.transpose(2, 0, 1)


def luma(pixels):
    """ITU-R 601-2 in integers of 16 fractional bits, as Pillow's documentation gives the weights."""
    return (pixels.astype(np.int64) @ [19595, 38470, 7471] + 0x8000) >> 16


@pytest.mark.parametrize("suffix", LOSSLESS)
def test_colors_come_back(tmp_path, suffix):
    found = ImageReader()(saved(tmp_path, Image.fromarray(COLORS), f"x.{suffix}", **LOSSLESS[suffix]))
    np.testing.assert_array_equal(found, chw(COLORS), strict=True)
    assert found.flags.writeable and found.transpose(1, 2, 0).flags.c_contiguous


@pytest.mark.parametrize("suffix", LOSSLESS)
def test_grey_of_colors_is_one_path(tmp_path, suffix):
    found = ImageReader("L")(saved(tmp_path, Image.fromarray(COLORS), f"x.{suffix}", **LOSSLESS[suffix]))
    np.testing.assert_array_equal(found[0], luma(COLORS))
    assert found.shape == (1, 5, 7) and found.dtype == np.uint8


@pytest.mark.parametrize("suffix", ["png", "bmp", "pgm", "tif"])
def test_grey_comes_back_and_is_repeated(tmp_path, suffix):
    path = saved(tmp_path, Image.fromarray(GREY), f"x.{suffix}")
    np.testing.assert_array_equal(ImageReader("L")(path)[0], GREY)
    np.testing.assert_array_equal(ImageReader()(path), np.stack([GREY] * 3))


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_jpeg_is_decoded_whole_and_then_converted(tmp_path, mode):
    smooth = np.add.outer(np.arange(40), np.arange(48))[..., None] * [1, 2, 3] % 256
    path = saved(tmp_path, Image.fromarray(smooth.astype(np.uint8)), "x.jpg", quality=80)
    whole = opened(path, np.array)
    np.testing.assert_array_equal(ImageReader(mode)(path), chw(whole) if mode == "RGB" else luma(whole)[np.newaxis])


def test_cmyk_jpeg(tmp_path):
    inks = np.array([[[0, 0, 0, 0], [255, 0, 0, 0], [0, 255, 0, 0], [0, 0, 255, 0], [0, 0, 0, 255]]], np.uint8)
    path = saved(tmp_path, Image.fromarray(inks.repeat(16, 0).repeat(16, 1), "CMYK"), "x.jpg", quality=95)
    assert opened(path, lambda image: image.mode) == "CMYK"
    found = ImageReader()(path)[:, 8, 8::16].T.astype(int)
    expected = [[255, 255, 255], [0, 255, 255], [255, 0, 255], [255, 255, 0], [0, 0, 0]]
    assert np.abs(found - expected).max() <= 3
    assert abs(int(ImageReader("L")(path)[0, 8, 24]) - 0.701 * 255) <= 3  # cyan


UPRIGHT = {  # EXIF's orientation -> how the stored picture is turned upright, of rows and columns
    1: lambda x: x,
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.swapaxes(0, 1),
    6: lambda x: np.rot90(x, -1),
    7: lambda x: x[::-1, ::-1].swapaxes(0, 1),
    8: lambda x: np.rot90(x),
}


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff"])
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_pictures_are_set_upright(tmp_path, suffix, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    blocks = COLORS.repeat(8, 0).repeat(8, 1)
    lossless = {"lossless": True} if suffix == "webp" else {}
    path = saved(tmp_path, Image.fromarray(blocks), f"x.{suffix}", exif=exif, **lossless)
    stored = opened(path, np.array) if suffix == "jpg" else blocks
    np.testing.assert_array_equal(ImageReader()(path), chw(UPRIGHT[orientation](stored)))


def test_exif_that_is_damaged_turns_nothing(tmp_path):
    path = saved(tmp_path, Image.fromarray(COLORS), "x.png", exif=b"Exif\0\0MM\0*" + b"\xff" * 20)
    np.testing.assert_array_equal(ImageReader()(path), chw(COLORS))


def test_sixteen_bits_of_grey_are_scaled_and_not_clipped(tmp_path):
    values = np.array([[0, 128, 129, 257, 32768, 65406, 65407, 65535]], np.uint16)
    for suffix in ("png", "tiff"):
        path = saved(tmp_path, Image.fromarray(values), f"x.{suffix}")
        assert ImageReader("L")(path)[0].tolist() == np.rint(values / 257).astype(int).tolist()
        assert ImageReader()(path)[2].tolist() == np.rint(values / 257).astype(int).tolist()


@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_values_without_a_white_are_refused(tmp_path, kind):
    path = saved(tmp_path, Image.fromarray(GREY.astype(kind)), "x.tiff")
    with pytest.raises(ValueError, match=rf"{re.escape(str(path))} has 32-bit values .*Scale them"):
        ImageReader()(path)


PALETTE = [[10, 20, 30], [200, 100, 0], [7, 7, 7], [90, 0, 255]]


def palette_png(tmp_path, **options):
    picture = Image.fromarray(np.array([[0, 1, 2, 3]], np.uint8), "P")
    picture.putpalette([level for color in PALETTE for level in color])
    return saved(tmp_path, picture, "x.png", **options)


def test_palette(tmp_path):
    path = palette_png(tmp_path)
    assert opened(path, lambda image: image.mode) == "P"
    assert ImageReader()(path)[:, 0].T.tolist() == PALETTE
    assert ImageReader("L")(path)[0, 0].tolist() == luma(np.array(PALETTE)).tolist()


def over(colors, alpha, background):
    alpha = np.array(alpha)[:, None] / 255
    return np.array(colors) * alpha + np.array(background) * (1 - alpha)


@pytest.mark.parametrize("background", [255, 0, (0, 255, 100)])
@pytest.mark.parametrize(
    "transparency, alpha", [(1, [255, 0, 255, 255]), (bytes([255, 128, 0, 51]), [255, 128, 0, 51])]
)
def test_a_palette_with_transparency_lies_over_the_background(tmp_path, transparency, alpha, background):
    path = palette_png(tmp_path, transparency=transparency)
    found = ImageReader(background=background)(path)[:, 0].T
    assert np.abs(found - over(PALETTE, alpha, np.broadcast_to(background, 3))).max() <= 1
    assert ImageReader(background=None)(path)[:, 0].T.tolist() == PALETTE


@pytest.mark.parametrize("suffix", ["png", "webp", "tiff"])
def test_alpha_lies_over_the_background(tmp_path, suffix):
    pixels = np.dstack([COLORS, GREY])
    pixels[0, 0], pixels[0, 1] = (9, 8, 7, 0), (9, 8, 7, 255)
    options = {"lossless": True, "exact": True} if suffix == "webp" else {}
    path = saved(tmp_path, Image.fromarray(pixels), f"x.{suffix}", **options)
    expected = over(pixels[..., :3].reshape(-1, 3), pixels[..., 3].ravel(), [255] * 3).reshape(5, 7, 3)
    found = ImageReader()(path)
    assert np.abs(found - chw(expected)).max() <= 1
    assert found[:, 0, :2].T.tolist() == [[255] * 3, [9, 8, 7]]
    np.testing.assert_array_equal(ImageReader(background=None)(path), chw(pixels[..., :3]))


def test_transparent_grey(tmp_path):
    assert (
        ImageReader("L")(saved(tmp_path, Image.fromarray(GREY), "x.png", transparency=int(GREY[0, 0])))[0, 0, 0] == 255
    )
    deep = Image.fromarray(np.array([[0, 257 * 9]], np.uint16))
    assert ImageReader("L")(saved(tmp_path, deep, "y.png", transparency=0))[0].tolist() == [[255, 9]]
    pair = Image.fromarray(np.array([[[10, 0], [10, 255]]], np.uint8), "LA")
    assert ImageReader("L", 80)(saved(tmp_path, pair, "z.png"))[0].tolist() == [[80, 10]]


def test_black_and_white(tmp_path):
    assert (
        ImageReader("L")(saved(tmp_path, Image.fromarray(GREY > 127), "x.png"))[0].tolist()
        == (255 * (GREY > 127)).tolist()
    )


def test_the_first_of_several_frames(tmp_path):
    other = Image.fromarray(255 - COLORS)
    path = saved(tmp_path, Image.fromarray(COLORS), "x.tiff", save_all=True, append_images=[other])
    np.testing.assert_array_equal(ImageReader()(path), chw(COLORS))
    path = saved(tmp_path, Image.fromarray(COLORS), "x.jpg", format="MPO", save_all=True, append_images=[other])
    assert ImageReader()(path).shape == (3, 5, 7)


def test_a_png_named_jpg(tmp_path):
    path = saved(tmp_path, Image.fromarray(COLORS), "x.jpg", format="PNG")
    with pytest.raises(ValueError, match=rf"{re.escape(str(path))} is a PNG file, .*Name it x\.png, or .*check_suffix"):
        ImageReader()(path)
    np.testing.assert_array_equal(ImageReader(check_suffix=False)(path), chw(COLORS))
    np.testing.assert_array_equal(ImageReader()(path.rename(tmp_path / "x")), chw(COLORS))  # no suffix, no claim


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "bmp", "tiff", "ppm"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_truncated_anywhere(tmp_path, suffix, mode):
    """An error in one line that names the file; or, where only an end without pixels is missing, all of the pixels."""
    picture = Image.fromarray(rng.integers(0, 256, (16, 24, 3), np.uint8))
    path = saved(tmp_path, picture, f"x.{suffix}")
    content, whole = path.read_bytes(), ImageReader(mode)(path)
    read = []
    for end in [*range(0, len(content), 37), *range(len(content) - 40, len(content))]:
        path.write_bytes(content[:end])
        try:
            found = ImageReader(mode)(path)
        except ValueError as error:
            assert str(path) in str(error) and "\n" not in str(error)
        else:
            np.testing.assert_array_equal(found, whole)
            read.append(len(content) - end)
    assert max(read, default=0) <= 20  # of a PNG: IEND, and two checksums


def png(width, height, data=b""):
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def encoded(kind):
    buffer = io.BytesIO()
    Image.fromarray(COLORS).save(buffer, kind, **({"lossless": True} if kind == "WEBP" else {}))
    return bytearray(buffer.getvalue())


def enlarged():
    """Files whose headers claim more pixels than memory should hold, by name."""
    jpeg = encoded("JPEG")
    at = jpeg.index(b"\xff\xc0") + 5
    jpeg[at : at + 4] = struct.pack(">HH", 65500, 65500)
    bmp = encoded("BMP")
    bmp[18:26] = struct.pack("<ii", 2**31 - 1, 2**31 - 1)
    tiff = encoded("TIFF")
    for tag in (256, 257):  # width and height, as shorts of one value
        at = tiff.index(struct.pack("<HHI", tag, 4, 1)) if struct.pack("<HHI", tag, 4, 1) in tiff else -1
        at = at if at >= 0 else tiff.index(struct.pack("<HHI", tag, 3, 1))
        tiff[at : at + 12] = struct.pack("<HHII", tag, 4, 1, 2**31 - 1)
    webp = encoded("WEBP")
    webp[21:25] = struct.pack("<I", 16382 | 16382 << 14)
    dense = zlib.compressobj()
    zeros = b"".join(dense.compress(bytes(20_001)) for _ in range(20_000)) + dense.flush()
    return {
        "claim.png": png(2**31 - 1, 2**31 - 1),
        "line.png": png(2**31 - 1, 1),
        "bomb.png": png(20_000, 20_000, zeros),
        "warned.png": png(20_000, 5_000, zeros[: len(zeros) // 4 + 1000]),  # where Pillow itself only warns
        "claim.jpg": jpeg,
        "claim.bmp": bmp,
        "claim.tiff": tiff,
        "claim.webp": webp,
        "claim.ppm": b"P6 2147483647 2147483647 255\n" + bytes(100),
    }


READ_ALL = """
import resource, sys, warnings
from pathlib import Path
import numpy
from PIL import Image
from tinygrad_cv.data import ImageReader
warnings.simplefilter("ignore")
reader = ImageReader()
reader(Path(sys.argv[1]) / "good.png")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sorted(Path(sys.argv[1]).glob("*")):
    if path.name != "good.png":
        try:
            reader(path)
        except ValueError as error:
            print(error)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_memory_is_bounded_whatever_a_header_claims(tmp_path):
    files = enlarged()
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    saved(tmp_path, Image.fromarray(COLORS), "good.png")
    done = subprocess.run([sys.executable, "-c", READ_ALL, str(tmp_path)], capture_output=True, text=True, check=True)
    *errors, grown = done.stdout.splitlines()
    assert [name for name in sorted(files) if not any(str(tmp_path / name) in line for line in errors)] == []
    assert len(errors) == len(files) and all("too large" in line or "damaged" in line for line in errors)
    assert int(grown) < 40_000  # KiB; the smallest of the pictures would take 100 MB


@pytest.mark.parametrize("content", [b"", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", b"GIF89a", b"<html>"])
def test_what_is_no_image(tmp_path, content):
    path = tmp_path / "x\n.jpg"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"x\\n\.jpg is no image that can be read \(JPEG, PNG") as info:
        ImageReader()(path)
    assert "\n" not in str(info.value)


def test_what_is_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"ImageReader: there is no file .*no\.png"):
        ImageReader()(tmp_path / "no.png")
    with pytest.raises(ValueError, match="is a folder, a pipe or a device"):
        ImageReader()(tmp_path)
    (tmp_path / "loop.png").symlink_to("loop.png")
    with pytest.raises(ValueError, match=r"loop\.png is a link that leads nowhere, or to itself"):
        ImageReader()(tmp_path / "loop.png")


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"mode": "RGBA"}, r"mode is 'RGBA'; it must be \"RGB\" or \"L\""),
        ({"background": 256}, "background is 256; it must be a level from 0 to 255"),
        ({"background": (1, 2)}, r"background is \(1, 2\)"),
        ({"background": 0.5}, r"background is 0\.5"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        ImageReader(**arguments)
