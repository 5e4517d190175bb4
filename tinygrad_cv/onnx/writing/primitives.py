"""The primitives as operators. What has no operator of its own is written by index, by matrix or by selection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...ir.graph import Value
from ...mpi.world import members
from .block import END, INT
from .registry import PRIMITIVES, primitive

if TYPE_CHECKING:
    from .block import Block

UNARY = {
    "neg": "Neg",
    "sqrt": "Sqrt",
    "exp": "Exp",
    "log": "Log",
    "sin": "Sin",
    "cos": "Cos",
    "tanh": "Tanh",
    "floor": "Floor",
    "erf": "Erf",
}
BINARY = {
    "add": "Add",
    "sub": "Sub",
    "mul": "Mul",
    "div": "Div",
    "pow": "Pow",
    "maximum": "Max",
    "equal": "Equal",
    "less": "Less",
    "less_equal": "LessOrEqual",
    "where": "Where",
}
LOGICAL = {"Add": "Or", "Max": "Or", "Mul": "And"}  # of truth values
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def operands(block: Block, value: Value) -> list[str]:
    """The operands of an elementwise operation. Operators broadcast, so that not each must be expanded."""
    plain = [arg.args[0] if arg.op == "expand" else arg for arg in value.args]
    shapes = [arg.shape for arg in plain]
    if np.broadcast_shapes(*shapes) != value.shape:
        plain[0] = value.args[0]
    return [block.of(arg) for arg in plain]


@primitive(*UNARY)
def unary(block: Block, value: Value) -> str:
    return block.node(UNARY[value.op], block.of(value.args[0]))


@primitive(*BINARY)
def binary(block: Block, value: Value) -> str:
    names, op = operands(block, value), BINARY[value.op]
    if value.args[-1].dtype == bool:
        if op in LOGICAL:
            return block.node(LOGICAL[op], *names)
        if op in ("Less", "LessOrEqual"):
            names = [block.node("Cast", name, to=np.dtype(np.int32)) for name in names]
    return block.node(op, *names)


@primitive("square")
def square(block: Block, value: Value) -> str:
    x = block.of(value.args[0])
    return block.node("Mul", x, x)


@primitive("times")
def times(block: Block, value: Value) -> str:
    a, b = operands(block, value)
    zero = block.constant(0, value.dtype)
    return block.node("Where", block.node("Equal", a, zero), zero, block.node("Mul", a, b))


@primitive("cast")
def cast(block: Block, value: Value) -> str:
    return block.node("Cast", block.of(value.args[0]), to=np.dtype(value.params["dtype"]))


@primitive("reshape")
def reshape(block: Block, value: Value) -> str:
    (x,) = value.args
    pairs, before = block.sizes.pairs(value), block.sizes.shape(x)
    if all(here == there for here, there in pairs) and 0 not in x.shape:
        return block.node("Reshape", block.of(x), block.integers(value.shape))
    kept = [i < x.ndim and not isinstance(before[i], int) and before[i] is not None for i in range(len(pairs))]
    same = [k and pair[0] == x.shape[i] for i, (k, pair) in enumerate(zip(kept, pairs, strict=True))]
    open_ = [i for i, (here, there) in enumerate(pairs) if here != there and not same[i]]
    if len(open_) > 1:
        return block.node("Reshape", block.of(x), block.dims(pairs))
    shape = [0 if same[i] else -1 if i in open_ else here for i, (here, _) in enumerate(pairs)]
    if 0 in [n for n, s in zip(shape, same, strict=True) if not s]:
        if block.opset < 14:
            raise block.refused(f"an empty tensor is reshaped, which needs opset 14, not {block.opset}")
        return block.node("Reshape", block.of(x), block.dims(pairs), allowzero=1)
    return block.node("Reshape", block.of(x), block.integers(shape))


@primitive("permute")
def permute(block: Block, value: Value) -> str:
    return block.node("Transpose", block.of(value.args[0]), perm=list(value.params["axes"]))


@primitive("expand")
def expand(block: Block, value: Value) -> str:
    return block.node("Expand", block.of(value.args[0]), block.dims(block.sizes.pairs(value)))


@primitive("pad")
def pad(block: Block, value: Value) -> str:
    (x,) = value.args
    name, fill = block.of(x), block.constant(value.params["value"], value.dtype)
    for axis, gap in enumerate(value.params["interior"]):
        if gap and x.shape[axis] > 1:
            name = _spread(block, name, x.ndim, axis, gap, fill)
    width = value.params["width"]
    if any(low > 0 or high > 0 for low, high in width):
        pads = [max(low, 0) for low, _ in width] + [max(high, 0) for _, high in width]
        name = block.node("Pad", name, block.integers(pads), fill, mode="constant")
    cut = [(i, -min(low, 0), min(high, 0)) for i, (low, high) in enumerate(width) if low < 0 or high < 0]
    if cut:
        axes, starts, ends = zip(*cut, strict=True)
        name = _sliced(block, name, starts, [end or END for end in ends], axes)
    return name


def _spread(block: Block, name: str, ndim: int, axis: int, gap: int, fill: str) -> str:
    """Put gaps between neighbours along an axis: pad an axis of one behind it, merge, cut what follows the last."""
    name = block.node("Unsqueeze", name, block.integers([axis + 1]))
    pads = [0] * (2 * ndim + 2)
    pads[-(ndim - axis)] = gap
    name = block.node("Pad", name, block.integers(pads), fill, mode="constant")
    shape = block.node("Shape", name)
    front = _sliced(block, shape, [0], [axis], [0])
    back = _sliced(block, shape, [axis + 2], [END], [0])
    merged = block.node("Concat", front, block.integers([-1]), back, axis=0)
    return _sliced(block, block.node("Reshape", name, merged), [0], [-gap], [axis])


def _sliced(block: Block, name: str, starts: Any, ends: Any, axes: Any, steps: Any = None) -> str:
    given = [starts, ends, axes] + ([steps] if steps is not None else [])
    return block.node("Slice", name, *[block.integers(list(numbers)) for numbers in given])


@primitive("slice")
def slice_(block: Block, value: Value) -> str:
    (x,) = value.args
    parts: list[tuple[int, ...]] = []
    for i, step in enumerate(value.params["step"]):
        (start, start_there), (stop, stop_there) = (block.sizes.param(value, name)[i] for name in ("start", "stop"))
        whole = stop >= x.shape[i]
        if start != start_there or (stop != stop_there and not whole):
            raise block.refused("a slice begins or ends where an open size says")
        if start or not whole or step != 1:
            parts.append((start, END if whole else stop, i, step))
    return _sliced(block, block.of(x), *zip(*parts, strict=True)) if parts else block.of(x)


@primitive("flip")
def flip(block: Block, value: Value) -> str:
    axes = value.params["axis"]
    n = len(axes)
    return _sliced(block, block.of(value.args[0]), [-1] * n, [-END] * n, axes, [-1] * n)


@primitive("concatenate")
def concatenate(block: Block, value: Value) -> str:
    return block.node("Concat", *map(block.of, value.args), axis=value.params["axis"])


@primitive("windows")
def windows(block: Block, value: Value) -> str:
    (x,) = value.args
    kernel, stride, dilation = (value.params[name] for name in ("kernel", "stride", "dilation"))
    lead = x.ndim - len(kernel)
    name = block.of(x)
    for k, (taps, s, d) in enumerate(zip(kernel, stride, dilation, strict=True)):  # n c H W -> n c i u W -> ...
        axis = lead + 2 * k
        if not isinstance(block.sizes.shape(x)[lead + k], int):
            raise block.refused("windows over an axis whose size is left open")
        places = np.arange(value.shape[lead + k])[:, None] * s + np.arange(taps) * d
        name = block.node("Gather", name, block.integers(places), axis=axis)
    n = len(kernel)
    order = [*range(lead), *(lead + 2 * k for k in range(n)), *(lead + 2 * k + 1 for k in range(n))]
    return block.node("Transpose", name, perm=order)


@primitive("fold")
def fold(block: Block, value: Value) -> str:
    (w,) = value.args
    stride, dilation, size = (value.params[name] for name in ("stride", "dilation", "size"))
    n = len(size)
    lead = w.ndim - 2 * n
    letters = list(LETTERS[: w.ndim])
    name = block.of(w)
    for k in range(n):
        places = np.arange(w.shape[lead + k])[:, None] * stride[k] + np.arange(w.shape[lead + n + k]) * dilation[k]
        chosen = (places[..., None] == np.arange(size[k])).astype(w.dtype)  # i u p
        window, tap, place = LETTERS[lead + k], LETTERS[lead + n + k], LETTERS[w.ndim + k]
        result = [place if letter == window else letter for letter in letters if letter != tap]
        spec = f"{''.join(letters)},{window}{tap}{place}->{''.join(result)}"
        name, letters = block.node("Einsum", name, block.constant(chosen), equation=spec), result
    return name


@primitive("contract")
def contract(block: Block, value: Value) -> str:
    spec = value.params["spec"]
    known = {letter: LETTERS[i] for i, letter in enumerate(dict.fromkeys(c for c in spec if c not in ",->"))}
    return block.node("Einsum", *map(block.of, value.args), equation="".join(known.get(c, c) for c in spec))


@primitive("sum")
def sum_(block: Block, value: Value) -> str:
    (x,) = value.args
    name = block.of(x)
    if x.dtype != value.dtype:
        name = block.node("Cast", name, to=value.dtype)
    return block.node("ReduceSum", name, block.integers(list(value.params["axis"])), keepdims=1)


@primitive("max")
def max_(block: Block, value: Value) -> str:
    axes = list(value.params["axis"])
    if block.opset >= 18:
        return block.node("ReduceMax", block.of(value.args[0]), block.integers(axes), keepdims=1)
    return block.node("ReduceMax", block.of(value.args[0]), axes=axes, keepdims=1)


@primitive("argmax")
def argmax(block: Block, value: Value) -> str:
    (x,) = value.args
    axes = sorted(value.params["axis"])
    name = block.of(x)
    if len(axes) == 1:
        name = block.node("ArgMax", name, axis=axes[0], keepdims=1)
    else:
        rest = [i for i in range(x.ndim) if i not in axes]
        name = block.node("Transpose", name, perm=rest + axes)
        name = block.node("Reshape", name, block.integers([0] * len(rest) + [-1]))
        name = block.node("ArgMax", name, axis=len(rest), keepdims=0)
        name = block.node("Unsqueeze", name, block.integers(axes))
    return name if value.dtype == np.int64 else block.node("Cast", name, to=value.dtype)


@primitive("cumsum")
def cumsum(block: Block, value: Value) -> str:
    return block.node("CumSum", block.of(value.args[0]), block.constant(value.params["axis"], np.int64))


@primitive("gather")
def gather(block: Block, value: Value) -> str:
    x, index = value.args
    return block.node("Gather", block.of(x), _int64(block, index), axis=0)


@primitive("scatter_add")
def scatter_add(block: Block, value: Value) -> str:
    x, index = value.args
    if block.opset < 16:
        raise block.refused(f"scatter_add needs opset 16, not {block.opset}")
    zeros = block.node("Expand", block.constant(0, x.dtype), block.dims(block.sizes.pairs(value)))
    places = block.node("Unsqueeze", _int64(block, index), block.integers([index.ndim]))
    return block.node("ScatterND", zeros, places, block.of(x), reduction="add")


@primitive("argsort")
def argsort(block: Block, value: Value) -> str:
    (x,), axis = value.args, value.params["axis"]
    if not isinstance(block.sizes.shape(x)[axis], int):
        raise block.refused("argsort along an axis whose size is left open")
    count = block.integers([x.shape[axis]])
    return block.several("TopK", [block.of(x), count], 2, {"axis": axis, "largest": 0, "sorted": 1})[1]


@primitive("iota")
def iota(block: Block, value: Value) -> str:
    """Numbers that are counted when the model runs, since how many there are is left open."""
    axes, pairs = value.params["axis"], block.sizes.pairs(value)
    dims = block.dims([pairs[axis] for axis in axes])
    count = block.node("ReduceProd", dims, keepdims=0)
    name = block.node("Range", block.constant(0, INT), count, block.constant(1, INT))
    name = block.node("Reshape", block.node("Cast", name, to=value.dtype), dims)
    order = sorted(range(len(axes)), key=axes.__getitem__)
    if order != list(range(len(axes))):
        name = block.node("Transpose", name, perm=order)
    missing = [axis for axis in range(value.ndim) if axis not in axes]
    if missing:
        name = block.node("Unsqueeze", name, block.integers(missing))
    return block.node("Expand", name, block.dims(pairs))


@primitive("random_bits")
def random_bits(block: Block, value: Value) -> str:
    """Uniform numbers of [0, 1), of which whole numbers are made; a draw of the runtime's, new in each run."""
    high = block.constant(2.0 ** value.params["bits"], "float64")
    attributes: dict[str, Any] = {"dtype": np.dtype(np.float64), "low": 0.0, "high": 1.0}
    if block.sizes.is_open(value):
        like = block.node("Expand", block.constant(0.0, "float64"), block.dims(block.sizes.pairs(value)))
        drawn = block.node("RandomUniformLike", like, **attributes)
    else:
        drawn = block.node("RandomUniform", shape=list(value.shape), **attributes)
    return block.node("Cast", block.node("Floor", block.node("Mul", drawn, high)), to=value.dtype)


@primitive("all_reduce")
def all_reduce(block: Block, value: Value) -> str:
    """On a process that is alone, the input; a model that is run is run by one."""
    size = members("export", value.params["group"]).size
    if size > 1:
        raise block.refused(f"it adds up what {size} processes have; export the model in eval mode, or by one process")
    return block.of(value.args[0])


def _int64(block: Block, index: Value) -> str:
    return block.of(index) if index.dtype == np.int64 else block.node("Cast", block.of(index), to=np.dtype(np.int64))


def write(block: Block, value: Value) -> str:
    """The nodes of one primitive."""
    differing = block.sizes.differing(value)
    if differing:
        raise block.refused(f"{differing} follows from a size that is left open")
    return PRIMITIVES[value.op](block, value)
