"""The project's errors: one small tree. Each message says the op, the values it got, the rule and the remedy."""


class ShapeError(ValueError):
    """Shapes that do not fit an operation."""


class DTypeError(TypeError):
    """A dtype that an operation does not take."""


class GraphError(RuntimeError):
    """A step that the recorded graph does not allow."""


class TraceError(RuntimeError):
    """A value was asked for while only shapes and dtypes are known."""


class CheckpointError(ValueError):
    """Saved weights that do not fit the model."""
