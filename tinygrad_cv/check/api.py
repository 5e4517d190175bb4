"""gradcheck: the derivatives of a function against its finite differences."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, ParamSpec, TypeAlias, get_args

import numpy as np

from ..core.annotations import explaining
from ..core.errors import DTypeError, GraphError
from . import complex_step, cotangents
from .blame import Blame, blame
from .checked import Checked, repeatable
from .elements import check_function, cotangent
from .functions import TensorFunction
from .guests import recognised
from .handwritten import handwritten
from .input_report import CORRECT, ILL_CONDITIONED, KINK, InputReport
from .report import Report
from .running import one_blas_thread
from .subject import Inputs, Parameters, listed
from .trails import first_wrong

P = ParamSpec("P")
Mode: TypeAlias = Literal["vjp", "jvp"]
MODES: tuple[Mode, ...] = get_args(Mode)
HIGHEST = 16  # order: the cost doubles with each


@explaining
def gradcheck(
    f: Callable[..., object],
    inputs: Inputs,
    *,
    backward: Callable[..., object] | None = None,
    cache: bool | None = None,
    parameters: Parameters = None,
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
            a module are checked, too. A function of PyTorch, JAX, MyGrad or autograd is recognised by its type, by
            that of its inputs, or by what it calls; anything else that computes gradients is checked through a
            subclass of :class:`check.Checked`.
        inputs: a float tensor or array, or several in a tuple or list; JAX's may be dicts. float32 becomes float64.
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
    given = listed(inputs)
    with _generators_restored(), one_blas_thread():
        if backward is None:
            subject = recognised(f, given, parameters)
        else:
            subject = handwritten(f, backward, cache, given)
        function, arrays, names, notes = subject.function, subject.arrays, subject.names, list(subject.notes)
        with np.errstate(all="ignore"):
            y = _evaluate(function, arrays, bool(notes))
        notes += function.notes
        entries = check_function(function, arrays, order, seed, eps, names, mode == "jvp", full=True)
        rng = np.random.default_rng(seed)
        v = cotangent(rng, y.size)
        with np.errstate(all="ignore"):
            problems = list(cotangents.problems(function, arrays, v)) if mode == "vjp" else []
            witness, disagreement = _witness(function, arrays, v, rng, entries[: len(arrays)])
        problems += disagreement
        notes += _equal(arrays, names, entries)
        wrong = any(entry.verdict == "wrong" for entry in entries)
        culprit = _culprit(function, arrays, order, seed, notes) if wrong else None
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


def _evaluate(function: Checked, arrays: list[np.ndarray], converted: bool) -> np.ndarray:
    """f's outputs, after checking that they are finite and that a second call returns the same."""
    try:
        y = function(arrays)
    except DTypeError as error:
        if not converted or str(error).startswith("gradcheck:"):
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
    if not isinstance(function, TensorFunction):
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


def _culprit(function: Checked, arrays: Sequence[np.ndarray], order: int, seed: int, notes: list[str]) -> Blame | None:
    """Whose derivative is wrong. Nothing that another library does while it is asked costs the report."""
    with np.errstate(all="ignore"):
        if isinstance(function, TensorFunction):
            return blame(function, arrays, order, seed)
        try:
            return first_wrong(function, arrays, order, seed)
        except Exception as error:
            notes.append(f"nobody is blamed, since the search failed: {type(error).__name__}: {error}")
            return None


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
