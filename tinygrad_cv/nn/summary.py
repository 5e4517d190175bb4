"""A table of a model's layers: output shapes, parameters, activations and multiply-adds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.context import current
from ..frontend.creation import asarray, zeros
from ..frontend.isolation import isolated
from ..frontend.tensor import Tensor
from .module import Module

if TYPE_CHECKING:
    from ..frontend.typing import TensorLike

Interpreter = Callable[[Any, list[Any], dict[str, Any]], np.ndarray]  # primitive, values, parameters -> result


@dataclass
class Row:
    """One layer, or the input. All numbers except the parameters are per image."""

    path: str
    type: str
    shape: tuple[int, ...]  # of the output, without the batch axis
    parameters: int
    activations: int  # the number of elements of the output
    multiply_adds: int


@dataclass
class Summary:
    """The layers in the order in which they ran; ``str()`` formats a table."""

    rows: list[Row]
    parameters: int  # of the whole model, shared ones counted once
    trainable: int

    @property
    def activations(self) -> int:
        """The number of elements of all outputs, without the input."""
        return sum(row.activations for row in self.rows[1:])

    @property
    def multiply_adds(self) -> int:
        """The multiply-adds of all layers."""
        return sum(row.multiply_adds for row in self.rows)

    def __str__(self) -> str:
        lines: list[tuple[str, ...]] = [("layer", "type", "output", "parameters", "activations", "multiply-adds")]
        for row in self.rows:
            numbers = map(_number, (row.parameters, row.activations, row.multiply_adds))
            lines.append((row.path, row.type, " x ".join(map(str, row.shape)), *numbers))
        lines.append(("total", "", "", *(f"{n:,}" for n in (self.parameters, self.activations, self.multiply_adds))))
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        layout = "  ".join(f"{{:{'<' if i < 3 else '>'}{width}}}" for i, width in enumerate(widths))
        head, *body, total = [layout.format(*line) for line in lines]
        rule = "-" * len(head)
        fixed = self.parameters - self.trainable
        note = [f"of which fixed: {fixed:,}"] if fixed else []
        return "\n".join(line.rstrip() for line in (head, rule, *body, rule, total, *note))

    __repr__ = __str__


def _number(n: int) -> str:
    return f"{n:,}" if n else ""


def summary(model: Module, x: Sequence[int] | TensorLike) -> Summary:
    """Run a model once, in evaluation mode, and list its layers.

    A module with submodules has a row only if it has parameters or multiply-adds of its own. A layer that runs twice
    has two rows; its parameters are counted in the first. Multiply-adds are those of contractions (convolution, fully
    connected, einsum); biases, normalizations and activations are not counted.

    Args:
        x: the shape of one image, such as (3, 32, 32), for an input of zeros; or a batch as a tensor or an array.

    >>> import tinygrad_cv as tg
    >>> print(tg.nn.summary(tg.nn.Sequential(tg.nn.Conv2d(3, 10, 5, padding=2), tg.nn.ReLU()), (3, 32, 32)))
    layer  type    output        parameters  activations  multiply-adds
    -------------------------------------------------------------------
    input          3 x 32 x 32                     3,072
    0      Conv2d  10 x 32 x 32         760       10,240        768,000
    1      ReLU    10 x 32 x 32                   10,240
    -------------------------------------------------------------------
    total                               760       20,480        768,000
    """
    batch = zeros(1, *x) if isinstance(x, (tuple, list)) and all(isinstance(n, int) for n in x) else asarray(x)
    if batch.ndim == 0 or batch.shape[0] == 0:
        raise ValueError(f"summary: an input of shape {batch.shape} holds no image; give a shape such as (3, 32, 32).")
    rows = [Row("input", "", batch.shape[1:], 0, batch.size // batch.shape[0], 0)]
    with ExitStack() as stack:
        counter = stack.enter_context(_watched(model, rows, batch.shape[0]))
        stack.enter_context(_evaluating(model))
        stack.enter_context(isolated(interpret=counter))
        model(batch)
    parameters = list(model.parameters())
    return Summary(rows, sum(p.size for p in parameters), sum(p.size for p in parameters if p.requires_grad))


@contextmanager
def _evaluating(model: Module) -> Iterator[None]:
    """Evaluation mode inside; afterwards each module has its previous mode."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


@contextmanager
def _watched(model: Module, rows: list[Row], images: int) -> Iterator[Interpreter]:
    """Append a row for each call of a module; yields an interpreter that counts the multiply-adds of the innermost."""
    paths = {id(module): path or type(module).__name__ for path, module in model.named_modules()}
    counted: set[int] = set()
    running: list[int] = []  # a stack: the multiply-adds so far of each module that is being called
    inner = current().interpret

    def before(module: Module, args: Any) -> None:
        running.append(0)

    def after(module: Module, args: Any, output: Any) -> None:
        products = running.pop()
        own = [p for p in module.own_parameters() if id(p) not in counted]
        counted.update(map(id, own))
        if own or products or not any(module.children()):
            shape = output.shape[1:] if isinstance(output, Tensor) else ()
            parameters = sum(p.size for p in own)
            elements = output.size // images if isinstance(output, Tensor) else 0
            rows.append(Row(paths[id(module)], type(module).__name__, shape, parameters, elements, products // images))

    def count(primitive: Any, values: list[Any], params: dict[str, Any]) -> np.ndarray:
        if primitive.name == "contract" and running:
            terms = params["spec"].partition("->")[0].split(",")
            sizes: dict[str, int] = {}
            for term, value in zip(terms, values, strict=True):
                sizes.update(zip(term, value.shape, strict=True))
            running[-1] += math.prod(sizes.values())
        return inner(primitive, values, params)

    removals = []
    for module in model.modules():
        removals += [module.register_forward_pre_hook(before), module.register_forward_hook(after)]
    try:
        yield count
    finally:
        for remove in removals:
            remove()
