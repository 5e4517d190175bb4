"""graph: the view of what was computed, or of what a function computes."""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Protocol, runtime_checkable

import numpy as np

from ..core.errors import GraphError
from ..frontend.creation import asarray
from ..frontend.isolation import isolated
from ..frontend.signature import signature
from ..frontend.tensor import Tensor
from .backward import only_backward, pulled
from .closures import closed_over
from .from_tape import described, read
from .names import Named, Names
from .trail import Trail
from .view import GraphView

PARTS = ("forward", "backward", "both")


@runtime_checkable
class Compiled(Protocol):
    """A function that keeps the graphs of its calls, as ``tg.jit`` makes it."""

    def graph(self, *args: Any, **kwargs: Any) -> GraphView: ...
    def kernels(self, *args: Any, **kwargs: Any) -> Any: ...


def graph(
    target: Any,
    *inputs: Any,
    names: Mapping[str, Any] | None = None,
    part: str = "forward",
    values: bool = False,
    timed: bool = False,
) -> GraphView:
    """The computation graph of tensors, or of a function of the inputs.

    ``graph(loss)`` shows what was recorded on the way to a tensor. What required no gradient was not recorded: it
    appears as a constant. ``graph(model, x)`` runs the model to show all of it, with x as an input, the values of small
    tensors, and the user's lines; running statistics and the default random generator are as before. For a function
    compiled by ``tg.jit`` it is the compiled graph.

    Args:
        target: a tensor, several tensors, or a function or module that is called with the inputs.
        inputs: tensors, arrays, or whatever else the function takes.
        names: what to call tensors, and modules whose parameters are in the graph; ``names=locals()`` will do. A name
            written out that is not in the graph is warned of. What a function reads besides its inputs has the names
            that the function has for it.
        part: "backward" shows the backward pass, a graph of the same primitives that emerges from the forward one;
            "both" shows it beside the forward pass, each node tied to the one whose derivative it computes. The
            gradient that flows in is 1 for a scalar, else random.
        values: say what the values are like, and the gradients of the target by them: mean, deviation, norm, zeros,
            NaN, dead units, a histogram.
        timed: of a function that is run, say how long each operation took, once.

    Raises:
        GraphError: nothing was recorded, or the target is no tensor and no function.
        ValueError: another part; ``timed`` where nothing is run.

    >>> import tinygrad_cv as tg
    >>> x, y = tg.tensor(2.0, requires_grad=True), tg.tensor(2.0, requires_grad=True)
    >>> p = x / (x + y)
    >>> view = tg.graph(p, names=locals())
    >>> [node.label or node.name for node in view.nodes]
    ['x', 'y', 'add', 'div', 'p']
    >>> print(view.dot().splitlines()[0])
    digraph {
    """
    if part not in PARTS:
        raise ValueError(f"graph: part={part!r}: it must be one of {', '.join(map(repr, PARTS))}.")
    known = Names()
    runs = callable(target) and not isinstance(target, (Tensor, tuple, list))
    trail = Trail()
    if timed and (isinstance(target, (Tensor, tuple, list, Compiled)) or not callable(target)):
        raise ValueError("graph: timed=True needs a function that is run here, as in graph(model, x, timed=True).")
    if isinstance(target, Compiled):
        return target.graph(*inputs)
    if isinstance(target, Tensor):
        outputs, what = [target], "the tensor"
    elif isinstance(target, (tuple, list)):
        outputs, what = list(_tensors(target)), "the tensors"
    elif callable(target):
        outputs, what = _run(target, inputs, known, trail), "the function's output"
    else:
        raise GraphError(
            f"graph of {type(target).__name__}: pass a tensor, a list of tensors, or a function and its inputs, as in "
            "graph(model, x)."
        )
    known.take(names or {})
    if runs:
        known.closure(closed_over(target, (Named,)))
    recorded = [tensor for tensor in outputs if tensor.node is not None]
    if not recorded:
        raise GraphError(
            f"graph: {what} has no graph: nothing it was computed from requires grad, or it was computed under "
            "no_grad(). Call requires_grad_() on a tensor before it is used, or graph(f, x), which records f."
        )
    backward = pulled(recorded, known, trail) if values or part != "forward" else None
    records = read(recorded, known, backward if part != "forward" else None, trail, timed)
    _report(known.missing(), names or {})
    if values:
        assert backward is not None
        records = described(records, recorded, known, backward)
    return GraphView(only_backward(records) if part == "backward" else records)


def _run(f: Callable[..., Any], inputs: Iterable[Any], known: Names, trail: Trail) -> list[Tensor]:
    """The outputs of a function, recorded with the values of all operands."""
    given = [asarray(x) if isinstance(x, np.ndarray) else x for x in inputs]
    given = [x.detach() if isinstance(x, Tensor) else x for x in given]
    tensors = {name: x for name, x in zip(_parameter_names(f, len(given)), given, strict=True) if isinstance(x, Tensor)}
    for x in tensors.values():
        x.requires_grad_(x.dtype.kind == "f")
    known.inputs(tensors)
    known.module(f)
    with isolated(sources=True, operands=True, interpret=trail):
        returned = f(*given)
    return list(_tensors(returned))


def _report(missing: Mapping[str, str], names: Mapping[str, Any]) -> None:
    """Warn of names that are not in the graph, but for ``locals()``, where many have nothing to do with it."""
    local = sys._getframe(2).f_locals  # of whoever calls graph()
    alike = names.keys() == local.keys() and all(names[name] is local[name] for name in names)
    if not missing or names is local or (sys.version_info >= (3, 13) and alike):  # locals() is a copy since 3.13
        return
    words = "; ".join(f"{name!r} is not in the graph: {why}" for name, why in missing.items())
    warnings.warn(f"graph: names: {words}.", stacklevel=3)


def _parameter_names(f: Callable[..., Any], count: int) -> list[str]:
    """What the function calls its inputs."""
    parameters: Mapping[str, inspect.Parameter] = {}
    with suppress(TypeError, ValueError):
        parameters = signature(f).parameters
    names = [p.name for p in parameters.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [names[i] if i < len(names) else f"input {i}" for i in range(count)]


def _tensors(returned: Any) -> Iterable[Tensor]:
    """The tensors in nested tuples, lists and dicts, in order."""
    stack = [returned]
    while stack:
        item = stack.pop()
        if isinstance(item, Tensor):
            yield item
        elif isinstance(item, Mapping):
            stack.extend(reversed(list(item.values())))
        elif isinstance(item, (tuple, list)):
            stack.extend(reversed(item))
