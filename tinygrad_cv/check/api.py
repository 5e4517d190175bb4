"""gradcheck: the derivatives of a function against its finite differences."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, ParamSpec, Protocol, TypeAlias, get_args, runtime_checkable

import numpy as np

from ..core.annotations import explaining
from ..core.errors import DTypeError, GraphError, ShapeError
from ..frontend.tensor import Tensor
from . import complex_step, cotangents
from .blame import blame
from .elements import check_function, cotangent
from .functions import ArrayFunction, Checked, TensorFunction, repeatable
from .input_report import CORRECT, ILL_CONDITIONED, KINK, InputReport
from .report import Report
from .running import one_blas_thread

P = ParamSpec("P")
Mode: TypeAlias = Literal["vjp", "jvp"]
MODES: tuple[Mode, ...] = get_args(Mode)
HIGHEST = 16  # order: the cost doubles with each
Input: TypeAlias = Tensor | np.ndarray | np.floating | float
Inputs: TypeAlias = Input | Sequence[Input]


@runtime_checkable
class HasParameters(Protocol):
    """A module, whose parameters are checked too."""

    def named_parameters(self) -> Iterable[tuple[str, Tensor]]: ...


@runtime_checkable
class HasBuffers(Protocol):
    """A module, whose buffers are float64 during a check."""

    def named_buffers(self) -> Iterable[tuple[str, Tensor]]: ...


@explaining
def gradcheck(
    f: Callable[..., object],
    inputs: Inputs,
    *,
    backward: Callable[..., object] | None = None,
    cache: bool | None = None,
    parameters: Iterable[Tensor] | Mapping[str, Tensor] | None = None,
    order: int = 1,
    mode: Mode = "vjp",
    eps: float = 1e-3,
    seed: int = 0,
) -> Report:
    """Compare the gradients of a function with central differences, element by element, in float64, and explain.

    The gradient of vᵀ f(x) is compared, with a random cotangent v whose entries have sizes from 0.5 to 1.5: an error in
    any entry of the Jacobian shows with probability one. (With v = 1, the usual sum(), a batch norm whose backward
    forgets the variance would pass.) A small Jacobian is compared entry by entry as well. An input of more than 1000
    elements is checked along 8 random directions for 4 cotangents: an error 100 times larger than allowed is missed
    with a probability below 4e-5. An element is

        correct             if |analytic - numeric| <= truncation + rounding,
        wrong               if not,
        not differentiable  if the one-sided slopes differ at every step size,
        ill-conditioned     if rounding of f leaves less than two digits of the gradient to differences of any step.

    Both parts of the differences' error are estimated, so there is no tolerance to choose: truncation by extrapolation
    over h, h/2 and h/4, rounding by a table of differences at neighbouring points. The report also holds Taylor
    remainders over a sweep of steps, whose order is 2 for a right gradient and 1 for a wrong one, and a complex-step
    derivative if all primitives in f are analytic. Cotangents that are strided, reversed, expanded or read-only must
    give the same gradients. If something is wrong, ``report.blame`` is the first operation whose own derivative fails
    at the values that it had in f.

    Inputs are copied and not changed; parameters, running statistics, the default generator, and those of NumPy and
    Python are left as they were. A generator that f holds itself moves on.

    Args:
        f: takes tensors, returns a tensor or several; with ``backward``, the same with NumPy arrays. The parameters of
            a module are checked, too.
        inputs: a float tensor or array, or a tuple or list of them. float32 is converted to float64.
        backward: a hand-written backward, with g the cotangent of f's output: ``backward(g, *inputs)``, or, if f
            returns ``(y, cache)`` as in many courses, ``backward(g, cache)``. It returns a gradient for each input, or
            None for no gradient.
        cache: whether the last value that f returns is a cache; by default the parameters of backward decide, and the
            report notes it. (They fit both forms if f has one input and returns two arrays of floats. Then a parameter
            of backward with the name of f's is the input.)
        parameters: tensors that f closes over, whose gradients are to be checked: in a list, or by name.
        order: 2 also checks the gradients of the gradient along a random direction, with respect to the inputs and the
            cotangent v; and so on.
        mode: "jvp" checks Jacobian-vector products along random directions instead.
        eps: the first step, as a share of an element's size; shorter ones follow if needed.
        seed: of the cotangents and directions.

    Returns:
        A report: ``bool(report)``, ``report.verdict``, ``report.blame``, ``print(report)``, ``report.json()``,
        ``report.plot(file)``, ``report.draw(file)``, and arrays in ``report.inputs``.

    Raises:
        DTypeError: an input or an output is not of floats.
        ShapeError: an input or the output is empty.
        GraphError: f does not return tensors, changes its inputs, or returns other values when called again.
        ValueError: no inputs, values that are not finite, or an order, a mode or an eps out of range.

    >>> import tinygrad_cv as tg
    >>> tg.gradcheck(lambda x: (x * x).sum(), tg.tensor([1.0, 2.0])).verdict
    'correct'
    >>> report = tg.gradcheck(np.square, np.array([1.0, 2.0]), backward=lambda g, x: g * x)
    >>> report.verdict, report.blame
    ('wrong', None)
    >>> def relu_forward(x):
    ...     return np.maximum(x, 0), x
    >>> tg.gradcheck(relu_forward, np.array([-1.0, 2.0]), backward=lambda g, cache: g * (cache > 0)).verdict
    'correct'
    """
    _check_options(backward, cache, order, mode, eps)
    if seed < 0:
        raise ValueError(f"gradcheck: seed={seed}; it must be an integer of at least 0.")
    arrays, notes = _float64(inputs)
    names = [f"input {i}" for i in range(len(arrays))]
    function: Checked
    if backward is not None:
        function = ArrayFunction(f, backward, cache)
    else:
        tensors = _parameters(f, parameters)
        function = TensorFunction(f, list(tensors.values()), _buffers(f))
        arrays += [np.array(tensor.value, np.float64, order="C") for tensor in tensors.values()]
        names += list(tensors)
    with _generators_restored(), one_blas_thread():
        with np.errstate(all="ignore"):
            y = _evaluate(function, arrays, bool(notes))
        if isinstance(function, ArrayFunction) and function.cache:
            notes.append("the last value that f returned is backward's cache: it was called as backward(g, cache)")
        entries = check_function(function, arrays, order, seed, eps, names, mode == "jvp", full=True)
        rng = np.random.default_rng(seed)
        v = cotangent(rng, y.size)
        with np.errstate(all="ignore"):
            problems = list(cotangents.problems(function, arrays, v)) if mode == "vjp" else []
            witness, disagreement = _witness(function, arrays, v, rng, entries[: len(arrays)])
        problems += disagreement
        notes += _equal(arrays, names, entries)
        wrong = any(entry.verdict == "wrong" for entry in entries)
        culprit = blame(function, arrays, order, seed) if wrong and isinstance(function, TensorFunction) else None
    return Report(tuple(entries), seed, tuple(notes), tuple(problems), witness, culprit, function, tuple(arrays))


def _arguments_of(_: Callable[P, Report]) -> Callable[[Callable[..., None]], Callable[P, None]]:
    """A function has the arguments of another one: said to type checkers only."""
    return lambda function: function


@_arguments_of(gradcheck)
def assert_gradients(*args: Any, **options: Any) -> None:
    """Fail, with the whole report as the message, unless :func:`gradcheck` with these arguments is correct: for tests.

    >>> import tinygrad_cv as tg
    >>> tg.check.assert_gradients(lambda x: x.exp(), tg.tensor([1.0, 2.0]), order=2)
    """
    __tracebackhide__ = True
    report = gradcheck(*args, **options)
    if not report:
        raise AssertionError(str(report))


def _check_options(
    backward: Callable[..., object] | None, cache: bool | None, order: int, mode: str, eps: float
) -> None:
    if cache is not None and backward is None:
        raise ValueError(f"gradcheck: cache={cache} is about a hand-written backward: pass backward=.")
    if not 1 <= order <= HIGHEST or (order > 1 and backward is not None):
        raise ValueError(
            f"gradcheck: order={order}{' with backward=' if backward else ''}: it must be from 1 to {HIGHEST}, and "
            "exactly 1 for a hand-written backward, which cannot be differentiated itself."
        )
    if mode not in MODES or (mode == "jvp" and backward is not None):
        raise ValueError(
            f"gradcheck: mode={mode!r}{' with backward=' if backward else ''}: it must be 'vjp' or 'jvp', and 'vjp' "
            "for a hand-written backward."
        )
    if not 1e-8 <= eps <= 0.1:
        raise ValueError(f"gradcheck: eps={eps}: the first step must be a share from 1e-8 to 0.1 of an element's size.")


def _parameters(f: object, given: Iterable[Tensor] | Mapping[str, Tensor] | None) -> dict[str, Tensor]:
    """The tensors besides the inputs that are to be checked, by name."""
    named: Iterable[tuple[str, Tensor]]
    if given is None:
        named = f.named_parameters() if isinstance(f, HasParameters) else ()
    elif isinstance(given, Mapping):
        named = given.items()
    else:
        named = ((f"parameter {i}", tensor) for i, tensor in enumerate(given))
    tensors = dict(named)
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor) or tensor.dtype.kind != "f" or not tensor.size:
            raise DTypeError(f"gradcheck: {name} must be a tensor of floats with elements, not {tensor!r}.")
    return tensors


def _buffers(f: object) -> list[Tensor]:
    return [buffer for _, buffer in f.named_buffers()] if isinstance(f, HasBuffers) else []


def _float64(inputs: Inputs) -> tuple[list[np.ndarray], list[str]]:
    given = list(inputs) if isinstance(inputs, (tuple, list)) else [inputs]
    if not given:
        raise ValueError("gradcheck: no inputs. Pass a tensor or an array, or a tuple of them.")
    arrays, notes = [], []
    for i, x in enumerate(given):
        if not isinstance(x, (Tensor, np.ndarray, float, np.floating)):
            raise DTypeError(
                f"gradcheck: input {i} is of type {type(x).__name__}; it must be a tensor, a NumPy array or a float. "
                "What has no derivative goes into the function: gradcheck(lambda x: f(x, labels), x)."
            )
        value = x.value if isinstance(x, Tensor) else np.asarray(x)
        if value.dtype.kind != "f":
            raise DTypeError(
                f"gradcheck: input {i} has dtype {value.dtype}; only floats have derivatives. Use .astype('float64'), "
                "or keep it out of the inputs: gradcheck(lambda x: f(x, labels), x)."
            )
        if value.size == 0:
            raise ShapeError(f"gradcheck: input {i} of shape {value.shape} holds no element; nothing can be checked.")
        if not np.isfinite(value).all():
            raise ValueError(f"gradcheck: input {i} holds NaN or infinities; differences need finite values.")
        if value.dtype != np.float64:
            notes.append(f"input {i} was converted from {value.dtype} to float64")
        arrays.append(np.array(value, np.float64, order="C"))
    return arrays, notes


def _evaluate(function: Checked, arrays: list[np.ndarray], converted: bool) -> np.ndarray:
    """f's outputs, after checking that they are finite and that a second call returns the same."""
    try:
        y = function(arrays)
    except DTypeError as error:
        if not converted:
            raise
        raise DTypeError(
            f"gradcheck: f was called with float64 inputs, and failed: {error} What f closes over must be "
            "float64, too: pass it as parameters=[...], which are converted, or convert it."
        ) from error
    if not np.isfinite(y).all():
        count = int((~np.isfinite(y)).sum())
        raise ValueError(f"gradcheck: f returned {count} values that are not finite. Choose inputs inside its domain.")
    again = function(arrays)
    if not repeatable(y, again):
        difference = np.abs(again - y).max()
        raise GraphError(
            f"gradcheck: f is not deterministic: two calls with the same inputs differ by {difference:.2g}. Seed the "
            "random numbers that it draws inside of f, or switch dropout off."
        )
    return y


def _witness(
    function: Checked,
    arrays: Sequence[np.ndarray],
    v: np.ndarray,
    rng: np.random.Generator,
    entries: Sequence[InputReport],
) -> tuple[str, list[str]]:
    """The complex-step derivative along a random direction, in words; and how the gradient disagrees, if it does.

    The two may differ by as much as the gradient's elements may differ from the differences.
    """
    if isinstance(function, ArrayFunction):
        return "", []
    direction = [rng.normal(size=x.shape) * (np.abs(x) + (x == 0)) for x in arrays]
    try:
        known = float(v @ complex_step.directional(function, arrays, direction))
    except complex_step.NotAnalytic as reason:
        return f"no complex step: {reason}", []
    found = float(sum((g * u).sum() for g, u in zip(function.gradients(arrays, v), direction, strict=True)))
    words = (
        f"complex step through the recorded graph, along a random direction: {known:.9g}; the gradient says {found:.9g}"
    )
    if any(entry.verdict != CORRECT or entry.directions for entry in entries):
        return words, []
    allowed = sum(float((entry.allowed * np.abs(u)).sum()) for entry, u in zip(entries, direction, strict=True))
    return words, [] if abs(found - known) <= allowed else [f"{words}; they may differ by {allowed:.2g}"]


def _equal(arrays: Sequence[np.ndarray], names: Sequence[str], entries: Sequence[InputReport]) -> Iterator[str]:
    """Notes on unclear inputs whose elements are all equal, as rounding makes them at a large mean."""
    unclear = {entry.number for entry in entries if entry.verdict in (KINK, ILL_CONDITIONED)}
    for i in sorted(unclear & set(range(len(arrays)))):
        x = arrays[i]
        if x.size > 1 and np.ptp(x) == 0 and x.any():
            yield (
                f"all elements of {names[i]} are {x.flat[0]:.6g}, where floats are {np.spacing(np.abs(x.flat[0])):.2g} "
                "apart: a maximum or a deviation has no derivative there, and what is smooth may have waves too short "
                "for float64's steps"
            )


@contextmanager
def _generators_restored() -> Iterator[None]:
    """Afterwards NumPy's and Python's global generators are as they were."""
    states = np.random.get_state(), random.getstate()
    try:
        yield
    finally:
        np.random.set_state(states[0])
        random.setstate(states[1])
