"""``--init``: a network begins with weights from a file, but for a last layer of other classes."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import CheckpointError
from ..files import load
from ..models.load import WEIGHTS
from ..nn import Module
from .options import UsageError

INSIDE = ("state_dict", "model_state_dict", "model", "net")  # where files of trainings hold the weights
PREFIX = "module."  # of PyTorch's data-parallel wrappers
AUXILIARY = ("aux", "AuxLogits")  # heads that are of use in the training of GoogLeNet and Inception alone


def begin_with(model: Module, path: Path, classes: int) -> str:
    """Load the weights in a file, and say so in a line.

    The layer that gives scores keeps its own values where the file has another number of classes.

    Raises:
        UsageError: the file cannot be read, or is of another network; nothing is loaded.
    """
    arrays = _arrays(path)
    own = model.state_dict()
    new = [
        name
        for name, value in own.items()
        if name in arrays
        and arrays[name].shape != value.shape
        and value.shape[:1] == (classes,)
        and arrays[name].shape[1:] == value.shape[1:]
    ]
    found = {name: value for name, value in arrays.items() if name in own or not name.startswith(AUXILIARY)}
    missing, more = [name for name in own if name not in found], [name for name in found if name not in own]
    for names, has, others in (
        (missing, "has no weight", found),
        (more, "has a weight that the network has not,", own),
    ):
        if names:
            near = difflib.get_close_matches(names[0], others, 1)
            raise UsageError(
                f"--init: {path} {has} {names[0]!r}{f' (the nearest is {near[0]!r})' if near else ''}, one of "
                f"{len(names)} such. Give weights of the same network as --model, and --model-args as it was made with."
            )
    try:
        model.load_state_dict({**found, **{name: own[name] for name in new}})
    except CheckpointError as error:
        raise UsageError(f"--init: {path}: {error}") from None
    if not new:
        return f"weights of {path}"
    return f"weights of {path}; {', '.join(new)} begin anew: {len(arrays[new[0]])} classes there, {classes} here"


def _arrays(path: Path) -> dict[str, np.ndarray]:
    place = path / WEIGHTS if path.is_dir() else path
    try:
        found: Any = load(place)
    except (CheckpointError, OSError, ImportError) as error:
        raise UsageError(f"--init: {error}") from None
    for name in INSIDE:
        if isinstance(found, dict) and isinstance(found.get(name), dict):
            found = found[name]
    if not isinstance(found, dict) or not all(isinstance(value, np.ndarray) for value in found.values()):
        raise UsageError(f"--init: {path} holds no state dict, arrays by name. Save model.state_dict().")
    if found and all(name.startswith(PREFIX) for name in found):
        return {name.removeprefix(PREFIX): value for name, value in found.items()}
    return found
