"""The modules that a file becomes: one for each node, and one that runs them in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..core.errors import TraceError
from ..frontend.creation import asarray
from ..frontend.promotion import check_dtype
from ..nn.module import Module
from .call import Call, Value, tensor_of
from .elements import fixed
from .errors import OnnxError

if TYPE_CHECKING:
    from typing_extensions import Self

    from ..frontend.typing import DTypeLike

SINGLE = np.dtype(np.float32)  # that floats of a file have, as long as nobody converts them


class Node(Module):
    """A node of a file: its operator, applied to what it reads. Weights of its name are its own."""

    def __init__(self, name: str, opset: int, call: Call, formal: int, captured: tuple[str, ...]):
        super().__init__()
        self._call_, self._where = call, (name, call.operator.name, opset)
        self._formal, self._captured = formal, captured  # inputs of the operator; names that its bodies read

    def forward(self, *values: Value) -> Value | tuple[Value, ...]:
        """The output, or a tuple of several, from the operator's inputs and the values that its bodies read."""
        outer = dict(zip(self._captured, values[self._formal :], strict=True))
        bodies = {name: partial(graph, outer) for name, graph in self.named_children() if isinstance(graph, Graph)}
        try:
            outputs = self._call_(values, self._formal, self.training, bodies)
            return outputs[0] if len(outputs) == 1 else outputs
        except (OnnxError, TraceError) as error:
            if getattr(error, "node", None) is not None or isinstance(error, TraceError):
                raise
            raise OnnxError(str(error), *self._where) from None
        except (ValueError, TypeError, IndexError, OverflowError, MemoryError, ZeroDivisionError) as error:
            raise OnnxError(str(error) or type(error).__name__, *self._where) from error

    def _convert(self, old: np.dtype, new: np.dtype) -> None:
        """Make attributes of one float dtype those of another."""
        changed = tuple((name, _converted(value, old, new)) for name, value in self._call_.pairs)
        self._call_ = self._call_._replace(pairs=changed)

    def extra_repr(self) -> str:
        _, operator, opset = self._where
        attributes = "".join(f", {key}={value!r}" for key, value in self._call_.pairs)
        return f"{operator}, opset={opset}{attributes}"


class Step(NamedTuple):
    """A node in its place: the values that it reads and makes, and those that no later one reads."""

    node: Node
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    done: tuple[str, ...]


class Graph(Module):
    """Nodes that run one after the other: a body of If or Loop, or of a function; or a whole model."""

    def __init__(self) -> None:
        super().__init__()
        self._inputs: tuple[str, ...] = ()
        self._outputs: tuple[str, ...] = ()
        self._steps: tuple[Step, ...] = ()
        self._constants: dict[str, np.ndarray] = {}
        self._weights: dict[str, tuple[Module, str]] = {}  # the module that has it, and its attribute there

    def forward(self, outer: Mapping[str, Value], *inputs: Value) -> tuple[Value, ...]:
        """The outputs, from the values around the graph and its inputs."""
        values: dict[str, Value] = {**outer, **self._constants}
        values.update((name, getattr(owner, attribute)) for name, (owner, attribute) in self._weights.items())
        values.update(zip(self._inputs, inputs, strict=True))
        for step in self._steps:
            values.update(named(step.outputs, step.node(*(values[name] if name else None for name in step.inputs))))
            for name in step.done:
                del values[name]
        return tuple(values[name] for name in self._outputs)

    def _convert(self, old: np.dtype, new: np.dtype) -> None:
        """Make constants of one float dtype those of another."""
        self._constants = {name: _converted(value, old, new) for name, value in self._constants.items()}


def _converted(value: Any, old: np.dtype, new: np.dtype) -> Any:
    """A dtype, or an array of it, as another dtype, or an array of that; all else as it is."""
    if isinstance(value, np.ndarray) and value.dtype == old:
        return fixed(value.astype(new))
    return new if isinstance(value, np.dtype) and value == old else value


