"""Logs for TensorBoard, as a callback of ``fit``."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from os import PathLike

import numpy as np
from numpy.typing import ArrayLike

from ..distributed import get_rank
from .run import Callback, State

Images = Callable[[State], Mapping[str, ArrayLike]]


def tensorboard(folder: str | PathLike[str], images: Images | None = None) -> Callback:
    """A callback that writes the figures of each epoch, and images if asked for, for TensorBoard.

    A training that is resumed goes on in the same folder; what was logged of epochs that are done again gives way. Of
    several ranks the first one writes.

    Args:
        folder: for ``tensorboard --logdir``.
        images: from the `State` to images by name: C x H x W, of bytes, or of floats that are cut to [0, 1].

    Raises:
        ImportError: tensorboardX is not installed.

    ::

        fit(model, data, epochs=10, optimizer=optimizer, after_epoch=tensorboard("runs/one"))
    """
    try:
        from tensorboardX import SummaryWriter
    except ImportError as error:
        raise ImportError("tensorboard writes with tensorboardX: pip install tensorboardX") from error

    def log(state: State) -> None:
        if get_rank():
            return
        row = state.history[-1]
        epoch = int(row["epoch"])
        suffix = f".{time.time_ns()}"  # files are read in the order of their names, which else tell seconds
        # A file for each epoch: only closing writes all; flush of tensorboardX 2.6.5 leaves what waits in its queue.
        with SummaryWriter(str(folder), purge_step=epoch, filename_suffix=suffix) as writer:
            for name, value in row.items():
                if name != "epoch":
                    part, _, figure = name.rpartition("_")
                    writer.add_scalar(f"{figure}/{part or 'training'}", value, epoch)
            for name, image in (images(state) if images else {}).items():
                writer.add_image(name, _shown(name, np.asarray(image)), epoch)

    return log


def _shown(name: str, image: np.ndarray) -> np.ndarray:
    """An image as bytes: what tensorboardX makes of floats beyond [0, 1] wraps around."""
    if image.ndim != 3 or image.shape[0] not in (1, 3):
        raise ValueError(
            f"tensorboard: image {name!r} has shape {image.shape}; it must be C x H x W with 1 or 3 channels."
        )
    if image.dtype == np.uint8:
        return image
    return np.rint(255 * np.clip(np.nan_to_num(image.astype(np.float64)), 0, 1)).astype(np.uint8)
