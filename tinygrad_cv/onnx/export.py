"""``tg.onnx.export``: a module or a function of tensors as an ONNX model."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.annotations import explaining
from ..files.atomic import replacing
from ..frontend.tensor import Tensor
from ..nn.modes import in_mode
from ..nn.module import Module
from ..tracing import tree
from .errors import OnnxError
from .package import onnx

if TYPE_CHECKING:
    from onnx import ModelProto

    from .writing.dynamic import Size
    from .writing.program import Program

OPSETS = range(13, 25)
LARGEST = 2**31 - 1  # bytes of a protocol buffer

Axes = Mapping[int, str] | Sequence[int]


@explaining
def export(
    model: Module | Callable[..., Any],
    args: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    kwargs: Mapping[str, Any] | None = None,
    opset: int = 17,
    training: bool | None = False,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    dynamic_axes: Mapping[str, Axes] | None = None,
) -> ModelProto:
    """Write a model as ONNX: one call of it is recorded, and each composed function becomes its operator.

    A function without an operator is written as what it is composed of. Parameters and buffers are initializers under
    their names in the state dict; nodes are named after the modules.

    Args:
        model: a module, or a function of tensors.
        args, kwargs: what it is called with: one tensor, or a tuple of arguments. Only shapes and dtypes matter.
        path: where to write the file; None writes none.
        opset: the version of the operators, 13 to 24. More of them exist in later ones: LayerNormalization since 17,
            Mish since 18, Gelu since 20, GroupNormalization since 21.
        training: whether a module is recorded in training mode, with batch statistics and dropout; None leaves its mode
            as it is. Running statistics are not changed by the exported model.
        input_names, output_names: by default the names of the arguments, and ``output``, or ``output_0``, ....
        dynamic_axes: sizes that are left open: for the name of an input the axes, each with a name for its size, such
            as ``{"x": {0: "batch"}}``. Sizes of the same name are equal.

    Returns:
        The model, as ``onnx.load`` reads it. ``onnx.checker`` has checked it.

    Raises:
        OnnxError: something has no counterpart in this opset, or does not work at other sizes.

    >>> import tinygrad_cv as tg
    >>> model = tg.onnx.export(tg.nn.Conv2d(3, 8, 5), tg.randn(1, 3, 32, 32))
    >>> [node.op_type for node in model.graph.node], [tensor.name for tensor in model.graph.initializer]
    (['Conv'], ['weight', 'bias'])
    """
    package = onnx()
    if opset not in OPSETS:
        raise OnnxError(f"export: opset={opset!r}; it must be one of {OPSETS.start} to {OPSETS.stop - 1}.")
    given = args if isinstance(args, tuple) else (args,)
    named = dict(kwargs or {})
    inputs = _names("input_names", input_names, _input_names(model, given, named))
    with ExitStack() as stack:
        if isinstance(model, Module) and training is not None:
            stack.enter_context(in_mode(model, training))
        written = _written(model, given, named, opset, inputs, output_names, dynamic_axes or {})
    size = written.ByteSize()
    if size > LARGEST:
        raise OnnxError(f"export: the model has {size} bytes; a file of this format has at most {LARGEST}.")
    package.checker.check_model(written, full_check=True)
    if path is not None:
        with replacing(path) as file:
            file.write(written.SerializeToString())
    return written


def _written(
    model: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    opset: int,
    inputs: list[str],
    output_names: Sequence[str] | None,
    dynamic_axes: Mapping[str, Axes],
) -> ModelProto:
    from .writing import model as writing
    from .writing.dynamic import Sizes

    leaves: list[Any] = []
    tree.signature((args, kwargs), leaves, [])
    open_ = _open_sizes(inputs, [leaf.shape for leaf in leaves], dynamic_axes, output_names or ())
    program = _recorded(model, args, kwargs, leaves, open_, "here")
    twin = _recorded(model, args, kwargs, leaves, open_, "there") if open_ else None
    count = len(program.outputs)
    outputs = _names("output_names", output_names, ["output"] if count == 1 else [f"output_{i}" for i in range(count)])
    sizes = Sizes(program, twin, open_)
    writer = writing.Writer(program, sizes, opset)
    writer.write(program.outputs)
    return writing.model(writer, inputs, outputs, _tensor_names(model))


def _recorded(
    model: Any, args: tuple[Any, ...], kwargs: dict[str, Any], leaves: list[Any], sizes: list[Size], which: str
) -> Program:
    """The program of a call whose open sizes are those of one recording."""
    from .writing.program import Program

    shapes = [list(leaf.shape) for leaf in leaves]
    for size in sizes:
        shapes[size.input][size.axis] = getattr(size, which)
    numbers = [np.broadcast_to(np.zeros((), leaf.dtype), shape) for leaf, shape in zip(leaves, shapes, strict=True)]
    args, kwargs = tree.replaced((args, kwargs), iter([Tensor._new(array) for array in numbers]))
    try:
        return Program(model, args, kwargs)
    except ValueError as error:
        if not sizes:
            raise
        names = ", ".join(dict.fromkeys(size.name for size in sizes))
        raise OnnxError(f"export: the model does not work at other sizes of {names}: {error}") from error


def _tensor_names(model: Any) -> dict[int, str]:
    """Names of parameters and buffers, by the tensor's id."""
    if not isinstance(model, Module):
        return {}
    named = [*model.named_parameters(remove_duplicate=False), *model.named_buffers(remove_duplicate=False)]
    return {id(tensor): name for name, tensor in reversed(named)}


def _input_names(model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
    function = model.forward if isinstance(model, Module) else model
    bound = inspect.signature(function).bind(*args, **kwargs)
    names = [name for key, value in bound.arguments.items() for name in tree.paths(value, key)]
    return [name.replace("['", ".").replace("']", "") for name in names]


def _names(what: str, given: Sequence[str] | None, usual: list[str]) -> list[str]:
    if given is None:
        return usual
    if isinstance(given, str) or len(given) != len(usual) or len(set(given)) != len(given):
        raise OnnxError(f"export: {what}={given!r}; {len(usual)} different names are needed, in place of {usual}.")
    return list(given)


def _open_sizes(
    inputs: list[str], shapes: list[tuple[int, ...]], axes: Mapping[str, Axes], outputs: Sequence[str]
) -> list[Size]:
    """The open sizes. Each name gets two factors of its own, by which the recordings enlarge its size."""
    from .writing.dynamic import Size

    found: list[Size] = []
    names: list[str] = []
    for key, wanted in axes.items():
        if key in outputs:  # follows from the inputs
            continue
        if key not in inputs:
            raise OnnxError(f"export: dynamic_axes of {key!r}; the inputs are {', '.join(inputs)}.")
        number = inputs.index(key)
        ndim = len(shapes[number])
        for axis, name in (wanted if isinstance(wanted, Mapping) else {i: f"{key}_axis_{i}" for i in wanted}).items():
            if not -ndim <= axis < ndim:
                raise OnnxError(f"export: dynamic_axes of {key!r} has axis {axis}; it has {ndim} axes.")
            if name not in names:
                names.append(name)
            factor, size = names.index(name) + 2, max(shapes[number][axis], 1)
            found.append(Size(name, number, axis % ndim, factor * size, (factor + 1) * size))
    for name in names:
        if len({size.here for size in found if size.name == name}) > 1:
            raise OnnxError(f"export: dynamic_axes give the name {name!r} to sizes that differ.")
    return found
