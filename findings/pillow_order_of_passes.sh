#!/usr/bin/env bash
# Pillow 13.0.0 resizes an image that becomes less high and wider first along its columns, where 12.2.0, and 13.0.0 for every
# other change of size, begin with the rows. Bytes are rounded and clipped between the two passes, so the pixels differ: by up
# to 21 grey levels for black and white noise and bicubic, by 1 for middle greys. PyTorch 2.13.0's resizing of bytes, which
# follows Pillow to one level, begins with the rows always. Whoever prepares images of a trained network gets other inputs.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
for version in 12.2.0 13.0.0; do
    "$folder/venv/bin/pip" install --quiet pillow==$version numpy==2.4.6
    "$folder/venv/bin/python" - <<'PYTHON' >>"$folder/seen"
import numpy as np
import PIL
from PIL import Image

noise = np.random.default_rng(0).integers(0, 2, (37, 53)).astype(np.uint8) * 255
picture = Image.fromarray(noise)
for name, (w, h) in {"lower and wider": (90, 11), "higher and narrower": (20, 90), "smaller": (20, 20)}.items():
    whole, rows, columns = (
        np.asarray(image.resize((w, h), Image.Resampling.BICUBIC), int)
        for image in (
            picture,
            picture.resize((w, 37), Image.Resampling.BICUBIC),
            picture.resize((53, h), Image.Resampling.BICUBIC),
        )
    )
    print(f"{PIL.__version__} {name}: {abs(whole - rows).max()} from rows first, {abs(whole - columns).max()} from columns")
PYTHON
done
cat "$folder/seen"
expected='12.2.0 lower and wider: 0 from rows first, 21 from columns
12.2.0 higher and narrower: 0 from rows first, 23 from columns
12.2.0 smaller: 0 from rows first, 11 from columns
13.0.0 lower and wider: 21 from rows first, 0 from columns
13.0.0 higher and narrower: 0 from rows first, 23 from columns
13.0.0 smaller: 0 from rows first, 11 from columns'
[ "$(cat "$folder/seen")" = "$expected" ] || { echo "this has changed; expected: $expected"; exit 1; }
