"""Someone else's network reads a line of text; then its gradient finds a picture that it misreads.

One learns that an imported ONNX model is a module like any other: it reads, and has a derivative by its input. The
recognizer (PP-OCRv4, in the package rapidocr-onnxruntime) was made for reading only; its CTC outputs go into the
composed CTC loss of another text, and small steps against the gradient, invisible to us, make it read that
(I. Goodfellow, J. Shlens and C. Szegedy, "Explaining and Harnessing Adversarial Examples", 2015).
"""

import sys
from importlib.metadata import files
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import tinygrad_cv as tg
import tinygrad_cv.functional as F

TEXT, TARGET = "gradients emerge", "gradients vanish"
HEIGHT, LARGEST = 48, 6 / 255  # pixels; the largest change of a pixel, of 0 to 1
STEPS, STEP = 60, 1 / 255


def recognizer():
    """The model, and its characters: 0 is CTC's blank, the last one a space."""
    (path,) = (file.locate() for file in files("rapidocr-onnxruntime") if file.name == "ch_PP-OCRv4_rec_infer.onnx")
    import onnx

    (characters,) = (entry.value for entry in onnx.load(path).metadata_props if entry.key == "character")
    return tg.onnx.load(path), ["", *characters.splitlines(), " "]


def rendered(text):
    """A picture of a line, 3 x 48 x W, from 0 to 1."""
    font = ImageFont.load_default(30)
    image = Image.new("RGB", (int(font.getlength(text)) + 32, HEIGHT), "white")
    ImageDraw.Draw(image).text((16, 6), text, "black", font)
    return np.asarray(image, np.float32).transpose(2, 0, 1) / 255


def read(probabilities, characters):
    """The most probable character of each column; of equal neighbours one, and no blanks."""
    best = probabilities.numpy()[0].argmax(-1)
    kept = [k for i, k in enumerate(best) if k and (i == 0 or k != best[i - 1])]
    return "".join(characters[k] for k in kept).strip()


def main(folder):
    """Read a picture, change it by at most 6 of 255 levels, and read it again."""
    net, characters = recognizer()
    forward = tg.jit(lambda image: net(image * 2.0 - 1.0))
    picture = tg.tensor(rendered(TEXT)[None])
    before = read(forward(picture), characters)
    print(f"a picture of {TEXT!r} is read as {before!r}")

    wanted = tg.tensor([[characters.index(letter) for letter in TARGET]])

    @tg.jit
    def step(image):
        image = image.detach().requires_grad_()
        scores = (net(image * 2.0 - 1.0) + 1e-12).log().permute(1, 0, 2)  # n t c -> t n c
        lengths = (scores.shape[0],), (len(TARGET),)
        loss = F.ctc_loss(scores, wanted, *lengths)
        moved = image - STEP * tg.grad(loss, image).sign()
        return moved.clip(picture - LARGEST, picture + LARGEST).clip(0.0, 1.0)

    image, count = picture, 0
    while read(forward(image), characters) != TARGET and count < STEPS:
        image, count = step(image), count + 1
    after = read(forward(image), characters)
    change = abs(image - picture).max().item() * 255
    print(f"after {count} steps, with no pixel changed by more than {change:.1f} of 255, it is read as {after!r}")

    pixels = np.concatenate([picture.numpy()[0], image.numpy()[0]], 1).transpose(1, 2, 0)  # c (2 h) w -> (2 h) w c
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.round(pixels * 255).astype(np.uint8)).save(folder / "read_and_fooled.png")
    print(f"both pictures in {folder / 'read_and_fooled.png'}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
