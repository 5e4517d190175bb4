"""One row computed by both libraries: results, gradients and second derivatives, with random cotangents.

The second derivatives are those of Σ dᵢ · gᵢ, where gᵢ are the gradients and dᵢ random directions, by all inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.functional.agreement.row import Fixed, Row, Samples

# A result is a sum of up to 250 products, whose factors carry a few roundings each. Errors in a sum grow with the
# square root of its length as a rule: this number of roundings of the largest result is allowed, and no more.
ROUNDINGS = 16
UNITS = {"float64": 2.0**-53, "float32": 2.0**-24}
Results = dict[str, np.ndarray]  # "value 0", "gradient 0", "second 0", ... -> array


def cast(array: np.ndarray, dtype: str) -> np.ndarray:
    """A float array in another precision; others as they are."""
    return array.astype(dtype) if array.dtype.kind == "f" else array


def is_leaf(value: Any) -> bool:
    """Whether a row's value is an array to differentiate by."""
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def leaves_of(row: Row) -> list[np.ndarray]:
    """The arrays of a row to differentiate by, in order."""
    return [value for value in (*row.arguments, *row.options.values()) if is_leaf(value)]


def applied(row: Row, call: Callable[..., Any], leaves: Sequence[Any], fixed: Callable[[np.ndarray], Any]) -> Any:
    """Call a library's function with the row's values, the leaves in their places, and other arrays as ``fixed``."""
    remaining: Iterator[Any] = iter(leaves)

    def convert(value: Any) -> Any:
        if is_leaf(value):
            return next(remaining)
        if isinstance(value, (Fixed, np.ndarray)):
            return fixed(value.array if isinstance(value, Fixed) else value)
        if isinstance(value, list) and any(isinstance(item, (Fixed, np.ndarray)) for item in value):
            return [convert(item) for item in value]
        return value

    arguments = [convert(value) for value in row.arguments]
    return call(*arguments, **{key: convert(value) for key, value in row.options.items()})


def with_leaves(row: Row) -> Callable[..., Any]:
    """This library's call as a function of the leaves alone; of several outputs the first."""

    def call(*leaves: Any) -> Any:
        dtype = str(leaves[0].dtype) if leaves else "float32"
        return several(applied(row, getattr(F, row.name), leaves, lambda x: tg.tensor(cast(x, dtype))))[0]

    return call


def directions(row: Row, what: str, shapes: Sequence[tuple[int, ...]], dtype: str) -> list[np.ndarray]:
    """Random arrays of the shapes, the same for both libraries."""
    draws = Samples(f"{what} of {row.id}")
    return [draws.normal(*shape).astype(dtype) for shape in shapes]


def differentiated(
    row: Row,
    outputs: Sequence[Any],
    leaves: Sequence[Any],
    order: int,
    grad: Callable[..., Any],
    given: Callable[[np.ndarray], Any],
    dtype: str,
) -> list[Any]:
    """The gradients by the leaves and, at order 2, the derivatives of their sum with random weights."""
    if order < 1 or not leaves or not outputs:
        return []
    cotangents = [given(v) for v in directions(row, "cotangents", [tuple(y.shape) for y in outputs], dtype)]
    first = grad(outputs, leaves, cotangents, create_graph=order > 1)
    if order < 2:
        return list(first)
    connected = [g for g in first if g is not None and g.requires_grad]
    if not connected:  # linear: the second derivative is 0
        return [*first, *(None for _ in leaves)]
    weights = [given(v) for v in directions(row, "directions", [tuple(g.shape) for g in connected], dtype)]
    return [*first, *grad(connected, leaves, weights)]


def named(row: Row, outputs: Sequence[Any], derivatives: Sequence[Any], numpy: Callable[[Any], np.ndarray]) -> Results:
    """The results by name; a derivative that does not exist is 0."""
    leaves = leaves_of(row)
    found = {f"value {i}": numpy(y) for i, y in enumerate(outputs)}
    for i, g in enumerate(derivatives):
        label = f"{'gradient' if i < len(leaves) else 'second'} {i % len(leaves)}"
        found[label] = np.zeros(leaves[i % len(leaves)].shape) if g is None else numpy(g)
    return found


