"""A graph in NumPy: run by each primitive's own rule, or printed as straight-line NumPy source.

This is the reference for compiled code, and the fallback without it.
"""

from __future__ import annotations

import base64
import inspect
import keyword
import math
import re
import zlib
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from ..core.context import quiet
from ..core.errors import GraphError
from ..core.primitive import PRIMITIVES
from ..mpi.world import members
from ..ops.windows import contract_fold
from . import numpy_helpers
from .graph import CONSTANT, INPUT, Graph, Value, users

WIDTH = 120  # of a line
MAX_PRINTED = 64  # elements of an array that is written out in the source


def run(graph: Graph, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The outputs of a graph: NumPy arrays in C order with memory of their own.

    The results are those of eager code, bit for bit: every primitive computes as it does there, and the contraction and
    the fold of a convolution's gradient are one step.
    """
    values = graph.values()
    readers = users(values)
    left = {value: len(readers.get(value, ())) for value in values}
    for output in graph.outputs:
        left[output] += 1
    known: dict[Value, np.ndarray] = {}
    with np.errstate(all="ignore"):
        for value in values:
            if value.op == INPUT:
                known[value] = arrays[value.params["index"]]
            elif value.op == CONSTANT:
                known[value] = value.params["array"]
            elif value not in known:
                operands = [known[arg] for arg in value.args]
                fold = _fold_of(value, readers.get(value, ())) if left[value] == 1 else None
                together = contract_fold(operands[0], operands[1], **value.params, **fold.params) if fold else None
                if fold is None or together is None:
                    known[value] = quiet(PRIMITIVES[value.op], operands, value.params)
                else:
                    known[fold] = together
            for arg in dict.fromkeys(value.args):
                left[arg] -= 1
                if not left[arg]:
                    known.pop(arg, None)
        return _owned([known[output] for output in graph.outputs], arrays)


def _fold_of(value: Value, readers: Sequence[Value]) -> Value | None:
    """The fold that reads a contraction."""
    return readers[0] if value.op == "contract" and readers and readers[0].op == "fold" else None


def _owned(results: list[np.ndarray], arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The results in C order; views, inputs and repeated results are copied."""
    taken = set(map(id, arrays))
    owned = []
    for result in results:
        fresh = result.base is None and result.flags.writeable and result.flags.c_contiguous and id(result) not in taken
        taken.add(id(result))
        owned.append(result if fresh else np.array(result, order="C"))
    return owned


class NumpyProgram:
    """A graph that NumPy runs."""

    is_native = False
    nbytes = 0
    places: Mapping[int, int] = {}  # no output waits for the end
    fallbacks: tuple[str, ...] = ("everything runs on NumPy",)
    notes: tuple[str, ...] = ()

    def __init__(self, graph: Graph):
        self.graph = graph
        self._constants = {id(v.params["array"]) for v in graph.values() if v.op == CONSTANT}

    def __call__(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        return [np.array(result) if id(result) in self._constants else result for result in run(self.graph, arrays)]

    def started(self, arrays: list[np.ndarray]) -> NoReturn:
        """Not called: see ``places``."""
        raise NotImplementedError

    into: Any = started
    ready: Any = started

    def kernels(self) -> Sequence[NoReturn]:
        """None: nothing was compiled."""
        return []

    def memory(self) -> NoReturn:
        """There is no plan: each value has memory of its own.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError(
            "memory(): NumPy runs this function, so no memory is planned. Native code needs llvmlite: "
            "pip install llvmlite"
        )


# ---------------------------------------------------------------- source


def _infix(symbol: str) -> Callable[..., str]:
    return lambda value, a, b: f"{a} {symbol} {b}"


def _call(name: str) -> Callable[..., str]:
    return lambda value, *args: f"{name}({', '.join(args)})"


def _cumsum(value: Value, x: str) -> str:
    if value.dtype.kind != "f":
        return f"np.cumsum({x}, {value.params['axis']}, {literal(value.dtype)})"
    return f"np.cumsum({x}, {value.params['axis']}, 'float64').astype({literal(value.dtype)})"


def _all_reduce(value: Value, x: str, *before: str) -> str:
    size = members("source", value.params["group"]).size
    if size > 1:
        raise GraphError(
            f"source: the function adds up what {size} processes have (all_reduce), which NumPy cannot. Ask for the "
            "source on a process that is alone."
        )
    return x


@dataclass(frozen=True)
class HelperCall:
    """Writes a call of one of ``numpy_helpers``, with the primitive's parameters by name."""

    helper: str

    def __call__(self, value: Value, *args: str) -> str:
        params = [f"{key}={literal(param)}" for key, param in value.params.items()]
        return f"{self.helper}({', '.join([*args, *params])})"


def _reduction(name: str) -> Callable[..., str]:
    def write(value: Value, x: str) -> str:
        dtype = f", dtype={literal(value.dtype)}" if name == "sum" and value.dtype != value.args[0].dtype else ""
        return f"{x}.{name}({literal(value.params['axis'])}{dtype}, keepdims=True)"

    return write


def _slice(value: Value, x: str) -> str:
    parts = zip(value.params["start"], value.params["stop"], value.params["step"], value.args[0].shape, strict=True)
    index = ", ".join(
        ":" if (low, high, by) == (0, n, 1) else f"{low}:{high}" + (f":{by}" if by != 1 else "")
        for low, high, by, n in parts
    )
    return f"{x}[{index or '()'}]"


# One row for each primitive: how its application is written, given the value and its operands. A primitive with the
# name of a ufunc is written as a call of it.
WRITTEN: dict[str, Callable[..., str]] = {
    **{name: _call(f"np.{name}") for name in PRIMITIVES if isinstance(getattr(np, name, None), np.ufunc)},
    "neg": lambda value, x: f"-{x}",
    "add": _infix("+"),
    "sub": _infix("-"),
    "mul": _infix("*"),
    "times": HelperCall("times"),
    "div": _infix("/"),
    "pow": _infix("**"),
    "equal": _infix("=="),
    "less": _infix("<"),
    "less_equal": _infix("<="),
    "where": _call("np.where"),
    "cast": lambda value, x: f"{x}.astype({literal(value.dtype)})",
    "erf": HelperCall("erf"),
    "reshape": lambda value, x: f"{x}.reshape({literal(value.shape)})",
    "permute": lambda value, x: f"{x}.transpose({literal(value.params['axes'])})",
    "expand": lambda value, x: f"np.broadcast_to({x}, {literal(value.shape)})",
    "pad": HelperCall("pad"),
    "slice": _slice,
    "flip": lambda value, x: f"np.flip({x}, {literal(value.params['axis'])})",
    "concatenate": lambda value, *xs: f"np.concatenate([{', '.join(xs)}], {value.params['axis']})",
    "windows": HelperCall("windows"),
    "fold": HelperCall("fold"),
    "sum": _reduction("sum"),
    "max": _reduction("max"),
    "argmax": HelperCall("argmax"),
    "cumsum": _cumsum,
    "contract": lambda value, a, b: f"np.einsum({value.params['spec']!r}, {a}, {b}, optimize=True)",
    "gather": lambda value, x, index: f"{x}[{index}]",
    "scatter_add": HelperCall("scatter_add"),
    "iota": HelperCall("iota"),
    "argsort": lambda value, x: f"np.argsort({x}, {value.params['axis']}, kind='stable')",
    "random_bits": HelperCall("random_bits"),
    "all_reduce": _all_reduce,
}


def writer(value: Value) -> Callable[..., str]:
    """How an operation is written; for a cast of floats to integers, NumPy's depends on the machine."""
    to_integers = value.op == "cast" and value.args[0].dtype.kind == "f" and value.dtype.kind in "iu"
    if value.op not in WRITTEN:
        raise NotImplementedError(
            f"{value.op} has no NumPy text: add a row to WRITTEN in tinygrad_cv/ir/numpy_source.py."
        )
    return HelperCall("integers") if to_integers else WRITTEN[value.op]


def needed(write: Callable[..., str]) -> Sequence[str]:
    """The ``numpy_helpers`` that the text calls, each after those that it calls itself."""
    return (*numpy_helpers.NEEDS.get(write.helper, ()), write.helper) if isinstance(write, HelperCall) else ()


def source(graph: Graph, names: Sequence[str] = (), name: str = "compute") -> str:
    """The graph as a Python function of arrays that needs only NumPy: to be read, or to be run.

    It computes the values of :func:`run` up to rounding: einsum and pairwise sums add in another order.
    """
    values = graph.values()
    called = identifiers([*names, *(f"x{i}" for i in range(len(names), len(graph.inputs)))])
    inline = _inline(values)
    text: dict[Value, str] = dict(zip(graph.inputs, called, strict=True))
    helpers: dict[str, None] = {}
    lines: list[str] = []
    preamble: list[str] = []
    scope = ""
    for value in values:
        if value.op == INPUT:
            continue
        if value.op == CONSTANT:
            text[value] = constant(value, preamble)
            continue
        if value in inline:
            text[value] = text[value.args[0]]
            continue
        here = value.scope.path if value.scope else ""
        if here != scope:
            lines.append(f"    # {here or 'outside of modules and functions'}")
            scope = here
        write = writer(value)
        helpers.update(dict.fromkeys(needed(write)))
        text[value] = f"v{value.number}"
        lines.append(f"    v{value.number} = {write(value, *[text[a] for a in value.args])}")
    outputs = ", ".join(text[output] if output not in inline else _whole(output, text) for output in graph.outputs)
    body = [
        "import base64\nimport math\nimport zlib\n\nimport numpy as np\n"
        if preamble
        else "import math\n\nimport numpy as np\n",
        *(f"\n{inspect.getsource(getattr(numpy_helpers, helper))}" for helper in helpers),
        *(["", *preamble] if preamble else []),
        f"\n{_signature(_function(name), called)}",
        *lines,
        f"    return [{outputs}]",
    ]
    return "\n".join(body) + "\n"


def _inline(values: Sequence[Value]) -> set[Value]:
    """Numbers that are expanded only for operations with an operand of the full shape, for which NumPy broadcasts."""
    readers = users(values)
    numbers = {
        value for value in values if value.op == "expand" and value.args[0].op == CONSTANT and not value.args[0].ndim
    }

    def broadcasts(user: Value) -> bool:
        return PRIMITIVES[user.op].family == "elementwise" and any(arg not in numbers for arg in user.args)

    return {value for value in numbers if all(map(broadcasts, readers.get(value, ())))}


def _whole(value: Value, text: dict[Value, str]) -> str:
    return f"np.broadcast_to({text[value]}, {literal(value.shape)})"


def constant(value: Value, preamble: list[str]) -> str:
    array = value.params["array"]
    if not array.ndim:
        return f"np.{array.dtype.name}({_number(array)})" if array.dtype.kind != "b" else f"np.bool_({bool(array)})"
    if array.size <= MAX_PRINTED:
        numbers = re.sub(r"\binf\b", "math.inf", re.sub(r"\bnan\b", "math.nan", str(array.tolist())))
        return f"np.array({numbers}, {literal(array.dtype)}).reshape({literal(array.shape)})"
    data = base64.b85encode(zlib.compress(np.ascontiguousarray(array).tobytes())).decode()
    name = f"c{value.number}"
    preamble.append(
        f"{name} = np.frombuffer(zlib.decompress(base64.b85decode({data!r})), {literal(array.dtype)})"
        f".reshape({literal(array.shape)})"
    )
    return name


def _number(array: np.ndarray) -> str:
    text = str(array[()])  # as many digits as its dtype needs
    return f'"{text}"' if text in ("inf", "-inf", "nan") else text


def literal(param: object) -> str:
    if isinstance(param, np.dtype):
        return repr(param.name)
    if isinstance(param, float):
        return repr(param) if math.isfinite(param) else f'float("{param}")'
    if isinstance(param, (tuple, list)):
        items = ", ".join(map(literal, param))
        return f"({items},)" if len(param) == 1 else f"({items})"
    return repr(param.item() if isinstance(param, np.generic) else param)


def _signature(name: str, parameters: list[str]) -> str:
    line = f"def {name}({', '.join(parameters)}):"
    return line if len(line) <= WIDTH else "\n".join([f"def {name}(", *(f"    {p}," for p in parameters), "):"])


def _function(name: str) -> str:
    """The name without those of the functions and classes around it."""
    own = name.rpartition(".")[2]
    return own if own.isidentifier() else "compute"


def _identifier(name: str) -> str:
    word = re.sub(r"\W+", "_", name).strip("_") or "x"
    return f"_{word}" if word[0].isdigit() or keyword.iskeyword(word) else word


def identifiers(names: Sequence[str]) -> list[str]:
    """The names as identifiers, all different."""
    found: dict[str, None] = {}
    for name in names:
        found[unused(name, found)] = None
    return list(found)


def unused(name: str, taken: Container[str]) -> str:
    """An identifier like the name that is not taken, nor used by the source itself."""
    name = _identifier(name)
    unique, n = name, 1
    while unique in taken or unique in WRITTEN or unique in ("np", "math") or re.fullmatch(r"[vc]\d+", unique):
        n += 1
        unique = f"{name}_{n}"
    return unique
