#!/usr/bin/env bash
# torchvision 0.28.0: RandomErasing(value="random") puts normal numbers of mean 0 and deviation 1 into an image of bytes, too:
# their fractions are cut off, so two thirds of the erased pixels are 0, and negative ones wrap to 255 and 254. What was meant
# as noise is black with white dots.
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
from torchvision.transforms import v2

torch.manual_seed(0)
erase = v2.RandomErasing(p=1, scale=(0.9, 0.9), ratio=(1, 1), value="random")
image = erase(torch.full((1, 100, 100), 100, dtype=torch.uint8))
erased = image[image != 100]
print(erased.unique().tolist(), f"black: {(erased == 0).float().mean().item():.2f}")
PYTHON
)
echo "$seen"
expected='[0, 1, 2, 3, 252, 253, 254, 255] black: 0.68'
[ "$seen" = "$expected" ] || { echo "this has changed; expected: $expected"; exit 1; }
