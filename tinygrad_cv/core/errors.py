"""The project's errors: one small tree. Each message says the op, the values it got, the rule and the remedy."""

from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np


class ShapeError(ValueError):
    """Shapes that do not fit an operation."""


class AxisError(ShapeError, np.exceptions.AxisError):
    """An axis that a tensor does not have; NumPy's own error too, and so an IndexError."""

    def __str__(self) -> str:
        return str(self.args[0])


class DTypeError(TypeError):
    """A dtype that an operation does not take."""


class GraphError(RuntimeError):
    """A step that the recorded graph does not allow."""


class TraceError(RuntimeError):
    """A value was asked for while only shapes and dtypes are known."""


class CheckpointError(ValueError):
    """Saved weights that do not fit the model."""


def check_state_dict(op: str, state: Any) -> None:
    """Raise CheckpointError for what is no state dict at all: a path for instance, with the way to read it."""
    if isinstance(state, (str, PathLike)):
        raise CheckpointError(
            f"load_state_dict into {op}: got the path {str(state)!r}; it takes what the file holds, a dict of arrays. "
            "Read it first: safetensors.numpy.load_file(path), or dict(numpy.load(path)) of an .npz; or take "
            "tg.models.load(folder) for a run of the train command."
        )
    if not isinstance(state, Mapping):
        raise CheckpointError(
            f"load_state_dict into {op}: got {type(state).__name__}; it takes a dict, as state_dict() gives it."
        )
