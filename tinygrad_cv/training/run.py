"""The folder of a run: weights, history, learning curve, confusion matrix, the model's graph."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..files import checkpoint, write_figure, write_text
from ..models.load import WEIGHTS
from ..nn import Module
from .loop import Epoch

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, RED = "#1b6ca8", "#d1495b"
MAX_LABELLED = 70  # classes; a confusion matrix of more has no room for names and numbers


class Run:
    """Writes the files of a run into one folder. A file that exists is complete.

    Args:
        folder: made if missing.
        settings: the options of the run, for ``history.json``.
        network: the description of the network from which ``models.load`` makes it, for ``history.json`` and the
            metadata of the weights.

    Raises:
        OSError: the folder cannot be made or written.
    """

    def __init__(self, folder: Path, settings: dict[str, Any], network: dict[str, Any]):
        self.folder = folder
        self.settings, self.network = settings, network
        self.epochs: list[tuple[Epoch, Epoch]] = []  # (training, test)
        folder.mkdir(parents=True, exist_ok=True)
        self._save_history()

    def add(self, train: Epoch, test: Epoch) -> None:
        """Append an epoch, and write the history."""
        self.epochs.append((train, test))
        self._save_history()

    def _save_history(self) -> None:
        epochs = [{"train": a._asdict(), "test": b._asdict()} for a, b in self.epochs]
        about = {"settings": self.settings, "network": self.network, "epochs": epochs}
        text = json.dumps(about, indent=1, default=str)
        write_text(self.folder / "history.json", text + "\n")

    def save_weights(self, model: Module) -> Path:
        """``weights.safetensors``: every parameter and buffer by its name; the metadata describe the network."""
        path = self.folder / WEIGHTS
        checkpoint.write(path, model.state_dict(), self.network)
        return path

    def save_learning_curve(self) -> Path:
        """``learning_curve.png``: loss and accuracy over the epochs."""
        figure, (left, right) = _figure(1, 2, (9, 3.6))
        numbers = range(1, len(self.epochs) + 1)
        for name, colour, part in (("training", BLUE, 0), ("test", RED, 1)):
            left.plot(numbers, [pair[part].loss for pair in self.epochs], "o-", ms=3, color=colour, label=name)
            right.plot(
                numbers, [100 * pair[part].accuracy for pair in self.epochs], "o-", ms=3, color=colour, label=name
            )
        left.set(xlabel="epoch", ylabel="cross-entropy", title="loss")
        right.set(xlabel="epoch", ylabel="percent", title="accuracy")
        for axis in (left, right):
            axis.grid(alpha=0.3)
            axis.xaxis.get_major_locator().set_params(integer=True)
            axis.legend(frameon=False)
        return self._save(figure, "learning_curve.png")

    def save_confusion_matrix(self, labels: np.ndarray, predicted: np.ndarray, classes: Sequence[str]) -> Path:
        """``confusion_matrix.png``: rows are the true classes, columns the predicted ones."""
        counts = confusion_matrix(labels, predicted, len(classes))
        side = min(max(6.4, 0.35 * len(classes)), 24)
        figure, axis = _figure(1, 1, (side, 0.9 * side))
        shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
        axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        if len(classes) <= MAX_LABELLED:
            for i, j in np.argwhere(counts):
                colour = "white" if shares[i, j] > 0.5 else "black"
                axis.text(j, i, str(counts[i, j]), ha="center", va="center", fontsize=7, color=colour)
            names = [name.replace("$", r"\$") for name in classes]  # which Matplotlib would read as mathematics
            axis.set_xticks(range(len(classes)), names, rotation=45, ha="right")
            axis.set_yticks(range(len(classes)), names)
        correct = np.trace(counts) / max(counts.sum(), 1)
        title = f"{100 * correct:.1f}% of {counts.sum()} test images correct"
        axis.set(xlabel="predicted class", ylabel="true class", title=title)
        return self._save(figure, "confusion_matrix.png")

    def _save(self, figure: Figure, name: str) -> Path:
        figure.tight_layout()
        write_figure(self.folder / name, figure, dpi=130)
        return self.folder / name


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """How many images of class i were predicted as class j: classes x classes.

    >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), 2).tolist()
    [[1, 1], [0, 1]]
    """
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (labels, predicted), 1)
    return counts


def _figure(rows: int, columns: int, size: tuple[float, float]) -> tuple[Figure, Any]:
    """A figure and its axes (one, or an array of them), without a display or pyplot's global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size)
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns)
