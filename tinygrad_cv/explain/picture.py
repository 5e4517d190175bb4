"""Pictures of explanations: an image, and beside it the same in grey below its map."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

from .. import functional as F
from ..core.annotations import explaining
from ..files import write_figure
from ..frontend.creation import asarray
from ..viz.figures import new_figure, plain

if TYPE_CHECKING:
    from ..frontend.typing import TensorLike

COLOURS, OPACITY = "inferno", 0.6
PANEL, EDGE, TITLE, BAR, NUMBERS = (
    3.0,
    0.15,
    0.35,
    0.12,
    0.75,
)  # inches: the lower of a panel's sides, and what is around
WIDEST = 2.5  # of a panel, width / height or height / width


@explaining
def save_map(
    path: str | PathLike[str], image: TensorLike, map: TensorLike, title: str = "", label: str = "Grad-CAM"
) -> None:
    """Draw an image, and beside it a map h x w over the image in grey, with its scale.

    The map is enlarged to H x W, linearly, its places being equal parts of the image.

    Args:
        path: of the picture: .png, .svg or .pdf.
        image: C x H x W with 1 or 3 channels, bytes or numbers from 0 to 1; what is beyond is cut.
        map: h x w, at least 0.
        title: above the picture. label: at the scale.

    Raises:
        ValueError: an image or a map of another shape.
        OSError: the picture cannot be written.
    """
    from matplotlib.ticker import MaxNLocator

    pixels, heat = asarray(image).numpy(), asarray(map)
    if pixels.ndim != 3 or pixels.shape[0] not in (1, 3):
        raise ValueError(f"save_map: image has shape {pixels.shape}; it must be C x H x W with 1 or 3 channels.")
    if heat.ndim != 2:
        raise ValueError(f"save_map: map has shape {heat.shape}; it must be h x w. Give one image's.")
    shown = pixels / 255 if pixels.dtype == np.uint8 else pixels.clip(0, 1)
    _, h, w = shown.shape
    large = F.interpolate(heat.reshape(1, 1, *heat.shape), (h, w), mode="bilinear").numpy()[0, 0]
    shape = min(max(w / h, 1 / WIDEST), WIDEST)
    width, height = PANEL * max(shape, 1), PANEL * max(1 / shape, 1)
    size = 3 * EDGE + 2 * width + BAR + NUMBERS + EDGE, EDGE + height + TITLE
    figure, (left, right) = new_figure(1, 2, size)
    scale = figure.add_axes((0, 0, 1, 1))
    second = 2 * EDGE + width
    for axis, start, extent in ((left, EDGE, width), (right, second, width), (scale, second + width + EDGE, BAR)):
        axis.set_position((start / size[0], EDGE / size[1], extent / size[0], height / size[1]))
    left.imshow(np.broadcast_to(shown, (3, h, w)).transpose(1, 2, 0))  # c h w -> h w c
    right.imshow(shown.mean(0), cmap="gray", vmin=0, vmax=1)
    layer = right.imshow(large, cmap=COLOURS, alpha=OPACITY, vmin=0, vmax=float(large.max()) or 1)
    for axis in (left, right):
        axis.set_axis_off()
    figure.colorbar(layer, cax=scale, label=plain(label), ticks=MaxNLocator(4))
    figure.text(0.5, 1 - 0.5 * TITLE / size[1], plain(title), ha="center", va="center", fontsize=10)
    write_figure(path, figure, dpi=130)
