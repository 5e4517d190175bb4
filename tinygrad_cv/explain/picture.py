"""Pictures of explanations: an image, and beside it the same in grey below its map."""

from __future__ import annotations

from collections.abc import Mapping
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
PANEL, SMALL = 3.0, 1.6  # inches: the lower of a panel's sides, of two panels and of many
EDGE, TITLE, BAR, NUMBERS = 0.15, 0.35, 0.12, 0.75  # inches: what is around
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

    shown = _shown("save_map", image)
    large = _enlarged("save_map", map, shown)
    _, h, w = shown.shape
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


@explaining
def save_explanations(
    path: str | PathLike[str],
    image: TensorLike,
    rows: Mapping[str, Mapping[str, TensorLike]],
    title: str = "",
    notes: Mapping[str, Mapping[str, str]] | None = None,
) -> None:
    """Draw an image and, row by row, several maps h x w over it in grey, each in a scale of its own from 0.

    Args:
        path: of the picture: .png, .svg or .pdf.
        image: C x H x W with 1 or 3 channels, bytes or numbers from 0 to 1; what is beyond is cut.
        rows: by the name of the row, such as that of a model, its maps by the name of the column. What is below 0 in
            them is shown as 0.
        title: above the picture. notes: a line below a map, by the same names.

    Raises:
        ValueError: no maps, or an image or a map of another shape.
        OSError: the picture cannot be written.
    """
    shown = _shown("save_explanations", image)
    _, h, w = shown.shape
    columns = list(dict.fromkeys(name for maps in rows.values() for name in maps))
    if not columns:
        raise ValueError("save_explanations: there are no maps. Give at least one row with one.")
    shape = min(max(w / h, 1 / WIDEST), WIDEST)
    width, height = SMALL * max(shape, 1), SMALL * max(1 / shape, 1)
    size = (len(columns) + 1) * width + TITLE, len(rows) * (height + TITLE) + 2 * TITLE
    figure, axes = new_figure(len(rows), len(columns) + 1, size)
    grid = np.reshape(axes, (len(rows), len(columns) + 1))
    for axis in grid.flat:
        axis.set_axis_off()
    for r, (row, maps) in enumerate(rows.items()):
        for c, axis in enumerate(grid[r]):
            left, bottom = TITLE + c * width, size[1] - 2 * TITLE - height - r * (height + TITLE)
            axis.set_position((left / size[0], bottom / size[1], (width - EDGE) / size[0], height / size[1]))
        figure.text(
            0.5 * TITLE / size[0], (bottom + height / 2) / size[1], plain(row), rotation=90, va="center", ha="center"
        )
        if not r:
            grid[r, 0].imshow(np.broadcast_to(shown, (3, h, w)).transpose(1, 2, 0))  # c h w -> h w c
        for column, axis in zip(columns, grid[r, 1:], strict=True):
            if column not in maps:
                continue
            large = _enlarged("save_explanations", maps[column], shown).clip(0)
            axis.imshow(shown.mean(0), cmap="gray", vmin=0, vmax=1)
            axis.imshow(large, cmap=COLOURS, alpha=OPACITY, vmin=0, vmax=float(large.max()) or 1)
            axis.set_title(plain(column) if not r else "", fontsize=9)
            note = (notes or {}).get(row, {}).get(column, "")
            axis.text(0.5, -0.03, plain(note), transform=axis.transAxes, ha="center", va="top", fontsize=8)
    figure.text(0.5, 1 - 0.5 * TITLE / size[1], plain(title), ha="center", va="center", fontsize=10)
    write_figure(path, figure, dpi=130)


def _shown(caller: str, image: TensorLike) -> np.ndarray:
    """The image as numbers from 0 to 1."""
    pixels: np.ndarray = asarray(image).numpy()
    if pixels.ndim != 3 or pixels.shape[0] not in (1, 3) or not pixels.size:
        raise ValueError(f"{caller}: image has shape {pixels.shape}; it must be C x H x W with 1 or 3 channels.")
    return pixels / 255 if pixels.dtype == np.uint8 else pixels.clip(0, 1)


def _enlarged(caller: str, map: TensorLike, shown: np.ndarray) -> np.ndarray:
    """The map at the size of the image."""
    heat = asarray(map)
    if heat.ndim != 2:
        raise ValueError(f"{caller}: map has shape {heat.shape}; it must be h x w. Give one image's.")
    large: np.ndarray = F.interpolate(heat.reshape(1, 1, *heat.shape), shown.shape[1:], mode="bilinear").numpy()[0, 0]
    return large
