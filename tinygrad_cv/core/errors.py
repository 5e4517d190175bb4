"""The exceptions. A message names the operation, the values it got, the rule and the remedy."""

from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np


class ShapeError(ValueError):
    """Shapes that do not fit an operation."""


class AxisError(ShapeError, np.exceptions.AxisError):
    """An axis that a tensor does not have. Also NumPy's error of this name, hence an IndexError."""

    def __str__(self) -> str:
        return str(self.args[0])


class DTypeError(TypeError):
    """A dtype that an operation does not accept."""


class GraphError(RuntimeError):
    """Something that the recorded graph does not allow."""


class TraceError(RuntimeError):
    """A value is needed while tracing, when only shapes and dtypes are known."""


class MemoryLimitError(MemoryError):
    """A compiled function needs more memory than was allowed, whatever it computes again."""


class ExportError(RuntimeError):
    """A function does something that files which run without Python cannot do."""


class CheckpointError(ValueError):
    """A checkpoint that does not fit the model, or a file of tensors that cannot be read."""


def check_state_dict(op: str, state: Any) -> None:
    """Raise CheckpointError for what is not a dict; for a path, say how to read the file."""
    if isinstance(state, (str, PathLike)):
        raise CheckpointError(
            f"load_state_dict into {op}: got the path {str(state)!r}; it takes a dict of arrays, which the "
            "file holds. Read it first: tg.load(path); or call tg.models.load(folder) for a run of the train command."
        )
    if not isinstance(state, Mapping):
        raise CheckpointError(
            f"load_state_dict into {op}: got {type(state).__name__}; it takes a dict, as state_dict() gives it."
        )
