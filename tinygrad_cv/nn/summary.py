"""A model by numbers: what each layer makes, learns and computes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.context import current
from ..frontend.creation import asarray, zeros
from ..frontend.isolation import isolated
from ..frontend.tensor import Tensor
from .module import Module


@dataclass
class Row:
    """One layer, or the input. All numbers but the parameters are for one image."""

    path: str
    type: str
    shape: tuple[int, ...]  # of the output, without the axis of the batch
    parameters: int
    activations: int  # elements of the output
    multiply_adds: int


@dataclass
class Summary:
    """The layers in the order in which they ran; ``str()`` is a table."""

    rows: list[Row]
    parameters: int  # of the whole model, each once
    trainable: int

    @property
    def activations(self) -> int:
        """Elements of all outputs, the input not counted."""
        return sum(row.activations for row in self.rows[1:])

    @property
    def multiply_adds(self) -> int:
        """Of all layers."""
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


def summary(model: Module, x: Any) -> Summary:
    """Run a model once, in ``eval`` mode, and list what its layers make, learn and compute.

    A module with submodules has a row of its own only if it has parameters or products of its own. A layer that runs
    twice has two rows, and its parameters stand in the first. Multiply-adds are those of the contractions that a layer
    applies (convolution, fully connected, einsum); biases, normalizations and activations are not counted.

    Args:
        x: the shape of one image, such as (3, 32, 32), or a batch as a tensor or an array. With a shape, zeros are
            used.

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
        stack.enter_context(_in_use(model))
        stack.enter_context(isolated(interpret=counter))
        model(batch)
    parameters = list(model.parameters())
    return Summary(rows, sum(p.size for p in parameters), sum(p.size for p in parameters if p.requires_grad))


@contextmanager
def _in_use(model: Module) -> Iterator[None]:
    """In eval mode, and afterwards each module in the mode that it had."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


@contextmanager
def _watched(model: Module, rows: list[Row], images: int) -> Iterator[Any]:
    """Note what each module makes; yields an interpreter that counts the products of the module that is running."""
    paths = {id(module): path or type(module).__name__ for path, module in model.named_modules()}
    counted: set[int] = set()
    running: list[int] = []  # multiply-adds so far of each module on the way
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
