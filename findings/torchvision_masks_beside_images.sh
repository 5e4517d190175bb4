#!/usr/bin/env bash
# torchvision 0.28.0: Resize of an image and its mask moves the mask against the image. Masks take the pixel at floor(i H / H'),
# the upper left one of those that a new pixel covers, where images are resized around the centers of pixels. Of 8 columns
# that become 2, the image's have their centers at 1.9 and 5.1, the mask's are columns 0 and 4, not 2 and 6; of the mirror image
# they are 7 and 3, so resizing and mirroring do not commute. interpolation="nearest-exact" is right, but then the image has it too.
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
from torchvision import tv_tensors
from torchvision.transforms import v2

columns = torch.arange(8.0).reshape(1, 1, 8)
for name, numbers in {"columns": columns, "mirrored": columns.flip(-1)}.items():
    image, mask = v2.Resize((1, 2))(tv_tensors.Image(numbers), tv_tensors.Mask(numbers.long()))
    print(f"{name}: image {[round(v, 1) for v in image.flatten().tolist()]}, mask {mask.flatten().tolist()}")
PYTHON
)
echo "$seen"
expected=$'columns: image [1.9, 5.1], mask [0, 4]\nmirrored: image [5.1, 1.9], mask [7, 3]'
[ "$seen" = "$expected" ] || { echo "this has changed; expected: $expected"; exit 1; }
