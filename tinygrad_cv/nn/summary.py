"""A table of a model's layers: output shapes, parameters, multiply-adds, activations, receptive fields, unused rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.annotations import explaining
from ..core.context import current, read
from ..frontend.creation import asarray, zeros
from ..frontend.dependence import Dependence, extent, members, positions, unused
from ..frontend.isolation import isolated
from ..frontend.tensor import Tensor
from .modes import evaluating
from .module import Module

if TYPE_CHECKING:
    from ..frontend.typing import TensorLike

HEAD = (
    "layer",
    "type",
    "output",
    "parameters",
    "multiply-adds",
    "activations",
    "bytes",
    "receptive field",
    "unused",
)


@dataclass
class Row:
    """One layer, or the input. All numbers except the parameters are per image."""

    path: str
    type: str
    shape: tuple[int, ...]  # of the output, without the batch axis
    parameters: int
    multiply_adds: int
    activations: int  # the number of elements of the output, its volume
    activation_bytes: int
    receptive_field: tuple[int, ...] = ()  # rows, columns ... of the image that an element depends on, at most
    unused: tuple[int, ...] = ()  # rows, columns ... of the layer's own input that no element of its output depends on


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
    def activation_bytes(self) -> int:
        """The memory of all outputs, without the input."""
        return sum(row.activation_bytes for row in self.rows[1:])

    @property
    def multiply_adds(self) -> int:
        """The multiply-adds of all layers."""
        return sum(row.multiply_adds for row in self.rows)

    def __str__(self) -> str:
        lines: list[tuple[str, ...]] = [HEAD]
        for row in self.rows:
            numbers = (row.parameters, row.multiply_adds, row.activations, row.activation_bytes)
            field, unused = _product(row.receptive_field), _product(row.unused) if any(row.unused) else ""
            lines.append((row.path, row.type, _product(row.shape), *map(_number, numbers), field, unused))
        totals = (self.parameters, self.multiply_adds, self.activations, self.activation_bytes)
        lines.append(("total", "", "", *(f"{n:,}" for n in totals), "", ""))
        shown = [column for column in zip(*lines, strict=True) if any(column[1:])]
        widths = [max(map(len, column)) for column in shown]
        layout = "  ".join(f"{{:{'<' if i < 3 else '>'}{width}}}" for i, width in enumerate(widths))
        head, *body, total = [layout.format(*line) for line in zip(*shown, strict=True)]
        rule = "-" * len(head)
        fixed = self.parameters - self.trainable
        note = [f"of which fixed: {fixed:,}"] if fixed else []
        return "\n".join(line.rstrip() for line in (head, rule, *body, rule, total, *note))

    __repr__ = __str__


def _number(n: int) -> str:
    return f"{n:,}" if n else ""


def _product(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


@explaining
def summary(model: Module, x: Sequence[int] | TensorLike) -> Summary:
    """Run a model once, in evaluation mode, and list its layers.

    A module with submodules has a row only if it has parameters or multiply-adds of its own. A layer that runs twice
    has two rows; its parameters are counted in the first. All numbers except parameters are per image:

    - multiply-adds: those of contractions (convolution, fully connected, einsum); biases, normalizations and
      activations are not counted;
    - activations: the volume of the output, its elements; bytes: their memory;
    - receptive field: how many rows, columns ... of the image lie between the first and the last that one element of
      the output depends on, padding included, so that it may exceed the image;
    - unused: how many rows, columns ... of the layer's own input its output does not depend on, as when the windows do
      not divide it: with (H - K + 2P) mod S = 2, two rows that lie beyond the last window, less the padding.

    Both are followed through the primitives that a layer is made of, and hold for any layer; those of images
    N x C x L, N x C x H x W and N x C x D x H x W are shown.

    Args:
        x: the shape of one image, such as (3, 32, 32), for an input of zeros; or a batch as a tensor or an array.

    Raises:
        ValueError: the input holds no image.

    Source: receptive fields in A. Araujo, W. Norris, J. Sim, "Computing Receptive Fields of Convolutional Neural
    Networks", Distill 2019, eq. 2, whose result those of chains of windows equal.

    >>> import tinygrad_cv as tg
    >>> print(tg.nn.summary(tg.nn.Sequential(tg.nn.Conv2d(3, 10, 5, padding=2), tg.nn.MaxPool2d(3)), (3, 32, 32)))
    layer  type       output        parameters  multiply-adds  activations   bytes  receptive field  unused
    -------------------------------------------------------------------------------------------------------
    input             3 x 32 x 32                                    3,072  12,288            1 x 1
    0      Conv2d     10 x 32 x 32         760        768,000       10,240  40,960            5 x 5
    1      MaxPool2d  10 x 10 x 10                                   1,000   4,000            7 x 7   2 x 2
    -------------------------------------------------------------------------------------------------------
    total                                  760        768,000       11,240  44,960
    """
    batch = zeros(1, *x) if isinstance(x, (tuple, list)) and all(isinstance(n, int) for n in x) else asarray(x)
    if batch.ndim == 0 or batch.shape[0] == 0:
        raise ValueError(f"summary: an input of shape {batch.shape} holds no image; give a shape such as (3, 32, 32).")
    watch = _Watch(model, batch)
    with ExitStack() as stack:
        stack.callback(watch.end)
        stack.enter_context(evaluating(model))
        stack.enter_context(isolated(interpret=watch.interpret))
        model(batch)
    parameters = list(model.parameters())
    return Summary(watch.rows, sum(p.size for p in parameters), sum(p.size for p in parameters if p.requires_grad))


class _Watch:
    """Appends a row for each call of a module, and sees what its primitives compute."""

    def __init__(self, model: Module, batch: Tensor) -> None:
        self.images = batch.shape[0]
        size = batch.size // self.images
        self.image, self.layer = Dependence(outward=True), Dependence()
        if 3 <= batch.ndim <= 5:
            self.image.begin(read(batch), positions(batch.shape))
        self.rows = [
            Row("input", "", batch.shape[1:], 0, 0, size, size * batch.dtype.itemsize, (1,) * (batch.ndim - 2))
        ]
        self._paths = {id(module): path or type(module).__name__ for path, module in model.named_modules()}
        self._counted: set[int] = set()  # parameters, by identity
        self._running: list[int] = []  # a stack: the multiply-adds so far of each module that is being called
        self._inner = current().interpret
        self._hooks = [
            hook
            for module in model.modules()
            for hook in (module.register_forward_pre_hook(self._before), module.register_forward_hook(self._after))
        ]

    def end(self) -> None:
        """Remove the hooks."""
        for hook in self._hooks:
            hook.remove()

    def interpret(self, primitive: Any, values: list[Any], params: dict[str, Any]) -> np.ndarray:
        """Compute as before; count the multiply-adds for the innermost module; note what the result depends on."""
        if primitive.name == "contract" and self._running:
            terms = params["spec"].partition("->")[0].split(",")
            sizes: dict[str, int] = {}
            for term, value in zip(terms, values, strict=True):
                sizes.update(zip(term, value.shape, strict=True))
            self._running[-1] += math.prod(sizes.values())
        result = self._inner(primitive, values, params)
        for dependence in (self.image, self.layer):
            dependence.follow(primitive, values, params, result)
        return result

    def _before(self, module: Module, args: Any) -> None:
        self._running.append(0)
        images = [arg for arg in args if isinstance(arg, Tensor) and 3 <= arg.ndim <= 5]
        if images and not any(module.children()):
            self.layer.begin(read(images[0]), members(images[0].shape))

    def _after(self, module: Module, args: Any, output: Any) -> None:
        products = self._running.pop()
        own = [p for p in module.parameters(recurse=False) if id(p) not in self._counted]
        self._counted.update(map(id, own))
        leaf = not any(module.children())
        if own or products or leaf:
            tensor = output if isinstance(output, Tensor) else None
            shape = tensor.shape[1:] if tensor is not None else ()
            elements = tensor.size // self.images if tensor is not None else 0
            field = self.image.of(read(tensor)) if tensor is not None else None
            uses = self.layer.of(read(tensor)) if tensor is not None and leaf else None
            self.rows.append(
                Row(
                    path=self._paths[id(module)],
                    type=type(module).__name__,
                    shape=shape,
                    parameters=sum(p.size for p in own),
                    multiply_adds=products // self.images,
                    activations=elements,
                    activation_bytes=elements * (tensor.dtype.itemsize if tensor is not None else 0),
                    receptive_field=extent(field) if field is not None else (),
                    unused=unused(uses) if uses is not None else (),
                )
            )
        self.layer.end()