def named(names: Sequence[str], outputs: Value | tuple[Value, ...]) -> Iterator[tuple[str, Value]]:
    """The outputs of a node with their names, of which there may be fewer."""
    return zip(names, outputs if isinstance(outputs, tuple) else (outputs,))  # noqa: B905


class Input(NamedTuple):
    """An input of a model: its name, its dtype, None if it is no tensor, and its sizes, names or None where unknown."""

    name: str
    dtype: np.dtype | None
    shape: tuple[int | str | None, ...] | None

    def __str__(self) -> str:
        shape = "" if self.shape is None else " x ".join("?" if n is None else str(n) for n in self.shape)
        return f"{self.name!r}: {shape or 'any shape' if self.shape is None else shape or 'one number'}, {self.dtype}"


class Network(Graph):
    """A model from an ONNX file. It is called with the graph's inputs in their order, or by name.

    Parameters and buffers have the names that they have in the file; a submodule is a node, under its name. The result
    is the graph's output, or a tuple of them. Each node begins in the mode that the file gives it, which for nearly all
    files is evaluation; :meth:`train` lets dropout draw, and batch normalization use and update statistics.

    Attributes:
        signature: the inputs, with their dtypes and sizes as the file declares them.
    """

    signature: tuple[Input, ...]

    def __init__(self) -> None:
        super().__init__()
        self._dtype = SINGLE  # what is float32 in the file

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The output, or a tuple of the outputs."""
        values = [
            self._checked(entry, value) for entry, value in zip(self.signature, self._placed(args, kwargs), strict=True)
        ]
        outputs = tuple(map(_as_tensor, super().forward({}, *values)))
        return outputs[0] if len(outputs) == 1 else outputs

    def to(self, dtype: DTypeLike) -> Self:
        """Convert parameters, buffers, and all that is of their dtype in the file, constants and Cast among it.

        >>> import tinygrad_cv as tg
        >>> from onnx import parser
        >>> model = parser.parse_model('''<ir_version: 8, opset_import: ["": 17]>
        ...     g (float[2] x) => (float[2] y) <float third = {0.33333334}> { y = Mul(x, third) }''')
        >>> tg.onnx.load(model).to("float64")(tg.ones(2, dtype="float64")).dtype
        dtype('float64')
        """
        super().to(dtype)
        new = check_dtype(dtype)
        for module in self.modules():
            if isinstance(module, (Node, Graph)):
                module._convert(self._dtype, new)
        self._dtype = new
        return self

    def _placed(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        """The inputs in their order."""
        names = [entry.name for entry in self.signature]
        given = dict(zip(names, args))  # noqa: B905
        surplus = [name for name in kwargs if name not in names or name in given]
        given |= kwargs
        missing = [name for name in names if name not in given]
        if len(args) > len(names) or surplus or missing:
            raise OnnxError(
                f"{len(args)} inputs{''.join(f', {name}=...' for name in kwargs)}; the model takes "
                f"{len(names)}: {'; '.join(map(str, self.signature))}."
            )
        return [given[name] for name in names]

    def _checked(self, entry: Input, value: Any) -> Value:
        """An input of the dtype and number of axes that the file declares."""
        if entry.dtype is not None and entry.dtype == object:
            return np.asarray(value, object)
        if entry.dtype is None or value is None:
            return list(map(asarray, value)) if isinstance(value, (list, tuple)) else value
        x = asarray(value)
        dtype = self._dtype if entry.dtype == SINGLE else entry.dtype
        if x.dtype != dtype:
            raise OnnxError(f"input of dtype {x.dtype}; the model takes {entry}. Use .astype({dtype.name!r}).")
        if entry.shape is not None and x.ndim != len(entry.shape):
            raise OnnxError(f"input of shape {x.shape}; the model takes {entry}.")
        return x


def _as_tensor(value: Value) -> Any:
    if isinstance(value, np.ndarray) and value.dtype == object:
        return value
    return list(map(_as_tensor, value)) if isinstance(value, list) else tensor_of(value)