def several(y: Any) -> list[Any]:
    """The outputs of a function as a list."""
    return list(y) if isinstance(y, (tuple, list)) else [y]


def ours(row: Row, dtype: str = "float64", order: int = 2, compiled: bool = False) -> Results:
    """The row by this library, eagerly or by one compiled function."""
    return together([row], dtype, order, compiled)[0]


def together(rows: Sequence[Row], dtype: str = "float64", order: int = 2, compiled: bool = False) -> list[Results]:
    """Rows by this library, eagerly or all by one compiled function."""

    def grad(outputs: Any, leaves: Any, cotangents: Any, create_graph: bool = False) -> Any:
        return tg.grad(outputs, leaves, cotangents, create_graph=create_graph, allow_unused=True)

    def compute(leaves_of_rows: Sequence[Sequence[Any]]) -> list[tuple[list[Any], list[Any]]]:
        found = []
        for row, leaves in zip(rows, leaves_of_rows, strict=True):
            outputs = several(applied(row, getattr(F, row.name), leaves, lambda x: tg.tensor(cast(x, dtype))))
            floats = [y for y in outputs if y.requires_grad]
            derivatives = differentiated(row, floats, leaves, min(order, row.order), grad, tg.tensor, dtype)
            found.append((outputs, derivatives))
        return found

    leaves = [[tg.tensor(cast(x, dtype), requires_grad=True) for x in leaves_of(row)] for row in rows]
    results = (tg.jit(compute) if compiled else compute)(leaves)
    return [named(row, *found, lambda t: t.detach().numpy()) for row, found in zip(rows, results, strict=True)]


def theirs(row: Row, torch: Any, order: int = 2) -> Results:
    """The row by PyTorch, in float64."""
    T, other = torch.nn.functional, row.theirs
    call = getattr(T, row.name) if other is None else lambda *args, **options: other(T, *args, **options)

    def grad(outputs: Any, leaves: Any, cotangents: Any, create_graph: bool = False) -> Any:
        return torch.autograd.grad(outputs, leaves, cotangents, create_graph=create_graph, allow_unused=True)

    # In rows: PyTorch's batch_norm has wrong gradients where an axis of size 1 has a stride of its own.
    leaves = [torch.tensor(x.copy(order="C"), requires_grad=True) for x in leaves_of(row)]
    outputs = several(applied(row, call, leaves, torch.tensor))
    floats = [y for y in outputs if y.requires_grad]
    derivatives = differentiated(row, floats, leaves, min(order, row.order), grad, torch.tensor, "float64")
    return named(row, outputs, derivatives, lambda t: t.detach().numpy(force=True))


def bound(row: Row, label: str, wanted: np.ndarray, dtype: str) -> float:
    """The largest error allowed: roundings of the largest result.

    Terms of second derivatives are products of more factors, and divide by σ once more.
    """
    growth = 4 * row.steepness**2 if label.startswith("second") else row.steepness
    return ROUNDINGS * UNITS[dtype] * growth * np.abs(wanted).max(initial=1.0)


def disagreements(row: Row, found: Results, wanted: Results, dtype: str = "float64") -> list[str]:
    """Where results of a row are not PyTorch's."""
    if found.keys() != wanted.keys():
        return [f"{row.id}: results are {sorted(found)}, not {sorted(wanted)}"]
    wrong = []
    for label, b in wanted.items():
        a = found[label]
        if a.shape != b.shape:
            wrong.append(f"{row.id}: {label} has shape {a.shape}, not {b.shape}")
            continue
        if a.dtype.kind == "f" and label.startswith("value") and a.dtype != dtype:
            wrong.append(f"{row.id}: {label} is {a.dtype}, not {dtype}")
        error, allowed = np.abs(a - b).max(initial=0.0), bound(row, label, b, dtype) if b.dtype.kind == "f" else 0
        if not error <= allowed:
            wrong.append(f"{row.id}: {label} differs by {error:.1e}, allowed are {allowed:.1e}")
    return wrong
