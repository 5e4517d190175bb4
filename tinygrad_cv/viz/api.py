"""graph: the computation graph of tensors, or of a function."""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, get_args, runtime_checkable

import numpy as np

from ..core.annotations import explaining
from ..core.errors import GraphError
from ..core.position import user_frame
from ..frontend.creation import asarray
from ..frontend.isolation import isolated
from ..frontend.signature import signature
from ..frontend.tensor import Tensor
from .backward import only_backward, pull_back
from .closures import closed_over
from .from_tape import described, read
from .names import Named, Names
from .trail import Trail
from .view import GraphView

if TYPE_CHECKING:
    from ..frontend.typing import Inputs

Part: TypeAlias = Literal["forward", "backward", "both"]
PARTS: tuple[Part, ...] = get_args(Part)


@runtime_checkable
class Compiled(Protocol):
    """A compiled function, as ``tg.jit`` makes it: it knows the graphs of its calls."""

    def graph(self, *args: object, **kwargs: object) -> GraphView: ...
    def kernels(self, *args: object, **kwargs: object) -> object: ...


@explaining
def graph(
    target: Inputs | Callable[..., object],
    *inputs: object,
    names: Mapping[str, object] | None = None,
    part: Part = "forward",
    values: bool = False,
    timed: bool = False,
) -> GraphView:
    """The computation graph of tensors, or of a function of the inputs.

    ``graph(loss)`` shows what was recorded on the way to a tensor. What required no gradient was not recorded: it
    appears as a constant. ``graph(model, x)`` runs the model and shows all of it: x as an input, the values of small
    tensors, the lines of the user's code. Running statistics and the default random generator are left as they were.
    Of a function compiled by ``tg.jit`` it shows the compiled graph.

    Args:
        target: a tensor, several tensors, or a function or module that is called with the inputs.
        inputs: tensors, arrays, or whatever else the function takes.
        names: names for tensors, and for modules whose parameters are in the graph; ``names=locals()`` will do. A name
            that is written out but is not in the graph raises a warning. What a function reads besides its inputs keeps
            the name that the function has for it.
        part: "backward" shows the backward pass, which is made of the same primitives; "both" shows both passes, with
            each backward node tied to the node whose derivative it computes. The cotangent of an output is 1 if the
            output is a scalar, and random otherwise.
        values: add statistics of each value, and of the gradient of the target with respect to it: mean, standard
            deviation, norm, zeros, NaN, dead units, a histogram.
        timed: add the time that each operation took in this one run; only for a function.

    Raises:
        GraphError: nothing was recorded, or the target is neither a tensor nor a function.
        ValueError: an unknown part, or ``timed`` where nothing is run.

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
    backward = pull_back(recorded, known, trail) if values or part != "forward" else None
    records = read(recorded, known, backward if part != "forward" else None, trail, timed)
    _report(known.missing(), names or {})
    if values:
        assert backward is not None
        records = described(records, recorded, known, backward)
    return GraphView(only_backward(records) if part == "backward" else records)


def _run(f: Callable[..., object], inputs: Iterable[object], known: Names, trail: Trail) -> list[Tensor]:
    """Run a function and record it with the values of all operands; its outputs."""
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


def _report(missing: Mapping[str, str], names: Mapping[str, object]) -> None:
    """Warn about names that are not in the graph; not about ``locals()``, most of which are unrelated."""
    caller, level = user_frame()
    local = caller.f_locals if caller is not None else {}
    alike = names.keys() == local.keys() and all(names[name] is local[name] for name in names)
    if not missing or names is local or (sys.version_info >= (3, 13) and alike):  # locals() is a copy since 3.13
        return
    words = "; ".join(f"{name!r} is not in the graph: {why}" for name, why in missing.items())
    warnings.warn(f"graph: names: {words}.", stacklevel=level)


def _parameter_names(f: Callable[..., object], count: int) -> list[str]:
    """The names that a function has for its inputs."""
    parameters: Mapping[str, inspect.Parameter] = {}
    with suppress(TypeError, ValueError):
        parameters = signature(f).parameters
    names = [p.name for p in parameters.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [names[i] if i < len(names) else f"input {i}" for i in range(count)]


def _tensors(returned: object) -> Iterable[Tensor]:
    """The tensors in nested tuples, lists and dicts, in order."""
    stack: list[object] = [returned]
    while stack:
        item = stack.pop()
        if isinstance(item, Tensor):
            yield item
        elif isinstance(item, Mapping):
            stack.extend(reversed(list(item.values())))
        elif isinstance(item, (tuple, list)):
            stack.extend(reversed(item))
