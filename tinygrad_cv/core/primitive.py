"""A primitive: everything one operation means, as a record.

The parameter names of a VJP declare what it reads, and only that is saved for the backward pass:

    g                       the cotangent of the output
    y                       the output
    x (or a, b, ...)        an input
    x_shape, x_dtype        an input's shape or dtype, which cost nothing to save
    anything else           a parameter of the operation (axis, stride, ...)

so ``mul`` saves ``b`` for the gradient of ``a``, ``exp`` saves its output, and ``add`` saves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

OUTPUT = "y"
Source = Any  # OUTPUT, (input index, "value" | "shape" | "dtype"), ("variadic", ...) or the name of a parameter


class Aval(NamedTuple):
    """An abstract value: the shape and dtype of an array that need not exist yet."""

    shape: tuple[int, ...]
    dtype: np.dtype


class Vjp(NamedTuple):
    """A vector-Jacobian product, and the source of each argument it reads."""

    function: Callable[..., Any]
    reads: tuple[tuple[str, Source], ...]  # (argument name, source)


class Primitive:
    """One operation of the closed set.

    Attributes:
        eval: (*arrays, **params) -> array.
        aval: (*avals, **params) -> aval.
        inputs: names of the inputs; a name that ends in * means any number of inputs.
        params: names of the parameters.
        vjps: one for each input, None where it has no derivative.
        label, formula: for drawings and for docs/primitives.md.
        joint: VJPs fused with that of a consumer of the output, by the consumer's name, see core/joint.py:
            (cotangent of the consumer's output, index of the consumer's input, *what the consumer's VJP reads, *what
            its own VJP reads) -> array, or None where fusing is not worthwhile.
        joins: some other primitive names this one in its ``joint``.
        into: (out, *arrays, **params) -> None: computes into an array in C order, where the value shall be there and
            would otherwise be copied; None for most.
        variadic: it takes any number of inputs.
        silent: evaluating it cannot cause a floating-point warning.
        differentiable: some input has a derivative.
        keeps_nothing: no VJP reads anything but its cotangent and parameters.
    """

    def __init__(
        self,
        name: str,
        eval: Callable[..., Any],
        aval: Callable[..., Any],
        inputs: tuple[str, ...] = (),
        params: tuple[str, ...] = (),
        vjps: tuple[Vjp | None, ...] = (),
        family: str = "",
        label: str = "",
        formula: str = "",
        joint: Mapping[str, Callable[..., np.ndarray | None]] | None = None,
        into: Callable[..., None] | None = None,
    ):
        self.name = name
        self.eval = eval
        self.aval = aval
        self.inputs = inputs
        self.params = params
        self.family = family
        self.label = label or name
        self.formula = formula
        self.joint = joint or {}
        self.into = into
        self.joins = False
        self.variadic = inputs[-1:] != () and inputs[-1].endswith("*")
        self.silent = family in ("movement", "window", "indexing", "random")
        self.derive_by(vjps)

    def derive_by(self, vjps: tuple[Vjp | None, ...]) -> None:
        """Set the VJPs."""
        self.vjps = vjps
        self._kept: dict[tuple[bool, ...], tuple[Source, ...]] = {}
        present = tuple(vjp is not None for vjp in vjps)
        self.differentiable = any(present)
        self.keeps_nothing = not self.variadic and not self.keeps(present)

    def vjp(self, index: int) -> Vjp | None:
        """The VJP of one input."""
        return self.vjps[0 if self.variadic else index]

    def keeps(self, wanted: tuple[bool, ...]) -> tuple[Source, ...]:
        """What must be saved for the backward pass if gradients of the ``wanted`` inputs are asked for."""
        if wanted not in self._kept:
            vjps = [vjp for i, want in enumerate(wanted) if want and (vjp := self.vjp(i))]
            sources = [
                source for vjp in vjps for _, source in vjp.reads if source == OUTPUT or isinstance(source, tuple)
            ]
            self._kept[wanted] = tuple(source for source in dict.fromkeys(sources) if source != ("variadic", "index"))
        return self._kept[wanted]

    def __repr__(self) -> str:
        return self.name


PRIMITIVES: dict[str, Primitive] = {}


def define(
    name: str,
    *,
    eval: Callable[..., Any],
    aval: Callable[..., Aval],
    inputs: Sequence[str],
    vjps: Sequence[Callable[..., Any] | None],
    family: str,
    formula: str,
    label: str = "",
    joint: Mapping[str, Callable[..., np.ndarray | None]] | None = None,
    into: Callable[..., None] | None = None,
) -> Primitive:
    """Add an operation to the closed set. Its parameters are the keyword-only parameters of ``aval``."""
    if name in PRIMITIVES:
        raise ValueError(f"primitive {name!r} is defined twice")
    params = _arguments(aval)[1]
    names = tuple(inputs)
    bound = tuple(vjp and _bind(name, vjp, names, params) for vjp in vjps)
    PRIMITIVES[name] = Primitive(name, eval, aval, names, params, bound, family, label or name, formula, joint, into)
    for reader in joint or ():
        PRIMITIVES[reader].joins = True
    return PRIMITIVES[name]


def _arguments(function: Callable[..., Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of a function's positional and of its keyword-only arguments."""
    code = function.__code__
    names, positional = code.co_varnames, code.co_argcount
    return names[:positional], names[positional : positional + code.co_kwonlyargcount]


def _bind(name: str, vjp: Callable[..., Any], inputs: tuple[str, ...], params: tuple[str, ...]) -> Vjp:
    """Find the source of every argument of a VJP; an unknown name is a mistake in the table."""
    reads: list[tuple[str, Any]] = []
    for argument in _arguments(vjp)[0][1:]:  # the first is the cotangent
        stem, _, attribute = argument.rpartition("_")
        if argument == OUTPUT or argument in params:
            reads.append((argument, OUTPUT if argument == OUTPUT else argument))
        elif argument in inputs:
            reads.append((argument, (inputs.index(argument), "value")))
        elif attribute in ("shape", "dtype") and stem in inputs:
            reads.append((argument, (inputs.index(stem), attribute)))
        elif inputs[-1].endswith("*") and argument in ("index", "shapes"):
            reads.append((argument, ("variadic", argument)))
        else:
            raise TypeError(f"a VJP of {name!r} reads {argument!r}, which is not an input, a parameter or y")
    return Vjp(vjp, tuple(reads))
