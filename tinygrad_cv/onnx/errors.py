"""The error of this room: it says which node of the file, which operator of which opset, and what was expected."""

from __future__ import annotations


class OnnxError(ValueError):
    """A model that cannot be read, has operators that are not there, or does not fit its inputs.

    Attributes:
        node: the name of the node, or None where the file as a whole is meant.
        operator: its operator, with the domain if it is not ONNX's own.
        opset: the version of the operators that the file asks for.
    """

    def __init__(self, message: str, node: str | None = None, operator: str | None = None, opset: int | None = None):
        self.node, self.operator, self.opset, self.message = node, operator, opset, message
        super().__init__(message if node is None else f"{node} ({operator}, opset {opset}): {message}")

    def __reduce__(self) -> tuple[type[OnnxError], tuple[str, str | None, str | None, int | None]]:
        return type(self), (self.message, self.node, self.operator, self.opset)
