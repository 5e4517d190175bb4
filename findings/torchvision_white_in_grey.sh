#!/usr/bin/env bash
# torchvision 0.28.0: of a tensor, rgb_to_grayscale (Grayscale, RandomGrayscale) weighs red, green and blue by 0.2989, 0.587 and
# 0.114, which add up to 0.9999, and cuts fractions of bytes off: white, 255, becomes 254, and 1.0 becomes 0.9999. So does every
# other grey: 128 becomes 127. The same image as one of Pillow's stays as it is.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 torchvision==0.28.0 numpy==2.4.6 pillow==13.0.0
seen=$("$folder/venv/bin/python" - <<'PYTHON'
import torch

try:
    import torchvision
except RuntimeError:  # the library of compiled operations, which is not needed here, is for a PyTorch with CUDA
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
from torchvision.transforms.v2 import functional as F

for level in (128, 255):
    image = torch.full((3, 1, 1), level, dtype=torch.uint8)
    grey, pillow = F.rgb_to_grayscale(image), F.rgb_to_grayscale(F.to_pil_image(image))
    print(f"{level}: tensor {grey.item()}, Pillow {pillow.getpixel((0, 0))}")
print(f"1.0: tensor {F.rgb_to_grayscale(torch.ones(3, 1, 1)).item():.4f}")
PYTHON
)
echo "$seen"
expected=$'128: tensor 127, Pillow 128\n255: tensor 254, Pillow 255\n1.0: tensor 0.9999'
[ "$seen" = "$expected" ] || { echo "this has changed; expected: $expected"; exit 1; }
