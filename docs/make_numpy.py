"""Write docs/numpy.md from the tables of NumPy's functions: ``python docs/make_numpy.py [--check]``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from pages import command

from tinygrad_cv.frontend.numpy_names import BY_VALUE, REFUSED
from tinygrad_cv.frontend.numpy_protocol import arrangement, elements
from tinygrad_cv.frontend.numpy_protocol.dispatch import FUNCTIONS, SUBJECTS
from tinygrad_cv.frontend.tensor import Tensor

PAGE = Path(__file__).with_name("numpy.md")

INTRODUCTION = """\
# NumPy's functions of tensors

`np.f(tensor)` is answered through NumPy's own protocol, so arguments have the names, order and defaults of NumPy's
signatures. Every function of NumPy's main namespace is in one of the tables below, and those of `np.linalg` and
`np.fft`. `tests/frontend/numpy_protocol/` calls each of them: values and derivatives beside NumPy's, in eager code and
compiled, and the refusals.

- **In the graph**: composed of [primitives](primitives.md), so it has derivatives of every order and compiles under
  `tg.jit`. *flat* means that its derivative is zero or there is none.
- **From values**: NumPy computes it. No gradient could flow through it, so tensors that require grad are taken, too.
  While a function is compiled there are no values: a `TraceError` names the function and the reason.
- **Refused**: NumPy computes it for tensors that do not require grad. For one that does it is a `GraphError` that names
  the function and the reason, never a gradient that is lost silently; and a `TraceError` while compiling.

An argument that a function does not take here (`out=`; `weights=` of quantiles; orders of norms that need singular
values) is refused the same way, by name. So is what only some values have: a plain `TypeError` never comes from inside.

What is chosen where NumPy leaves a choice: sorting is stable, whatever `kind` asks for, and `partition` sorts. Where
NumPy and PyTorch differ, [conventions.md](conventions.md) says who is followed. Dtypes follow [dtypes.md](dtypes.md);
lists of numbers take the float dtype of the tensor beside them.

This page is written by `python docs/make_numpy.py`.
"""

FLAT = frozenset(
    [
        "angle",
        "argmax",
        "argmin",
        "argpartition",
        "argsort",
        "around",
        "ceil",
        "count_nonzero",
        "digitize",
        "equal",
        "fix",
        "floor",
        "floor_divide",
        "greater",
        "greater_equal",
        "imag",
        "isclose",
        "iscomplex",
        "isfinite",
        "isinf",
        "isnan",
        "isneginf",
        "isposinf",
        "isreal",
        "less",
        "less_equal",
        "logical_and",
        "logical_not",
        "logical_or",
        "logical_xor",
        "nanargmax",
        "nanargmin",
        "ndim",
        "not_equal",
        "rint",
        "round",
        "searchsorted",
        "shape",
        "sign",
        "signbit",
        "trunc",
        "any",
        "all",
    ]
)
OTHER_NAMES = {  # of the same function
    "absolute": "abs",
    "arccos": "acos",
    "arccosh": "acosh",
    "arcsin": "asin",
    "arcsinh": "asinh",
    "arctan": "atan",
    "arctan2": "atan2",
    "arctanh": "atanh",
    "concatenate": "concat",
    "conjugate": "conj",
    "divide": "true_divide",
    "invert": "bitwise_invert bitwise_not",
    "left_shift": "bitwise_left_shift",
    "power": "pow",
    "remainder": "mod",
    "right_shift": "bitwise_right_shift",
    "transpose": "permute_dims",
    "vstack": "row_stack",
}
TITLES = {
    "elements": "Elements",
    "arrangement": "Arrangement",
    "selection": "Places and order",
    "products": "Products",
    "statistics": "Statistics",
    "calculus": "Differences, interpolation, polynomials",
}
# Names that NumPy does not hand to other classes: they know nothing of tensors.
OF_NO_TENSORS = {
    "they make arrays of numbers; `tg.arange`, `tg.eye`, `tg.full`, `tg.ones`, `tg.zeros` make tensors": """
        arange array bartlett blackman bmat diag_indices empty eye frombuffer fromfile fromfunction fromiter
        fromregex fromstring full genfromtxt hamming hanning identity indices kaiser load loadtxt mask_indices
        ones tri tril_indices triu_indices
        zeros""",
    "they make a plain array of a tensor, and refuse one that requires grad: use `.detach()` or `.numpy()`": """
        asanyarray asarray asarray_chkfinite ascontiguousarray asfortranarray asmatrix broadcast flatiter from_dlpack
        isfortran matrix memmap ndarray ndenumerate nditer nested_iters poly1d recarray require""",
    "they make functions of Python functions; call the function itself with the tensor": "frompyfunc vectorize",
    "they are about shapes, dtypes and indices": """broadcast_shapes datetime_data dtype finfo iinfo isdtype isscalar
        issubdtype iterable mintypecode ndindex promote_types typename""",
    "they are about text, settings and the library": """base_repr binary_repr busdaycalendar errstate
        format_float_positional format_float_scientific get_include get_printoptions getbufsize geterr geterrcall info
        printoptions set_printoptions setbufsize seterr seterrcall show_config show_runtime test ufunc""",
}


def _methods() -> set[str]:
    return {name for name in dir(Tensor) if name[0] != "_"}


def _called(name: str) -> str:
    """A name and the others of the same function."""
    return ", ".join(f"`{n}`" for n in (name, *OTHER_NAMES.get(name, "").split()))


def _rows(names: Iterable[str]) -> Iterator[str]:
    methods = _methods()
    yield "| np. | as a method | derivative |"
    yield "|---|---|---|"
    for name in sorted(names, key=lambda name: (name.count("."), name)):
        yield f"| {_called(name)} | {f'`x.{name}`' if name in methods else ''} | {'flat' if name in FLAT else 'yes'} |"
    yield ""


def _reasons(table: dict[str, str]) -> Iterator[str]:
    yield "| np. | why |"
    yield "|---|---|"
    groups: dict[str, list[str]] = {}
    for name, reason in table.items():
        groups.setdefault(reason, []).append(name)
    for reason, names in groups.items():
        yield f"| {', '.join(map(_called, names))} | {reason} |"
    yield ""


def page() -> str:
    """The whole page."""
    lines = [INTRODUCTION, "## In the graph\n"]
    for subject in SUBJECTS:
        names = {name for name in subject.FUNCTIONS if FUNCTIONS[name] is subject.FUNCTIONS[name]}
        names |= set(elements.UFUNCS) if subject is elements else set()
        names |= set(arrangement.MOVES) if subject is arrangement else set()
        lines += [f"### {TITLES[subject.__name__.rpartition('.')[2]]}\n", *_rows(names)]
    lines += [
        "Of ufuncs `where=` and `dtype=` are taken, and the methods `reduce` (of `add`, `multiply`, `maximum`,",
        "`minimum`, `logical_and`, `logical_or`), `accumulate` (of `add`, `multiply`) and `outer`.\n",
        "## From values\n",
        *_reasons(BY_VALUE),
        "## Refused\n",
        *_reasons(REFUSED),
        "## Not of tensors\n",
        "NumPy hands these to no other class.\n",
        *_reasons({name: why for why, names in OF_NO_TENSORS.items() for name in names.split()}),
    ]
    return "\n".join(lines).rstrip("\n") + "\n"


def main(arguments: list[str]) -> int:
    """Write the page, or say whether it is up to date."""
    return command(PAGE, lambda draw: page(), arguments, __doc__)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
