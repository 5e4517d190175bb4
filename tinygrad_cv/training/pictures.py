"""Pictures of a training: the learning curve, and the confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike

import numpy as np

from ..viz.figures import new_figure, plain, save_figure
from .history import History

BLUE, RED = "#1b6ca8", "#d1495b"
MAX_NAMED = 12  # classes beside a mask, the most frequent ones
MAX_LABELLED = 70  # classes; a confusion matrix of more has no room for names and numbers


def save_learning_curve(
    history: History, path: str | PathLike[str], figure: str = "accuracy", title: str = "accuracy"
) -> None:
    """Draw loss and another figure of the history over the epochs, those of the training and of the validation."""
    drawing, (left, right) = new_figure(1, 2, (9, 3.6))
    numbers = range(1, len(history) + 1)
    for name, colour, prefix in (("training", BLUE, ""), ("validation", RED, "validation_")):
        left.plot(numbers, history.column(f"{prefix}loss"), "o-", ms=3, color=colour, label=name)
        shares = [100 * value for value in history.column(f"{prefix}{figure}")]
        right.plot(numbers, shares, "o-", ms=3, color=colour, label=name)
    left.set(xlabel="epoch", ylabel="cross-entropy", title="loss")
    right.set(xlabel="epoch", ylabel="percent", title=title)
    for axis in (left, right):
        axis.grid(alpha=0.3)
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.legend(frameon=False)
    save_figure(drawing, path)


def save_confusion_matrix(
    counts: np.ndarray, classes: Sequence[str], path: str | PathLike[str], unit: str = "images"
) -> None:
    """Draw how many images, or pixels, of each true class, a row, were predicted as each class, a column."""
    side = min(max(6.4, 0.35 * len(classes)), 24)
    figure, axis = new_figure(1, 1, (side, 0.9 * side))
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if len(classes) <= MAX_LABELLED:
        for i, j in np.argwhere(counts):
            colour = "white" if shares[i, j] > 0.5 else "black"
            axis.text(j, i, str(counts[i, j]), ha="center", va="center", fontsize=7, color=colour)
        names = [plain(name) for name in classes]
        axis.set_xticks(range(len(classes)), names, rotation=45, ha="right")
        axis.set_yticks(range(len(classes)), names)
    correct = np.trace(counts) / max(counts.sum(), 1)
    title = f"{100 * correct:.1f}% of {counts.sum()} test {unit} correct"
    axis.set(xlabel="predicted class", ylabel="true class", title=title)
    save_figure(figure, path)


def save_mask(
    image: np.ndarray, mask: np.ndarray, classes: Sequence[str], path: str | PathLike[str], title: str = ""
) -> None:
    """Draw an image C x H x W, numbers from 0 to 1, and beside it the classes H x W of its pixels in colours."""
    from matplotlib import colormaps
    from matplotlib.patches import Patch

    figure, (left, right) = new_figure(1, 2, (9, 3.9))
    shown = np.broadcast_to(image, (3, *image.shape[1:])).transpose(1, 2, 0)  # c h w -> h w c
    order = np.r_[0:20:2, 1:20:2]  # of the 20 colours, which are dark and light in turn
    colours = colormaps["tab20"](order[np.arange(len(classes)) % 20])[:, :3]
    left.imshow(shown)
    right.imshow(0.4 * shown.mean(2, keepdims=True) + 0.6 * colours[mask])
    for axis in (left, right):
        axis.set_axis_off()
    found = np.bincount(mask.ravel(), minlength=len(classes))
    often = [label for label in np.argsort(-found, kind="stable")[:MAX_NAMED] if found[label]]
    patches = [Patch(color=colours[label], label=plain(classes[label])) for label in often]
    right.legend(handles=patches, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    figure.suptitle(plain(title), fontsize=10)
    save_figure(figure, path)
